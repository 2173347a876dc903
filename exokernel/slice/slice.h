// SPDX-License-Identifier: MIT
/*
 * CPU time: a vector of slots per CPU, each owned, guarded and exposed.
 *
 * At any moment one slot of a CPU's vector runs. If its owner can run here, the
 * owner runs until the end of its adjacent slots. Otherwise the time is slack:
 * the env a sleeping owner named, else the next READY one, has it until the
 * slot ends. There is no tick: the alarm is set for the end of the slice or the
 * first deadline, whichever is earlier.
 *
 * At the end of a slice the env gets QUANTUM and grace_tsc to leave; it is then
 * switched whatever it does, and what it took is cut from its next slices
 * [Engler95 5.1.1]. Without a QUANTUM handler it is switched at once.
 *
 * SLICE-1  no env runs longer than its slice and grace.
 * SLICE-2  user + kernel + idle time of a CPU is all of its time.
 *
 * Policy left to the libOS: who owns which slots, whom to yield to, whom to
 * lend. How it is taken back: QUANTUM, then the switch; slot_set re-owns.
 */
#ifndef EXO_SLICE_SLICE_H
#define EXO_SLICE_SLICE_H

#include "env/env.h"
#include "kernel.h"

/* Slot vectors and their length from boot options. Boot only. */
void slice_init(void);

/* Run whoever is to run here now. The lock is held; nothing is current. */
_Noreturn void slice_schedule(struct cpu *c);

/* The alarm rang or a poke came, while an env runs: upcall, switch or go on.
 * `regs` are its registers. True: an upcall is delivered, and the frame in
 * `regs` leads into its handler. */
struct trapframe;
bool slice_interrupt(struct cpu *c, struct trapframe *regs);

/* Set this CPU's alarm for what comes first. */
void slice_arm(struct cpu *c);

/* Called for each REVOKE deadline that passes; set by the revoke room, which
 * this one may not call by name. */
extern void (*slice_on_revoke)(struct env *e);

/* Work found while idle, before the CPU halts; true: there is more, look again
 * at once. Set by the trap room. */
extern bool (*slice_on_idle)(struct cpu *c);

/* Registers of an interrupted env as the interrupt gate left them. */
struct trapframe {
    uint64_t r15, r14, r13, r12, rbp, rbx;
    struct exo_frame f;
};

#endif
