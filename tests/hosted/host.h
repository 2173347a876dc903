// SPDX-License-Identifier: MIT
/*
 * A PC in a process: how tests drive the kernel's logic.
 *
 * host_boot() opens the kernel's rooms as kernel_main() does, on up to four
 * simulated CPUs and a few MiB of memory, with a first env that has no code.
 * Whoever runs on a CPU is then spoken for by the test: host_syscall() enters
 * the kernel as its `syscall` instruction would, host_touch() uses memory
 * through the env's own page tables and the CPU's TLB. Each entry runs on a
 * kernel stack of its own and comes back with the registers user mode would
 * have, or with the CPU idle.
 *
 * One entry at a time: CPUs interleave between entries, never inside one. A
 * shoot-down or a kick is answered at once, as by a CPU with interrupts on.
 *
 * A broken kernel invariant or a panic ends the process by abort().
 */
#ifndef EXO_HOST_H
#define EXO_HOST_H

#include "kernel.h"

#define HOST_CPUS 4
#define HOST_TLB  256

struct host_setup {
    uint32_t pages; /* of memory */
    uint32_t cpus;
    bool pcid, invpcid;
    const char *cmdline;
};

/* How user mode was entered last. */
enum host_way {
    HOST_NOWHERE,  /* never yet */
    HOST_RETURNED, /* the call returned to its caller */
    HOST_LIGHT,
    HOST_REPLY,
    HOST_CALL,
    HOST_FULL,
    HOST_HANDLER, /* an upcall interrupted what ran */
    HOST_IDLE,    /* not user mode: the CPU halts */
    HOST_OFF,     /* the machine was switched off */
};

/* One entry of a TLB [SDM3 4.10.2]. */
struct host_tlb {
    uint64_t va; /* of the page */
    uint64_t pa;
    uint64_t bits; /* rights: P W U NX, and G PS of the leaf */
    uint16_t pcid;
    bool valid, dirty;
};

struct host_cpu {
    struct cpu *c;
    enum host_way way;
    struct exo_context user; /* registers, while an env runs */
    uint64_t alarm;          /* TSC, EXO_NEVER: off */
    uint32_t irq;            /* interrupts that wait, bit 0 is vector 0x20 */
    bool must_irq;           /* no user instruction before they are taken */
    uint64_t cr3, cr2, fs_base, gs_base;
    uint64_t fpu; /* its one register */
    bool ts;
    uint64_t entry_stack[8]; /* what the entry code pushes */
    struct host_tlb tlb[HOST_TLB];
    unsigned tlb_next;
};

extern struct host_cpu host_cpus[HOST_CPUS];
extern bool host_off;        /* the machine was switched off ... */
extern unsigned host_status; /* ... with this status */
extern uint64_t host_clock;  /* the TSC */
extern bool host_quiet;      /* drop console output */

/* Boot once in a process. The first env then runs on CPU 0. */
void host_boot(const struct host_setup *setup);

/* Its two halves: all rooms are open; the first program is loaded and runs, or
 * what the kernel says to refuse it. K.boot.modules[0] may be changed between
 * them. */
void host_open(const struct host_setup *setup);
const char *host_start(void);

/* Run a piece of the kernel's boot on CPU 0's stack. NULL, or what it said to
 * refuse. Works before any other host_ function but those of memory. */
const char *host_try(void (*act)(void));

/* Physical memory of so many bytes, zero. host_map_nothing() takes all of it
 * away from the kernel; host_map() gives a piece back and returns its place.
 * They are for what boots before there are page tables: memory_is_mapped()
 * tells the kernel, and another access ends the process. */
void host_memory_make(uint64_t bytes);
void host_map_nothing(void);
void *host_map(uint64_t pa, uint64_t bytes);

/* Keep the state of the whole machine, and go back to it. */
void host_save(void);
void host_restore(void);

/* Enter the kernel for the env that runs on `h`. Returns the way out; after
 * HOST_RETURNED the result is user.rax. */
enum host_way host_syscall(struct host_cpu *h, uint64_t nr, uint64_t a,
                           uint64_t b, uint64_t c, uint64_t d, uint64_t e);
enum host_way host_exception(struct host_cpu *h, unsigned vector,
                             uint64_t error, uint64_t addr);
enum host_way host_interrupt(struct host_cpu *h, unsigned vector);

/* Take what waits: the alarm if it is due, then every pending interrupt, on an
 * idle CPU too. */
void host_take_interrupts(struct host_cpu *h);

/* As an env: use memory at va. `kind` is EXO_BIND_R, W or X. The byte in the
 * arena, or NULL after the page fault was delivered. */
void *host_touch(struct host_cpu *h, uint64_t va, unsigned kind);

/* The same without the fault upcall. */
void *host_translate(struct host_cpu *h, uint64_t va, unsigned kind);

/* Stop unless every translation that a CPU could still use is in the tables
 * with at least those rights. */
void host_check_tlb(void);

/* Everything that must always hold: the kernel's own checks, and what the
 * machine can see from outside. */
void host_check(void);

/* Who runs on the CPU, or NULL. */
static inline struct env *
host_env(const struct host_cpu *h)
{
    return h->way == HOST_IDLE ? NULL : h->c->current;
}

/* Input that arrives at a serial port. */
void host_type(unsigned port, const char *text);

#endif
