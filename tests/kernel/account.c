// SPDX-License-Identifier: MIT
/*
 * Accounts: env_account, shares at creation, eight levels, admission, pins.
 *
 * Must be seen: use counts against every ancestor, the sum of reservations
 * never exceeds what the parent has, what is irrevocable fits the reservation,
 * and everything returns.
 */
#include "test.h"

static const struct exo_account *
account(exo_env env, enum exo_kind kind)
{
    return &exo_env_info(env)->account[kind];
}

TEST(account_carves_from_the_parent)
{
    const struct exo_account *mine = account(self(), EXO_KIND_PAGE);
    uint32_t carved = mine->carved;
    struct kid *k = kid_new(&(struct kid_plan){.reserved = 50, .limit = 90},
                            sleep_forever, 0);
    const struct exo_account *a = account(k->id, EXO_KIND_PAGE);
    EQ(a->reserved, 50);
    EQ(a->limit, 90);
    EQ(mine->carved, carved + 50);
    EQ(exo_env_account(ROOT_CAP, k->id, EXO_KIND_PAGE, 70, 80), 0);
    EQ(mine->carved, carved + 70);
    EQ(exo_env_account(ROOT_CAP, k->id, EXO_KIND_PAGE, 40, 80), 0);
    EQ(mine->carved, carved + 40);
    kid_end(k);
    EQ(mine->carved, carved);
}

TEST(account_admits_no_more_than_there_is)
{
    const struct exo_account *mine = account(self(), EXO_KIND_PAGE);
    struct kid *k = kid_new(&(struct kid_plan){0}, sleep_forever, 0);
    uint32_t has = account(k->id, EXO_KIND_PAGE)->reserved;
    uint32_t spare = mine->reserved - mine->carved - mine->pinned;
    FAILS(exo_env_account(ROOT_CAP, k->id, EXO_KIND_PAGE, has + spare + 1,
                          UINT32_MAX),
          LIMIT);
    EQ(exo_env_account(ROOT_CAP, k->id, EXO_KIND_PAGE, has + spare, UINT32_MAX),
       0);
    exo_page root = table_of(0, 0x400000, 1); // nothing may be pinned now
    CHECK(root);
    exo_page p = page_new(0);
    FAILS(exo_table_make(ROOT_CAP, p, 1, 0), LIMIT);
    EQ(exo_env_account(ROOT_CAP, k->id, EXO_KIND_PAGE, has, has), 0);
    EQ(exo_table_make(ROOT_CAP, p, 1, 0), 0);
}

TEST(account_keeps_what_is_used_and_handed_on)
{
    struct kid *k = kid_new(&(struct kid_plan){.reserved = 40, .limit = 60},
                            sleep_forever, 0);
    const struct exo_account *a = account(k->id, EXO_KIND_PAGE);
    CHECK(a->pinned < a->used); // or another rule would refuse
    FAILS(
        exo_env_account(ROOT_CAP, k->id, EXO_KIND_PAGE, a->pinned, a->used - 1),
        LIMIT);
    FAILS(exo_env_account(ROOT_CAP, k->id, EXO_KIND_PAGE, a->pinned - 1, 60),
          LIMIT);
    EQ(exo_env_account(ROOT_CAP, k->id, EXO_KIND_PAGE, a->pinned, a->used), 0);
    exo_page p = EXO_PAGE_ANY;
    FAILS(exo_page_alloc(CAPS, 0, k->id, &p, 1), LIMIT);
}

TEST(account_checks_its_arguments)
{
    struct kid *k = kid_new(&(struct kid_plan){0}, sleep_forever, 0);
    FAILS(exo_env_account(ROOT_CAP, k->id, EXO_KIND_PAGE, 64, 63), INVAL);
    for (uint32_t kind = 0; kind < 30; kind++)
        if (kind > EXO_KIND_SLOT && kind != EXO_KIND_ATOM &&
            kind != EXO_KIND_RING)
            FAILS(exo_env_account(ROOT_CAP, k->id, kind, 0, 0), INVAL);
    FAILS(exo_env_account(ROOT_CAP, k->id, UINT32_MAX, 0, 0), INVAL);
    FAILS(exo_env_account(ROOT_CAP, k->id + 0x10000, 0, 1, 1), STALE);
    FAILS(exo_env_account(NO_CAP, k->id, EXO_KIND_PAGE, 64, 64), CAP);
    FAILS(exo_env_account(ROOT_CAP, self(), EXO_KIND_PAGE, 64, 64), STATE);
    FAILS(exo_env_account(ROOT_CAP, 0, EXO_KIND_PAGE, 64, 64), STATE);
    EQ(exo_cap_grant(CAPS, 0, 1, k->guard, 64 | (EXO_ALL & ~EXO_CONTROL) << 8),
       0);
    FAILS(exo_env_account(1, k->id, EXO_KIND_PAGE, 64, 64), CAP);
    control(k->id, EXO_ENV_DESTROY);
    CHECK(exo_env_account(ROOT_CAP, k->id, EXO_KIND_PAGE, 64, 64) < 0);
}

static volatile int64_t said[8];
static volatile exo_env grandchild;
static volatile exo_env chain[16];
static volatile unsigned depth;

/* Makes an env below itself, as large as it can, and looks at accounts. */
static void
have_a_child(uint64_t guard)
{
    exo_env id = bare_env(guard, 20, 0);
    grandchild = id;
    const struct exo_account *a = account(id, EXO_KIND_PAGE);
    said[0] = a->used;
    said[1] = account(self(), EXO_KIND_PAGE)->used -
              account(self(), EXO_KIND_PAGE)->own;
    exo_page p[17];
    unsigned n = 0;
    for (; n < 17; n++) {
        p[n] = EXO_PAGE_ANY;
        said[2] = exo_page_alloc(EXO_CAPS(0, 0), guard, id, &p[n], 1);
        if (said[2] != 1)
            break;
    }
    said[3] = n;
    exo_wait(1, EXO_NEVER, 0);
}

TEST(account_use_counts_against_every_ancestor)
{
    struct kid *k = kid_new(&(struct kid_plan){.envs = 2, .reserved = 100},
                            have_a_child, 0);
    k->own->arg = k->guard;
    uint32_t mine = account(self(), EXO_KIND_PAGE)->used;
    uint32_t envs = account(self(), EXO_KIND_ENV)->used;
    uint32_t kids = account(k->id, EXO_KIND_PAGE)->used;
    kid_go(k);
    UNTIL(kid_state(k) == EXO_ENV_WAITING);
    EQ(said[0], 4);
    EQ(said[1], 4);
    EQ(said[2], -EXO_E_LIMIT);
    EQ(said[3], 16); // its limit is 20
    EQ(account(grandchild, EXO_KIND_PAGE)->used, 20);
    EQ(account(k->id, EXO_KIND_PAGE)->used, kids + 20);
    EQ(account(self(), EXO_KIND_PAGE)->used, mine + 20);
    EQ(account(k->id, EXO_KIND_ENV)->used, 1);
    EQ(account(self(), EXO_KIND_ENV)->used, envs + 1);
    EQ(account(k->id, EXO_KIND_PAGE)->carved, 20);
}

TEST(account_limit_of_an_ancestor_binds)
{
    struct kid *k =
        kid_new(&(struct kid_plan){.envs = 2, .reserved = 40, .limit = 40},
                have_a_child, 0);
    k->own->arg = k->guard;
    uint32_t left = 40 - account(k->id, EXO_KIND_PAGE)->used;
    kid_go(k);
    UNTIL(kid_state(k) == EXO_ENV_WAITING);
    EQ(said[2], -EXO_E_LIMIT);
    CHECK(said[3] <= 16);
    EQ(account(k->id, EXO_KIND_PAGE)->used,
       40 - left + 4 + (uint32_t)said[3] > 40
           ? 40
           : 40 - left + 4 + (uint32_t)said[3]);
    CHECK(account(k->id, EXO_KIND_PAGE)->used <= 40);
}

static void
want_envs(uint64_t guard)
{
    struct exo_env_spec s = {
        .guard = guard, .rip = EXO_USER_MIN, .cpu = EXO_CPU_ANY};
    for (unsigned i = 0; i < 4; i++) {
        s.root = table_new(guard, 0, 4, 0);
        s.save = page_new(guard);
        s.uarea = page_new(guard);
        s.stack[0] = page_new(guard);
        s.share[EXO_KIND_PAGE] = (struct exo_share){5, 5};
        said[i] = exo_env_create(0, &s);
    }
}

TEST(account_of_envs_has_a_limit)
{
    struct kid *k =
        kid_new(&(struct kid_plan){.envs = 2, .reserved = 100}, want_envs, 0);
    k->own->arg = k->guard;
    kid_go(k);
    EQ(kid_join(k), 0);
    CHECK(said[0] > 0 && said[1] > 0);
    EQ(said[2], -EXO_E_LIMIT);
    EQ(said[3], -EXO_E_LIMIT);
}

TEST(account_shares_must_fit_the_parent_at_creation)
{
    const struct exo_account *mine = account(self(), EXO_KIND_PAGE);
    struct exo_env_spec s = {.rip = EXO_USER_MIN, .cpu = EXO_CPU_ANY};
    s.root = table_new(0, 0, 4, 0);
    s.save = page_new(0);
    s.uarea = page_new(0);
    s.stack[0] = page_new(0);
    uint32_t spare = mine->reserved - mine->carved - mine->pinned;
    s.share[EXO_KIND_PAGE] = (struct exo_share){spare + 5, UINT32_MAX};
    FAILS(exo_env_create(CAPS, &s), LIMIT);
    s.share[EXO_KIND_PAGE] = (struct exo_share){3, 10}; // the pages need 4
    FAILS(exo_env_create(CAPS, &s), LIMIT);
    s.share[EXO_KIND_PAGE] = (struct exo_share){4, 4};
    s.share[EXO_KIND_SLOT] = (struct exo_share){UINT32_MAX, UINT32_MAX};
    FAILS(exo_env_create(CAPS, &s), LIMIT);
    s.share[EXO_KIND_SLOT] = (struct exo_share){2, 1};
    FAILS(exo_env_create(CAPS, &s), INVAL);
    s.share[EXO_KIND_SLOT] = (struct exo_share){0, 0};
    s.share[EXO_KIND_BLOCK] = (struct exo_share){0, 1};
    FAILS(exo_env_create(CAPS, &s), INVAL);
    s.share[EXO_KIND_BLOCK] = (struct exo_share){0, 0};
    OK(exo_env_create(CAPS, &s));
}

/* Each level makes the next, as deep as it goes. */
static void
deeper(uint64_t guard)
{
    struct exo_env_spec s = {
        .guard = guard, .rip = EXO_USER_MIN, .cpu = EXO_CPU_ANY};
    s.root = table_new(guard, 0, 4, 0);
    s.save = page_new(guard);
    s.uarea = page_new(guard);
    s.stack[0] = page_new(guard);
    s.share[EXO_KIND_PAGE] = (struct exo_share){4, 4};
    said[0] = exo_env_create(0, &s);
}

/* A chain of threads in one space, each the child of the one before. */
static struct kid_plan chain_plan = {
    .flags = KID_THREAD, .envs = 12, .limit = 2000};

static void
make_chain(uint64_t level)
{
    chain[level] = self();
    depth = (unsigned)level;
    if (level == 8) {
        exo_guard guard = exo_env_info(self())->guard;
        deeper(guard);
        exo_wait(1, EXO_NEVER, 0);
    }
    exo_cap_grant(1, 0, 0, 0, EXO_ALL << 8); // act as the first env does
    struct kid_plan plan = chain_plan;
    plan.reserved = 600 - 60 * (uint32_t)level;
    struct kid *k = kid_new(&plan, make_chain, level + 1);
    EQ(exo_cap_grant(CAPS, k->id, 1, 0, EXO_ALL << 8), 0);
    kid_go(k);
    exo_wait(1, EXO_NEVER, 0);
}

TEST(account_chain_is_at_most_eight_deep)
{
    said[0] = 0;
    struct kid_plan plan = chain_plan;
    plan.reserved = 600;
    struct kid *k = kid_new(&plan, make_chain, 2);
    EQ(exo_cap_grant(CAPS, k->id, 1, 0, EXO_ALL << 8), 0);
    kid_go(k);
    UNTIL(said[0]);
    EQ(depth, 8);
    EQ(said[0], -EXO_E_LIMIT);
    uint32_t used = account(chain[8], EXO_KIND_PAGE)->used;
    exo_page p = EXO_PAGE_ANY;
    uint32_t before[9];
    for (unsigned level = 2; level <= 8; level++)
        before[level] = account(chain[level], EXO_KIND_PAGE)->used;
    EQ(exo_page_alloc(CAPS, 0, chain[8], &p, 1), 1);
    EQ(account(chain[8], EXO_KIND_PAGE)->used, used + 1);
    for (unsigned level = 2; level <= 8; level++)
        EQ(account(chain[level], EXO_KIND_PAGE)->used, before[level] + 1);
    const char *fault = ledger_fault();
    if (fault)
        FAIL("%s", fault);
}

TEST(account_of_the_dead_returns_to_the_parent)
{
    const struct exo_account *mine = account(self(), EXO_KIND_PAGE);
    uint32_t carved = mine->carved, envs = account(self(), EXO_KIND_ENV)->used;
    struct kid *k = kid_new(&(struct kid_plan){.envs = 2, .reserved = 100},
                            have_a_child, 0);
    k->own->arg = k->guard;
    kid_go(k);
    UNTIL(kid_state(k) == EXO_ENV_WAITING);
    EQ(control(k->id, EXO_ENV_DESTROY), 0);
    // The grandchild lives on, with its own reservation, as mine.
    EQ(exo_env_info(grandchild)->parent, self());
    EQ(mine->carved, carved + 20);
    EQ(account(self(), EXO_KIND_ENV)->used, envs + 2);
    const char *fault = ledger_fault();
    if (fault)
        FAIL("%s", fault);
    kid_end(k);
    EQ(account(self(), EXO_KIND_ENV)->used, envs + 1);
}
