// SPDX-License-Identifier: MIT
/*
 * minimal.h: the smallest useful libOS. A program includes this, defines
 *
 *     int main(int argc, char **argv);
 *
 * and links libos/minimal and libos/lib. It has no libc and no FPU; what it
 * does not call it does not contain. README.md walks through the sources.
 *
 *   0x00200000  u-area, log, upcall stack, stack      (lib/start.h)
 *   0x00210000  the program
 *   0x08000000  its own image, while it starts a child
 *   0x10000000  memory: grows, is never given back     page_grow()
 *   0x20000000  the pool: filled on demand, revocable  pool_open()
 *   0x3fe00000  window for pages on their way          page_window()
 *
 * All of it lies below 1 GiB, so one table of level 2 serves it.
 */
#ifndef MINIMAL_H
#define MINIMAL_H

#include <exo/exo.h>
#include "lib/caps.h"
#include "lib/clock.h"
#include "lib/map.h"
#include "lib/number.h"
#include "lib/spawn.h"
#include "lib/start.h"
#include "lib/string.h"
#include "lib/upcall.h"

#define MINIMAL_IMAGE  UINT64_C(0x08000000)
#define MINIMAL_MEMORY UINT64_C(0x10000000)
#define MINIMAL_POOL   UINT64_C(0x20000000)
#define MINIMAL_WINDOW UINT64_C(0x3fe00000)

#define UAREA ((struct exo_uarea *)EXO_FIRST_UAREA)

int main(int argc, char **argv);

/* start.c ---------------------------------------------------------------------
 */

/* Who this program is. The first env is given no start block: `start` is null
 * and `prefix` stays 0 until it chooses one. */
struct self {
    const struct start_block *start;
    exo_guard prefix;         // its pages carry it
    struct prefixes children; // what is left of its part of the name space
};
extern struct self self;

/* Sets the part of the name space that this program lives in. */
void self_name(exo_guard prefix, uint32_t length);

/* Ends this env with an exit status. */
_Noreturn void exit(int status);

/* print.c ---------------------------------------------------------------------
 */

/* Writes text to the log page and rings the parent. Formats: lib/print.h.
 * Waits while the log is full; text that nobody reads for a second is dropped.
 */
void print(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* event.c ---------------------------------------------------------------------
 */

/* Takes those of `bits` that are set in the u-area, waiting for at least one
 * until `deadline`. Result: the bits, now clear there; 0: the deadline passed.
 */
uint64_t event_wait(uint64_t bits, exo_tsc deadline);

/* Takes those of `bits` that are set now. */
uint64_t event_take(uint64_t bits);

/* Sets bits for event_wait() of this env, from an upcall handler. */
void event_raise(uint64_t bits);

/* Sleeps; upcalls are handled meanwhile. */
void event_sleep(uint64_t ns);

/* From now on START_EVENT_END is an event like others. Until then it ends the
 * program with status 0. */
void event_keep_end(void);

/* Prepares the above. start.c calls it. */
void event_open(void);

/* page.c ----------------------------------------------------------------------
 */

extern struct pages page_own; // this env's pages ...
extern struct map page_map;   // ... and address space

/* `count` pages of zeroed memory that is never given back; null: the limit is
 * reached. Waits when the kernel first has to collect what was promised. */
void *page_grow(uint64_t count);

/* Takes one page, waiting likewise. Errors: LIMIT; NONE. */
int64_t page_take(exo_page *page);

/* Binds a page writable, waiting likewise for the table that this may need.
 * Errors: those of map_runs. */
int64_t page_bind(uint64_t va, exo_page page);

/* The window, made when it is first needed; null: no page left for it. */
struct window *page_window(void);

/* pool.c ----------------------------------------------------------------------
 */

/* Writes what page `index` of the pool holds when it comes in, to `at`. */
typedef void pool_fill_fn(uint64_t index, void *at);

struct pool_counts {
    uint64_t in;    // pages brought in
    uint64_t out;   // pages given up for others of this pool
    uint64_t asked; // pages the kernel wanted
    uint64_t back;  // pages given back to it
    uint64_t lost;  // pages it took
    uint64_t have;  // pages resident now
};
extern struct pool_counts pool_counts;

/* Raised when asked, back or lost changed. */
#define POOL_EVENT (UINT64_C(1) << 8)

/* Reserves `pages` pages of address space at MINIMAL_POOL. A page appears when
 * it is touched: filled by `fill`, or zeroed if that is null. It goes again,
 * the one that came first first, when there is no memory for another or when
 * the kernel wants pages back. Errors: LIMIT. */
int64_t pool_open(uint64_t pages, pool_fill_fn *fill);

/* child.c ---------------------------------------------------------------------
 */

/* Makes a child env from this program's own image: cpu, flags, share, stack
 * and log as set in *spawn (zeroes mean the least), the rest is filled in. It
 * does not run yet: child_start(). Waits while the kernel collects its pages.
 * Errors: NONE this program does not know its image; those of spawn_create,
 * with spawn->what. */
int64_t child_create(struct spawn *spawn, int argc, const char *const *argv);

/* Lets a child run. */
int64_t child_start(const struct spawn *spawn);

/* Ends and buries a child. */
int64_t child_bury(const struct spawn *spawn, struct exo_mortem *mortem);

#endif
