// SPDX-License-Identifier: MIT
/*
 * Envs that take what they can get: memory, envs, time, calls, doorbells.
 *
 * Must be seen: each is held by its own account, and a neighbour goes on all
 * the while and gets its turn; what the greedy one had comes back when it
 * ends. [Engler95 3.3, 3.4]
 */
#include "attack.h"

static volatile uint64_t said[8];
static exo_env target;

/* A greedy env runs for some time beside a neighbour, then it is ended. */
static void
greed(struct kid *k, uint64_t turns, unsigned which, uint64_t least)
{
    struct kid *n = neighbour_new();
    for (unsigned i = 0; i < ARRAY_SIZE(said); i++)
        said[i] = 0;
    kid_go(k);
    uint64_t until = neighbour_words(n->u)->rounds + turns;
    UNTIL(neighbour_words(n->u)->rounds > until);
    UNTIL(said[which] >= least);
    neighbour_check(n);
    kid_end(k);
    neighbour_check(n);
}

static void
hoard(uint64_t guard)
{
    static exo_page pages[64];
    for (;;) {
        fill(pages, UINT64_MAX, sizeof(pages));
        int64_t got = exo_page_alloc(0, guard, 0, pages, ARRAY_SIZE(pages));
        if (got > 0)
            said[0] += (uint64_t)got;
        else if (got == -EXO_E_LIMIT)
            said[1]++;
    }
}

TEST(greed_for_pages_ends_at_the_limit)
{
    struct kid *k =
        kid_new(&(struct kid_plan){.reserved = 64, .limit = 400}, hoard, 0);
    k->own->arg = k->guard;
    uint64_t free = exo_machine()->pages_free;
    greed(k, 20, 1, 1);
    CHECK(said[0] < 400);
    CHECK(said[0] > 300);
    CHECK(said[1] > 0);
    CHECK(exo_machine()->pages_free + 60 > free);
}

/* Children of children, each as large as its maker can afford. */
static int64_t
make_child(exo_guard guard, uint32_t pages, uint32_t envs)
{
    exo_page p[4];
    fill(p, UINT64_MAX, sizeof(p));
    for (unsigned i = 0; i < ARRAY_SIZE(p); i++)
        if (exo_page_alloc(0, guard, 0, &p[i], 1) != 1) {
            exo_page_free(0, p, i);
            return -EXO_E_LIMIT;
        }
    exo_table_make(0, p[0], 4, 0);
    struct exo_env_spec spec = {
        .guard = guard,
        .root = p[0],
        .save = p[1],
        .uarea = p[2],
        .stack = {p[3]},
        .rip = (uint64_t)leave,
        .cpu = EXO_CPU_ANY,
        .share = {{pages, pages}, {envs, envs}},
    };
    int64_t id = exo_env_create(EXO_CAPS(0, 0), &spec);
    if (id < 0)
        exo_page_free(0, p, ARRAY_SIZE(p));
    return id;
}

static void
multiply(uint64_t guard)
{
    for (;;) {
        int64_t id = make_child(guard, 4, 0);
        if (id > 0) {
            said[0]++;
            exo_env_control(0, (exo_env)id, EXO_ENV_START, 0);
        } else {
            said[1]++;
        }
    }
}

TEST(greed_for_envs_ends_at_the_limit)
{
    struct kid *k =
        kid_new(&(struct kid_plan){.reserved = 200, .limit = 400, .envs = 10},
                multiply, 0);
    k->own->arg = k->guard;
    greed(k, 20, 1, 1);
    CHECK(said[0] <= 10);
    CHECK(said[0] > 5);
    CHECK(said[1] > 0);
}

/* Children that die at once, and are buried, and made again. */
static void
churn(uint64_t guard)
{
    for (;;) {
        int64_t id = make_child(guard, 4, 0);
        if (id < 0)
            continue;
        exo_env_control(0, (exo_env)id, EXO_ENV_START, 0);
        while (exo_env_control(0, (exo_env)id, EXO_ENV_DESTROY, 0) ==
               -EXO_E_AGAIN)
            ;
        while (exo_env_control(0, (exo_env)id, EXO_ENV_BURY, 0) == -EXO_E_AGAIN)
            ;
        said[0]++;
    }
}

TEST(greed_in_births_and_deaths_leaves_nothing)
{
    struct kid *k = kid_new(
        &(struct kid_plan){.reserved = 200, .limit = 400, .envs = 4}, churn, 0);
    k->own->arg = k->guard;
    greed(k, 50, 0, 2);
    CHECK(said[0] > 1);
}

/* ---- time ------------------------------------------------------------- */

static void
hog(uint64_t unused)
{
    (void)unused;
    for (;;) {
        uarea()->mask = 1;
        said[0]++;
    }
}

static void
quantum(struct exo_frame *f)
{
    (void)f;
    for (;;) // never gives up its slice
        said[1]++;
}

TEST(greed_for_time_masked_is_cut_off)
{
    struct kid *k = kid_new(&(struct kid_plan){.cpu1 = 1}, hog, 0);
    on_upcall(k->u, EXO_UP_QUANTUM, quantum);
    greed(k, 10, 0, 1);
    CHECK(said[0] > 0);
}

TEST(greed_for_time_in_the_handler_is_cut_off_and_told)
{
    struct kid *k = kid_new(&(struct kid_plan){.cpu1 = 1}, spin_forever, 0);
    on_upcall(k->u, EXO_UP_QUANTUM, quantum);
    struct kid *n = neighbour_new();
    EQ(exo_slot_set(CAPS, EXO_SLOT(0, 1), 1, k->id, k->guard), -EXO_E_LIMIT);
    kid_go(k);
    uint64_t until = neighbour_words(n->u)->rounds + 10;
    UNTIL(neighbour_words(n->u)->rounds > until);
    UNTIL(kid_info(k)->overruns > 0 || kid_info(k)->upcalls[EXO_UP_QUANTUM]);
    neighbour_check(n);
}

static void
storm_of_calls(uint64_t unused)
{
    (void)unused;
    for (uint64_t nr = 0;; nr++) {
        exo_null();
        exo_cap_drop(9);
        exo_page_free(0, NULL, UINT64_MAX);
        said[0]++;
    }
}

TEST(greed_in_calls_is_only_its_own_time)
{
    greed(kid_new(&(struct kid_plan){0}, storm_of_calls, 0), 20, 0, 101);
    CHECK(said[0] > 100);
}

static void
yield_to_itself(uint64_t unused)
{
    (void)unused;
    for (;;) {
        exo_yield(0, self());
        exo_yield(0, 0);
        exo_wait(1, now() + 1, self());
        exo_wait(1, now() - 1, 0);
        said[0]++;
    }
}

TEST(greed_in_yields_to_itself)
{
    greed(kid_new(&(struct kid_plan){0}, yield_to_itself, 0), 20, 0, 11);
    CHECK(said[0] > 10);
}

/* ---- doorbells and upcalls -------------------------------------------- */

static void
ring_all(uint64_t unused)
{
    (void)unused;
    for (;;) {
        for (unsigned bit = 0; bit < 61; bit++)
            exo_ring(1, target, UINT64_C(1) << bit);
        said[0]++;
    }
}

static void
listen(struct exo_frame *f)
{
    (void)f;
    __atomic_exchange_n(&uarea()->events, 0, __ATOMIC_ACQ_REL);
    said[2]++;
}

static void
listener(uint64_t unused)
{
    (void)unused;
    for (;;) {
        said[1]++;
        exo_yield(0, 0);
    }
}

TEST(greed_in_doorbells_does_not_stop_the_listener)
{
    struct kid *t = kid_new(&(struct kid_plan){0}, listener, 0);
    on_upcall(t->u, EXO_UP_EVENT, listen);
    t->u->event_upcall = UINT64_MAX;
    target = t->id;
    kid_go(t);
    struct kid *k = kid_new(&(struct kid_plan){0}, ring_all, 0);
    EQ(exo_cap_grant(CAPS, k->id, 1, t->guard,
                     KID_PREFIX_BITS | EXO_WRITE << 8),
       0);
    greed(k, 20, 2, 2);
    CHECK(said[0] > 1);
    CHECK(said[1] > 1);
    CHECK(said[2] > 1);
    CHECK(own_of(t->u)->deepest <= 1);
}

static void
call_all(uint64_t unused)
{
    (void)unused;
    for (;;) {
        uint64_t words[EXO_CALL_WORDS] = {1, 2, 3, 4, 5, 6};
        exo_call(target, 1, 0, words);
        exo_call(target, 1 | EXO_CALL_SYNC, now() + 5000, words);
        said[0]++;
    }
}

static void
answer(struct exo_frame *f, uint64_t words[EXO_CALL_WORDS])
{
    said[2]++;
    exo_reply(f->cause, words);
}

TEST(greed_in_calls_on_another_does_not_stop_it)
{
    struct kid *t = kid_new(&(struct kid_plan){.cpu1 = 1}, listener, 0);
    on_call(t->u, answer);
    target = t->id;
    kid_go(t);
    struct kid *k = kid_new(&(struct kid_plan){.cpu1 = 1}, call_all, 0);
    EQ(exo_cap_grant(CAPS, k->id, 1, t->guard,
                     KID_PREFIX_BITS | EXO_WRITE << 8),
       0);
    greed(k, 20, 0, 2);
    CHECK(said[0] > 1);
    CHECK(said[1] > 1);
}

static void
never(struct exo_frame *f, uint64_t words[EXO_CALL_WORDS])
{
    (void)f;
    (void)words;
    said[2]++;
    sleep_forever(0);
}

static void
one_call(uint64_t unused)
{
    (void)unused;
    uint64_t words[EXO_CALL_WORDS] = {0};
    int64_t r;
    while ((r = exo_call(target, 1 | EXO_CALL_SYNC, EXO_NEVER, words)) ==
           -EXO_E_BUSY)
        exo_yield(0, 0);
    said[3] = (uint64_t)r;
}

TEST(greed_peer_destroyed_in_mid_call)
{
    struct kid *n = neighbour_new();
    for (unsigned caller_dies = 0; caller_dies < 2; caller_dies++) {
        said[2] = said[3] = 0;
        struct kid *t =
            kid_new(&(struct kid_plan){.cpu1 = 1}, sleep_forever, 0);
        on_call(t->u, never);
        target = t->id;
        kid_go(t);
        UNTIL(kid_state(t) == EXO_ENV_WAITING);
        struct kid *k = kid_new(&(struct kid_plan){.cpu1 = 1}, one_call, 0);
        EQ(exo_cap_grant(CAPS, k->id, 1, t->guard,
                         KID_PREFIX_BITS | EXO_WRITE << 8),
           0);
        kid_go(k);
        UNTIL(said[2]);
        UNTIL(kid_state(k) == EXO_ENV_WAITING);
        if (caller_dies) {
            kid_end(k);
            kid_end(t);
        } else {
            kid_end(t);
            EQ(kid_join(k), 0);
            EQ(said[3], -EXO_E_DEAD);
            kid_end(k);
        }
    }
    neighbour_check(n);
}

/* ---- upcall stacks ---------------------------------------------------- */

static void
fault_again(struct exo_frame *f)
{
    (void)f;
    said[0]++;
    __asm__ volatile("ud2");
}

static void
fault(uint64_t unused)
{
    (void)unused;
    __asm__ volatile("ud2");
}

TEST(greed_for_upcall_stack_ends_the_env_alone)
{
    struct kid *n = neighbour_new();
    said[0] = 0;
    struct kid *k = kid_new(&(struct kid_plan){0}, fault, 0);
    on_upcall(k->u, EXO_UP_FAULT, fault_again);
    kid_go(k);
    struct exo_mortem m;
    kid_mortem(k, &m);
    EQ(m.end, EXO_END_STACK);
    CHECK(said[0] > 3);
    neighbour_check(n);
}

TEST(greed_hostile_uareas_end_their_env_alone)
{
    struct kid *n = neighbour_new();
    const uint64_t at[] = {0,
                           1,
                           EXO_USER_TOP - 8,
                           UINT64_C(0x0000800000000000),
                           UINT64_C(0xffff800000000000),
                           UINT64_C(0xffffffff80100000),
                           UINT64_MAX};
    for (unsigned i = 0; i < ARRAY_SIZE(at); i++)
        for (unsigned field = 0; field < 5; field++) {
            struct kid *k = kid_new(&(struct kid_plan){0}, fault, 0);
            uint64_t *const to[] = {&k->u->handler[EXO_UP_FAULT],
                                    &k->u->stack_base, &k->u->ret_start,
                                    &k->u->ret_restart, &k->u->release[0]};
            if (field == 2)
                k->u->ret_end = UINT64_MAX;
            k->u->release_count = UINT32_MAX;
            k->u->taken.count = UINT32_MAX;
            on_upcall(k->u, EXO_UP_FAULT, fault_again);
            *to[field] = at[i];
            kid_go(k);
            struct exo_mortem m;
            kid_mortem(k, &m);
            CHECK(m.end != EXO_END_EXIT);
            kid_end(k);
        }
    neighbour_check(n);
}
