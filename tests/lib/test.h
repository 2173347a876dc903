// SPDX-License-Identifier: MIT
/*
 * test.h: what a test program on the bare ABI is written with.
 *
 * A test program is boot module 0 itself: the first env, which has everything.
 * It is a table of claims, each a function:
 *
 *     TEST(null_returns_zero)
 *     {
 *         EQ(exo_null(), 0);
 *     }
 *
 * Each runs by itself and prints `ok NAME`, `not ok NAME: why` or `skip NAME:
 * reason`. Afterwards every env, page, slot and capability that it left is
 * taken back, and the ledger must be as it was before: see clean.c.
 *
 * Nothing here depends on a libOS; only exo/ headers are used. Helpers fail
 * the test themselves, so they return only what worked. [xv6 usertests]
 */
#ifndef TEST_H
#define TEST_H

#include <stdarg.h>

#include <exo/exo.h>

struct test {
    const char *name;
    void (*run)(void);
};

/* Sorted by line, whatever order a compiler likes. */
#define TEST_SECTION(line)  TEST_SECTION2(line)
#define TEST_SECTION2(line) ".tests." #line

#define TEST(name)                                                             \
    static void name(void);                                                    \
    static const struct test table_##name                                      \
        __attribute__((used, section(TEST_SECTION(__LINE__)))) = {#name,       \
                                                                  name};       \
    static void name(void)

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* ---- saying (print.c) ------------------------------------------------- */

/* Format %s %c %d %u %x with l and a minimal width; returns the length. */
size_t text_format(char *to, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
size_t text_format_list(char *to, size_t size, const char *format,
                        va_list *args);

/* To the console, all of it, whatever that takes. First env only. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* ---- judging (judge.c) ------------------------------------------------ */

/* Ends the test (in an env it made: that env too) with a reason. */
_Noreturn void fail(const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Ends the test without a verdict. First env only. */
_Noreturn void skip(const char *reason);

void judge_equal(const char *file, int line, const char *text, int64_t got,
                 int64_t want);
void judge_ok(const char *file, int line, const char *text, int64_t got);

#define FAIL(...) fail(__FILE__, __LINE__, __VA_ARGS__)
#define CHECK(x)                                                               \
    do {                                                                       \
        if (!(x))                                                              \
            FAIL("%s does not hold", #x);                                      \
    } while (0)
/* The two are the same 64-bit number; errors are shown by name. */
#define EQ(got, want)                                                          \
    judge_equal(__FILE__, __LINE__, #got, (int64_t)(got), (int64_t)(want))
#define FAILS(call, error) EQ(call, -EXO_E_##error)
#define OK(call)           judge_ok(__FILE__, __LINE__, #call, (call))
#define NEEDS(x, reason)                                                       \
    do {                                                                       \
        if (!(x))                                                              \
            skip(reason);                                                      \
    } while (0)

/* Wait until x holds, letting others run; fails the test after a long time. */
#define UNTIL(x)                                                               \
    do {                                                                       \
        exo_tsc limit_ = now() + patience();                                   \
        while (!(x)) {                                                         \
            if (now() > limit_)                                                \
                FAIL("%s does not come true", #x);                             \
            pause_here();                                                      \
        }                                                                      \
    } while (0)

/* ---- the machine ------------------------------------------------------ */

static inline exo_tsc
now(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

static inline exo_tsc
microseconds(uint64_t n)
{
    return n * exo_machine()->clock.tsc_khz / 1000;
}

static inline exo_tsc
seconds(uint64_t n)
{
    return n * 1000 * exo_machine()->clock.tsc_khz;
}

/* Let others run, and a single-threaded emulator run the other CPUs. */
void pause_here(void);

/* How long what must come is waited for: the option `patience`, in seconds. */
exo_tsc patience(void);

/* A number from the boot command line (`name=N`), or `otherwise`. */
uint64_t option(const char *name, uint64_t otherwise);

/* Repeatable random numbers, begun anew for each test by the option seed. */
uint64_t random64(void);

#define NCPUS (exo_machine()->ncpus)

/* The TSC counts instructions here, so time can be judged. */
#define COUNTED option("counted", 0)

/* ---- this env (upcall.c, start.S) ------------------------------------- */

/* An env's own pages lie in one block of 64 KiB, aligned alike, so that the
 * u-area is found from any stack pointer: u-area, log, upcall stack from
 * +0x3000, stack below +0x10000. */
#define BLOCK_BYTES  0x10000u
#define BLOCK_LOG    0x1000u
#define BLOCK_UPCALL 0x3000u
#define BLOCK_STACK  0x8000u

typedef void handler(struct exo_frame *f);
typedef void call_handler(struct exo_frame *f, uint64_t words[EXO_CALL_WORDS]);

/* A place to come back to from a fault; see catch(). */
struct catcher {
    uint64_t rsp; // 0: not active
    uint64_t vector, cause, addr, error, rip;
};

/* The libOS's part of a u-area, for tests. */
struct own {
    handler *on[EXO_VECTORS];
    call_handler *on_call;
    struct catcher catcher;
    void (*entry)(uint64_t arg); // what a kid runs
    uint64_t arg;
    uint64_t restarts; // times ret_restart was reached
    uint64_t depth;    // handlers that are active now, and the most ever
    uint64_t deepest;
    volatile uint64_t count[EXO_VECTORS]; // upcalls handled
};

static inline struct exo_uarea *
uarea_at(uint64_t rsp)
{
    return (struct exo_uarea *)(rsp & ~(uint64_t)(BLOCK_BYTES - 1));
}

static inline struct exo_uarea *
uarea(void)
{
    uint64_t rsp;
    __asm__("mov %%rsp, %0" : "=r"(rsp));
    return uarea_at(rsp);
}

static inline struct own *
own_of(struct exo_uarea *u)
{
    return (struct own *)((char *)u + EXO_UAREA_KERNEL);
}

static inline exo_env
self(void)
{
    return uarea()->self;
}

#define ME (exo_env_info(self()))

/* Set (NULL: remove) the handler of a vector in the env with this u-area. */
void on_upcall(struct exo_uarea *u, enum exo_vector vector, handler *h);

void on_call(struct exo_uarea *u, call_handler *h);

/* Prepare a u-area whose upcall stack is bound at `block` + BLOCK_UPCALL. */
void uarea_prepare(struct exo_uarea *u, uint64_t block);

/* Runs fn(arg). True: it raised FAULT or FOREIGN, and the env's catcher says
 * which; the handler of that vector is replaced meanwhile. */
bool catches(void (*fn)(uint64_t arg), uint64_t arg);

/* Does a load (a store) at this address fault? */
bool load_faults(uint64_t va);
bool store_faults(uint64_t va);

/* Registers filled with a pattern of `seed` survive a ud2 whose handler steps
 * over it; survive in a loop. Return the number of mismatches (pattern.S). */
uint64_t pattern_trap(uint64_t seed);
uint64_t pattern_spin(uint64_t seed, uint64_t times);

/* ---- memory (memory.c) ------------------------------------------------ */

#define SCRATCH      0x10000000ull // 1 GiB of addresses for tests, unbound at first
#define SCRATCH_SIZE 0x10000000ull

#define ROOT_CAP 0  // slot of the capability over everything
#define NO_CAP   63 // and of none
#define CAPS     EXO_CAPS(ROOT_CAP, ROOT_CAP)

#define R  EXO_BIND_R
#define RW (EXO_BIND_R | EXO_BIND_W)
#define RX (EXO_BIND_R | EXO_BIND_X)

static inline volatile uint64_t *
word(uint64_t va)
{
    return (volatile uint64_t *)va;
}

/* One page of the caller's, or `n` of them, under a guard. */
exo_page page_new(exo_guard guard);
void pages_new(exo_guard guard, exo_env payer, exo_page *pages, unsigned n);

/* A page of the payer's, made a table. */
exo_page table_new(exo_guard guard, exo_env payer, unsigned level, uint64_t va);

/* Make sure that a leaf table for va is there under `root` (0: own), paid by
 * `payer` (0: the caller); with_links: and link pages beside it. Returns the
 * leaf table. */
exo_page leaf_ensure(exo_page root, exo_env payer, exo_guard guard, uint64_t va,
                     bool with_links);

/* Bind one page, result as of exo_bind. */
int64_t bind_one(exo_page root, uint64_t va, exo_page page, uint32_t flags);

/* A whole run, in as many calls as it takes. */
void bind_run(exo_page root, struct exo_run run);

/* Bind in the caller's space, with tables as needed. */
void bind_here(uint64_t va, exo_page page, uint32_t flags);

void unbind_here(uint64_t va);

/* A fresh page bound writable at va here. */
exo_page page_at(uint64_t va);

/* Free pages, completely. */
void page_gone(exo_page page);

// Merges 512 pages, however many steps it takes. 0 or the error.
int64_t page_merge(exo_page head);

/* The entry for va of a table at `level`, read through a read-only binding;
 * 0 if nothing is there. */
uint64_t entry_of(exo_page root, uint64_t va, unsigned level);

/* `n` entries of one leaf table, from that of va on. */
void entries_of(exo_page root, uint64_t va, uint64_t *entries, unsigned n);

/* The table that maps va at `level` under `root` (0: own), 0: none. */
exo_page table_of(exo_page root, uint64_t va, unsigned level);

void fill(void *to, uint64_t pattern, size_t bytes);
bool is_filled(const void *at, uint64_t pattern, size_t bytes);

/* ---- other envs (kid.c) ----------------------------------------------- */

enum kid_flag {
    KID_THREAD = 1, // in the maker's address space, else in its own
    KID_FPU = 2,    // may use the FPU
    KID_LOG = 4,    // has a log page
    KID_RAISES = 8, // no FAULT handler: an exception ends it
    KID_LOYAL = 16,
    KID_HIDE = 32,
    KID_EMPTY = 64, // no program in it: nothing but what the kernel asks for
    KID_COPY = 128, // maps the image by a table of its own
    KID_WX = 256,   // exempt from W^X
};

/* An env that a test made. Its u-area, upcall stack, log and stack are bound
 * in the first env as a block, too. */
struct kid {
    exo_env id;
    struct exo_uarea *u;
    struct own *own;
    struct exo_log *log;
    uint64_t block; // where the block is in its own space
    exo_guard guard;
    unsigned window;
    exo_page root, save, uarea_page, upcall, stack[2], log_page, fpu;
    exo_page table[3]; // its tables of levels 3, 2, 1; 0 for a thread
};

/* What may be chosen before it is made; all zero is a sensible kid. */
struct kid_plan {
    unsigned flags;
    uint32_t cpu1;         // 1 + the one CPU it may use, 0: any
    uint32_t reserved;     // pages, 0: 64
    uint32_t limit;        // pages, 0: 256
    uint32_t envs;         // env slots, reserved
    uint32_t slots;        // of time: a limit, nothing reserved
    uint32_t rings, atoms; // limits: interfaces; filters and their atoms
    exo_guard guard;       // of env and pages; 0: a prefix of its own (24 bits)
};

#define KID_PREFIX_BITS 24

/* Make an env that will run entry(arg) and end with its return; EMBRYO. It
 * holds, in slot 0, all rights over its own prefix and nothing else. */
struct kid *kid_new(const struct kid_plan *plan, void (*entry)(uint64_t arg),
                    uint64_t arg);

/* The same, started. */
struct kid *kid_start(unsigned flags, void (*entry)(uint64_t arg),
                      uint64_t arg);
void kid_go(struct kid *k);

/* Wait until it ended; returns its exit status. Fails if it died otherwise. */
uint64_t kid_join(struct kid *k);

/* Wait until it ended, and read what is left of it. */
void kid_mortem(struct kid *k, struct exo_mortem *m);

/* Destroy and bury it, completely. */
void kid_end(struct kid *k);

/* A prefix of KID_PREFIX_BITS bits that nobody has had before. */
exo_guard prefix_new(void);

/* The least env_create asks for; it can never run. */
exo_env bare_env(exo_guard guard, uint32_t pages, uint32_t envs);

static inline unsigned
kid_state(const struct kid *k)
{
    const struct exo_env_info *info = exo_env_info(k->id);
    return info->id == k->id ? info->state : EXO_ENV_FREE;
}

static inline const struct exo_env_info *
kid_info(const struct kid *k)
{
    return exo_env_info(k->id);
}

/* Operations until they are done, for EXO_E_AGAIN. */
int64_t control(exo_env env, enum exo_env_op op);

/* In an env: end with this status. */
_Noreturn void leave(uint64_t status);

/* Stay READY, or asleep, for ever. */
void spin_forever(uint64_t unused);
void sleep_forever(uint64_t unused);

/* ---- before and after (clean.c) --------------------------------------- */

void clean_remember(void);

/* Take back whatever the test left. */
void clean_up(void);

/* Is the ledger as it was? NULL, or what is wrong. */
const char *clean_difference(void);

/* Does the ledger balance by what the exposed pages show? */
const char *ledger_fault(void);

#endif
