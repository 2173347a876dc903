// SPDX-License-Identifier: MIT
/*
 * What a libOS does, in one line each, for tests on the hosted machine.
 *
 * Calls are made by whoever runs on `lib.h`; arguments that the kernel reads
 * from memory go to a page of the caller that lib_scratch() finds. Functions
 * that end in no error stop the claim when there is one; lib_call() gives the
 * plain result.
 */
#ifndef TEST_LIBOS_H
#define TEST_LIBOS_H

#include "claim.h"
#include "env/env.h"
#include "host.h"
#include "tlb/tlb.h"

#define LIB_SCRATCH 0x404000ull /* memory of every env made here */
#define LIB_HANDLER 0x300000ull

/* What LIB_CALL of a call that switched counts as. */
#define LIB_SWITCHED INT64_MAX

extern struct host_cpu *lib_cpu; /* who speaks; CPU 0 at first */

/* Boot with `cpus` CPUs and 8 MiB, cmdline may be NULL; handlers are set. */
void lib_boot(unsigned cpus, const char *cmdline);

int64_t lib_call(uint64_t nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
                 uint64_t e);

/* The same with words in the caller's memory as one argument, by bytes. */
uint64_t lib_put(const void *bytes, size_t n);

exo_page lib_page(void); /* a page of guard 0 */
exo_page lib_page_of(exo_env payer, exo_guard guard);
int64_t lib_free(exo_page page);

/* A table, linked under `root` (0: own) unless level is 4. */
exo_page lib_table(exo_page root, unsigned level, uint64_t va, uint32_t flags);
void lib_extra(exo_page table, unsigned half); /* with a new link page */
exo_page lib_leaf(exo_page root, uint64_t va); /* the table of an address */

int64_t lib_bind(exo_page root, uint64_t va, exo_page page, uint32_t count,
                 uint32_t flags);

/* A root with a leaf table around LIB_SCRATCH and a page there; both halves
 * of the leaf have link pages. */
exo_page lib_root(void);

/* An env on that root, EMBRYO, with READ..CONTROL over `guard`'s first byte in
 * slot 0. `reserved` and `limit` are its pages; children get 4 of the rest. */
struct lib_spawn {
    exo_page root; /* 0: a new one */
    exo_guard guard;
    uint32_t reserved, limit;
    uint32_t flags, cpu1; /* cpu1: 1 + the CPU it is bound to, 0: any */
    bool log;
};
struct env *lib_spawn(const struct lib_spawn *how);

/* Start it and let it run on lib_cpu: yields to it. */
void lib_start(struct env *e);
void lib_switch_to(struct env *e);

/* DESTROY until DEAD, at most 10,000 steps. */
void lib_destroy(struct env *e);
void lib_bury(struct env *e);

#endif
