// SPDX-License-Identifier: MIT
//
// bench.h: what the benchmark program's files share.
//
// The program is boot module 0, the first env, and makes whatever envs a
// benchmark needs from its own image (module 0 is also exposed as pages). It
// stands on the ABI and libos/lib alone. A row is opened with row(), then each
// BEGIN() ... END() pair is one repetition of so many operations: the counting
// plugin (insn.c) sees these no-ops execute, and the program itself measures
// nothing. Everything between them counts, user code included. Peers execute
// BEGIN() and END() too where an operation ends in another env.
//
// Console lines, read by bench/run:
//   #b NAME OPS            a row was opened; its marker 4 is in the log
//   NAME VALUE UNIT        a result that is not counted instructions
//   #fail NAME TEXT        a row that could not be measured, and why
#ifndef BENCH_H
#define BENCH_H

#include <exo/exo.h>
#include "lib/errors.h"
#include "lib/map.h"
#include "lib/spawn.h"
#include "lib/start.h"
#include "lib/upcall.h"

// No-ops that the plugin logs: see insn.c.
#define MARK(id)                                                               \
    __asm__ volatile(".byte 0x0f,0x1f,0x84,0,%c0,0,0xc5,0x5e"                  \
                     :                                                         \
                     : "i"(id)                                                 \
                     : "memory")
#define BEGIN() MARK(1)
#define END()   MARK(2)

enum { MARK_START = 3, MARK_ROW = 4 };

#define REPETITIONS 51 // of each row; the first warms up

#define UAREA    ((struct exo_uarea *)EXO_FIRST_UAREA)
#define ROOT_CAP 0 // the first env's capability over everything

// Where benchmarks bind pages, each under a leaf table of its own.
#define ARENA       UINT64_C(0x10000000)
#define ARENA_PAGES 2048u // under four leaf tables, which are there
#define WINDOW      UINT64_C(0x3fe00000)
#define IMAGES      UINT64_C(0x20000000)

// main.c

extern struct pages own_pages;
extern struct map own_map;

// Writes a line to the console.
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

// Opens row `name`, whose repetitions are `ops` operations each.
void row(const char *name, unsigned ops);

// Says that a row cannot be measured. Result: false, for callers that pass on.
bool give_up(const char *name, const char *what, int64_t error);

// The value of option `name=` on the kernel's command line; `otherwise` when
// it is not there.
uint64_t option(const char *name, uint64_t otherwise);

// `count` pages of this env, consecutive when `run`. False, after saying so:
// there are none.
bool take_pages(const char *name, exo_page *page, uint32_t count, bool run);

// peer.c

// A program in memory, ready to be spawned.
struct image {
    exo_page page;
    uint64_t bytes;
    const char *at;
    struct elf_program program;
};

// Boot module `index`. False, after saying so, if it is no program.
bool image_open(const char *name, uint32_t index, struct image *image);

// Makes and starts an env from an image. args: name and role, a zero byte after
// each. It is READY afterwards.
bool peer_start(const char *name, struct spawn *spawn,
                const struct image *image, const char *args,
                uint32_t args_bytes);

// The same without a word if it fails, and with a share of pages of its own.
bool peer_try(struct spawn *spawn, const struct image *image, const char *args,
              uint32_t args_bytes, struct exo_share pages);

// Makes and starts an env of this program that does `role`.
bool peer_open(const char *name, struct spawn *spawn, const char *role);
void peer_close(const struct spawn *spawn);

// What a peer does, by name; these do not return.
_Noreturn void peer_run(const char *role);

// The benchmarks.

void null_call(void);
void exception_upcall(void);
void foreign_upcall(void);
void fault_upcall(void);
void first_touch(void);
void call_oneway(void);
void yield_to(void);
void slice_switch(void);
void bind_one(void);
void bind_many(void);
void page_cycle(void);
void env_cycle(void);
void lock_hold(void);
void many_envs(void);
void packets(void);
void filters(void);

#endif
