// SPDX-License-Identifier: MIT
/*
 * init.h: what the parts of the first program share.
 *
 *   main.c      order of events at boot, the event loop, the machine's end
 *   manifest.c  reads the manifest (pure)
 *   admit.c     does it fit this machine? which slots for whom (pure)
 *   images.c    the boot modules
 *   net.c       addresses: the filters of applications
 *   apps.c      lives of applications: start, end, restart, stop
 *   output.c    their output, by lines, and what is kept of it
 *   port.c      the two serial channels, buffered
 *   record.c    post-mortem records, on the console
 *   manage.c    the management protocol: requests in, lines out
 *   answers.c   what each verb answers
 *   tracing.c   the trace rings
 *   tap.c       what an application receives and sends
 *   json.c      JSON objects on one line
 *
 * init is an ordinary program on libos/minimal whose capability slot 0 happens
 * to cover the whole machine. It takes no part in what applications do: a
 * scheduler, a pager or a broker are applications too. Formats:
 * docs/manifest.md and docs/management.md.
 */
#ifndef INIT_H
#define INIT_H

#include "manifest.h"
#include "minimal/minimal.h"

#define ROOT_CAP 0 // the whole machine

/* Where init binds what is not its own, beside minimal's places. */
#define INIT_LOGS  (MINIMAL_WINDOW + 0x100000) // a log page per application
#define INIT_TRACE UINT64_C(0x3f000000)        // one CPU's trace ring
#define INIT_TAP   UINT64_C(0x3e000000)        // the tap's interface

#define INIT_SLOTS 2 // of CPU 0, that init keeps for itself

/* Exit statuses of the machine (docs/management.md). */
enum init_status {
    STATUS_FAILED = 1,
    STATUS_CRASHED = 100,
    STATUS_STOPPED = 101,
    STATUS_REFUSED = 102,
    STATUS_NO_PROGRAM = 103,
    STATUS_MAX = 111,
};

/* port.c ----------------------------------------------------------------------
 */

/* A channel and the bytes on their way to it. */
struct port {
    uint32_t chan;
    uint32_t head, tail; // bytes put, bytes sent
    char *bytes;         // PORT_BYTES of them
};

#define PORT_BYTES 8192u

extern struct port console, management;

/* False: no memory for a buffer. */
bool port_open(struct port *port, uint32_t chan);

/* Room for so many more bytes. */
uint32_t port_room(const struct port *port);

/* Puts bytes. needs: room. */
void port_put(struct port *port, const char *bytes, uint32_t count);

/* Sends what the channel takes now. True: nothing is left. */
bool port_flush(struct port *port);

/* Sends everything, waiting up to a second; what the channel does not take by
 * then is dropped. */
void port_drain(struct port *port);

/* output.c --------------------------------------------------------------------
 */

#define OUTPUT_LINE    200u // longest line, in bytes
#define OUTPUT_HISTORY 4096u

/* Lines that were written, the oldest dropped first: records of a time (ms, 4
 * bytes), a length (1 byte) and text, in a ring. */
struct history {
    uint32_t count;      // lines ever written; the last one's number
    uint32_t kept;       // lines still here
    uint32_t head, tail; // bytes ever written, bytes dropped
    char ring[OUTPUT_HISTORY];
};

struct history_line {
    uint32_t number, ms, length;
    char text[OUTPUT_LINE + 1];
};

/* Steps through a history from the oldest line. Start with a zeroed cursor. */
struct history_cursor {
    uint32_t number, at;
};
bool history_next(const struct history *history, struct history_cursor *cursor,
                  struct history_line *line);

struct output {
    const char *name;
    struct exo_log *log; // null: nothing is read
    uint64_t taken;      // bytes of the log page read
    uint32_t length;     // of the unfinished line
    char line[OUTPUT_LINE];
    struct history history;
};

/* Reads up to `most` bytes of a log page and writes the lines that are
 * complete. Result: bytes read. */
uint32_t output_read(struct output *output, uint32_t most);

/* Reads the rest and writes the unfinished line too. */
void output_finish(struct output *output);

/* Writes a line of init itself. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

extern struct output init_output; // init's own lines

/* admit.c ---------------------------------------------------------------------
 */

/* What is left to promise. */
struct admit {
    uint64_t pages, envs;
    uint32_t ncpus, nslots;
    uint32_t free_slots[MANIFEST_CPUS_MAX];
};

/* Slots that an application wants of each round. */
uint32_t admit_slots(const struct manifest_app *app, uint32_t nslots);

/* Spreads `want` slots over the CPUs of `affinity`, those with most room first:
 * plan[cpu] of each. False: there are not enough. */
bool admit_plan(const struct admit *admit, uint64_t affinity, uint32_t want,
                uint32_t plan[MANIFEST_CPUS_MAX]);

/* Takes what `app` wants out of `admit`. False: `error` says what does not fit.
 */
bool admit_app(struct admit *admit, const struct manifest_app *app, char *error,
               size_t size);

/* images.c --------------------------------------------------------------------
 */

struct image {
    const char *name;
    exo_page page;
    uint64_t bytes;
    exo_guard guard;
};

/* Looks at the boot modules. False: said why. */
bool images_open(void);

/* The manifest module; null: there is none. */
const struct image *images_manifest(void);

const struct image *images_find(const char *name);

/* An archive of files; null: there is none of that name. */
const struct image *images_files(const char *name);

/* Without a manifest every module is an application: steps through them.
 * Result: the module's string, null at the end. */
const char *images_next(uint32_t *cursor);

/* Binds an image at MINIMAL_IMAGE, or unbinds it. Null: not bindable. */
const char *images_bind(const struct image *image);
void images_unbind(const struct image *image);

/* Parses an image into *program. Result: null, or a sentence. */
const char *images_parse(const struct image *image,
                         struct elf_program *program);

/* Gives modules back that no program needs any more, and the parts of images
 * that are not loaded. */
void images_trim(void);

/* record.c --------------------------------------------------------------------
 */

#define RECORD_BACK (EXO_MORTEM_STACK + 1)

/* What is known of a death. */
struct record {
    bool valid; // it died of something else than its own exit
    uint64_t ms;
    uint32_t nback;
    uint64_t back[RECORD_BACK]; // rip, and stack words that point into code
    struct exo_mortem mortem;
};

/* Completes a record whose mortem is there. */
void record_fill(struct record *record, const struct elf_program *program);

/* Writes it to the console, between its marker lines. */
void record_print(const struct record *record, const char *name,
                  const char *image);

/* One sentence for people: "page fault: write to 0x0, not bound". */
void record_detail(const struct exo_mortem *mortem, char *to, size_t size);

/* The registers of a record, by name. Result: how many. */
struct record_reg {
    const char *name;
    uint64_t value;
};
#define RECORD_REGS 18
void record_regs(const struct exo_context *context,
                 struct record_reg regs[RECORD_REGS]);

/* apps.c ----------------------------------------------------------------------
 */

enum app_state {
    APP_RUNNING,
    APP_STOPPING, // was asked to end
    APP_WAITING,  // will be restarted
    APP_ENDED,
    APP_CRASHED,
    APP_KILLED,
};

/* What net.c keeps of an application's address. */
struct net_place {
    exo_guard guard;                // of its filters; 0: it has no address
    exo_guard group;                // of those it has in common, 0: none
    exo_filter receive[2], send[2]; // everything of its address, 4 and 6
    const struct net_place *owner;  // of an address it has ports of
};

struct app {
    struct manifest_app spec;
    struct net_place net;
    uint32_t index;
    enum app_state state;
    exo_env env; // 0: it has none now
    exo_guard prefix;
    bool by_operator; // stopped or killed: no restart
    int32_t status;   // of the last end; -1: none yet
    uint32_t restarts;
    uint64_t pause_ns;                // before the next restart
    uint64_t born_ns;                 // present life
    uint64_t due_ns;                  // restart, or end of the grace
    uint64_t past_ticks;              // CPU time of earlier lives
    uint64_t ticks, ticks_1s, sample; // CPU time now, in the last full second
    struct elf_program program;
    struct output output;
    struct record record;
};

extern struct app *app[MANIFEST_APPS_MAX];
extern uint32_t napps;

/* Makes room for one more application. Null: no memory, or too many. */
struct app *app_add(void);

struct app *app_find(const char *name);
const char *app_state_name(const struct app *app);
bool app_alive(const struct app *app);

void app_start(struct app *app);

/* Asks an application to end, and destroys it a second later if it did not. */
void app_stop(struct app *app);
void app_kill(struct app *app);

/* Looks after children that died, restarts and graces that are due. */
void apps_tend(void);

/* The time when apps_tend() has something to do; UINT64_MAX: unknown. */
uint64_t apps_due_ns(void);

/* Reads what applications have written. False: nothing was there. */
bool apps_read(void);

/* Adds up the CPU time of every application and its children. Once a second
 * with `second`, which starts a new full second. */
void apps_count(bool second);
/* Beside those of applications: init's; of envs that applications made and
 * buried; and within the last full second the kernel's [0] and idle [1]. */
extern uint64_t init_ticks, init_ticks_1s, gone_ticks, rest_ticks_1s[2];

/* net.c -----------------------------------------------------------------------
 */

/* Makes the filters of every application that has an address. They are init's,
 * and stay when an application is restarted. False: said why. */
bool net_open_all(void);

/* Gives an application's env its capabilities over them. */
int64_t net_grant(const struct app *app);

/* tracing.c -------------------------------------------------------------------
 */

/* Events of one CPU's ring, from a noted position on. */
struct trace_cursor {
    uint32_t cpu;
    uint64_t at, head;
    bool open;
};

void trace_on(void);
void trace_off(void);
uint64_t trace_lost(void);

/* The next event. False: the end. */
bool trace_next(struct trace_cursor *cursor, struct exo_trace_event *event);

/* tap.c -----------------------------------------------------------------------
 */

/* A frame that an application received or sent. */
struct tap_frame {
    uint64_t wall_ns; // when, since 1970
    bool sent;
    uint32_t bytes;
    const uint8_t *frame; // until the next tap_next()
};

/* Begins to copy what the filters of an application let through; ends another
 * capture. Frames wait in TAP_FRAMES buffers; what comes when all are full is
 * lost to the capture, not to the application.
 * Errors: NONE it has no address; those of net_open and filter_attach. */
int64_t tap_on(const struct app *app);
void tap_off(void);

/* Is there a capture? */
bool tap_runs(void);

/* Frames lost since it began. */
uint64_t tap_lost(void);

/* Notes what is there now, for tap_next() to end with. */
void tap_mark(void);

/* The next of what was noted. False: that was all. */
bool tap_next(struct tap_frame *frame);

/* Ends a capture that nobody has asked about for TAP_PATIENCE_S seconds. Once
 * a second. */
void tap_tend(void);

#define TAP_FRAMES     128u
#define TAP_PATIENCE_S 30

/* manage.c --------------------------------------------------------------------
 */

/* Reads requests and writes answers as far as there is room. True: there is
 * more to write, and room for it. */
bool manage_poll(void);

/* main.c ----------------------------------------------------------------------
 */

/* Ends all applications and then the machine, with status 0. */
void shut_down(void);

#endif
