// SPDX-License-Identifier: MIT
/* Running and waking envs, and CPUs that speak to each other: see env.h. */
#include "drv/apic.h"
#include "env/context.h"
#include "env/env.h"
#include "env/switch.h"
#include "env/upcall.h"

void
cpu_poke(struct cpu *c)
{
    c->info->ipis++;
    apic_ipi(c, VECTOR_RESCHEDULE);
}

void
cpu_kick(struct cpu *c)
{
    if (c == hw_this_cpu())
        return;
    uint32_t wanted = c->kicked + 1;
    __atomic_store_n(&c->kicked, wanted, __ATOMIC_RELEASE);
    cpu_poke(c);
    while (__atomic_load_n(&c->kick_ack, __ATOMIC_ACQUIRE) != wanted)
        hw_pause();
}

void
cpu_answer(struct cpu *c)
{
    flush_serve(c);
    uint32_t kicked = __atomic_load_n(&c->kicked, __ATOMIC_ACQUIRE);
    if (kicked != c->kick_ack)
        __atomic_store_n(&c->kick_ack, kicked, __ATOMIC_RELEASE);
}

void
env_end_grace(struct cpu *c, struct env *e)
{
    __atomic_fetch_and(&e->uarea->pending, ~(1u << EXO_UP_QUANTUM),
                       __ATOMIC_ACQ_REL);
    e->info->time_penalty += hw_rdtsc() - (c->grace_end - K.grace_tsc);
    c->grace_end = 0;
}

/* Let an upcall that is due start where the context left off. 0, or why it
 * cannot. */
static enum exo_end
begin_upcall(struct env *e, int vector)
{
    struct exo_uarea *u = e->uarea;
    struct exo_context *x = &e->context;
    uint64_t restart = e->full ? upcall_restart(u, x->rip) : 0;
    if (restart) {
        __atomic_store_n(&u->mask, 1, __ATOMIC_RELAXED);
        x->rip = restart; /* pending stays as it is */
        return 0;
    }
    struct exo_frame f = {.rax = x->rax, .rip = x->rip, .rsp = x->rsp};
    f.cs = SEL_USER_CODE;
    f.ss = SEL_USER_DATA;
    f.rflags = e->full ? x->rflags : FLAGS_CLEAN;
    if (e->full) {
        f.rcx = x->rcx, f.rdx = x->rdx, f.rsi = x->rsi, f.rdi = x->rdi;
        f.r8 = x->r8, f.r9 = x->r9, f.r10 = x->r10, f.r11 = x->r11;
    }
    f.vector = (uint64_t)vector;
    __atomic_fetch_and(&u->pending, ~(1u << vector), __ATOMIC_ACQ_REL);
    enum exo_end end = upcall_enter(e, &f, vector);
    if (end)
        return end;
    x->rip = f.rip;
    x->rsp = x->rdi = f.rsp;
    x->rflags = f.rflags;
    x->rax = f.vector;
    if (e->full)
        x->rcx = x->rdx = x->rsi = x->r8 = x->r9 = x->r10 = x->r11 = 0;
    return 0;
}

/* The upcall that is due comes first; a struct of its own stack is kept out of
 * the usual path. */
static __attribute__((noinline)) void
run_upcall(struct cpu *c, struct env *e, int vector)
{
    enum exo_end end = begin_upcall(e, vector);
    if (end) {
        e->info->state = EXO_ENV_STOPPED; /* it is in no queue any more */
        env_end(e, &(struct env_end){.end = end});
        return;
    }
    env_on(c, e);
    if (e->full)
        exit_full(&e->context);
    exit_light(e->context.rdi, e->context.rsp, e->context.rax, e->context.rip);
}

void
env_run(struct cpu *c, struct env *e)
{
    int vector = upcall_due(e);
    if (unlikely(vector >= 0)) {
        run_upcall(c, e, vector);
        return;
    }
    env_on(c, e);
    if (e->full)
        exit_full(&e->context);
    exit_light(0, e->context.rsp, e->context.rax, e->context.rip);
}

bool
env_on_cpu(const struct env *e)
{
    for (unsigned i = 0; i < K.ncpus; i++)
        if (K.cpu[i]->current == e)
            return true;
    return false;
}

/* The owner of a slot preempts slack. */
static bool
preempt_slack(const struct env *e)
{
    for (unsigned i = 0; i < K.ncpus; i++) {
        struct cpu *c = K.cpu[i];
        if (c->current && c->slot_owner == e && c->on_slack &&
            env_may_run_on(e, c)) {
            cpu_poke(c);
            return true;
        }
    }
    return false;
}

void
env_end_idleness(const struct env *e)
{
    uint64_t cpus = K.idle_cpus;
    if (e->cpu != EXO_CPU_ANY)
        cpus &= 1ull << e->cpu;
    if (!cpus)
        return;
    unsigned i = (unsigned)__builtin_ctzll(cpus);
    K.idle_cpus &= ~(1ull << i);
    cpu_poke(K.cpu[i]);
}

void
env_find_cpu(struct env *e)
{
    if (!preempt_slack(e) && K.idle_cpus)
        env_end_idleness(e);
}

void
env_wake(struct env *e, int64_t result)
{
    env_stop_waiting(e, result);
    env_ready(e);
    trace(hw_this_cpu(), EXO_TRACE_WAKE, e, 0, 0);
    env_find_cpu(e);
}
