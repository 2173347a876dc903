// SPDX-License-Identifier: MIT
/* The calls about CPU time and waiting: contracts in syscall.def. */
#include "cap/cap.h"
#include "env/env.h"
#include "env/switch.h"
#include "slice/slice.h"

#define SLOT_STEP 64 /* slots given while the lock is held */

/* Give one slot to `owner` (NULL: nobody). 0 or the error. */
static int64_t
slot_give(const struct env *me, uint32_t caps, struct exo_slot *slot,
          struct env *owner, exo_guard guard)
{
    struct env *old = env_get(slot->owner);
    bool given_up = old == me && !owner;
    if (old && !given_up &&
        !cap_covers(cap_slot(me, caps), slot->guard, EXO_WRITE))
        return -EXO_E_CAP;
    if (old) /* first, for the two may have an ancestor in common */
        account_refund(old, EXO_KIND_SLOT, 1);
    if (owner && !account_fits(owner, EXO_KIND_SLOT, 1)) {
        if (old)
            account_charge(old, EXO_KIND_SLOT, 1);
        return -EXO_E_LIMIT;
    }
    if (owner)
        account_charge(owner, EXO_KIND_SLOT, 1);
    slot->guard = guard;
    __atomic_store_n(&slot->owner, owner ? owner->id : 0, __ATOMIC_RELEASE);
    return 0;
}

int64_t
sys_slot_set(uint32_t caps, uint64_t slot, uint64_t count, exo_env owner_id,
             exo_guard guard)
{
    struct env *me = env_self(), *owner = NULL;
    uint64_t cpu = slot >> 32, first = slot & UINT32_MAX;
    if (cpu >= K.ncpus || first >= K.nslots || count > K.nslots - first)
        return -EXO_E_INVAL;
    if (!cap_covers(cap_slot(me, caps >> 8), guard, EXO_GRANT))
        return -EXO_E_CAP;
    if (owner_id != EXO_NEVER) {
        owner = owner_id ? env_get(owner_id) : me;
        if (!owner || !env_alive(owner))
            return -EXO_E_STALE;
    }
    uint64_t done = 0;
    while (done < count && done < SLOT_STEP) {
        struct exo_slot *s = &K.slot[cpu * K.nslots + first + done];
        int64_t error = slot_give(me, caps, s, owner, guard);
        if (error)
            return done ? (int64_t)done : error;
        done++;
    }
    return (int64_t)done;
}

int64_t
sys_yield(exo_cap cap, exo_env env)
{
    struct cpu *c = hw_this_cpu();
    struct env *me = c->current, *to = NULL;
    if (env && env != me->id) {
        to = env_get(env);
        if (unlikely(!to || !env_alive(to)))
            return -EXO_E_STALE;
        if (unlikely(
                !cap_covers(cap_slot(me, cap), to->info->guard, EXO_WRITE)))
            return -EXO_E_CAP;
        if (unlikely(env_state(to) != EXO_ENV_READY || !env_may_run_on(to, c)))
            return -EXO_E_BUSY;
    }
    if (!to && !c->on_slack)
        c->yielded_end = c->own_end;
    bool over = c->grace_end;
    env_off_light(c, me, 0);
    env_requeue(me);
    if (to && !over) {
        env_unready(to);
        env_run(c, to);
    }
    slice_schedule(c);
}

int64_t
sys_wait(uint64_t events, exo_tsc deadline, exo_env donate)
{
    struct cpu *c = hw_this_cpu();
    struct env *me = c->current;
    struct exo_uarea *u = me->uarea;
    if (__atomic_load_n(&u->events, __ATOMIC_ACQUIRE) & events)
        return 1;
    if (donate && !env_get(donate))
        return -EXO_E_STALE;
    if (deadline != EXO_NEVER && deadline <= hw_rdtsc())
        return -EXO_E_TIME;
    if (!events && deadline == EXO_NEVER && u->mask)
        return -EXO_E_INVAL;
    env_off_light(c, me, 0);
    if (upcall_due(me) >= 0) {
        env_run(c, me);
        slice_schedule(c);
    }
    me->wait_events = events;
    me->donate = donate;
    me->info->state = EXO_ENV_WAITING;
    if (deadline != EXO_NEVER)
        env_timer_arm(c, me, TIMER_WAIT, deadline);
    slice_schedule(c);
}

int64_t
sys_ring(exo_cap cap, exo_env env, uint64_t events)
{
    struct env *me = env_self();
    struct env *e = env ? env_get(env) : me;
    if (events & EXO_EVENT_KERNEL)
        return -EXO_E_INVAL;
    if (!e || !env_alive(e))
        return -EXO_E_STALE;
    if (e != me && !cap_covers(cap_slot(me, cap), e->info->guard, EXO_WRITE))
        return -EXO_E_CAP;
    env_ring(e, events);
    return 0;
}
