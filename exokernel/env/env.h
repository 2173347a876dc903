// SPDX-License-Identifier: MIT
/*
 * Protection domains: create, run, speak to, end.
 *
 *   EMBRYO -> READY <-> RUNNING -> WAITING -> READY
 *               ^ STOPPED (from and to any of these)
 *   any -> DYING -> DEAD -> slot free
 *
 * ENV-1  an env in K.env[] has one state; READY envs, and no others, are in a
 *        run queue; a RUNNING one is `current` on exactly one CPU.
 * ENV-2  from DYING on an env is in no queue, heap or CPU, and never runs.
 * ENV-3  the pages that hold an env are kernel-held and pinned until it is
 *        DEAD; its save and log pages then belong to its parent.
 * ENV-4  every register a user sees on the way out is its own or zero.
 *
 * Policy left to the libOS: loading, address space layout, threads, what to do
 * about a dead child. How it is taken back: destroyed by CONTROL.
 * [Engler95 5.1.2, 5.3], [Leslie96] activations
 */
#ifndef EXO_ENV_ENV_H
#define EXO_ENV_ENV_H

#include "env/queue.h"
#include "hw.h"
#include "kernel.h"

/* The env with this id, or NULL if it is stale. */
static inline struct env *
env_get(exo_env id)
{
    uint32_t index = EXO_ENV_INDEX(id);
    struct env *e = likely(index < K.nenvs) ? K.env[index] : NULL;
    return e && e->id == id ? e : NULL;
}

static inline struct env *
env_self(void)
{
    return (struct env *)hw_this_word(CPU_CURRENT);
}

static inline unsigned
env_state(const struct env *e)
{
    return e->info->state;
}

static inline bool
env_alive(const struct env *e)
{
    return e->info->state < EXO_ENV_DYING;
}

static inline bool
env_may_run_on(const struct env *e, const struct cpu *c)
{
    return e->cpu == EXO_CPU_ANY || e->cpu == c->index;
}

/* env.c */

/* Tables of envs, sized from the memory there is. Boot only. */
void env_init(void);

/* Take an env slot and make `save` an env in it, EMBRYO, with no parent and an
 * empty account; NULL: no slot is free. needs: save is a clean page. */
struct env *env_place(exo_page save);

/* Make `child` a child of `parent`. */
void env_adopt(struct env *parent, struct env *child);

/* Move a child behind its siblings, so that looks at children take turns. */
void env_child_last(struct env *child);

/* Make a child of a dying env the child of a living ancestor, accounts and
 * all. */
void env_move(struct env *child, struct env *heir);

/* The root table an env uses. */
void env_use_root(struct env *e, exo_page root);
void env_leave_root(struct env *e);

/* Its upcall stack is the first `pages` of stack_page[]. */
void env_set_stack(struct env *e, unsigned pages);

/* Fill seed, ids and arg of a u-area. */
void env_fill_uarea(struct env *e, uint64_t arg);

/* Take an env's slot away. needs: DEAD, pages gone but save and log. */
void env_bury(struct env *e);

/* Panics when an invariant of this room is broken for e. */
void check_env(const struct env *e);

/* upcall.c */

/* A vector became due: set it pending, wake or interrupt the env. Any CPU. */
void upcall_post(struct env *e, enum exo_vector vector);

/* The vector to deliver out of those pending, or -1: masked or no handler. */
int upcall_choose(const struct env *e, uint32_t pending);

/* The vector to deliver on the way to user mode, or -1. CALL is no event. */
static inline int
upcall_due(const struct env *e)
{
    uint32_t pending = __atomic_load_n(&e->uarea->pending, __ATOMIC_ACQUIRE) &
                       ((1u << EXO_UP_CALL) - (1u << EXO_UP_QUANTUM));
    return likely(!pending) ? -1 : upcall_choose(e, pending);
}

/* Set event bits, and wake or interrupt. */
void env_ring(struct env *e, uint64_t bits);

/* Tell `e` that something it had was taken: by its id, or number. */
void env_tell(struct env *e, enum exo_kind kind, uint64_t id);

/* Tell `e` that the binding of a page was broken. */
void env_tell_taken(struct env *e, exo_page page);

/* run.c */

/* Run e here: gives the lock up and does not return, unless e had to be ended
 * because an upcall that is due cannot be delivered.
 * needs: e out of its queue; slice_end set. */
void env_run(struct cpu *c, struct env *e);

/* Wake a WAITING env with a result. */
void env_wake(struct env *e, int64_t result);

/* A READY env might run at once: interrupt whoever has its slot as slack, or
 * an idle CPU. */
void env_find_cpu(struct env *e);

/* Wake a CPU that has nothing to do and may run e; each is poked once. */
void env_end_idleness(const struct env *e);

/* To READY after it ran: an idle CPU might take it over. */
static inline void
env_requeue(struct env *e)
{
    env_ready(e);
    if (unlikely(K.idle_cpus))
        env_end_idleness(e);
}

/* Is it still `current` somewhere, if only on its way off? */
bool env_on_cpu(const struct env *e);

/* Ask a CPU to look at its slots again (perhaps this one). */
void cpu_poke(struct cpu *c);

/* Get a CPU off its env: returns when it will not return to user mode without
 * having taken the lock. */
void cpu_kick(struct cpu *c);

/* timer.c: per CPU, a heap of deadlines. */

void env_timer_arm(struct cpu *c, struct env *e, enum env_timer which,
                   uint64_t deadline);
void env_timer_remove(struct env *e, enum env_timer which);

static inline void
env_timer_cancel(struct env *e, enum env_timer which)
{
    if (unlikely(e->heap_place[which]))
        env_timer_remove(e, which);
}

/* End what a WAITING env waits for, without making it READY. */
static inline void
env_stop_waiting(struct env *e, int64_t result)
{
    assert(env_state(e) == EXO_ENV_WAITING);
    env_timer_cancel(e, TIMER_WAIT);
    if (e->callee)
        env_leave_callee(e);
    e->context.rax = (uint64_t)result;
    e->wait_events = 0;
    e->donate = 0;
}

static inline uint64_t
env_timer_deadline(uint32_t timer)
{
    return K.env[timer / ENV_TIMERS]->deadline[timer % ENV_TIMERS];
}

/* `time`, or the next deadline on this CPU if that is earlier. */
static inline uint64_t
env_timer_until(const struct cpu *c, uint64_t time)
{
    if (likely(!c->heap_count))
        return time;
    uint64_t next = env_timer_deadline(c->heap[0]);
    return next < time ? next : time;
}

/* The next deadline on this CPU, EXO_NEVER if none. */
static inline uint64_t
env_timer_next(const struct cpu *c)
{
    return env_timer_until(c, EXO_NEVER);
}

/* Take the first timer out if it has passed; NULL if it has not. */
struct env *env_timer_pop(struct cpu *c, uint64_t now, enum env_timer *which);

/* death.c */

struct env_end {
    enum exo_end end;
    uint32_t vector;
    uint64_t value, addr;
    const struct exo_frame *frame; /* registers, if it ends in an exception */
};

/* Called for each env that ends; set by the revoke room, which this one may not
 * call by name. */
extern void (*env_on_end)(struct env *e);

/* Called to take apart what rooms to the right of this one hold for a dying
 * env, about *budget of it; true: nothing is left. Set by the net room. */
extern bool (*env_on_reap)(struct env *e, int *budget);

/* To DYING: it never runs again. The current env of this CPU may be ended; the
 * caller then schedules. */
void env_end(struct env *e, const struct env_end *why);

/* Units of reaping done while the lock is held: a page, a binding. */
#define ENV_REAP_STEP 8

/* Do a bounded part of taking a DYING env apart; true when it is DEAD. */
bool env_reap(struct env *e, int budget);

/* A bounded part of whatever dying env there is; false: there is none. */
bool env_reap_any(void);

#endif
