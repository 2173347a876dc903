// SPDX-License-Identifier: MIT
/*
 * Two CPUs at once: shoot-down, stopping and ending what runs elsewhere, wake
 * ups across CPUs; and, on any number, address spaces that a CPU's TLB still
 * remembers (PCID).
 *
 * Must be seen: when a call that removed a binding returns, no CPU uses it any
 * more; an env that was stopped is off its CPU; no wake-up is lost.
 */
#include "test.h"

static volatile uint64_t said[8];
static volatile uint64_t flag, rounds;

#define THERE (EXO_FIRST_UAREA + 0x30000)
#define TWO   NEEDS(NCPUS > 1, "needs two CPUs")

/* The tester on one CPU, the kid bound to the other: the tester may wander,
 * so a second kid keeps it company nowhere; it runs where the kid does not. */
static struct kid *
elsewhere(unsigned flags, void (*entry)(uint64_t), uint64_t arg)
{
    uint32_t cpu = ME->cpu == 0 ? 1 : 0;
    return kid_new(&(struct kid_plan){.flags = flags, .cpu1 = cpu + 1}, entry,
                   arg);
}

static void
skip_fault(struct exo_frame *f)
{
    said[0]++;
    flag = 2;
    (void)f;
    leave(7);
}

static void
write_for_ever(uint64_t va)
{
    on_upcall(uarea(), EXO_UP_FAULT, skip_fault);
    for (;;) {
        (*(volatile uint64_t *)va)++;
        rounds++;
    }
}

TEST(unbinding_stops_a_writer_on_another_cpu)
{
    TWO;
    for (unsigned i = 0; i < 40; i++) {
        rounds = flag = 0;
        exo_page a = page_at(SCRATCH);
        struct kid *k = elsewhere(0, write_for_ever, THERE);
        EQ(bind_one(k->root, THERE, a, RW), 1);
        kid_go(k);
        UNTIL(rounds > 10);
        if (i % 2)
            EQ(bind_one(k->root, THERE, 0, 0), 1);
        else
            EQ(bind_one(k->root, THERE, 0, EXO_BIND_SAME | R), 1);
        uint64_t seen = *word(SCRATCH);
        for (unsigned j = 0; j < 200; j++)
            exo_null();
        EQ(*word(SCRATCH), seen); // not one more store
        EQ(kid_join(k), 7);
        kid_end(k);
        page_gone(a);
    }
}

TEST(breaking_stops_a_writer_on_another_cpu)
{
    TWO;
    for (unsigned i = 0; i < 20; i++) {
        rounds = flag = 0;
        exo_page a = page_at(SCRATCH);
        struct kid *k = elsewhere(0, write_for_ever, THERE);
        EQ(bind_one(k->root, THERE, a, RW), 1);
        kid_go(k);
        UNTIL(rounds > 10);
        page_gone(a);
        exo_page again = a;
        EQ(exo_page_alloc(CAPS, 0, 0, &again, 1), 1);
        bind_here(SCRATCH, again, RW);
        uint64_t seen = *word(SCRATCH);
        for (unsigned j = 0; j < 200; j++)
            exo_null();
        EQ(*word(SCRATCH), seen);
        EQ(kid_join(k), 7);
        kid_end(k);
        page_gone(again);
    }
}

TEST(unlinking_a_table_stops_a_writer_on_another_cpu)
{
    TWO;
    for (unsigned i = 0; i < 20; i++) {
        rounds = flag = 0;
        exo_page a = page_at(SCRATCH);
        uint64_t va = 0x10000000;
        struct kid *k = elsewhere(0, write_for_ever, va);
        exo_page leaf = leaf_ensure(k->root, k->id, k->guard, va, true);
        EQ(bind_one(k->root, va, a, RW), 1);
        kid_go(k);
        UNTIL(rounds > 10);
        if (i % 2)
            EQ(exo_table_link(CAPS, k->root, va, 1, 0), 0);
        else
            page_gone(leaf);
        uint64_t seen = *word(SCRATCH);
        for (unsigned j = 0; j < 200; j++)
            exo_null();
        EQ(*word(SCRATCH), seen);
        EQ(kid_join(k), 7);
        kid_end(k);
        page_gone(a);
    }
}

static void
count(uint64_t unused)
{
    (void)unused;
    for (;;)
        rounds++;
}

TEST(stop_returns_when_the_env_is_off_its_cpu)
{
    TWO;
    struct kid *k = elsewhere(0, count, 0);
    kid_go(k);
    for (unsigned i = 0; i < 100; i++) {
        uint64_t from = rounds;
        UNTIL(rounds != from);
        EQ(exo_env_control(ROOT_CAP, k->id, EXO_ENV_STOP, 0), 0);
        uint64_t at = rounds;
        for (unsigned j = 0; j < 50; j++)
            exo_null();
        EQ(rounds, at);
        EQ(control(k->id, EXO_ENV_START), 0);
    }
}

TEST(destroy_takes_an_env_off_another_cpu)
{
    TWO;
    for (unsigned i = 0; i < 20; i++) {
        rounds = 0;
        struct kid *k = elsewhere(0, count, 0);
        kid_go(k);
        UNTIL(rounds > 10);
        exo_env_control(ROOT_CAP, k->id, EXO_ENV_DESTROY, 0);
        uint64_t at = rounds;
        for (unsigned j = 0; j < 50; j++)
            exo_null();
        EQ(rounds, at);
        kid_end(k);
    }
}

static void
answer(uint64_t partner)
{
    for (uint64_t i = 0; i < 300; i++) {
        exo_wait(1, EXO_NEVER, 0);
        __atomic_fetch_and(&uarea()->events, ~UINT64_C(1), __ATOMIC_ACQ_REL);
        rounds++;
        said[1] |= (uint64_t)-exo_ring(1, partner, 2);
    }
}

TEST(no_wake_up_is_lost_between_cpus)
{
    TWO;
    rounds = said[1] = 0;
    struct kid *k = elsewhere(0, answer, self());
    EQ(exo_cap_grant(CAPS, k->id, 1, exo_env_info(self())->guard,
                     64 | EXO_WRITE << 8),
       0);
    kid_go(k);
    for (uint64_t i = 0; i < 300; i++) {
        EQ(exo_ring(ROOT_CAP, k->id, 1), 0);
        EQ(exo_wait(2, now() + patience(), 0), 1);
        __atomic_fetch_and(&uarea()->events, ~UINT64_C(2), __ATOMIC_ACQ_REL);
    }
    EQ(kid_join(k), 0);
    EQ(rounds, 300);
    EQ(said[1], 0);
}

TEST(cpus_all_run_envs)
{
    for (uint32_t cpu = 0; cpu < NCPUS; cpu++) {
        rounds = 0;
        struct kid *k = kid_new(&(struct kid_plan){.cpu1 = cpu + 1}, count, 0);
        kid_go(k);
        UNTIL(rounds > 100);
        EQ(kid_info(k)->cpu, cpu);
        kid_end(k);
    }
}

/* ---- what a TLB remembers of spaces that do not run --------------------- */

static volatile uint64_t value_seen;

static void
read_again(uint64_t va)
{
    on_upcall(uarea(), EXO_UP_FAULT, skip_fault);
    for (;;) {
        value_seen = *(volatile uint64_t *)va;
        rounds++;
        exo_wait(1, EXO_NEVER, 0);
        __atomic_fetch_and(&uarea()->events, ~UINT64_C(1), __ATOMIC_ACQ_REL);
    }
}

TEST(binding_changed_while_its_space_slept_is_seen)
{
    // The kid sleeps; its entries may stand in a TLB under its own tag.
    exo_page a = page_at(SCRATCH), b = page_at(SCRATCH + 4096);
    *word(SCRATCH) = 1;
    *word(SCRATCH + 4096) = 2;
    rounds = 0;
    struct kid *k = kid_new(&(struct kid_plan){0}, read_again, THERE);
    EQ(bind_one(k->root, THERE, a, R), 1);
    kid_go(k);
    UNTIL(rounds == 1 && kid_state(k) == EXO_ENV_WAITING);
    for (unsigned i = 0; i < 100; i++) {
        EQ(value_seen, i % 2 + 1);
        EQ(bind_one(k->root, THERE, i % 2 ? a : b, R), 1);
        EQ(exo_ring(ROOT_CAP, k->id, 1), 0);
        UNTIL(rounds == i + 2 && kid_state(k) == EXO_ENV_WAITING);
    }
    EQ(bind_one(k->root, THERE, 0, 0), 1);
    EQ(exo_ring(ROOT_CAP, k->id, 1), 0);
    EQ(kid_join(k), 7); // it faulted
}

TEST(many_spaces_do_not_confuse_their_tags)
{
    // More spaces than a CPU has tags for, each with its own page at THERE.
    struct kid *k[14];
    static uint64_t sum;
    for (unsigned i = 0; i < 14; i++) {
        k[i] = kid_new(&(struct kid_plan){.cpu1 = 1}, read_again, THERE);
        exo_page a = page_at(SCRATCH);
        *word(SCRATCH) = 100 + i;
        EQ(bind_one(k[i]->root, THERE, a, R), 1);
        kid_go(k[i]);
        UNTIL(kid_state(k[i]) == EXO_ENV_WAITING);
    }
    for (unsigned round = 0; round < 200; round++) {
        unsigned i = random64() % 14;
        sum = rounds;
        EQ(exo_ring(ROOT_CAP, k[i]->id, 1), 0);
        UNTIL(rounds == sum + 1 && kid_state(k[i]) == EXO_ENV_WAITING);
        EQ(value_seen, 100 + i);
    }
}
