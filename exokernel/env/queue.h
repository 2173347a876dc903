// SPDX-License-Identifier: MIT
/*
 * Run queues: READY envs, in the order they became so.
 *
 * One queue per CPU for envs bound to it and one for all others; a CPU takes
 * turns between its own and the common one. An env that waits for a reply
 * stands with its callee instead. All are rings, closed by the place that
 * stands for the queue, so there is no first or last to be told from the rest,
 * and all operations cost the same however many envs there are.
 */
#ifndef EXO_ENV_QUEUE_H
#define EXO_ENV_QUEUE_H

#include "kernel.h"

static inline void
ring_init(struct ring *ring)
{
    ring->next = ring->prev = ring;
}

static inline bool
ring_is_empty(const struct ring *ring)
{
    return ring->next == ring;
}

/* The env that came first. needs: there is one. */
static inline struct env *
ring_first(const struct ring *ring)
{
    return (struct env *)((char *)ring->next - offsetof(struct env, place));
}

static inline void
ring_add(struct ring *ring, struct env *e)
{
    struct ring *last = ring->prev;
    e->place.next = ring;
    e->place.prev = last;
    last->next = ring->prev = &e->place;
}

static inline void
ring_remove(struct env *e)
{
    struct ring *next = e->place.next, *prev = e->place.prev;
    prev->next = next;
    next->prev = prev;
}

/* To READY, at the end of its queue. */
static inline void
env_ready(struct env *e)
{
    assert(e->info->state != EXO_ENV_READY);
    e->info->state = EXO_ENV_READY;
    ring_add(e->queue, e);
}

/* Out of its queue; the caller sets the next state at once. */
static inline void
env_unready(struct env *e)
{
    assert(e->info->state == EXO_ENV_READY);
    ring_remove(e);
}

/* To and from those with a SYNC call open with `callee`, which is not DEAD
 * while there are any. needs: e is in no run queue. */
static inline void
env_join_callee(struct env *e, struct env *callee)
{
    e->callee = callee;
    ring_add(&callee->callers, e);
}

static inline void
env_leave_callee(struct env *e)
{
    e->callee = NULL;
    ring_remove(e);
}

/* Whose turn it is on this CPU, NULL if nobody is READY; it stays queued. */
static inline struct env *
env_next(const struct cpu *c)
{
    bool any = !ring_is_empty(&K.queue);
    if (ring_is_empty(&c->queue))
        return any ? ring_first(&K.queue) : NULL;
    return ring_first(any && c->any_turn ? &K.queue : &c->queue);
}

#endif
