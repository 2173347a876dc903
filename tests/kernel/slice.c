// SPDX-License-Identifier: MIT
/*
 * Slots and slices: slot_set, yield, wait with its deadline and donation, the
 * QUANTUM upcall with its grace, the penalty, exact accounting.
 *
 * Must be seen: owners get their slots and no more, slack goes to whoever was
 * named or is READY, no env holds a CPU longer than slice and grace, and all
 * time is accounted for.
 */
#include "test.h"

#define SLOT   (exo_machine()->slot_tsc)
#define NSLOTS (exo_machine()->nslots)
#define GUARD  UINT64_C(0x6600000000000000)

static volatile uint64_t said[16];
static volatile uint64_t counter[4];

static void
count(uint64_t which)
{
    for (;;)
        counter[which]++;
}

static struct kid *
on_cpu0(void (*entry)(uint64_t), uint64_t arg, unsigned flags)
{
    return kid_new(&(struct kid_plan){.cpu1 = 1, .slots = 1024, .flags = flags},
                   entry, arg);
}

static void
sleep_ticks(uint64_t ticks)
{
    exo_tsc end = now() + ticks;
    while (now() < end)
        exo_wait(UINT64_C(1) << 59, end, 0);
}

/* ---- slot_set --------------------------------------------------------- */

TEST(slot_set_gives_and_takes)
{
    struct kid *k = on_cpu0(sleep_forever, 0, 0);
    EQ(exo_slot_set(CAPS, EXO_SLOT(0, 5), 3, k->id, GUARD), 3);
    for (unsigned n = 5; n < 8; n++) {
        EQ(exo_slot_info(0, n)->owner, k->id);
        EQ(exo_slot_info(0, n)->guard, GUARD);
    }
    EQ(exo_slot_info(0, 4)->owner, 0);
    EQ(exo_slot_info(0, 8)->owner, 0);
    EQ(kid_info(k)->account[EXO_KIND_SLOT].used, 3);
    EQ(ME->account[EXO_KIND_SLOT].used, 3);
    EQ(exo_slot_set(CAPS, EXO_SLOT(0, 6), 1, 0, GUARD), 1); // 0: me
    EQ(exo_slot_info(0, 6)->owner, self());
    EQ(kid_info(k)->account[EXO_KIND_SLOT].used, 2);
    EQ(ME->account[EXO_KIND_SLOT].own, 1);
    EQ(exo_slot_set(CAPS, EXO_SLOT(0, 5), 3, EXO_NEVER, 0), 3);
    EQ(exo_slot_info(0, 5)->owner, 0);
    EQ(ME->account[EXO_KIND_SLOT].used, 0);
}

TEST(slot_set_checks_its_arguments)
{
    struct kid *k = on_cpu0(sleep_forever, 0, 0);
    FAILS(exo_slot_set(CAPS, EXO_SLOT(NCPUS, 0), 1, k->id, 0), INVAL);
    FAILS(exo_slot_set(CAPS, EXO_SLOT(UINT32_MAX, 0), 1, k->id, 0), INVAL);
    FAILS(exo_slot_set(CAPS, EXO_SLOT(0, NSLOTS), 1, k->id, 0), INVAL);
    FAILS(exo_slot_set(CAPS, EXO_SLOT(0, UINT32_MAX), 1, k->id, 0), INVAL);
    FAILS(exo_slot_set(CAPS, EXO_SLOT(0, NSLOTS - 1), 2, k->id, 0), INVAL);
    FAILS(exo_slot_set(CAPS, EXO_SLOT(0, 1), UINT64_MAX, k->id, 0), INVAL);
    FAILS(exo_slot_set(CAPS, 0, 1, k->id + 0x10000, 0), STALE);
    FAILS(exo_slot_set(EXO_CAPS(ROOT_CAP, NO_CAP), 0, 1, k->id, 0), CAP);
    EQ(exo_cap_grant(CAPS, 0, 1, 0, (EXO_ALL & ~EXO_GRANT) << 8), 0);
    FAILS(exo_slot_set(EXO_CAPS(ROOT_CAP, 1), 0, 1, k->id, 0), CAP);
    EQ(exo_slot_set(CAPS, 0, 0, k->id, 0), 0);
    control(k->id, EXO_ENV_DESTROY);
    FAILS(exo_slot_set(CAPS, 0, 1, k->id, 0), STALE);
}

TEST(slot_set_of_an_owned_slot_needs_write_over_its_guard)
{
    struct kid *k = on_cpu0(sleep_forever, 0, 0);
    EQ(exo_slot_set(CAPS, EXO_SLOT(0, 9), 1, k->id, GUARD), 1);
    FAILS(exo_slot_set(EXO_CAPS(NO_CAP, ROOT_CAP), EXO_SLOT(0, 9), 1, 0, 0),
          CAP);
    EQ(exo_cap_grant(CAPS, 0, 1, GUARD, 64 | (EXO_ALL & ~EXO_WRITE) << 8), 0);
    FAILS(exo_slot_set(EXO_CAPS(1, ROOT_CAP), EXO_SLOT(0, 9), 1, 0, 0), CAP);
    EQ(exo_slot_set(EXO_CAPS(1, ROOT_CAP), EXO_SLOT(0, 8), 2, 0, GUARD), 1);
    EQ(exo_cap_grant(CAPS, 0, 2, GUARD, 64 | EXO_WRITE << 8), 0);
    EQ(exo_slot_set(EXO_CAPS(2, ROOT_CAP), EXO_SLOT(0, 9), 1, 0, 0), 1);
    // The owner may give its own up without a right over the guard.
    EQ(exo_slot_set(EXO_CAPS(NO_CAP, ROOT_CAP), EXO_SLOT(0, 9), 1, EXO_NEVER,
                    0),
       1);
}

TEST(slot_set_stops_at_the_limit)
{
    struct kid *k = kid_new(&(struct kid_plan){.slots = 4}, sleep_forever, 0);
    EQ(exo_slot_set(CAPS, EXO_SLOT(0, 0), 6, k->id, 0), 4);
    EQ(kid_info(k)->account[EXO_KIND_SLOT].used, 4);
    FAILS(exo_slot_set(CAPS, EXO_SLOT(0, 10), 1, k->id, 0), LIMIT);
    EQ(exo_slot_set(CAPS, EXO_SLOT(0, 0), 4, k->id, GUARD), 4); // its own again
    EQ(kid_info(k)->account[EXO_KIND_SLOT].used, 4);
}

TEST(slot_can_be_handed_down_at_the_limit)
{
    struct kid *k = kid_new(&(struct kid_plan){.slots = 4}, sleep_forever, 0);
    EQ(exo_slot_set(CAPS, EXO_SLOT(0, 0), NSLOTS, 0, 0), NSLOTS);
    for (uint32_t cpu = 1; cpu < NCPUS; cpu++)
        EQ(exo_slot_set(CAPS, EXO_SLOT(cpu, 0), NSLOTS, 0, 0), NSLOTS);
    EQ(ME->account[EXO_KIND_SLOT].used, NCPUS * NSLOTS);
    EQ(exo_slot_set(CAPS, EXO_SLOT(0, 0), 1, k->id, 0), 1);
    EQ(ME->account[EXO_KIND_SLOT].used, NCPUS * NSLOTS);
    EQ(kid_info(k)->account[EXO_KIND_SLOT].used, 1);
}

TEST(slot_reguard)
{
    EQ(exo_slot_set(CAPS, EXO_SLOT(0, 3), 1, 0, GUARD), 1);
    EQ(exo_reguard(CAPS, EXO_KIND_SLOT, EXO_SLOT(0, 3), 1, 7), 1);
    EQ(exo_slot_info(0, 3)->guard, 7);
    EQ(exo_cap_grant(CAPS, 0, 1, GUARD, 64 | EXO_ALL << 8), 0);
    FAILS(exo_reguard(EXO_CAPS(1, 0), EXO_KIND_SLOT, EXO_SLOT(0, 3), 1, 0),
          CAP);
}

/* ---- who runs --------------------------------------------------------- */

TEST(owners_get_their_slots)
{
    struct kid *a = on_cpu0(count, 0, 0), *b = on_cpu0(count, 1, 0);
    struct kid *c = on_cpu0(count, 2, 0);
    EQ(exo_slot_set(CAPS, EXO_SLOT(0, 0), NSLOTS / 2, a->id, 0), NSLOTS / 2);
    EQ(exo_slot_set(CAPS, EXO_SLOT(0, NSLOTS / 2), NSLOTS / 4, b->id, 0),
       NSLOTS / 4);
    kid_go(a);
    kid_go(b);
    kid_go(c);
    sleep_ticks(2 * SLOT);
    uint64_t ca = kid_info(a)->time_charged, cb = kid_info(b)->time_charged;
    uint64_t cc = kid_info(c)->time_charged, from = now();
    sleep_ticks(8 * NSLOTS * SLOT); // a long slice is charged at its end
    uint64_t passed = now() - from;
    ca = kid_info(a)->time_charged - ca;
    cb = kid_info(b)->time_charged - cb;
    EQ(kid_info(c)->time_charged, cc);
    // On a busy host slots pass while the CPU does not run.
    UNTIL(kid_info(a)->time_charged > 0 && kid_info(b)->time_charged > 0 &&
          kid_info(c)->time_slack > 0);
    if (!COUNTED)
        return;
    if (ca < passed * 2 / 5 || ca > passed * 3 / 5 || cb < passed * 1 / 5 ||
        cb > passed * 3 / 10)
        FAIL("of %lu ticks the owner of 1/2 got %lu, of 1/4 %lu", passed, ca,
             cb);
    CHECK(kid_info(c)->time_slack > passed / 20);
}

TEST(each_cpu_has_slots_of_its_own)
{
    NEEDS(NCPUS > 1, "needs two CPUs");
    uint32_t cpu = NCPUS - 1;
    struct kid *k =
        kid_new(&(struct kid_plan){.cpu1 = cpu + 1, .slots = NSLOTS}, count, 0);
    EQ(exo_slot_set(CAPS, EXO_SLOT(cpu, 0), NSLOTS, k->id, 0), NSLOTS);
    kid_go(k);
    UNTIL(kid_info(k)->time_charged > 0); // what it gets there is its own
}

TEST(adjacent_slots_are_one_slice)
{
    // An owner of all slots is never interrupted for another.
    NEEDS(NCPUS > 1, "the tester needs a CPU of its own");
    struct kid *a = on_cpu0(count, 0, 0), *b = on_cpu0(count, 1, 0);
    EQ(exo_slot_set(CAPS, EXO_SLOT(0, 0), NSLOTS, a->id, 0), NSLOTS);
    counter[1] = 0;
    kid_go(a);
    UNTIL(counter[0]);
    kid_go(b);
    sleep_ticks(10 * SLOT);
    CHECK(!COUNTED || counter[1] == 0); // but what it overran before
    CHECK(counter[0] > counter[1]);
}

TEST(slack_goes_round_robin)
{
    for (unsigned i = 0; i < 3; i++) {
        counter[i] = 0;
        kid_go(on_cpu0(count, i, 0));
    }
    for (unsigned i = 0; i < 3; i++)
        UNTIL(counter[i] > 0);
    sleep_ticks(30 * SLOT);
    for (unsigned i = 0; i < 3; i++)
        CHECK(counter[i] > 0);
    for (uint32_t n = 1; n < exo_machine()->nenvs; n++)
        if (exo_env_info(n)->id && exo_env_info(n)->parent == self())
            CHECK(exo_env_info(n)->time_slack > SLOT);
}

TEST(env_bound_to_a_cpu_runs_nowhere_else)
{
    for (uint32_t cpu = 0; cpu < NCPUS; cpu++) {
        counter[0] = 0;
        struct kid *k = kid_new(&(struct kid_plan){.cpu1 = cpu + 1}, count, 0);
        kid_go(k);
        UNTIL(counter[0] > 1000);
        for (unsigned i = 0; i < 10; i++) {
            EQ(kid_info(k)->cpu, cpu);
            pause_here();
        }
        kid_end(k);
    }
}

/* ---- yield ------------------------------------------------------------ */

static volatile exo_env partner;

static void
run_and_tell(uint64_t unused)
{
    (void)unused;
    for (;;) {
        said[0]++;
        said[2] = exo_env_info(self())->cpu;
        exo_yield(0, 0);
    }
}

static void
yield_to_partner(uint64_t times)
{
    for (uint64_t i = 0; i < times; i++) {
        uint64_t before = exo_env_info(partner)->time_ran;
        int64_t result = exo_yield(1, partner);
        if (result == 0 && exo_env_info(partner)->time_ran == before)
            said[3]++; // came back, but the partner had not run
        said[1] = (uint64_t)result;
        said[4] += result == 0;
    }
}

TEST(yield_to_an_env_runs_it_at_once)
{
    for (unsigned i = 0; i < 5; i++)
        said[i] = 0;
    struct kid *b = on_cpu0(run_and_tell, 0, 0);
    struct kid *a = on_cpu0(yield_to_partner, 100, 0);
    partner = b->id;
    EQ(exo_cap_grant(CAPS, a->id, 1, b->guard,
                     KID_PREFIX_BITS | EXO_WRITE << 8),
       0);
    kid_go(b);
    kid_go(a);
    EQ(kid_join(a), 0);
    EQ(said[3], 0);
    CHECK(said[4] >= 90);
}

TEST(yield_checks_its_arguments)
{
    struct kid *k = kid_new(&(struct kid_plan){0}, sleep_forever, 0);
    FAILS(exo_yield(ROOT_CAP, k->id + 0x10000), STALE);
    FAILS(exo_yield(ROOT_CAP, UINT64_MAX), STALE);
    FAILS(exo_yield(NO_CAP, k->id), CAP);
    EQ(exo_cap_grant(CAPS, 0, 1, k->guard, 64 | (EXO_ALL & ~EXO_WRITE) << 8),
       0);
    FAILS(exo_yield(1, k->id), CAP);
    FAILS(exo_yield(ROOT_CAP, k->id), BUSY); // EMBRYO
    kid_go(k);
    UNTIL(kid_state(k) == EXO_ENV_WAITING);
    FAILS(exo_yield(ROOT_CAP, k->id), BUSY);
    EQ(exo_env_control(ROOT_CAP, k->id, EXO_ENV_STOP, 0), 0);
    FAILS(exo_yield(ROOT_CAP, k->id), BUSY);
    EQ(exo_yield(NO_CAP, self()), 0); // to oneself
    EQ(exo_yield(NO_CAP, 0), 0);
}

TEST(yield_to_an_env_of_another_cpu_is_busy)
{
    NEEDS(NCPUS > 1, "needs two CPUs");
    struct kid *b = kid_new(&(struct kid_plan){.cpu1 = 2}, count, 0);
    struct kid *a = on_cpu0(yield_to_partner, 1, 0);
    partner = b->id;
    EQ(exo_cap_grant(CAPS, a->id, 1, b->guard,
                     KID_PREFIX_BITS | EXO_WRITE << 8),
       0);
    kid_go(b);
    kid_go(a);
    EQ(kid_join(a), 0);
    EQ(said[1], -EXO_E_BUSY);
}

/* ---- wait ------------------------------------------------------------- */

TEST(wait_ends_at_its_deadline)
{
    for (unsigned i = 1; i < 6; i++) {
        exo_tsc deadline = now() + i * microseconds(700);
        FAILS(exo_wait(1, deadline, 0), TIME);
        CHECK(now() >= deadline);
    }
    exo_tsc past = now();
    FAILS(exo_wait(1, past, 0), TIME);
    FAILS(exo_wait(1, 0, 0), TIME);
    FAILS(exo_wait(0, now() + microseconds(100), 0), TIME);
}

TEST(wait_is_over_if_an_event_is_set)
{
    EQ(exo_ring(ROOT_CAP, 0, 4), 0);
    EQ(exo_wait(4, EXO_NEVER, 0), 1);
    EQ(exo_wait(6, now() + seconds(1), 0), 1);
    EQ(uarea()->events, 4); // clearing is the libOS's business
    FAILS(exo_wait(2, now() + microseconds(200), 0), TIME);
}

TEST(wait_for_nothing_for_ever_is_refused)
{
    uarea()->mask = 1;
    FAILS(exo_wait(0, EXO_NEVER, 0), INVAL);
    uarea()->mask = 0;
    FAILS(exo_wait(1, EXO_NEVER, self() + 0x10000), STALE);
}

static void
wait_for_bits(uint64_t bits)
{
    said[0] = (uint64_t)exo_wait(bits, EXO_NEVER, 0);
    said[1] = uarea()->events;
}

TEST(wait_wakes_for_its_own_bits_only)
{
    struct kid *k = kid_start(0, wait_for_bits, 0x30);
    UNTIL(kid_state(k) == EXO_ENV_WAITING);
    EQ(exo_ring(ROOT_CAP, k->id, 0x0f), 0);
    for (unsigned i = 0; i < 10; i++)
        pause_here();
    EQ(kid_state(k), EXO_ENV_WAITING);
    EQ(exo_ring(ROOT_CAP, k->id, 0x20), 0);
    EQ(kid_join(k), 0);
    EQ(said[0], 1);
    EQ(said[1], 0x2f);
}

TEST(ring_checks_its_arguments)
{
    struct kid *k = kid_start(0, sleep_forever, 0);
    FAILS(exo_ring(ROOT_CAP, k->id, EXO_EVENT_CHILD), INVAL);
    FAILS(exo_ring(ROOT_CAP, k->id, UINT64_MAX), INVAL);
    FAILS(exo_ring(ROOT_CAP, k->id + 0x10000, 1), STALE);
    FAILS(exo_ring(NO_CAP, k->id, 1), CAP);
    EQ(exo_cap_grant(CAPS, 0, 1, k->guard, 64 | (EXO_ALL & ~EXO_WRITE) << 8),
       0);
    FAILS(exo_ring(1, k->id, 1), CAP);
    EQ(exo_ring(NO_CAP, 0, 1), 0); // oneself
    control(k->id, EXO_ENV_DESTROY);
    FAILS(exo_ring(ROOT_CAP, k->id, 1), STALE);
}

static void
donate_and_sleep(uint64_t ticks)
{
    exo_tsc end = now() + ticks;
    said[0] = (uint64_t)exo_wait(1, end, partner);
    said[1] = now() - end;
}

TEST(wait_lends_its_slots_to_the_env_it_names)
{
    counter[0] = counter[1] = 0;
    struct kid *b = on_cpu0(count, 0, 0), *c = on_cpu0(count, 1, 0);
    struct kid *a = on_cpu0(donate_and_sleep, 20 * SLOT, 0);
    partner = b->id;
    EQ(exo_slot_set(CAPS, EXO_SLOT(0, 0), NSLOTS, a->id, 0), NSLOTS);
    kid_go(b);
    kid_go(c);
    kid_go(a);
    UNTIL(kid_state(a) == EXO_ENV_WAITING || kid_state(a) >= EXO_ENV_DYING);
    EQ(kid_join(a), 0);
    EQ(said[0], -EXO_E_TIME);
    CHECK(!COUNTED || said[1] < 4 * SLOT);
    CHECK(counter[0] > 0);
    CHECK(kid_info(b)->time_ran - kid_info(b)->time_slack >
          (COUNTED ? 8 * SLOT : 0));
    CHECK(!COUNTED || kid_info(b)->time_ran > 4 * kid_info(c)->time_ran);
}

static void
sleep_often(uint64_t times)
{
    uint64_t worst = 0;
    for (uint64_t i = 0; i < times; i++) {
        exo_tsc end = now() + SLOT / 3;
        exo_wait(1, end, 0);
        uint64_t late = now() - end;
        worst = late > worst ? late : worst;
    }
    said[5] = worst;
}

TEST(owner_that_wakes_preempts_slack_at_once)
{
    NEEDS(COUNTED, "needs a clock that counts instructions");
    counter[0] = 0;
    struct kid *b = on_cpu0(count, 0, 0);
    struct kid *a = on_cpu0(sleep_often, 20, 0);
    EQ(exo_slot_set(CAPS, EXO_SLOT(0, 0), NSLOTS, a->id, 0), NSLOTS);
    kid_go(b);
    kid_go(a);
    EQ(kid_join(a), 0);
    CHECK(counter[0] > 0);
    CHECK(said[5] < SLOT / 4);
}

/* ---- QUANTUM, grace, penalty ------------------------------------------ */

static volatile uint64_t quanta;

static void
yield_at_quantum(struct exo_frame *f)
{
    (void)f;
    quanta++;
    exo_yield(0, 0);
}

static void
polite(uint64_t seed)
{
    on_upcall(uarea(), EXO_UP_QUANTUM, yield_at_quantum);
    uint64_t broken = 0;
    while (quanta < 20)
        broken += pattern_spin(seed, 1000);
    said[6] += broken;
}

TEST(quantum_upcall_announces_the_end_of_a_slice)
{
    quanta = said[6] = 0;
    counter[0] = 0;
    struct kid *b = on_cpu0(count, 0, 0);
    struct kid *a = on_cpu0(polite, 3, 0);
    kid_go(b);
    kid_go(a);
    EQ(kid_join(a), 0);
    EQ(said[6], 0); // no register was lost on the way
    CHECK(!COUNTED || kid_info(a)->overruns == 0);
    CHECK(counter[0] > 0);
}

TEST(quantum_does_not_come_when_nobody_else_wants_the_cpu)
{
    quanta = 0;
    on_upcall(uarea(), EXO_UP_QUANTUM, yield_at_quantum);
    exo_tsc end = now() + 5 * SLOT;
    while (now() < end)
        ;
    EQ(quanta, 0);
}

static volatile bool calm;

static void
ignore(struct exo_frame *f)
{
    (void)f;
    quanta++;
    if (calm)
        exo_yield(0, 0);
}

static void
rude(uint64_t unused)
{
    (void)unused;
    on_upcall(uarea(), EXO_UP_QUANTUM, ignore);
    for (;;)
        counter[1]++;
}

TEST(overrun_of_grace_is_switched_counted_and_charged)
{
    calm = false;
    quanta = counter[0] = counter[1] = 0;
    struct kid *b = on_cpu0(count, 0, 0);
    struct kid *a = on_cpu0(rude, 0, 0);
    EQ(exo_slot_set(CAPS, EXO_SLOT(0, 0), 1, a->id, 0), 1);
    kid_go(b);
    kid_go(a);
    UNTIL(kid_info(a)->overruns >= 3);
    CHECK(counter[0] > 0); // b went on nevertheless
    CHECK(quanta > 0);
    const struct exo_env_info *info = kid_info(a);
    UNTIL(info->time_penalty >= exo_machine()->grace_tsc); // it is exposed
    calm = true; // and paid with the slices that follow
    UNTIL(!COUNTED || info->time_penalty < exo_machine()->grace_tsc / 2);
}

static void
masked_hog(uint64_t unused)
{
    (void)unused;
    on_upcall(uarea(), EXO_UP_QUANTUM, ignore);
    for (;;) {
        uarea()->mask = 1;
        counter[1]++;
    }
}

TEST(masking_buys_no_time)
{
    NEEDS(COUNTED, "needs a clock that counts instructions");
    counter[0] = counter[1] = quanta = 0;
    calm = false;
    struct kid *b = on_cpu0(count, 0, 0);
    struct kid *a = on_cpu0(masked_hog, 0, 0);
    kid_go(b);
    kid_go(a);
    UNTIL(kid_info(a)->overruns >= 10);
    // Both run in turns of a slot; a's are longer by its grace, at most.
    uint64_t ra = kid_info(a)->time_ran, rb = kid_info(b)->time_ran;
    CHECK(ra < rb + rb / 4 + 4 * SLOT);
    EQ(quanta, 0);
}

static void
spin_pattern(uint64_t seed)
{
    said[6] += pattern_spin(seed, 400000);
    said[7]++;
}

TEST(env_without_handler_is_switched_unnoticed)
{
    said[6] = said[7] = 0;
    struct kid *k[3];
    for (unsigned i = 0; i < 3; i++)
        k[i] = on_cpu0(spin_pattern, i * 1000 + 1, KID_RAISES);
    for (unsigned i = 0; i < 3; i++)
        kid_go(k[i]);
    for (unsigned i = 0; i < 3; i++)
        EQ(kid_join(k[i]), 0);
    EQ(said[6], 0);
    EQ(said[7], 3);
}

/* ---- accounting ------------------------------------------------------- */

TEST(time_of_a_cpu_is_all_accounted_for)
{
    struct kid *a = on_cpu0(count, 0, 0);
    kid_go(a);
    sleep_ticks(5 * SLOT);
    for (uint32_t cpu = 0; cpu < NCPUS; cpu++) {
        const volatile struct exo_cpu_info *i = exo_cpu_info(cpu);
        bool exact = false;
        for (unsigned tries = 0; tries < 100000 && !exact; tries++) {
            uint64_t sum = i->user + i->kernel + i->idle;
            exact = sum == i->stamp - i->since;
        }
        CHECK(exact);
        CHECK(now() - i->stamp < seconds(2) || i->current == 0);
    }
}

/* Time of the CPUs in user mode, less what the given envs ran: read when
 * nothing changed meanwhile. */
static uint64_t
unexplained(struct kid *const *k, unsigned n)
{
    uint64_t last = 0, same = 0;
    for (unsigned tries = 0; tries < 100000 && same < 3; tries++) {
        uint64_t sum = -ME->time_ran;
        for (uint32_t cpu = 0; cpu < NCPUS; cpu++)
            sum += exo_cpu_info(cpu)->user;
        for (unsigned i = 0; i < n; i++)
            sum -= kid_info(k[i])->time_ran;
        same = sum == last ? same + 1 : 0;
        last = sum;
    }
    return last;
}

TEST(time_of_envs_adds_up_to_the_cpus_user_time)
{
    struct kid *k[] = {on_cpu0(count, 0, 0), on_cpu0(count, 1, 0)};
    uint64_t before = unexplained(k, 2);
    kid_go(k[0]);
    kid_go(k[1]);
    sleep_ticks(10 * SLOT);
    EQ(exo_env_control(ROOT_CAP, k[0]->id, EXO_ENV_STOP, 0), 0);
    EQ(exo_env_control(ROOT_CAP, k[1]->id, EXO_ENV_STOP, 0), 0);
    sleep_ticks(SLOT);
    EQ(unexplained(k, 2), before);
}

TEST(switches_and_blocking_calls_are_counted)
{
    uint64_t before = ME->syscalls_blocking;
    for (unsigned i = 0; i < 5; i++)
        exo_yield(0, 0);
    EQ(ME->syscalls_blocking, before + 5);
}
