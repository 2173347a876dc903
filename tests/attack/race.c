// SPDX-License-Identifier: MIT
/*
 * Two CPUs that want the same thing at the same time.
 *
 * Must be seen: whatever the order, each call succeeds or is refused as its
 * contract says; nothing is allocated twice, no binding outlives its page or
 * reaches into a table, no env runs after its death, and the ledger balances.
 * One CPU takes turns.
 */
#include "attack.h"

static volatile uint64_t wins[2];
static volatile uint64_t wrongs; // stores that should have faulted
static volatile bool over;
static exo_page prize[16];
static unsigned prizes; // given free when all is in place
static volatile exo_env target;
static exo_guard common;

/* For some time, and until both have won something: a busy host may not let a
 * CPU run at all for longer than that. */
static bool
goes_on(exo_tsc start)
{
    exo_tsc time = now() - start;
    if (time < microseconds(COUNTED ? 20000 : 300000))
        return true;
    return (!wins[0] || !wins[1]) && time < patience();
}

/* Two envs with all rights run `one` and `two`, each on a CPU of its own. */
static void
race(void (*one)(uint64_t), void (*two)(uint64_t))
{
    struct kid *n = neighbour_new();
    void (*const entry[])(uint64_t) = {one, two};
    struct kid *k[2];
    over = false;
    wrongs = 0;
    for (unsigned i = 0; i < 2; i++) {
        wins[i] = 0;
        struct kid_plan plan = {.cpu1 = 1 + i % NCPUS, .envs = 2};
        k[i] = kid_new(&plan, entry[i], i);
        EQ(exo_cap_grant(CAPS, k[i]->id, 0, 0, EXO_ALL << 8), 0);
    }
    for (; prizes; prizes--)
        page_gone(prize[prizes - 1]);
    kid_go(k[0]);
    kid_go(k[1]);
    exo_tsc start = now();
    while (goes_on(start))
        pause_here();
    over = true;
    EQ(kid_join(k[0]), 0);
    EQ(kid_join(k[1]), 0);
    EQ(wrongs, 0);
    neighbour_check(n);
    const char *fault = ledger_fault();
    if (fault)
        FAIL("%s", fault);
}

/* ---- one page --------------------------------------------------------- */

static volatile uint32_t holders[ARRAY_SIZE(prize)];

/* Who gets a page has it alone. */
static void
grab(uint64_t me)
{
    for (uint64_t i = 0; !over; i++) {
        unsigned which = i % ARRAY_SIZE(prize);
        exo_page page = prize[which];
        int64_t got = exo_page_alloc(CAPS, 0, 0, &page, 1);
        if (got != 1) {
            CHECK(got == -EXO_E_NONE || got == -EXO_E_AGAIN);
            continue;
        }
        wins[me]++;
        EQ(__atomic_fetch_add(&holders[which], 1, __ATOMIC_SEQ_CST), 0);
        struct exo_run run = {EXO_FIRST_LOG, page, 1, RW};
        EQ(exo_bind(CAPS, 0, &run, 1), 1);
        uint64_t old = *word(EXO_FIRST_LOG); // mine of before, or zeroed
        CHECK(old == 0 || old == me + 1);
        CHECK(is_filled((char *)EXO_FIRST_LOG + 8, 0, EXO_PAGE_BYTES - 8));
        *word(EXO_FIRST_LOG) = me + 1;
        EQ(*word(EXO_FIRST_LOG), me + 1);
        EQ(__atomic_fetch_sub(&holders[which], 1, __ATOMIC_SEQ_CST), 1);
        EQ(exo_page_free(ROOT_CAP, &page, 1), 1);
        CHECK(load_faults(EXO_FIRST_LOG));
    }
}

TEST(race_for_the_same_pages)
{
    pages_new(0, 0, prize, ARRAY_SIZE(prize));
    prizes = ARRAY_SIZE(prize);
    for (unsigned i = 0; i < ARRAY_SIZE(prize); i++)
        holders[i] = 0;
    race(grab, grab);
    CHECK(wins[0] + wins[1] > 10);
}

/* One frees and allocates, the other binds, writes and unbinds. The first
 * numbers what it does that breaks bindings: a store to a binding is wrong when
 * a breaking began after that binding was made, and has ended. */
static volatile uint64_t begun, done;

static void
breaking(uint64_t me, bool reguard)
{
    exo_page page = prize[0];
    begun++;
    int64_t got = reguard ? exo_reguard(CAPS, EXO_KIND_PAGE | EXO_REGUARD_BREAK,
                                        page, 1, wins[me])
                          : exo_page_free(ROOT_CAP, &page, 1);
    if (got == 1)
        done = begun;
}

static void
free_and_alloc(uint64_t me)
{
    while (!over) {
        exo_page page = prize[0];
        breaking(me, false);
        wins[me] += exo_page_alloc(CAPS, 0, 0, &page, 1) == 1;
        breaking(me, true);
    }
}

static void
bind_and_write(uint64_t me)
{
    struct exo_run run = {EXO_FIRST_LOG, prize[0], 1, RW};
    while (!over) {
        run.flags = RW;
        bool bound = exo_bind(CAPS, 0, &run, 1) == 1;
        uint64_t before = begun;
        wins[me] += bound;
        for (unsigned i = 0; bound && i < 8; i++) {
            bool broken = done > before;
            wrongs += !store_faults(EXO_FIRST_LOG) && broken;
        }
        run.flags = 0;
        EQ(exo_bind(CAPS, 0, &run, 1), 1);
        CHECK(load_faults(EXO_FIRST_LOG));
    }
}

TEST(race_of_free_and_bind)
{
    prize[0] = page_new(0);
    prizes = 1;
    begun = done = 0;
    race(free_and_alloc, bind_and_write);
    CHECK(wins[0] > 0 && wins[1] > 0);
}

/* A page is made a table while the other wants to write to it. `phase` is odd
 * while the page is a table for sure. */
static volatile uint64_t phase;

static void
make_table(uint64_t me)
{
    while (!over) {
        exo_page page = prize[0];
        bool made = exo_table_make(ROOT_CAP, page, 1, SCRATCH) == 0;
        wins[me] += made;
        phase += made;
        for (unsigned turns = 50; made && turns; turns--)
            __asm__ volatile("pause");
        phase += made;
        while (exo_page_free(ROOT_CAP, &page, 1) == -EXO_E_AGAIN)
            ;
        page = prize[0];
        exo_page_alloc(CAPS, 0, 0, &page, 1);
    }
}

static void
write_table(uint64_t me)
{
    struct exo_run run = {EXO_FIRST_LOG, prize[0], 1, RW};
    struct exo_run none = {EXO_FIRST_LOG, 0, 1, 0};
    while (!over) {
        if (exo_bind(CAPS, 0, &run, 1) != 1)
            continue;
        wins[me]++;
        for (unsigned i = 0; i < 8; i++) {
            uint64_t before = phase;
            bool stored = !store_faults(EXO_FIRST_LOG);
            wrongs += stored && (before & 1) && phase == before;
        }
        EQ(exo_bind(CAPS, 0, &none, 1), 1);
    }
}

TEST(race_of_table_and_writable_binding)
{
    prize[0] = page_new(0);
    prizes = 1;
    phase = 0;
    race(make_table, write_table);
    CHECK(wins[0] > 0 && wins[1] > 0);
}

/* ---- one env ---------------------------------------------------------- */

static volatile uint64_t ticks;

static void
tick(uint64_t unused)
{
    (void)unused;
    for (;;)
        ticks++;
}

static void
start_it(uint64_t me)
{
    while (!over) {
        int64_t r = exo_env_control(ROOT_CAP, target, EXO_ENV_START, 0);
        CHECK(r == 0 || r == -EXO_E_STATE || r == -EXO_E_STALE ||
              r == -EXO_E_AGAIN);
        wins[me] += r == 0;
    }
}

static void
stop_it(uint64_t me)
{
    while (!over) {
        struct exo_context c;
        int64_t r = exo_env_control(ROOT_CAP, target, EXO_ENV_STOP, 0);
        CHECK(r == 0 || r == -EXO_E_STATE || r == -EXO_E_STALE ||
              r == -EXO_E_AGAIN || r == -EXO_E_AGAIN);
        wins[me] += r == 0;
        r = exo_env_state(ROOT_CAP, target, EXO_STATE_READ, &c);
        if (r == 0)
            r = exo_env_state(ROOT_CAP, target, EXO_STATE_WRITE, &c);
        CHECK(r == 0 || r == -EXO_E_STATE || r == -EXO_E_STALE ||
              r == -EXO_E_AGAIN || r == -EXO_E_AGAIN);
    }
}

TEST(race_of_start_and_stop)
{
    struct kid *k = kid_start(0, tick, 0);
    target = k->id;
    race(start_it, stop_it);
    CHECK(wins[0] > 0 && wins[1] > 0);
    int64_t r = exo_env_control(ROOT_CAP, target, EXO_ENV_START, 0);
    CHECK(r == 0 || r == -EXO_E_STATE);
    uint64_t before = ticks;
    UNTIL(ticks > before);
    kid_end(k);
    before = ticks; // and never again
    for (unsigned i = 0; i < 5; i++)
        pause_here();
    EQ(ticks, before);
}

static void
pester(uint64_t me)
{
    while (!over) {
        uint64_t words[EXO_CALL_WORDS] = {0};
        exo_env env = target;
        exo_env_control(ROOT_CAP, env, me ? EXO_ENV_START : EXO_ENV_STOP, 0);
        exo_ring(ROOT_CAP, env, 1);
        exo_yield(ROOT_CAP, env);
        exo_call(env, ROOT_CAP, 0, words);
        exo_call(env, ROOT_CAP | EXO_CALL_SYNC, now() + 3000, words);
        exo_revoke(ROOT_CAP, env, EXO_KIND_PAGE, 1, now());
        exo_cap_grant(CAPS, env, 7, 0, 64 | EXO_READ << 8);
        wins[me]++;
    }
}

/* Envs are destroyed, buried and made anew while two others play with them. */
static void
answer(struct exo_frame *f, uint64_t words[EXO_CALL_WORDS])
{
    exo_reply(f->cause, words);
}

TEST(race_around_a_death)
{
    struct kid *n = neighbour_new();
    struct kid *k[2];
    target = UINT64_C(1) << 16;
    over = false;
    for (unsigned i = 0; i < 2; i++) {
        struct kid_plan plan = {.cpu1 = 1 + i % NCPUS};
        k[i] = kid_new(&plan, pester, i);
        wins[i] = 0;
        EQ(exo_cap_grant(CAPS, k[i]->id, 0, 0, EXO_ALL << 8), 0);
        kid_go(k[i]);
    }
    exo_tsc start = now();
    for (unsigned i = 0; goes_on(start); i++) {
        struct kid *t =
            kid_new(&(struct kid_plan){.cpu1 = 1 + i % NCPUS,
                                       .flags = i % 3 ? 0 : KID_FPU},
                    i % 2 ? sleep_forever : tick, 0);
        on_call(t->u, answer);
        target = t->id; // from here on others may start it, too
        exo_env_control(ROOT_CAP, t->id, EXO_ENV_START, 0);
        pause_here();
        kid_end(t);
        uint64_t before = ticks;
        pause_here();
        EQ(ticks, before);
    }
    over = true;
    EQ(kid_join(k[0]), 0);
    EQ(kid_join(k[1]), 0);
    CHECK(wins[0] + wins[1] > 0);
    neighbour_check(n);
}

/* Both destroy the same one. */
static void
destroy_it(uint64_t me)
{
    exo_env last = 0;
    while (!over) {
        exo_env env = target;
        if (env == last)
            continue;
        int64_t r;
        while ((r = exo_env_control(ROOT_CAP, env, EXO_ENV_DESTROY, 0)) ==
               -EXO_E_AGAIN)
            ;
        CHECK(r == 0 || r == -EXO_E_STALE || r == -EXO_E_STATE);
        wins[me]++;
        last = env;
    }
}

TEST(race_to_destroy_one_env)
{
    struct kid *n = neighbour_new();
    struct kid *k[2];
    over = false;
    target = UINT64_C(1) << 16;
    for (unsigned i = 0; i < 2; i++) {
        struct kid_plan plan = {.cpu1 = 1 + i % NCPUS};
        k[i] = kid_new(&plan, destroy_it, i);
        wins[i] = 0;
        EQ(exo_cap_grant(CAPS, k[i]->id, 0, 0, EXO_ALL << 8), 0);
        kid_go(k[i]);
    }
    for (unsigned i = 0; i < 20; i++) {
        struct kid *t = kid_start(i % 2 ? KID_FPU : 0, tick, 0);
        target = t->id;
        UNTIL(kid_state(t) == EXO_ENV_DEAD);
        kid_end(t);
    }
    over = true;
    EQ(kid_join(k[0]), 0);
    EQ(kid_join(k[1]), 0);
    CHECK(wins[0] + wins[1] >= 20);
    neighbour_check(n);
}

/* ---- one list --------------------------------------------------------- */

static void
grant_and_drop(uint64_t me)
{
    while (!over) {
        int64_t r = exo_cap_grant(CAPS, 0, 5, common, 24 | EXO_ALL << 8);
        CHECK(r == 0 || r == -EXO_E_AGAIN);
        wins[me] += r == 0;
        struct exo_cap_info info;
        EQ(exo_cap_read(5, &info), 0);
        if (info.rights) // whole, or not at all
            CHECK(info.name == common && info.length == 24 &&
                  info.rights == EXO_ALL);
        exo_cap_drop(5);
    }
}

static void
purge(uint64_t me)
{
    while (!over) {
        int64_t at = 0;
        do
            at = exo_cap_purge(ROOT_CAP, common, 24, (uint64_t)at);
        while (at > 0 && !over);
        CHECK(at >= 0 || at == -EXO_E_AGAIN);
        wins[me] += at == 0;
    }
}

TEST(race_of_grant_and_purge)
{
    common = prefix_new();
    race(grant_and_drop, purge);
    CHECK(wins[0] > 0);
}
