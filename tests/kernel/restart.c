// SPDX-License-Identifier: MIT
/*
 * The restartable return: unmask, look at pending, leave, as if at once.
 *
 * Must be seen: interrupted at any of its instructions, thousands of times,
 * handlers never nest, no event is lost and no register changes.
 */
#include "test.h"

static volatile uint64_t said[4];
static volatile uint64_t quanta, events, rung, stop;
static volatile exo_env target;

static void
step_over(struct exo_frame *f)
{
    f->rip += 2;
}

static void
on_quantum(struct exo_frame *f)
{
    (void)f;
    quanta++;
    exo_yield(0, 0);
}

static void
on_event(struct exo_frame *f)
{
    (void)f;
    if (__atomic_exchange_n(&uarea()->events, 0, __ATOMIC_ACQ_REL))
        events++;
}

/* Upcalls and returns without end; slices end anywhere in them. */
static void
trap_often(uint64_t seed)
{
    struct exo_uarea *u = uarea();
    on_upcall(u, EXO_UP_FAULT, step_over);
    uint64_t broken = 0;
    while (!stop)
        broken += pattern_trap(seed++);
    said[0] = broken;
    said[1] = own_of(u)->restarts;
    said[2] = own_of(u)->deepest;
}

static void
trap_often_with_quantum(uint64_t seed)
{
    on_upcall(uarea(), EXO_UP_QUANTUM, on_quantum);
    trap_often(seed);
}

/* Rings whenever it runs, and lets the other go on. */
static void
ring_and_yield(uint64_t unused)
{
    (void)unused;
    while (!stop) {
        exo_ring(1, target, 1);
        rung++;
        exo_yield(0, 0);
    }
}

static void
interrupted_often(void (*entry)(uint64_t), uint64_t least)
{
    quanta = events = rung = stop = 0;
    struct kid *a = kid_new(&(struct kid_plan){.cpu1 = 1}, entry, 5);
    struct kid *b = kid_new(&(struct kid_plan){.cpu1 = 1}, ring_and_yield, 0);
    on_upcall(a->u, EXO_UP_EVENT, on_event);
    a->u->event_upcall = 1; // before the first ring: bells are edges
    target = a->id;
    EQ(exo_cap_grant(CAPS, b->id, 1, a->guard,
                     KID_PREFIX_BITS | EXO_WRITE << 8),
       0);
    kid_go(a);
    kid_go(b);
    UNTIL(rung > (COUNTED ? 1500 : 300));
    stop = 1;
    EQ(kid_join(a), 0);
    EQ(kid_join(b), 0);
    EQ(said[0], 0);      // no register changed
    CHECK(said[2] <= 1); // no handler inside another
    CHECK(events > 0);
    if (COUNTED)
        CHECK(said[1] >= least);
}

TEST(return_interrupted_anywhere_by_a_slices_end)
{
    interrupted_often(trap_often_with_quantum, 20);
    CHECK(quanta > 0);
}

TEST(return_interrupted_anywhere_by_a_switch)
{
    // Without QUANTUM the env is switched, and finds its EVENT when it resumes.
    interrupted_often(trap_often, 20);
}

static void
end_with_an_event(uint64_t unused)
{
    (void)unused;
    struct exo_uarea *u = uarea();
    on_upcall(u, EXO_UP_FAULT, step_over);
    on_upcall(u, EXO_UP_EVENT, on_event);
    u->event_upcall = 1;
    for (unsigned i = 0; i < 2000; i++) {
        uint64_t before = events;
        exo_ring(0, 0, 1);
        pattern_trap(i);
        exo_tsc limit = now() + patience();
        while (events == before && now() < limit)
            exo_null();
        said[3] += events != before + 1;
    }
}

TEST(event_behind_a_return_is_never_lost)
{
    events = said[3] = 0;
    struct kid *k = kid_start(0, end_with_an_event, 0);
    EQ(kid_join(k), 0);
    EQ(said[3], 0);
    EQ(events, 2000);
}
