// SPDX-License-Identifier: MIT
/*
 * Visible revocation of pages: asked by a manager, or by the kernel on
 * shortage; given by the libOS, or taken after the deadline.
 *
 * Must be seen: who is asked may choose; what is taken comes from above the
 * reservation, in the order the libOS wished, and it is told; who was promised
 * memory gets it in time; both go on.
 */
#include "test.h"

static volatile uint64_t said[16];
static exo_page pile[1u << 16]; // pages of the hog
static volatile uint64_t npile;

static const struct exo_account *
pages_of(const struct kid *k)
{
    return &kid_info(k)->account[EXO_KIND_PAGE];
}

/* ---- asked by a manager ----------------------------------------------- */

static void
give_back(struct exo_frame *f)
{
    (void)f;
    struct exo_uarea *u = uarea();
    said[0] = u->revoke.count;
    said[1] = u->revoke.kind;
    said[2] = u->revoke.deadline;
    said[3] = u->revoke.asker;
    said[4]++;
    while (u->revoke.count && npile)
        exo_page_free(0, &pile[--npile], 1);
}

static void
giver(uint64_t unused)
{
    (void)unused;
    on_upcall(uarea(), EXO_UP_REVOKE, give_back);
    sleep_forever(0);
}

/* A kid with `n` pages on the pile, reserved for `reserved` in all. */
static struct kid *
rich_kid(void (*entry)(uint64_t), unsigned n, uint32_t reserved)
{
    for (unsigned i = 0; i < 16; i++)
        said[i] = 0;
    struct kid *k = kid_new(
        &(struct kid_plan){.reserved = reserved, .limit = 1u << 20}, entry, 0);
    pages_new(k->guard, k->id, pile, n);
    npile = n;
    kid_go(k);
    UNTIL(kid_state(k) == EXO_ENV_WAITING);
    return k;
}

TEST(revoke_asks_and_the_libos_gives)
{
    struct kid *k = rich_kid(giver, 100, 20);
    uint32_t used = pages_of(k)->used;
    exo_tsc deadline = now() + seconds(5);
    EQ(exo_revoke(ROOT_CAP, k->id, EXO_KIND_PAGE, 10, deadline), 10);
    UNTIL(said[4] && k->u->revoke.count == 0);
    EQ(said[0], 10);
    EQ(said[1], EXO_KIND_PAGE);
    EQ(said[2], deadline);
    EQ(said[3], self());
    EQ(pages_of(k)->used, used - 10);
    EQ(kid_info(k)->revokes, 1);
    EQ(kid_info(k)->revoked, 10);
    EQ(kid_info(k)->repossessed, 0);
    uint64_t latencies = 0;
    for (unsigned i = 0; i < 16; i++)
        latencies += kid_info(k)->revoke_latency[i];
    EQ(latencies, 1);
    EQ(k->u->taken.count, 0);
    CHECK(kid_info(k)->upcalls[EXO_UP_REVOKE] >= 1);
}

static void
ignorer(uint64_t unused)
{
    (void)unused;
    sleep_forever(0);
}

TEST(revoke_takes_after_the_deadline)
{
    struct kid *k = rich_kid(ignorer, 100, 20);
    uint32_t used = pages_of(k)->used;
    exo_tsc deadline = now() + microseconds(5000);
    EQ(exo_revoke(ROOT_CAP, k->id, EXO_KIND_PAGE, 10, deadline), 10);
    EQ(k->u->revoke.count, 10);
    if (COUNTED)
        EQ(pages_of(k)->used, used); // not before
    UNTIL(pages_of(k)->used == used - 10);
    CHECK(now() >= deadline);
    UNTIL(k->u->revoke.count == 0);
    EQ(kid_info(k)->repossessed, 10);
    EQ(k->u->taken.count, 10);
    for (unsigned i = 0; i < 10; i++) {
        EQ(k->u->taken.item[i].kind, EXO_KIND_PAGE);
        EQ(exo_page_info(k->u->taken.item[i].id)->payer, 0);
    }
    CHECK(k->u->pending & 1u << EXO_UP_REPOSSESSED);
    CHECK(kid_state(k) < EXO_ENV_DYING); // and it goes on
}

TEST(revoke_takes_what_is_still_missing)
{
    struct kid *k = rich_kid(ignorer, 100, 20);
    uint32_t used = pages_of(k)->used;
    EQ(exo_revoke(ROOT_CAP, k->id, EXO_KIND_PAGE, 10,
                  now() + microseconds(COUNTED ? 5000 : 100000)),
       10);
    for (unsigned i = 0; i < 4; i++)
        page_gone(pile[i]); // by a controller: it counts as well
    EQ(k->u->revoke.count, 6);
    UNTIL(k->u->revoke.count == 0);
    EQ(pages_of(k)->used, used - 10);
}

TEST(revoke_never_goes_below_the_reservation)
{
    struct kid *k = rich_kid(ignorer, 60, 40);
    uint32_t used = pages_of(k)->used;
    EQ(exo_revoke(ROOT_CAP, k->id, EXO_KIND_PAGE, UINT32_MAX,
                  now() + microseconds(1000)),
       used - 40);
    UNTIL(k->u->revoke.count == 0);
    EQ(pages_of(k)->used, 40);
    EQ(exo_revoke(ROOT_CAP, k->id, EXO_KIND_PAGE, 1, now()), 0);
    EQ(kid_state(k), EXO_ENV_WAITING);
}

TEST(revoke_of_an_env_within_its_reservation_asks_nothing)
{
    struct kid *k = rich_kid(giver, 10, 100);
    EQ(exo_revoke(ROOT_CAP, k->id, EXO_KIND_PAGE, 5, now() + seconds(1)), 0);
    EQ(kid_info(k)->revokes, 0);
    EQ(said[4], 0);
}

TEST(revoke_takes_in_the_libos_order)
{
    struct kid *k = rich_kid(ignorer, 100, 20);
    exo_page list;
    pages_new(k->guard, k->id, &list, 1);
    bind_here(SCRATCH, list, RW);
    const unsigned order[] = {50, 7, 93, 12, 66};
    for (unsigned i = 0; i < 5; i++)
        word(SCRATCH)[i] = pile[order[i]];
    k->u->release[0] = list;
    k->u->release_count = 5;
    EQ(exo_revoke(ROOT_CAP, k->id, EXO_KIND_PAGE, 7, now() + microseconds(500)),
       7);
    UNTIL(k->u->revoke.count == 0);
    for (unsigned i = 0; i < 5; i++) {
        EQ(k->u->taken.item[i].id, pile[order[i]]);
        CHECK(exo_page_info(pile[order[i]])->use == EXO_USE_FREE);
    }
    EQ(k->u->taken.count, 7);
}

TEST(revoke_survives_a_hostile_release_order)
{
    struct kid *k = rich_kid(ignorer, 100, 20);
    exo_page list;
    pages_new(k->guard, k->id, &list, 1);
    bind_here(SCRATCH, list, RW);
    const uint64_t bad[] = {0,
                            UINT64_MAX,
                            exo_machine()->npages,
                            k->save,
                            k->root,
                            ME->root,
                            k->uarea_page,
                            UINT64_C(1) << 52,
                            list,
                            pile[3],
                            pile[3],
                            1};
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
        word(SCRATCH)[i] = bad[i];
    k->u->release[0] = list;
    k->u->release[1] = UINT64_MAX;
    k->u->release[2] = k->save;
    k->u->release[3] = ME->root;
    k->u->release_count = UINT32_MAX;
    uint32_t used = pages_of(k)->used;
    EQ(exo_revoke(ROOT_CAP, k->id, EXO_KIND_PAGE, 30,
                  now() + microseconds(500)),
       30);
    UNTIL(k->u->revoke.count == 0);
    EQ(pages_of(k)->used, used - 30);
    EQ(exo_page_info(k->save)->use, EXO_USE_SAVE);
    EQ(exo_page_info(k->root)->use, EXO_USE_TABLE);
    EQ(kid_state(k), EXO_ENV_WAITING);
}

TEST(revoke_checks_its_arguments)
{
    struct kid *k = rich_kid(ignorer, 40, 20);
    exo_tsc later = now() + seconds(60);
    for (uint32_t kind = 1; kind < 14; kind++)
        FAILS(exo_revoke(ROOT_CAP, k->id, kind, 1, later), INVAL);
    FAILS(exo_revoke(ROOT_CAP, k->id, EXO_KIND_PAGE, 0, later), INVAL);
    FAILS(exo_revoke(ROOT_CAP, k->id + 0x10000, EXO_KIND_PAGE, 1, later),
          STALE);
    FAILS(exo_revoke(NO_CAP, k->id, EXO_KIND_PAGE, 1, later), CAP);
    EQ(exo_cap_grant(CAPS, 0, 1, k->guard, 64 | (EXO_ALL & ~EXO_CONTROL) << 8),
       0);
    FAILS(exo_revoke(1, k->id, EXO_KIND_PAGE, 1, later), CAP);
    EQ(exo_revoke(ROOT_CAP, k->id, EXO_KIND_PAGE, 1, later), 1);
    FAILS(exo_revoke(ROOT_CAP, k->id, EXO_KIND_PAGE, 1, later), BUSY);
    control(k->id, EXO_ENV_DESTROY);
    FAILS(exo_revoke(ROOT_CAP, k->id, EXO_KIND_PAGE, 1, later), STATE);
}

TEST(revoke_pending_ends_with_its_env)
{
    struct kid *k = rich_kid(ignorer, 40, 20);
    EQ(exo_revoke(ROOT_CAP, k->id, EXO_KIND_PAGE, 5,
                  now() + microseconds(2000)),
       5);
    kid_end(k);
    exo_tsc until = now() + microseconds(10000);
    while (now() < until)
        pause_here(); // the deadline passes, for nobody
}

TEST(revoke_with_an_endless_deadline_only_asks)
{
    struct kid *k = rich_kid(ignorer, 40, 20);
    EQ(exo_revoke(ROOT_CAP, k->id, EXO_KIND_PAGE, 5, EXO_NEVER), 5);
    for (unsigned i = 0; i < 50; i++)
        pause_here();
    EQ(k->u->revoke.count, 5);
    for (unsigned i = 0; i < 5; i++)
        page_gone(pile[i]);
    EQ(k->u->revoke.count, 0);
    EQ(kid_info(k)->revoked, 5);
}

TEST(revoke_takes_2_mib_pages_apart)
{
    struct kid *k = kid_new(
        &(struct kid_plan){.reserved = 40, .limit = 1u << 20}, ignorer, 0);
    exo_page head = 512;
    for (;; head += 512) {
        NEEDS(head + 512 <= exo_machine()->npages,
              "no 2 MiB of memory are free");
        unsigned free = 0;
        while (free < 512 && exo_page_info(head + free)->use == EXO_USE_FREE)
            free++;
        if (free == 512)
            break;
    }
    for (exo_page page = head; page < head + 512; page++) {
        exo_page p = page;
        EQ(exo_page_alloc(CAPS, k->guard, k->id, &p, 1), 1);
    }
    EQ(page_merge(head), 0);
    uint32_t used = pages_of(k)->used;
    EQ(exo_revoke(ROOT_CAP, k->id, EXO_KIND_PAGE, 100, now()), 100);
    UNTIL(k->u->revoke.count == 0);
    EQ(pages_of(k)->used, used - 100);
    const char *fault = ledger_fault();
    if (fault)
        FAIL("%s", fault);
}

TEST(revoked_page_with_an_heir_moves_to_it)
{
    struct kid *k = rich_kid(ignorer, 30, 20);
    struct kid *heir = kid_new(&(struct kid_plan){0}, sleep_forever, 0);
    uint64_t there = EXO_FIRST_UAREA + 0x30000;
    exo_page list;
    pages_new(k->guard, k->id, &list, 1);
    bind_here(SCRATCH, list, RW);
    *word(SCRATCH) = pile[4];
    k->u->release[0] = list;
    k->u->release_count = 1;
    EQ(bind_one(heir->root, there, pile[4], R | EXO_BIND_HEIR), 1);
    EQ(exo_revoke(ROOT_CAP, k->id, EXO_KIND_PAGE, 1, now()), 1);
    UNTIL(exo_page_info(pile[4])->payer == EXO_ENV_INDEX(heir->id));
    EQ(exo_page_info(pile[4])->bindings, 1);
    EQ(heir->u->taken.count, 0);
}

/* ---- asked by the kernel ---------------------------------------------- */

/* Takes whatever is free. */
static void
hoard(uint64_t guard)
{
    for (;;) {
        uint64_t room = ARRAY_SIZE(pile) - npile;
        uint64_t want = room < 64 ? room : 64;
        for (uint64_t i = 0; i < want; i++)
            pile[npile + i] = EXO_PAGE_ANY;
        int64_t n = exo_page_alloc(0, guard, 0, pile + npile, want);
        if (n == -EXO_E_AGAIN)
            continue;
        if (n < 0) {
            said[5] = (uint64_t)n;
            break;
        }
        npile += (uint64_t)n;
    }
    said[6] = 1;
    sleep_forever(0);
}

static void
hoard_and_give(uint64_t guard)
{
    on_upcall(uarea(), EXO_UP_REVOKE, give_back);
    hoard(guard);
}

static struct kid *
hog(void (*entry)(uint64_t))
{
    for (unsigned i = 0; i < 16; i++)
        said[i] = 0;
    npile = 0;
    struct kid *k = kid_new(
        &(struct kid_plan){.reserved = 30, .limit = 1u << 20}, entry, 0);
    k->own->arg = k->guard;
    return k;
}

static volatile int64_t got;
static volatile uint64_t waited, granted_in;

/* Wants 40 pages of what it was promised. */
static void
claim(uint64_t guard)
{
    waited = 0;
    exo_tsc from = now();
    for (unsigned have = 0; have < 40;) {
        exo_page p = EXO_PAGE_ANY;
        got = exo_page_alloc(0, guard, 0, &p, 1);
        if (got == -EXO_E_AGAIN)
            continue;
        if (got == -EXO_E_WAIT) {
            waited++;
            exo_wait(EXO_EVENT_GRANT, EXO_NEVER, 0);
            __atomic_fetch_and(&uarea()->events, ~EXO_EVENT_GRANT,
                               __ATOMIC_ACQ_REL);
            continue;
        }
        if (got < 0)
            FAIL("allocation says %ld", (long)got);
        have++;
    }
    granted_in = now() - from;
}

/* How long the kernel may take at most: one deadline after the other for each
 * batch it asks for. */
static uint64_t
bound(void)
{
    const struct exo_machine *m = exo_machine();
    return 8 * (m->nslots + 20) * m->slot_tsc;
}

TEST(shortage_is_met_by_a_libos_that_gives)
{
    struct kid *c = kid_new(&(struct kid_plan){.reserved = 100}, claim, 0);
    c->own->arg = c->guard;
    struct kid *h = hog(hoard_and_give);
    kid_go(h);
    UNTIL(said[6]);
    EQ(exo_machine()->pages_free, 0);
    CHECK(said[5] == (uint64_t)-EXO_E_NONE);
    kid_go(c);
    EQ(kid_join(c), 0);
    CHECK(waited >= 1);
    CHECK(kid_info(h)->revokes >= 1);
    CHECK(kid_info(h)->revoked >= 40);
    // A busy host may not let it run before the deadline.
    CHECK(!COUNTED || kid_info(h)->repossessed == 0);
    CHECK(!COUNTED || granted_in < bound());
    EQ(said[3], 0); // the kernel itself asked
    CHECK(kid_state(h) < EXO_ENV_DYING);
}

TEST(shortage_is_met_though_the_hog_ignores_it)
{
    struct kid *c = kid_new(&(struct kid_plan){.reserved = 100}, claim, 0);
    c->own->arg = c->guard;
    struct kid *h = hog(hoard);
    kid_go(h);
    UNTIL(said[6]);
    kid_go(c);
    EQ(kid_join(c), 0);
    CHECK(waited >= 1);
    CHECK(kid_info(h)->repossessed >= 40);
    CHECK(!COUNTED || granted_in < bound());
    CHECK(h->u->taken.count + h->u->taken.more >= 40);
    CHECK(kid_state(h) < EXO_ENV_DYING);
}

TEST(shortage_helps_nobody_above_its_reservation)
{
    struct kid *h = hog(hoard);
    kid_go(h);
    UNTIL(said[6]);
    // The hog itself is above its own: no waiting, no revoking.
    exo_page p = EXO_PAGE_ANY;
    int64_t result;
    while ((result = exo_page_alloc(CAPS, 0, h->id, &p, 1)) == -EXO_E_AGAIN)
        ;
    EQ(result, -EXO_E_NONE);
    EQ(kid_info(h)->revokes, 0);
    EQ(exo_machine()->pages_earmarked, 0);
}

static void
claim_once(uint64_t guard)
{
    exo_page p = EXO_PAGE_ANY;
    while ((got = exo_page_alloc(0, guard, 0, &p, 1)) == -EXO_E_AGAIN)
        ;
    said[7] = 1;
    exo_wait(1, EXO_NEVER, 0);
}

TEST(earmarked_pages_are_for_who_was_promised_them)
{
    struct kid *c = kid_new(&(struct kid_plan){.reserved = 100}, claim_once, 0);
    c->own->arg = c->guard;
    struct kid *h = hog(hoard);
    kid_go(h);
    UNTIL(said[6]);
    kid_go(c);
    UNTIL(said[7]);
    EQ(got, -EXO_E_WAIT);
    CHECK(exo_machine()->pages_earmarked > 0);
    page_gone(pile[--npile]); // one page is free, and promised
    exo_page p = EXO_PAGE_ANY;
    int64_t result;
    while ((result = exo_page_alloc(CAPS, 0, h->id, &p, 1)) == -EXO_E_AGAIN)
        ;
    EQ(result, -EXO_E_NONE);
    UNTIL(c->u->events & EXO_EVENT_GRANT);
    EQ(exo_page_alloc(CAPS, 0, c->id, &p, 1), 1);
}

TEST(earmarks_end_with_the_env_they_were_for)
{
    struct kid *c = kid_new(&(struct kid_plan){.reserved = 100}, claim_once, 0);
    c->own->arg = c->guard;
    struct kid *h = hog(hoard);
    kid_go(h);
    UNTIL(said[6]);
    kid_go(c);
    UNTIL(said[7]);
    EQ(got, -EXO_E_WAIT);
    kid_end(c);
    EQ(exo_machine()->pages_earmarked, 0);
}

TEST(shortage_does_not_ask_the_dying)
{
    // The hog is half dead, with thousands of pages to go, when memory is
    // wanted: they are reaped, not asked for.
    struct kid *c = kid_new(&(struct kid_plan){.reserved = 100}, claim, 0);
    c->own->arg = c->guard;
    struct kid *h = hog(hoard);
    kid_go(h);
    UNTIL(said[6]);
    FAILS(exo_env_control(ROOT_CAP, h->id, EXO_ENV_DESTROY, 0), AGAIN);
    uint64_t free = exo_machine()->pages_free;
    for (uint64_t i = 0; i < free; i++)
        page_new(0); // what it gave so far is somebody's again
    kid_go(c);
    EQ(kid_join(c), 0);
    EQ(kid_info(h)->revokes, 0);
    kid_end(h);
}
