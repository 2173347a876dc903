// SPDX-License-Identifier: MIT
/*
 * Run queues: READY envs, in the order they became so.
 *
 * One queue per CPU for envs bound to it and one for all others; a CPU takes
 * turns between its own and the common one. All operations cost the same
 * however many envs there are.
 */
#include "env/env.h"

struct queue {
    struct env **head, **tail;
};

static struct queue
queue_of(const struct env *e)
{
    struct cpu *c = e->cpu < K.ncpus ? K.cpu[e->cpu] : NULL;
    if (c)
        return (struct queue){&c->queue_head, &c->queue_tail};
    return (struct queue){&K.queue_head, &K.queue_tail};
}

void
env_ready(struct env *e)
{
    struct queue q = queue_of(e);
    assert(!e->queued);
    e->info->state = EXO_ENV_READY;
    e->queued = true;
    e->queue_next = NULL;
    e->queue_prev = *q.tail;
    if (*q.tail)
        (*q.tail)->queue_next = e;
    else
        *q.head = e;
    *q.tail = e;
}

void
env_unready(struct env *e)
{
    struct queue q = queue_of(e);
    assert(e->queued);
    e->queued = false;
    if (e->queue_prev)
        e->queue_prev->queue_next = e->queue_next;
    else
        *q.head = e->queue_next;
    if (e->queue_next)
        e->queue_next->queue_prev = e->queue_prev;
    else
        *q.tail = e->queue_prev;
}

struct env *
env_next(struct cpu *c)
{
    if (!c->queue_head)
        return K.queue_head;
    if (!K.queue_head)
        return c->queue_head;
    return c->any_turn ? K.queue_head : c->queue_head;
}
