// SPDX-License-Identifier: MIT
/*
 * Onto a CPU and off it again.
 *
 * Everything that switches goes through env_leave() and env_run(). A LIGHT
 * context is three words, for an env that entered by SYSCALL and expects to
 * lose its registers; a FULL one has them all, for an env that was interrupted.
 *
 * FPU state is eager: an env without EXO_ENV_FPU runs with CR0.TS set and the
 * registers in their initial state (a CPU may look past TS); one with it has
 * its registers saved only when it did not leave of its own will. [SDM1 13]
 */
#include "debug/trace.h"
#include "drv/apic.h"
#include "env/context.h"
#include "env/env.h"
#include "env/fpu.h"
#include "lock.h"
#include "tlb/flush.h"

/* Count the time since the last charge as one kind; readers see seq odd. */
static uint64_t
charge(struct cpu *c, uint64_t *kind)
{
    uint64_t now = hw_rdtsc(), spent = now - c->stamp;
    struct exo_cpu_info *info = c->info;
    __atomic_store_n(&info->seq, info->seq + 1, __ATOMIC_RELEASE);
    *kind += spent;
    c->stamp = info->stamp = now;
    __atomic_store_n(&info->seq, info->seq + 1, __ATOMIC_RELEASE);
    return spent;
}

void
cpu_charge_user(struct cpu *c)
{
    uint64_t spent = charge(c, &c->info->user);
    struct env *e = c->current;
    e->info->time_ran += spent;
    if (c->on_slack)
        e->info->time_slack += spent;
    else if (c->slot_owner)
        c->slot_owner->info->time_charged += spent;
}

void
cpu_charge_kernel(struct cpu *c)
{
    charge(c, &c->info->kernel);
}

void
cpu_charge_idle(struct cpu *c)
{
    charge(c, &c->info->idle);
}

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
cpu_serve_mailbox(struct cpu *c)
{
    flush_serve(c);
    uint32_t kicked = __atomic_load_n(&c->kicked, __ATOMIC_ACQUIRE);
    if (kicked != c->kick_ack)
        __atomic_store_n(&c->kick_ack, kicked, __ATOMIC_RELEASE);
}

void
env_leave(struct cpu *c, bool full)
{
    struct env *e = c->current;
    cpu_charge_user(c);
    if (c->stamp > c->slice_end && c->slice_end)
        e->info->time_penalty += c->stamp - c->slice_end;
    e->full = full;
    e->context.fs_base = hw_rdfsbase();
    e->context.gs_base = hw_rd_user_gsbase();
    if (unlikely(e->info->flags & EXO_ENV_FPU))
        fpu_leave(e, full);
    c->current = NULL;
    if (unlikely(c->grace_end)) {
        __atomic_fetch_and(&e->uarea->pending, ~(1u << EXO_UP_QUANTUM),
                           __ATOMIC_ACQ_REL);
        c->grace_end = 0;
    }
}

void
env_save_light(struct cpu *c, int64_t result)
{
    struct exo_context *x = &c->current->context;
    x->rip = ((uint64_t *)c->stack_top)[-1]; /* pushed by syscall_entry */
    x->rsp = c->user_rsp;
    x->rax = (uint64_t)result;
    c->current->info->syscalls_blocking++;
    env_leave(c, false);
}

/* Everything of the machine that belongs to an address space and a thread. */
static inline void
env_load(struct cpu *c, struct env *e)
{
    e->info->state = EXO_ENV_RUNNING;
    e->info->cpu = c->index;
    c->current = e;
    c->info->current = e->id;
    c->info->switches++;
    if (c->root_pa != e->root_pa)
        flush_load_root(c, e->root_pa);
    hw_wrfsbase(e->context.fs_base);
    hw_wr_user_gsbase(e->context.gs_base);
    fpu_enter(c, e);
    trace(c, EXO_TRACE_SWITCH, e, c->slice_end, 0);
}

void
env_frame(const struct env *e, struct exo_frame *f)
{
    const struct exo_context *x = &e->context;
    *f = (struct exo_frame){.rax = x->rax, .rip = x->rip, .rsp = x->rsp};
    f->cs = SEL_USER_CODE;
    f->ss = SEL_USER_DATA;
    f->rflags = 0x202;
    if (!e->full)
        return;
    f->rflags = x->rflags;
    f->rcx = x->rcx, f->rdx = x->rdx, f->rsi = x->rsi, f->rdi = x->rdi;
    f->r8 = x->r8, f->r9 = x->r9, f->r10 = x->r10, f->r11 = x->r11;
}

/* Let an upcall that is due start where the context left off. */
static bool
env_begin_upcall(struct env *e, int vector, enum exo_end *end)
{
    struct exo_uarea *u = e->uarea;
    struct exo_context *x = &e->context;
    uint64_t start = u->ret_start, stop = u->ret_end, restart = u->ret_restart;
    if (e->full && x->rip >= start && x->rip < stop && restart < EXO_USER_TOP) {
        __atomic_store_n(&u->mask, 1, __ATOMIC_RELAXED);
        x->rip = restart; /* pending stays as it is */
        return true;
    }
    struct exo_frame f;
    env_frame(e, &f);
    f.vector = (uint64_t)vector;
    __atomic_fetch_and(&u->pending, ~(1u << vector), __ATOMIC_ACQ_REL);
    if (!upcall_enter(e, &f, end))
        return false;
    x->rip = f.rip;
    x->rsp = x->rdi = f.rsp;
    x->rflags = f.rflags;
    x->rax = f.vector;
    if (e->full)
        x->rcx = x->rdx = x->rsi = x->r8 = x->r9 = x->r10 = x->r11 = 0;
    return true;
}

void
env_run(struct cpu *c, struct env *e)
{
    uint64_t rdi = 0;
    int vector = upcall_due(e);
    if (unlikely(vector >= 0)) {
        enum exo_end end;
        if (!env_begin_upcall(e, vector, &end)) {
            env_end(e, &(struct env_end){.end = end});
            return;
        }
        rdi = e->context.rdi;
    }
    env_load(c, e);
    kernel_unlock(c);
    if (e->full)
        exit_full(&e->context);
    exit_light(e->context.rip, e->context.rsp, e->context.rax, rdi);
}

_Noreturn void
env_run_reply(struct cpu *c, struct env *e)
{
    env_load(c, e);
    kernel_unlock(c);
    exit_reply(e->context.rip, e->context.rsp, c->words);
}

_Noreturn void
env_run_call(struct cpu *c, struct env *e, uint64_t rip, uint64_t rsp)
{
    env_load(c, e);
    kernel_unlock(c);
    exit_call(rip, rsp, c->words);
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

/* Wake a CPU that has nothing to do; each is poked once. */
static void
end_idleness(const struct env *e)
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
        end_idleness(e);
}

void
env_requeue(struct env *e)
{
    env_ready(e);
    if (unlikely(K.idle_cpus))
        end_idleness(e);
}

void
env_stop_waiting(struct env *e, int64_t result)
{
    assert(env_state(e) == EXO_ENV_WAITING);
    env_timer_cancel(e, TIMER_WAIT);
    if (e->callee) {
        struct env *callee = env_get(e->callee);
        if (callee)
            callee->callers--;
        e->callee = 0;
    }
    e->context.rax = (uint64_t)result;
    e->wait_events = 0;
    e->donate = 0;
}

void
env_wake(struct env *e, int64_t result)
{
    env_stop_waiting(e, result);
    env_ready(e);
    trace(hw_this_cpu(), EXO_TRACE_WAKE, e, 0, 0);
    env_find_cpu(e);
}
