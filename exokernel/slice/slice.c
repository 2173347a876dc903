// SPDX-License-Identifier: MIT
/* Whose turn it is: see slice.h. */
#include "slice/slice.h"

#include "boot/memory.h"
#include "drv/timer.h"
#include "env/switch.h"
#include "env/upcall.h"

#define SLOT_US_DEFAULT  1000
#define SLOTS_DEFAULT    128
#define GRACE_US_DEFAULT 50
#define EXPIRE_STEP      8 /* deadlines served at once */

void (*slice_on_revoke)(struct env *e);
bool (*slice_on_idle)(struct cpu *c);

void
slice_init(void)
{
    uint64_t us = boot_option_number("slot_us", SLOT_US_DEFAULT);
    uint64_t n = boot_option_number("slots", SLOTS_DEFAULT);
    uint64_t grace = boot_option_number("grace_us", GRACE_US_DEFAULT);
    if (us < 100 || us > 1000000 || n < 1 || n > 1024 || grace > us)
        boot_refuse("slot_us is 100 to 1000000, slots 1 to 1024, grace_us at "
                    "most slot_us");
    K.nslots = (uint32_t)n;
    K.slot_tsc = us * K.tsc_khz / 1000;
    K.grace_tsc = grace * K.tsc_khz / 1000;
    K.slot_base = hw_rdtsc();
}

/* The vector goes round. */
static inline uint32_t
slot_after(uint32_t slot)
{
    return slot + 1 < K.nslots ? slot + 1 : 0;
}

/* Make c->slot the one that runs at `now`: most often it is, or is the next. */
static inline void
slot_seek(struct cpu *c, uint64_t now)
{
    if (likely(now < c->slot_end))
        return;
    if (likely(c->slot_end && now - c->slot_end < K.slot_tsc)) {
        c->slot_end += K.slot_tsc;
        c->slot = slot_after(c->slot);
        return;
    }
    uint64_t n = (now - K.slot_base) / K.slot_tsc;
    c->slot_end = K.slot_base + (n + 1) * K.slot_tsc;
    c->slot = (uint32_t)(n % K.nslots);
}

/* What a look at the slots decides. */
struct choice {
    struct env *env; /* who runs, NULL: nobody is READY; stays queued */
    struct env *owner;
    uint64_t end, own_end;
    uint64_t cut; /* of the owner's slice, for its penalty */
    bool slack;
};

/* The end of the owner's adjacent slots, from the one that runs on. */
static uint64_t
run_of_slots(const struct cpu *c, exo_env owner)
{
    uint64_t end = c->slot_end;
    uint32_t slot = slot_after(c->slot);
    for (; slot != c->slot && c->slots[slot].owner == owner;
         slot = slot_after(slot))
        end += K.slot_tsc;
    return end;
}

/* Whom a slot goes to while its owner sleeps: the env the owner named. */
static inline struct env *
lent_to(struct cpu *c, const struct env *owner)
{
    if (!owner || env_state(owner) != EXO_ENV_WAITING || !owner->donate)
        return NULL;
    struct env *e = env_get(owner->donate);
    bool able = e && env_state(e) == EXO_ENV_READY && env_may_run_on(e, c);
    return able ? e : NULL;
}

static inline __attribute__((always_inline)) struct choice
look(struct cpu *c, uint64_t now)
{
    slot_seek(c, now);
    struct choice ch = {.end = c->slot_end};
    bool present = now >= c->yielded_end;
    struct env *owner = env_get(c->slots[c->slot].owner);
    ch.owner = owner;
    if (owner && present && env_may_run_on(owner, c) &&
        (env_state(owner) == EXO_ENV_READY || owner == c->current)) {
        uint64_t end = run_of_slots(c, owner->id);
        uint64_t penalty = owner->info->time_penalty;
        ch.own_end = end;
        ch.cut = penalty < end - now ? penalty : end - now;
        if (end - ch.cut > now) {
            ch.end = end - ch.cut;
            ch.env = owner;
            return ch;
        }
    }
    struct env *lent = present ? lent_to(c, owner) : NULL;
    ch.slack = !lent;
    ch.env = lent ? lent : env_next(c);
    return ch;
}

static inline void
commit(struct cpu *c, const struct choice *ch)
{
    c->slot_owner = ch->owner;
    c->info->slot_owner = ch->owner ? ch->owner->id : 0;
    c->slice_end = ch->end;
    c->own_end = ch->own_end;
    c->on_slack = ch->slack;
    c->any_turn = !c->any_turn;
    if (!ch->cut)
        return;
    ch->owner->info->time_penalty -= ch->cut;
    c->yielded_end = ch->own_end; /* what is cut is slack */
}

/* Set the alarm for `end`, or for what comes before it. */
static inline void
arm(struct cpu *c, uint64_t end)
{
    uint64_t at = env_timer_until(c, end);
    if (unlikely(K.polling)) {
        slot_seek(c, hw_rdtsc());
        at = c->slot_end < at ? c->slot_end : at;
    }
    if (unlikely(at == EXO_NEVER))
        timer_stop();
    else
        timer_arm(at);
}

void
slice_arm(struct cpu *c)
{
    if (c->current)
        arm(c, c->grace_end ? c->grace_end : c->slice_end);
    else
        arm(c, EXO_NEVER);
}

/* Serve deadlines that have passed, a bounded number. */
static __attribute__((noinline)) void
serve_deadlines(struct cpu *c, uint64_t now)
{
    for (unsigned i = 0; i < EXPIRE_STEP; i++) {
        enum env_timer which;
        struct env *e = env_timer_pop(c, now, &which);
        if (!e)
            return;
        if (which == TIMER_REVOKE)
            slice_on_revoke(e);
        else
            env_wake(e, -EXO_E_TIME);
    }
}

static inline void
expire(struct cpu *c, uint64_t now)
{
    if (unlikely(c->heap_count && env_timer_next(c) <= now))
        serve_deadlines(c, now);
}

/* Off the root of whoever ran last: it may be about to be freed. */
static void
load_kernel_root(struct cpu *c)
{
    if (c->root_pa != K.kernel_root_pa)
        flush_load_root(c, K.kernel_root_pa);
}

/* Let others have the lock in between. */
static void
kernel_relock(struct cpu *c)
{
    kernel_unlock(c);
    kernel_lock(c, 256);
}

/* Nobody is READY: reap what died, else halt until an interrupt. */
static void
idle(struct cpu *c)
{
    load_kernel_root(c);
    if (K.dying_head) {
        kernel_relock(c); /* what made this CPU idle may have been long */
        env_reap_any();
        kernel_relock(c);
    } else if (c->busy) {
        kernel_unlock(c);
        hw_take_interrupts(); /* a flood of packets is not to keep them off */
        kernel_lock(c, 256);
    } else {
        if (c->info->current)
            trace(c, EXO_TRACE_SWITCH, NULL, 0, 0);
        c->info->current = 0;
        K.idle_cpus |= 1ull << c->index;
        arm(c, EXO_NEVER);
        cpu_charge(c, &c->info->kernel, hw_rdtsc());
        kernel_unlock(c);
        hw_halt_wait();
        cpu_serve_mailbox(c);
        cpu_charge(c, &c->info->idle, hw_rdtsc());
        kernel_lock(c, 256);
        K.idle_cpus &= ~(1ull << c->index);
    }
    c->busy = slice_on_idle(c);
    expire(c, hw_rdtsc());
}

/* An owner that is dying pays for it with its own time. */
static __attribute__((noinline)) void
reap_owner(struct cpu *c, struct env *owner)
{
    load_kernel_root(c);
    env_reap(owner, ENV_REAP_STEP);
}

_Noreturn void
slice_schedule(struct cpu *c)
{
    assert(!c->current);
    for (;;) {
        uint64_t now = hw_rdtsc();
        cpu_settle(c, now);
        struct choice ch = look(c, now);
        if (unlikely(ch.owner && env_state(ch.owner) == EXO_ENV_DYING)) {
            reap_owner(c, ch.owner);
            ch = look(c, hw_rdtsc()); /* the choice may have ended too */
        }
        commit(c, &ch);
        struct env *e = ch.env;
        if (!e) {
            idle(c);
            continue;
        }
        env_unready(e);
        arm(c, c->slice_end);
        env_run(c, e);
    }
}

static void
save_all(struct cpu *c, const struct trapframe *t)
{
    struct exo_context *x = &c->current->context;
    x->rax = t->f.rax, x->rbx = t->rbx, x->rcx = t->f.rcx;
    x->rdx = t->f.rdx, x->rsi = t->f.rsi, x->rdi = t->f.rdi;
    x->rbp = t->rbp, x->rsp = t->f.rsp, x->r8 = t->f.r8;
    x->r9 = t->f.r9, x->r10 = t->f.r10, x->r11 = t->f.r11;
    x->r12 = t->r12, x->r13 = t->r13, x->r14 = t->r14, x->r15 = t->r15;
    x->rip = t->f.rip, x->rflags = t->f.rflags;
}

/* Take the env off the CPU with all its registers, and run the next. */
static _Noreturn void
preempt(struct cpu *c, const struct trapframe *t)
{
    struct env *e = c->current;
    save_all(c, t);
    env_off(c, e, true);
    if (env_state(e) == EXO_ENV_RUNNING)
        env_requeue(e);
    else if (env_state(e) == EXO_ENV_DYING)
        e->mortem.context = e->context;
    slice_schedule(c);
}

/* There is no way to deliver an upcall: the env ends. */
static _Noreturn __attribute__((noinline)) void
end_undeliverable(struct cpu *c, const struct trapframe *t, enum exo_end end)
{
    env_end(c->current, &(struct env_end){.end = end, .frame = &t->f});
    slice_schedule(c);
}

/* Deliver an asynchronous upcall to the env that runs. True: its frame now
 * leads into the handler; false: it goes on where it is to be restarted. */
static inline bool
deliver(struct cpu *c, struct trapframe *t, int vector)
{
    struct env *e = c->current;
    struct exo_uarea *u = e->uarea;
    uint64_t restart = upcall_restart(u, t->f.rip);
    if (restart) {
        __atomic_store_n(&u->mask, 1, __ATOMIC_RELAXED);
        t->f.rip = restart;
        return false;
    }
    __atomic_fetch_and(&u->pending, ~(1u << vector), __ATOMIC_ACQ_REL);
    t->f.vector = (uint64_t)vector;
    t->f.cause = t->f.addr = t->f.error = 0;
    enum exo_end end = upcall_enter(e, &t->f, vector);
    if (unlikely(end))
        end_undeliverable(c, t, end);
    return true;
}

/* The slice is over: go on if nobody else may or wants to run, switch, or
 * announce it with QUANTUM. */
static inline void
slice_over(struct cpu *c, struct trapframe *t, uint64_t now)
{
    struct env *e = c->current;
    struct choice ch = look(c, now);
    if (ch.env == e || (!ch.env && env_may_run_on(e, c))) {
        commit(c, &ch);
        return;
    }
    if (!e->uarea->handler[EXO_UP_QUANTUM])
        preempt(c, t);
    c->grace_end = now + K.grace_tsc;
    __atomic_fetch_or(&e->uarea->pending, 1u << EXO_UP_QUANTUM,
                      __ATOMIC_ACQ_REL);
}

/* Should the owner of the slot have the CPU instead of whoever has slack? */
static inline bool
owner_wants_back(struct cpu *c, uint64_t now)
{
    return c->on_slack && !c->grace_end && c->slot_owner &&
           env_state(c->slot_owner) == EXO_ENV_READY && now >= c->yielded_end &&
           env_may_run_on(c->slot_owner, c);
}

bool
slice_interrupt(struct cpu *c, struct trapframe *t)
{
    struct env *e = c->current;
    uint64_t now = hw_rdtsc();
    expire(c, now);
    if (env_state(e) != EXO_ENV_RUNNING)
        preempt(c, t); /* stopped or ended by another CPU */
    if (c->grace_end && now >= c->grace_end) {
        e->info->overruns++;
        preempt(c, t);
    }
    if (!c->grace_end && (now >= c->slice_end || owner_wants_back(c, now))) {
        if (now < c->slice_end)
            c->slice_end = now;
        slice_over(c, t, now);
    }
    int vector = upcall_due(e);
    bool entered = vector >= 0 && deliver(c, t, vector);
    arm(c, c->grace_end ? c->grace_end : c->slice_end);
    return entered;
}
