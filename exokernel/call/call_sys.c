// SPDX-License-Identifier: MIT
/*
 * Protected control transfer: the register contract is in exo/call.h.
 *
 * The call carries its six words through cpu.words[], saved and loaded by the
 * entry and exit code. The callee gets the rest of the slice at once; nothing
 * is queued. A reply right is the caller's index and the number of its call, so
 * it is good once and only while that call waits. [Engler95 5.5]
 *
 * Policy left to the libOS: what the words mean, who may call (door by guard).
 * How it is taken back: the deadline, or the death of either side.
 */
#include "cap/cap.h"
#include "drv/timer.h"
#include "env/context.h"
#include "env/env.h"
#include "env/switch.h"
#include "env/upcall.h"
#include "slice/slice.h"

static uint64_t
reply_handle(const struct env *caller)
{
    return (uint64_t)caller->call_sequence << 16 | caller->index;
}

static struct env *
caller_of(uint64_t handle, const struct env *callee)
{
    uint32_t index = handle & 0xffff;
    struct env *e = index < K.nenvs ? K.env[index] : NULL;
    if (!e || env_state(e) != EXO_ENV_WAITING || e->callee != callee ||
        reply_handle(e) != handle)
        return NULL;
    return e;
}

/* Can `e` be entered here and now? */
static bool
can_enter(const struct cpu *c, struct env *e)
{
    const struct exo_uarea *u = e->uarea;
    if (!env_may_run_on(e, c) || e->callee || u->mask ||
        !u->handler[EXO_UP_CALL])
        return false;
    if (env_state(e) == EXO_ENV_WAITING)
        return true;
    if (env_state(e) != EXO_ENV_READY)
        return false;
    uint64_t rip = e->context.rip;
    return !e->full || rip < u->ret_start || rip >= u->ret_end;
}

/* Make the caller wait for its reply, or be READY. */
static void
suspend_caller(struct cpu *c, struct env *me, struct env *callee, bool sync,
               exo_tsc deadline)
{
    env_off_light(c, me, 0);
    if (!sync) {
        env_requeue(me);
        return;
    }
    me->donate = callee->id;
    env_join_callee(me, callee);
    me->info->state = EXO_ENV_WAITING;
    if (deadline == EXO_NEVER)
        return;
    env_timer_arm(c, me, TIMER_WAIT, deadline);
    if (deadline < c->slice_end)
        timer_arm(env_timer_next(c));
}

/* Write the CALL frame of `e`: what it did before, and who calls. One that
 * waited or yielded has no registers to be kept: their words stay as they are,
 * in memory that is its own. */
static inline void
write_frame(struct exo_frame *f, const struct env *e, const struct env *caller)
{
    const struct exo_context *x = &e->context;
    f->vector = EXO_UP_CALL;
    f->cause = reply_handle(caller);
    f->addr = caller->id;
    f->rax = x->rax;
    f->error = 0;
    f->rip = x->rip;
    f->cs = SEL_USER_CODE;
    f->rflags = FLAGS_CLEAN;
    f->rsp = x->rsp;
    f->ss = SEL_USER_DATA;
}

/* The callee was interrupted: its frame has the other registers, and those that
 * C keeps stay its own. */
static __attribute__((noinline)) void
interrupt_callee(const struct cpu *c, struct env *e, struct exo_frame *f,
                 uint64_t rip, uint64_t rsp)
{
    struct exo_context *x = &e->context;
    f->rflags = x->rflags;
    f->rcx = x->rcx, f->rdx = x->rdx, f->rsi = x->rsi, f->rdi = x->rdi;
    f->r8 = x->r8, f->r9 = x->r9, f->r10 = x->r10, f->r11 = x->r11;
    x->rip = rip;
    x->rsp = x->rdi = rsp;
    x->rflags = FLAGS_CLEAN;
    x->r8 = c->words[0], x->r9 = c->words[1], x->r10 = c->words[2];
    x->rsi = c->words[3], x->rdx = c->words[4], x->rax = c->words[5];
    x->rcx = x->r11 = 0;
}

/* The callee cannot be entered, and is in no queue any more. */
static _Noreturn __attribute__((noinline)) void
end_callee(struct cpu *c, struct env *e, enum exo_end end)
{
    e->info->state = EXO_ENV_STOPPED;
    env_end(e, &(struct env_end){.end = end});
    slice_schedule(c);
}

/* Into the CALL handler, with the words. */
static _Noreturn inline void
enter_callee(struct cpu *c, struct env *e, const struct env *caller)
{
    uint64_t handler = uarea_read(&e->uarea->handler[EXO_UP_CALL]);
    struct frame_place at = upcall_place(e, e->context.rsp);
    if (unlikely(!at.frame))
        end_callee(c, e, EXO_END_STACK);
    if (unlikely(handler >= EXO_USER_TOP))
        end_callee(c, e, EXO_END_HANDLER);
    write_frame(at.frame, e, caller);
    __atomic_store_n(&e->uarea->mask, 1, __ATOMIC_RELAXED);
    e->info->upcalls[EXO_UP_CALL]++;
    if (unlikely(e->full))
        interrupt_callee(c, e, at.frame, handler, at.rsp);
    env_on(c, e);
    if (unlikely(e->full))
        exit_full(&e->context);
    exit_call(handler, at.rsp, c->words);
}

int64_t
sys_call(exo_env env, uint32_t cap_flags, exo_tsc deadline)
{
    struct cpu *c = hw_this_cpu();
    struct env *me = c->current, *e = env_get(env);
    if (unlikely(!e))
        return -EXO_E_STALE;
    if (unlikely(
            !cap_covers(cap_slot(me, cap_flags), e->info->guard, EXO_WRITE)))
        return -EXO_E_CAP;
    if (unlikely(e == me || !can_enter(c, e) || c->grace_end))
        return env_alive(e) ? -EXO_E_BUSY : -EXO_E_STALE;
    if (env_state(e) == EXO_ENV_WAITING)
        env_stop_waiting(e, 0);
    else
        env_unready(e);
    me->call_sequence++;
    suspend_caller(c, me, e, cap_flags & EXO_CALL_SYNC, deadline);
    enter_callee(c, e, me);
}

/* The caller cannot run here: its words wait in its context. */
static void
reply_later(const struct cpu *c, struct env *caller)
{
    struct exo_context *x = &caller->context;
    *x = (struct exo_context){.rip = x->rip,
                              .rsp = x->rsp,
                              .rflags = 0x202,
                              .fs_base = x->fs_base,
                              .gs_base = x->gs_base,
                              .r8 = c->words[0],
                              .r9 = c->words[1],
                              .r10 = c->words[2],
                              .r12 = c->words[3],
                              .r13 = c->words[4],
                              .r14 = c->words[5]};
    caller->full = true;
    caller->fpu_saved = false;
}

int64_t
sys_reply(uint64_t handle)
{
    struct cpu *c = hw_this_cpu();
    struct env *me = c->current, *caller = caller_of(handle, me);
    if (unlikely(!caller))
        return -EXO_E_STALE;
    if (unlikely(!env_may_run_on(caller, c) || c->grace_end)) {
        env_wake(caller, 0);
        reply_later(c, caller);
        return 0;
    }
    env_stop_waiting(caller, 0);
    env_off_light(c, me, 0);
    env_requeue(me);
    if (unlikely(upcall_due(caller) >= 0)) {
        reply_later(c, caller);
        env_run(c, caller);
        slice_schedule(c);
    }
    env_on(c, caller);
    exit_reply(caller->context.rip, caller->context.rsp, c->words);
}
