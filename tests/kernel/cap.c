// SPDX-License-Identifier: MIT
/*
 * Capabilities: cap_grant, cap_drop, cap_open, cap_read, cap_purge, and the
 * prefix check itself.
 *
 * Must be seen: a prefix covers what it covers and nothing else, derivation
 * only narrows, handing on needs a parent or an open slot, taking back
 * reaches every list but the caller's.
 */
#include "test.h"

#define NAME UINT64_C(0xabcdef0123456789)

static uint64_t
prefix(uint64_t name, unsigned length)
{
    return length ? name & ~UINT64_C(0) << (64 - length) : 0;
}

static int64_t
derive(exo_cap from, exo_cap to, uint64_t name, unsigned length,
       unsigned rights)
{
    return exo_cap_grant(from, 0, to, prefix(name, length),
                         length | rights << 8);
}

/* Does slot `cap` allow GRANT over this guard? Seen by allocating. */
static bool
allows(exo_cap cap, exo_guard guard)
{
    exo_page page = EXO_PAGE_ANY;
    int64_t result = exo_page_alloc(cap, guard, 0, &page, 1);
    if (result == 1)
        page_gone(page);
    else
        FAILS(result, CAP);
    return result == 1;
}

TEST(cap_of_the_first_env_covers_everything)
{
    struct exo_cap_info info;
    EQ(exo_cap_read(ROOT_CAP, &info), 0);
    EQ(info.name, 0);
    EQ(info.length, 0);
    EQ(info.rights, EXO_ALL);
    EQ(info.opened, 0);
    CHECK(allows(ROOT_CAP, 0) && allows(ROOT_CAP, NAME) &&
          allows(ROOT_CAP, UINT64_MAX));
}

TEST(cap_prefix_covers_by_its_bits_alone)
{
    for (unsigned length = 0; length <= 64; length++) {
        EQ(derive(ROOT_CAP, 1, NAME, length, EXO_ALL), 0);
        for (unsigned bit = 0; bit < 64; bit++) {
            bool inside = bit >= length;
            exo_guard guard = NAME ^ UINT64_C(1) << (63 - bit);
            if (allows(1, guard) != inside)
                FAIL("length %u, guard differing in bit %u", length, bit);
        }
        CHECK(allows(1, NAME));
    }
}

TEST(cap_derivation_only_narrows)
{
    EQ(derive(ROOT_CAP, 1, NAME, 16, EXO_READ | EXO_GRANT), 0);
    FAILS(derive(1, 2, NAME, 15, EXO_READ), CAP);
    FAILS(derive(1, 2, NAME, 0, EXO_READ), CAP);
    FAILS(derive(1, 2, NAME, 16, EXO_ALL), CAP);
    FAILS(derive(1, 2, NAME, 20, EXO_WRITE), CAP);
    FAILS(derive(1, 2, ~NAME, 16, EXO_READ), CAP);
    FAILS(derive(1, 2, NAME ^ UINT64_C(1) << 48, 20, EXO_READ), CAP);
    EQ(derive(1, 2, NAME, 16, EXO_READ), 0);
    EQ(derive(1, 2, NAME, 64, EXO_READ | EXO_GRANT), 0);
    struct exo_cap_info info;
    EQ(exo_cap_read(2, &info), 0);
    EQ(info.name, NAME);
    EQ(info.length, 64);
    EQ(info.rights, EXO_READ | EXO_GRANT);
}

TEST(cap_grant_checks_its_arguments)
{
    FAILS(exo_cap_grant(CAPS, 0, EXO_CAPS_MAX, 0, EXO_ALL << 8), INVAL);
    FAILS(exo_cap_grant(CAPS, 0, UINT32_MAX, 0, EXO_ALL << 8), INVAL);
    FAILS(exo_cap_grant(CAPS, 0, 1, 0, 65 | EXO_ALL << 8), INVAL);
    FAILS(exo_cap_grant(CAPS, 0, 1, 0, 255 | EXO_ALL << 8), INVAL);
    FAILS(exo_cap_grant(CAPS, 0, 1, 0, 16 << 8), INVAL);
    FAILS(exo_cap_grant(CAPS, 0, 1, 0, 0x10000 << 8), INVAL);
    CHECK(exo_cap_grant(CAPS, 0, 1, NAME, 8 | EXO_ALL << 8) < 0); // low bits
    CHECK(exo_cap_grant(CAPS, 0, 1, 0, 0) < 0);                   // no rights
    FAILS(exo_cap_grant(NO_CAP, 0, 1, 0, EXO_READ << 8), CAP);
    FAILS(exo_cap_grant(255, 0, 1, 0, EXO_READ << 8), CAP);
    FAILS(exo_cap_grant(CAPS, self() + 0x10000, 1, 0, EXO_READ << 8), STALE);
    struct exo_cap_info info;
    EQ(exo_cap_read(1, &info), 0);
    EQ(info.rights, 0);
}

TEST(cap_grant_overwrites_what_was_there)
{
    EQ(derive(ROOT_CAP, 1, NAME, 8, EXO_ALL), 0);
    EQ(derive(ROOT_CAP, 1, ~NAME, 12, EXO_GRANT), 0);
    CHECK(!allows(1, NAME));
    CHECK(allows(1, ~NAME));
}

TEST(cap_drop_empties_a_slot)
{
    EQ(derive(ROOT_CAP, 1, NAME, 8, EXO_ALL), 0);
    EQ(exo_cap_drop(1), 0);
    CHECK(!allows(1, NAME));
    EQ(exo_cap_drop(1), 0);
    FAILS(exo_cap_drop(EXO_CAPS_MAX), INVAL);
    FAILS(exo_cap_drop(UINT32_MAX), INVAL);
}

TEST(cap_read_checks_its_arguments)
{
    struct exo_cap_info info;
    FAILS(exo_cap_read(EXO_CAPS_MAX, &info), INVAL);
    FAILS(exo_cap_read(0, (struct exo_cap_info *)SCRATCH), FAULT);
    FAILS(exo_cap_read(0, (struct exo_cap_info *)exo_machine()), FAULT);
    FAILS(exo_cap_read(0, (struct exo_cap_info *)0xffff800000000000), FAULT);
    fill(&info, ~UINT64_C(0), sizeof(info));
    EQ(exo_cap_read(5, &info), 0);
    CHECK(is_filled(&info, 0, sizeof(info)));
}

static volatile int64_t said[8];
static volatile uint64_t word_to_kid;

static void
read_slots(uint64_t unused)
{
    (void)unused;
    struct exo_cap_info info;
    for (unsigned i = 0; i < 3; i++) {
        said[2 * i] = exo_cap_read(i, &info) ? -1 : info.rights;
        said[2 * i + 1] = (int64_t)info.name;
    }
}

TEST(cap_grant_gives_to_a_child)
{
    struct kid *k = kid_new(&(struct kid_plan){0}, read_slots, 0);
    EQ(exo_cap_grant(CAPS, k->id, 1, prefix(NAME, 32), 32 | EXO_READ << 8), 0);
    kid_go(k);
    EQ(kid_join(k), 0);
    EQ(said[0], EXO_ALL);
    EQ(said[2], EXO_READ);
    EQ(said[3], prefix(NAME, 32));
    EQ(said[4], 0);
}

TEST(cap_grant_to_a_child_needs_grant_and_control)
{
    struct kid *k = kid_start(0, sleep_forever, 0);
    EQ(derive(ROOT_CAP, 1, NAME, 32, EXO_ALL & ~EXO_GRANT), 0);
    FAILS(exo_cap_grant(EXO_CAPS(1, ROOT_CAP), k->id, 1, NAME,
                        64 | EXO_READ << 8),
          CAP);
    EQ(derive(ROOT_CAP, 2, k->guard, 64, EXO_ALL & ~EXO_CONTROL), 0);
    FAILS(exo_cap_grant(EXO_CAPS(ROOT_CAP, 2), k->id, 1, NAME,
                        64 | EXO_READ << 8),
          BUSY);
    control(k->id, EXO_ENV_DESTROY);
    FAILS(exo_cap_grant(CAPS, k->id, 1, NAME, 64 | EXO_READ << 8), STALE);
}

/* An env that opens a slot for the one in word_to_kid and waits. */
static void
open_slot(uint64_t slot)
{
    said[0] = exo_cap_open((exo_cap)slot, word_to_kid);
    said[7] = 1;
    exo_wait(1, EXO_NEVER, 0);
    struct exo_cap_info info;
    exo_cap_read((exo_cap)slot, &info);
    said[1] = info.rights;
    said[2] = (int64_t)info.name;
    said[3] = info.opened;
}

static volatile uint64_t receiver, grants;

/* Hands `grants` pieces of its own prefix to `receiver`, slot 5. */
static void
give(uint64_t name)
{
    for (uint64_t i = 0; i < grants; i++)
        said[4 + i] = exo_cap_grant(0, receiver, 5, name, 64 | EXO_READ << 8);
}

TEST(cap_grant_to_a_stranger_needs_a_slot_opened_for_me)
{
    struct kid *sender = kid_new(&(struct kid_plan){0}, give, 0);
    sender->own->arg = sender->guard;
    word_to_kid = sender->id;
    said[7] = 0;
    struct kid *k = kid_start(0, open_slot, 5);
    receiver = k->id;
    grants = 2;
    UNTIL(kid_state(k) == EXO_ENV_WAITING);
    EQ(said[0], 0);
    said[7] = 0;
    kid_go(sender);
    EQ(kid_join(sender), 0);
    EQ(said[4], 0);
    EQ(said[5], -EXO_E_BUSY); // one shot: it closed
    EQ(exo_ring(ROOT_CAP, k->id, 1), 0);
    EQ(kid_join(k), 0);
    EQ(said[1], EXO_READ);
    EQ(said[2], sender->guard);
    EQ(said[3], 0);
}

TEST(cap_grant_to_a_stranger_without_an_open_slot_is_busy)
{
    struct kid *k = kid_start(0, sleep_forever, 0);
    struct kid *sender = kid_new(&(struct kid_plan){0}, give, 0);
    sender->own->arg = sender->guard;
    receiver = k->id;
    grants = 1;
    said[4] = 0;
    kid_go(sender);
    EQ(kid_join(sender), 0);
    EQ(said[4], -EXO_E_BUSY);
}

TEST(cap_grant_into_a_slot_opened_for_another_is_busy)
{
    word_to_kid = self(); // opened for me, who is not the sender
    struct kid *k = kid_start(0, open_slot, 5);
    UNTIL(kid_state(k) == EXO_ENV_WAITING);
    struct kid *sender = kid_new(&(struct kid_plan){0}, give, 0);
    sender->own->arg = sender->guard;
    receiver = k->id;
    grants = 1;
    kid_go(sender);
    EQ(kid_join(sender), 0);
    EQ(said[4], -EXO_E_BUSY);
}

TEST(cap_open_and_close)
{
    struct exo_cap_info info;
    EQ(exo_cap_open(3, self()), 0);
    EQ(exo_cap_read(3, &info), 0);
    EQ(info.rights, 0);
    CHECK(info.opened);
    CHECK(!allows(3, 0));
    CHECK(!allows(3, self()));
    EQ(exo_cap_open(3, 0), 0);
    EQ(exo_cap_read(3, &info), 0);
    EQ(info.opened, 0);
    EQ(info.name, 0);
    EQ(derive(ROOT_CAP, 3, NAME, 8, EXO_ALL), 0);
    FAILS(exo_cap_open(3, self()), BUSY);
    FAILS(exo_cap_open(EXO_CAPS_MAX, self()), INVAL);
    FAILS(exo_cap_open(4, self() + 0x10000), STALE);
}

/* ---- purge ------------------------------------------------------------ */

static int64_t
purge(exo_cap cap, uint64_t name, unsigned length)
{
    int64_t cursor = 0;
    unsigned steps = 0;
    do {
        cursor = exo_cap_purge(cap, name, length, (uint64_t)cursor);
        CHECK(++steps < 100000);
    } while (cursor > 0);
    return cursor;
}

TEST(cap_purge_takes_a_prefix_from_every_list_but_mine)
{
    struct kid *k[20];
    for (unsigned i = 0; i < 20; i++) {
        k[i] = kid_new(&(struct kid_plan){.flags = KID_THREAD}, read_slots, 0);
        EQ(exo_cap_grant(CAPS, k[i]->id, 1, prefix(NAME, 40),
                         40 | EXO_READ << 8),
           0);
        EQ(exo_cap_grant(CAPS, k[i]->id, 2, prefix(~NAME, 40),
                         40 | EXO_READ << 8),
           0);
    }
    EQ(derive(ROOT_CAP, 1, NAME, 40, EXO_ALL), 0);
    EQ(purge(ROOT_CAP, prefix(NAME, 32), 32), 0);
    for (unsigned i = 0; i < 20; i++) {
        kid_go(k[i]);
        EQ(kid_join(k[i]), 0);
        EQ(said[0], EXO_ALL);
        EQ(said[2], 0);
        EQ(said[4], EXO_READ);
    }
    CHECK(allows(1, NAME));
}

TEST(cap_purge_spares_wider_prefixes)
{
    struct kid *k = kid_new(&(struct kid_plan){0}, read_slots, 0);
    EQ(exo_cap_grant(CAPS, k->id, 1, prefix(NAME, 16), 16 | EXO_ALL << 8), 0);
    EQ(exo_cap_grant(CAPS, k->id, 2, prefix(NAME, 17), 17 | EXO_ALL << 8), 0);
    EQ(purge(ROOT_CAP, prefix(NAME, 17), 17), 0);
    kid_go(k);
    EQ(kid_join(k), 0);
    EQ(said[2], EXO_ALL);
    EQ(said[4], 0);
}

TEST(cap_purge_checks_its_arguments)
{
    FAILS(exo_cap_purge(ROOT_CAP, 0, 65, 0), INVAL);
    FAILS(exo_cap_purge(ROOT_CAP, NAME, 8, 0), INVAL);
    FAILS(exo_cap_purge(ROOT_CAP, 0, 0, UINT64_MAX), INVAL);
    FAILS(exo_cap_purge(NO_CAP, 0, 0, 0), CAP);
    EQ(derive(ROOT_CAP, 1, NAME, 16, EXO_ALL), 0);
    FAILS(exo_cap_purge(1, prefix(NAME, 15), 15, 0), CAP);
    EQ(derive(ROOT_CAP, 2, NAME, 16, EXO_ALL & ~EXO_CONTROL), 0);
    FAILS(exo_cap_purge(2, prefix(NAME, 16), 16, 0), CAP);
    EQ(purge(1, prefix(NAME, 16), 16), 0);
}

/* A purge that is begun and never gone on with. */
static void
begin_purge(uint64_t name)
{
    said[0] = (uint64_t)exo_cap_purge(0, name, KID_PREFIX_BITS, 0);
    sleep_forever(0);
}

/* Enough envs for a purge to take more than one step. */
static struct kid *
purger_new(void)
{
    for (unsigned i = 0; i < 20; i++)
        bare_env(0, 8, 0);
    struct kid *k = kid_new(&(struct kid_plan){0}, begin_purge, 0);
    k->own->arg = k->guard;
    return k;
}

static void
wait_for_purge(struct kid *k)
{
    said[0] = 0;
    kid_go(k);
    UNTIL(said[0]);
    CHECK((int64_t)said[0] > 0);
}

TEST(cap_grant_by_a_shorter_prefix_goes_before_a_purge)
{
    struct kid *other = kid_new(&(struct kid_plan){0}, sleep_forever, 0);
    struct kid *k = purger_new();
    exo_tsc begun = now();
    wait_for_purge(k);
    EQ(derive(ROOT_CAP, 1, k->guard, KID_PREFIX_BITS, EXO_ALL), 0);
    uint32_t caps = EXO_CAPS(1, ROOT_CAP), read = 64 | EXO_READ << 8;
    int64_t got = exo_cap_grant(caps, other->id, 5, k->guard, read);
    if (now() - begun < 10 * exo_machine()->slot_tsc)
        EQ(got, -EXO_E_AGAIN);
    EQ(exo_cap_grant(CAPS, other->id, 5, k->guard, read), 0);
    EQ(exo_cap_grant(caps, other->id, 5, k->guard, read), 0); // it is over
}

TEST(cap_grant_waits_a_while_for_a_purge_that_nobody_goes_on_with)
{
    struct kid *other = kid_new(&(struct kid_plan){0}, sleep_forever, 0);
    struct kid *k = purger_new();
    wait_for_purge(k);
    EQ(derive(ROOT_CAP, 1, k->guard, KID_PREFIX_BITS, EXO_ALL), 0);
    int64_t got;
    UNTIL((got = exo_cap_grant(EXO_CAPS(1, ROOT_CAP), other->id, 5, k->guard,
                               64 | EXO_READ << 8)) != -EXO_E_AGAIN);
    EQ(got, 0);
}

static void
purge_late(uint64_t name)
{
    int64_t at = exo_cap_purge(0, name, KID_PREFIX_BITS, 0);
    CHECK(at > 0);
    said[0] = (uint64_t)at;
    while (!said[1])
        exo_yield(0, 0);
    FAILS(exo_cap_purge(0, name, KID_PREFIX_BITS, (uint64_t)at), AGAIN);
    EQ(purge(0, name, KID_PREFIX_BITS), 0);
}

TEST(cap_purge_that_gave_way_starts_over)
{
    struct kid *other = kid_new(&(struct kid_plan){0}, read_slots, 0);
    struct kid *k = purger_new();
    k->own->entry = purge_late;
    said[1] = 0;
    wait_for_purge(k);
    EQ(exo_cap_grant(CAPS, other->id, 1, k->guard, 64 | EXO_READ << 8), 0);
    said[1] = 1;
    EQ(kid_join(k), 0);
    kid_go(other);
    EQ(kid_join(other), 0);
    EQ(said[2], 0); // taken back, though it was granted in the middle
}

TEST(cap_list_of_a_dead_env_is_gone)
{
    struct kid *k = kid_new(&(struct kid_plan){0}, sleep_forever, 0);
    EQ(exo_cap_grant(CAPS, k->id, 7, 0, EXO_ALL << 8), 0);
    exo_env old = k->id;
    kid_end(k);
    k = kid_new(&(struct kid_plan){0}, read_slots, 0);
    EQ(EXO_ENV_INDEX(k->id), EXO_ENV_INDEX(old));
    kid_go(k);
    EQ(kid_join(k), 0);
    EQ(said[2], 0);
    EQ(said[4], 0);
}
