// SPDX-License-Identifier: MIT
/*
 * Deadlines of envs: a binary heap per CPU [Williams64], earliest on top.
 *
 * A heap element is index * ENV_TIMERS + which, so the heap of a CPU is an
 * array sized at boot and no env can make it grow. An env knows the place of
 * each of its timers, so cancelling is as cheap as arming: the height of the
 * heap.
 */
#include "env/env.h"

static struct env *
timer_env(uint32_t timer)
{
    return K.env[timer / ENV_TIMERS];
}

static uint64_t
timer_deadline(uint32_t timer)
{
    return env_timer_deadline(timer);
}

static void
heap_put(struct cpu *c, uint32_t place, uint32_t timer)
{
    c->heap[place] = timer;
    timer_env(timer)->heap_place[timer % ENV_TIMERS] = place + 1;
}

static void
heap_up(struct cpu *c, uint32_t place, uint32_t timer)
{
    while (place) {
        uint32_t up = (place - 1) / 2;
        if (timer_deadline(c->heap[up]) <= timer_deadline(timer))
            break;
        heap_put(c, place, c->heap[up]);
        place = up;
    }
    heap_put(c, place, timer);
}

static void
heap_down(struct cpu *c, uint32_t place, uint32_t timer)
{
    for (;;) {
        uint32_t child = 2 * place + 1;
        if (child >= c->heap_count)
            break;
        if (child + 1 < c->heap_count &&
            timer_deadline(c->heap[child + 1]) < timer_deadline(c->heap[child]))
            child++;
        if (timer_deadline(timer) <= timer_deadline(c->heap[child]))
            break;
        heap_put(c, place, c->heap[child]);
        place = child;
    }
    heap_put(c, place, timer);
}

void
env_timer_remove(struct env *e, enum env_timer which)
{
    struct cpu *c = K.cpu[e->timer_cpu[which]];
    uint32_t place = e->heap_place[which] - 1;
    e->heap_place[which] = 0;
    uint32_t last = c->heap[--c->heap_count];
    if (place == c->heap_count)
        return;
    if (place &&
        timer_deadline(last) < timer_deadline(c->heap[(place - 1) / 2]))
        heap_up(c, place, last);
    else
        heap_down(c, place, last);
}

void
env_timer_arm(struct cpu *c, struct env *e, enum env_timer which,
              uint64_t deadline)
{
    env_timer_cancel(e, which);
    e->deadline[which] = deadline;
    e->timer_cpu[which] = c->index;
    heap_up(c, c->heap_count++, e->index * ENV_TIMERS + which);
}

struct env *
env_timer_pop(struct cpu *c, uint64_t now, enum env_timer *which)
{
    if (env_timer_next(c) > now)
        return NULL;
    struct env *e = timer_env(c->heap[0]);
    *which = c->heap[0] % ENV_TIMERS;
    env_timer_remove(e, *which);
    return e;
}
