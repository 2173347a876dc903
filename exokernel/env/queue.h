// SPDX-License-Identifier: MIT
/*
 * Run queues: READY envs, in the order they became so.
 *
 * One queue per CPU for envs bound to it and one for all others; a CPU takes
 * turns between its own and the common one. All operations cost the same
 * however many envs there are.
 */
#ifndef EXO_ENV_QUEUE_H
#define EXO_ENV_QUEUE_H

#include "kernel.h"

/* To READY, at the end of its queue. */
static inline void
env_ready(struct env *e)
{
    struct queue *q = e->queue;
    struct env *last = q->tail;
    assert(e->info->state != EXO_ENV_READY);
    e->info->state = EXO_ENV_READY;
    e->queue_next = NULL;
    e->queue_prev = last;
    q->tail = e;
    if (last)
        last->queue_next = e;
    else
        q->head = e;
}

/* Out of its queue; the caller sets the next state at once. */
static inline void
env_unready(struct env *e)
{
    struct queue *q = e->queue;
    struct env *next = e->queue_next, *prev = e->queue_prev;
    assert(e->info->state == EXO_ENV_READY);
    if (prev)
        prev->queue_next = next;
    else
        q->head = next;
    if (next)
        next->queue_prev = prev;
    else
        q->tail = prev;
}

/* Whose turn it is on this CPU, NULL if nobody is READY; it stays queued. */
static inline struct env *
env_next(const struct cpu *c)
{
    if (!c->queue.head)
        return K.queue.head;
    if (!K.queue.head)
        return c->queue.head;
    return c->any_turn ? K.queue.head : c->queue.head;
}

#endif
