// SPDX-License-Identifier: MIT
/*
 * Off a CPU and onto it: what yield, call, reply and the scheduler share.
 *
 * A LIGHT context is three words, for an env that entered by SYSCALL and
 * expects to lose its registers; a FULL one has them all, for an env that was
 * interrupted. The time up to the moment the next env runs is the leaving
 * env's: it is charged by env_on(), or by cpu_settle() where the slice changes
 * in between.
 *
 * FPU state is eager: an env without EXO_ENV_FPU runs with CR0.TS set and the
 * registers in their initial state (a CPU may look past TS); one with it has
 * its registers saved only when it did not leave of its own will. [SDM1 13]
 */
#ifndef EXO_ENV_SWITCH_H
#define EXO_ENV_SWITCH_H

#include "debug/trace.h"
#include "env/env.h"
#include "env/fpu.h"
#include "lock.h"
#include "tlb/flush.h"

/* Count the time up to `now` as one kind. A reader on another CPU knows that it
 * did not look in between when the kinds add up to the stamp. */
static inline uint64_t
cpu_charge(struct cpu *c, uint64_t *kind, uint64_t now)
{
    struct exo_cpu_info *info = c->info;
    uint64_t spent = now - info->stamp;
    *kind += spent;
    info->stamp = now;
    return spent;
}

/* Charge e, which ran here, for the time up to `now`. */
static inline void
cpu_charge_env(struct cpu *c, struct env *e, uint64_t now)
{
    struct exo_env_info *info = e->info;
    uint64_t spent = cpu_charge(c, &c->info->user, now);
    info->time_ran += spent;
    if (c->on_slack)
        info->time_slack += spent;
    else if (c->slot_owner)
        c->slot_owner->info->time_charged += spent;
}

/* Charge whoever left this CPU. */
static inline void
cpu_settle(struct cpu *c, uint64_t now)
{
    struct env *e = c->left;
    if (!e)
        return;
    c->left = NULL;
    cpu_charge_env(c, e, now);
}

/* The grace of a QUANTUM is over, kept or not: what e took of it is a penalty.
 * It counts from the upcall, for an alarm that comes late is not e's fault. */
void env_end_grace(struct cpu *c, struct env *e);

static inline void
env_off(struct cpu *c, struct env *e, bool full)
{
    e->full = full;
    hw_rd_user_bases(&e->context.fs_base, &e->context.gs_base);
    if (unlikely(e->info->flags & EXO_ENV_FPU))
        fpu_leave(e, full);
    c->current = NULL;
    c->left = e;
    if (unlikely(c->grace_end))
        env_end_grace(c, e);
}

/* The current env leaves by its own call, with this result for later. */
static inline void
env_off_light(struct cpu *c, struct env *e, int64_t result)
{
    struct exo_context *x = &e->context;
    x->rip = ((uint64_t *)c->stack_top)[-1]; /* pushed by syscall_entry */
    x->rsp = c->user_rsp;
    x->rax = (uint64_t)result;
    e->info->syscalls_blocking++;
    env_off(c, e, false);
}

/* Everything of the machine that belongs to an address space and a thread; and
 * the lock is given up. What follows is one of the exits of context.h. */
static inline __attribute__((always_inline)) void
env_on(struct cpu *c, struct env *e)
{
    struct exo_env_info *info = e->info;
    struct exo_cpu_info *cpu = c->info;
    info->state = EXO_ENV_RUNNING;
    info->cpu = c->index;
    c->current = e;
    cpu->current = e->id;
    cpu->switches++;
    if (likely(c->root_pa != e->root_pa))
        flush_load_root(c, e->root_pa);
    hw_wr_user_bases(e->context.fs_base, e->context.gs_base);
    if (unlikely((info->flags & EXO_ENV_FPU) || !c->fpu_off))
        fpu_enter(c, e);
    trace(c, EXO_TRACE_SWITCH, e, c->slice_end, 0);
    uint64_t now = hw_rdtsc();
    cpu_settle(c, now);
    kernel_unlock_at(c, now);
}

#endif
