// SPDX-License-Identifier: MIT
/*
 * Several hostile envs on all CPUs, making system calls at random.
 *
 * Must be seen: whatever they call, with arguments that are nearly right or
 * absurd, the kernel goes on; a neighbour and a page that is none of theirs are
 * as they were; and when all are stopped the ledger balances. Three of the four
 * share one prefix, so that they free, bind, stop and destroy what the others
 * use; the fourth may only read it.
 *
 * A round is a new set of envs with a seed of its own, which the round's line
 * on the console names. Options: seed=N of the first round, rounds=N.
 */
#include "attack.h"

#define ENVS  4
#define PAGES 24 // known: some to play with, then what it lives on
#define OWN   16
#define TOP   (BLOCK_BYTES - 8)

static exo_page canary;
static const uint64_t canary_word = 0xca4a27ca4a27ca4a;

/* What an attacker knows. It is in its u-area, since the image's data cannot
 * be written there, and since registers and stack may be lost at any time. */
struct known {
    uint64_t state; // of its random numbers
    volatile uint64_t calls;
    exo_guard guard;
    exo_env env[8];
    exo_page page[PAGES];
};

static struct known *
known_of(struct exo_uarea *u)
{
    return (struct known *)((char *)u + NEIGHBOUR_WORDS);
}

static struct known *
mine(void)
{
    return known_of(uarea());
}

/* ---- choices ----------------------------------------------------------- */

static uint64_t
next(void)
{
    uint64_t z = (mine()->state += 0x9e3779b97f4a7c15ull); /* [Steele14] */
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}

static uint64_t
below(uint64_t n)
{
    return next() % n;
}

static uint64_t
absurd(void)
{
    static const uint64_t words[] = {0,
                                     1,
                                     0xfff,
                                     0x1000,
                                     UINT32_MAX,
                                     UINT64_C(1) << 32,
                                     UINT64_C(1) << 63,
                                     UINT64_MAX,
                                     UINT64_MAX - 7,
                                     EXO_USER_TOP,
                                     EXO_USER_TOP - 8,
                                     UINT64_C(0x800000000000),
                                     UINT64_C(0xffff800000000000),
                                     UINT64_C(0xffffffff80100000)};
    return below(4) ? words[below(ARRAY_SIZE(words))] : next();
}

static exo_page
some_page(void)
{
    if (below(8) == 0)
        return below(2) ? canary : below(exo_machine()->npages);
    return mine()->page[below(below(8) ? OWN : PAGES)];
}

static exo_env
some_env(void)
{
    return below(4) ? mine()->env[below(8)] : 0;
}

/* Seldom where it lives itself, or it would not live long. */
static uint64_t
some_va(void)
{
    static const uint64_t rare[] = {EXO_FIRST_UAREA, 0x400000, 0x600000};
    uint64_t va =
        below(24) ? EXO_FIRST_UAREA + 0x20000 : rare[below(ARRAY_SIZE(rare))];
    return va + below(64) * EXO_PAGE_BYTES;
}

/* Slots 0 and 1 cover something, the next few may. */
static uint32_t
some_caps(void)
{
    return EXO_CAPS(below(2) ? 0 : below(6), below(2) ? 0 : below(6));
}

static exo_guard
some_guard(void)
{
    return below(8) ? mine()->guard | below(4) : absurd();
}

/* Memory for arguments: the end of the stack that nothing reaches. */
static uint64_t *
room(void)
{
    return (uint64_t *)((uint64_t)uarea() + BLOCK_BYTES - 2 * EXO_PAGE_BYTES);
}

/* ---- calls --------------------------------------------------------------- */

static int64_t
call(uint64_t nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
    uint64_t arg[5] = {a, b, c, d, e};
    if (below(6) == 0)
        arg[below(5)] = absurd();
    mine()->calls++;
    if (nr == EXO_SYS_env_control || nr == EXO_SYS_yield || nr == EXO_SYS_wait)
        return exo_trap_switch(nr, arg[0], arg[1], arg[2], arg[3]);
    return exo_trap(nr, arg[0], arg[1], arg[2], arg[3], arg[4]);
}

static void
take_pages(void)
{
    uint64_t n = 1 + below(4);
    for (uint64_t i = 0; i < n; i++)
        room()[i] = below(8) ? EXO_PAGE_ANY : some_page();
    int64_t got = call(EXO_SYS_page_alloc, some_caps(), some_guard(),
                       below(4) ? 0 : some_env(), (uint64_t)room(), n);
    for (int64_t i = 0; i < got && i < 4; i++)
        mine()->page[below(OWN)] = room()[i];
}

static void
free_pages(void)
{
    uint64_t n = 1 + below(3);
    for (uint64_t i = 0; i < n; i++)
        room()[i] = some_page();
    call(EXO_SYS_page_free, some_caps() & 63, (uint64_t)room(), n, 0, 0);
}

static void
bind(void)
{
    static const uint32_t rights[] = {0,
                                      R,
                                      RW,
                                      RX,
                                      RW | EXO_BIND_X,
                                      R | EXO_BIND_HEIR,
                                      EXO_BIND_SAME | R,
                                      EXO_BIND_SAME | RW,
                                      EXO_BIND_SAME | EXO_BIND_CLEAN | RW,
                                      EXO_BIND_LARGE | RW};
    struct exo_run *run = (struct exo_run *)room();
    uint64_t n = 1 + below(3);
    for (uint64_t i = 0; i < n; i++)
        run[i] = (struct exo_run){
            some_va(), some_page(), (uint32_t)(1 + below(4)),
            below(8) ? rights[below(ARRAY_SIZE(rights))] : (uint32_t)next()};
    call(EXO_SYS_bind, some_caps(), below(2) ? 0 : some_page(), (uint64_t)run,
         n, 0);
}

_Noreturn void random_forever(void);

/* A second thread of control, in the same space and on the same memory. */
static void
make_env(void)
{
    struct exo_env_spec *s = (struct exo_env_spec *)room();
    fill(s, 0, sizeof(*s));
    s->guard = some_guard();
    s->root = below(4) ? ME->root : some_page();
    s->save = some_page();
    s->uarea = some_page();
    s->stack[0] = some_page();
    s->log = below(2) ? 0 : some_page();
    s->rip = (uint64_t)random_forever;
    s->rsp = (uint64_t)uarea() + TOP - 1024 * (1 + below(3));
    s->flags = (uint32_t)below(32);
    s->cpu = below(2) ? EXO_CPU_ANY : (uint32_t)below(NCPUS);
    s->share[EXO_KIND_PAGE] =
        (struct exo_share){(uint32_t)below(12), (uint32_t)below(24)};
    int64_t id = call(EXO_SYS_env_create, some_caps(), (uint64_t)s, 0, 0, 0);
    if (id > 0)
        mine()->env[3 + below(5)] = (exo_env)id;
}

static void
control_env(void)
{
    static const uint8_t ops[] = {EXO_ENV_START, EXO_ENV_START,   EXO_ENV_START,
                                  EXO_ENV_STOP,  EXO_ENV_DESTROY, EXO_ENV_BURY};
    exo_env env = some_env();
    uint8_t op = ops[below(ARRAY_SIZE(ops))];
    bool self_harm = env == 0 || env == self();
    if (!self_harm || below(16) == 0)
        call(EXO_SYS_env_control, some_caps() & 63, env, op, 0, 0);
}

static void
send_words(void)
{
    uint64_t words[EXO_CALL_WORDS] = {next(), next()};
    mine()->calls++;
    if (below(3) == 0)
        exo_reply(next() & 0xffff00ff, words);
    else
        exo_call(some_env(),
                 (uint32_t)(below(3) | (below(2) ? EXO_CALL_SYNC : 0)),
                 now() + below(1 << 16), words);
}

/* The calls that take no pointers, or one to any memory. */
static void
call_any(void)
{
    uint64_t cap = some_caps() & 63;
    switch (below(15)) {
    case 0:
        call(EXO_SYS_reguard, some_caps(),
             (uint32_t)(below(3) ? EXO_KIND_PAGE : below(14)) |
                 (below(2) ? EXO_REGUARD_BREAK : 0),
             below(4) ? some_page() : some_env(), 1 + below(2), some_guard());
        break;
    case 1:
        call(EXO_SYS_table_make, cap, some_page(), 1 + below(4), some_va(), 0);
        break;
    case 2:
        call(EXO_SYS_table_link, some_caps(), below(2) ? 0 : some_page(),
             some_va(), (1 + below(3)) | (below(4) ? 0 : EXO_LINK_HEIR),
             below(4) ? some_page() : 0);
        break;
    case 3:
        call(EXO_SYS_table_extra, some_caps(), some_page(), below(2),
             below(3) ? some_page() : 0, 0);
        break;
    case 4:
        call(EXO_SYS_env_state, cap, some_env(), below(5), (uint64_t)room(), 0);
        break;
    case 5:
        call(EXO_SYS_env_account, cap, some_env(), below(4), below(64),
             below(128));
        break;
    case 6:
        call(EXO_SYS_env_root, some_caps(), some_env(), some_page(), 0, 0);
        break;
    case 7:
        call(EXO_SYS_cap_grant, some_caps(), some_env(), 1 + below(5),
             mine()->guard, 24 | EXO_ALL << 8);
        break;
    case 8:
        call(EXO_SYS_cap_purge, cap, mine()->guard, 24 + below(41), 0, 0);
        break;
    case 9:
        call(EXO_SYS_slot_set, some_caps(),
             EXO_SLOT(below(NCPUS), below(exo_machine()->nslots)), 1,
             below(2) ? some_env() : EXO_NEVER, some_guard());
        break;
    case 10:
        call(EXO_SYS_ring, cap, some_env(), UINT64_C(1) << below(62), 0, 0);
        break;
    case 11:
        call(EXO_SYS_revoke, cap, some_env(), EXO_KIND_PAGE, 1 + below(8),
             now() + below(1 << 18));
        break;
    case 12:
        call(EXO_SYS_table_seal, cap, below(2) ? 0 : some_page(), 0, 0, 0);
        break;
    case 13:
        call(EXO_SYS_page_size, cap, some_page() & ~UINT64_C(511), below(2), 0,
             0);
        break;
    default:
        call(below(EXO_SYSCALLS + 2), absurd(), absurd(), absurd(), absurd(),
             absurd());
    }
}

static void
give_way(void)
{
    if (below(4))
        call(EXO_SYS_yield, 0, below(2) ? 0 : some_env(), 0, 0, 0);
    else
        call(EXO_SYS_wait, UINT64_C(1) << below(62), now() + below(1 << 16),
             below(2) ? 0 : some_env(), 0, 0);
}

_Noreturn void
random_forever(void)
{
    static void (*const acts[])(void) = {
        take_pages,  take_pages, free_pages, bind,     bind,     make_env,
        control_env, send_words, call_any,   call_any, call_any, give_way};
    for (;;)
        acts[below(ARRAY_SIZE(acts))]();
}

static void
begin(uint64_t unused)
{
    (void)unused;
    random_forever();
}

/* Whatever it was: from the beginning, on an empty stack. */
static void
go_on(struct exo_frame *f)
{
    f->rip = (uint64_t)random_forever;
    f->rsp = (uint64_t)uarea() + TOP;
}

static void
ignore(struct exo_frame *f)
{
    (void)f;
}

static void
answer(struct exo_frame *f, uint64_t words[EXO_CALL_WORDS])
{
    exo_reply(f->cause, words);
}

/* ---- the judge ----------------------------------------------------------- */

/* So that nothing they do to their memory is done to the judge's. */
static void
lock_image(const struct kid *k)
{
    extern char image_data[], image_end[];
    uint64_t from = (uint64_t)image_data, to = (uint64_t)image_end;
    bind_run(k->root,
             (struct exo_run){from, 0, (uint32_t)((to - from + 4095) >> 12),
                              EXO_BIND_SAME | R});
}

static struct kid *
attacker_new(exo_guard guard, uint64_t seed, unsigned number)
{
    struct kid_plan plan = {.flags = KID_COPY | (number & 1 ? KID_LOG : 0),
                            .cpu1 = number == 2 ? 0 : 1 + number % NCPUS,
                            .reserved = 96,
                            .limit = 160,
                            .envs = 4,
                            .slots = 4,
                            .guard = guard};
    struct kid *k = kid_new(&plan, begin, 0);
    struct known *known = known_of(k->u);
    lock_image(k);
    on_upcall(k->u, EXO_UP_FAULT, go_on);
    on_upcall(k->u, EXO_UP_FOREIGN, go_on);
    for (unsigned vector = EXO_UP_QUANTUM; vector <= EXO_UP_EVENT; vector++)
        if (number & 1)
            on_upcall(k->u, vector, ignore);
    on_call(k->u, answer);
    known->state = seed;
    known->guard = k->guard;
    pages_new(k->guard, k->id, known->page, OWN);
    const exo_page own[PAGES - OWN] = {k->root,     k->save,     k->uarea_page,
                                       k->upcall,   k->stack[0], k->table[0],
                                       k->table[1], k->table[2]};
    for (unsigned i = OWN; i < PAGES; i++)
        known->page[i] = own[i - OWN];
    return k;
}

/* Everybody but the two: stopped, or dead. */
static void
stop_all(exo_env neighbour)
{
    for (uint32_t i = 1; i < exo_machine()->nenvs; i++) {
        const struct exo_env_info *e = exo_env_info(i);
        exo_env id = e->id;
        if (!id || id == self() || id == neighbour)
            continue;
        if (e->state < EXO_ENV_DYING) {
            int64_t r = control(id, EXO_ENV_STOP);
            CHECK(r == 0 || r == -EXO_E_STATE || r == -EXO_E_STALE);
        }
        if (e->id == id && e->state >= EXO_ENV_DYING) {
            // Its parent may be faster, and bury it.
            int64_t r = control(id, EXO_ENV_DESTROY);
            CHECK(r == 0 || r == -EXO_E_STALE);
        }
    }
}

static bool
all_quiet(exo_env neighbour)
{
    for (uint32_t i = 1; i < exo_machine()->nenvs; i++) {
        const struct exo_env_info *e = exo_env_info(i);
        bool quiet = e->state == EXO_ENV_EMBRYO ||
                     e->state == EXO_ENV_STOPPED || e->state == EXO_ENV_DEAD;
        if (e->id && e->id != self() && e->id != neighbour && !quiet)
            return false;
    }
    return true;
}

/* Those of them that are left, and what they made. */
static void
end_all(exo_env neighbour)
{
    for (bool found = true; found;) {
        found = false;
        for (uint32_t i = 1; i < exo_machine()->nenvs; i++) {
            const struct exo_env_info *e = exo_env_info(i);
            exo_env id = e->id;
            if (!id || id == neighbour || e->parent != self())
                continue;
            found = true;
            EQ(control(id, EXO_ENV_DESTROY), 0);
            EQ(control(id, EXO_ENV_BURY), 0);
        }
    }
}

static uint64_t
calls_of(const struct kid *k)
{
    // They can break this binding: then nothing is counted.
    return load_faults((uint64_t)k->u) ? 0 : known_of(k->u)->calls;
}

static void
let_go(struct kid *k)
{
    bind_run(0, (struct exo_run){(uint64_t)k->u, 0,
                                 BLOCK_BYTES / EXO_PAGE_BYTES, 0});
    *k = (struct kid){0};
}

static void
check_world(struct kid *n, uint64_t seed)
{
    const struct exo_page_info *page = exo_page_info(canary);
    const char *fault = ledger_fault();
    // A revocation may come due while the table is read, but not each time.
    for (unsigned i = 0; fault && i < 4; i++)
        fault = ledger_fault();
    if (fault)
        FAIL("seed %lu: %s", seed, fault);
    if (page->payer != EXO_ENV_INDEX(self()) || page->bindings != 1 ||
        page->guard != UINT64_C(1) << 62 ||
        !is_filled((void *)SCRATCH, canary_word, EXO_PAGE_BYTES))
        FAIL("seed %lu: a page that is not theirs changed", seed);
    neighbour_check(n);
}

/* Those of a round; number i gets the rights over the common prefix, the last
 * may only read what has it. */
static struct {
    struct kid *kid[ENVS];
    exo_guard common;
    uint64_t seed, made, calls; // calls: of those that are gone
} set;

static void
set_new(unsigned i, exo_env neighbour)
{
    bool last = i == ENVS - 1;
    struct kid *k = set.kid[i] =
        attacker_new(last ? 0 : set.common, set.seed * 1000 + set.made++, i);
    if (last)
        EQ(exo_cap_grant(CAPS, k->id, 1, set.common,
                         KID_PREFIX_BITS | EXO_READ << 8),
           0);
    for (unsigned j = 0; j < ARRAY_SIZE(known_of(k->u)->env); j++)
        known_of(k->u)->env[j] =
            set.kid[j % ENVS] ? set.kid[j % ENVS]->id : neighbour;
}

static bool
is_gone(const struct kid *k)
{
    unsigned state = kid_state(k);
    return state == EXO_ENV_FREE || state >= EXO_ENV_DYING;
}

/* While the others stand still, or they would take it apart in the making. */
static void
set_replace(unsigned i, exo_env neighbour)
{
    struct kid *k = set.kid[i];
    while (!all_quiet(neighbour))
        stop_all(neighbour);
    set.calls += calls_of(k);
    control(k->id, EXO_ENV_DESTROY);
    control(k->id, EXO_ENV_BURY);
    let_go(k);
    set_new(i, neighbour);
}

/* Replaces who is gone, starts who stands still. Returns the calls made. */
static uint64_t
set_tend(exo_env neighbour)
{
    uint64_t calls = 0;
    for (unsigned i = 0; i < ENVS; i++)
        if (is_gone(set.kid[i]))
            set_replace(i, neighbour);
    for (unsigned i = 0; i < ENVS; i++) {
        exo_env_control(ROOT_CAP, set.kid[i]->id, EXO_ENV_START, 0);
        calls += calls_of(set.kid[i]);
    }
    return set.calls + calls;
}

static uint64_t
play(struct kid *n, uint64_t seed)
{
    uint64_t calls = 0, want = COUNTED ? 1200 : 6000;
    set.common = prefix_new();
    set.seed = seed;
    set.made = set.calls = 0;
    for (unsigned i = 0; i < ENVS; i++)
        set.kid[i] = NULL;
    for (unsigned i = 0; i < ENVS; i++)
        set_new(i, n->id);
    exo_tsc end = now() + microseconds(COUNTED ? 50000 : 500000);
    while (calls < want && now() < end) {
        pause_here();
        calls = set_tend(n->id);
    }
    while (!all_quiet(n->id))
        stop_all(n->id);
    check_world(n, seed);
    end_all(n->id);
    for (unsigned i = 0; i < ENVS; i++)
        let_go(set.kid[i]);
    check_world(n, seed);
    return calls;
}

TEST(calls_at_random_by_several_envs_harm_nobody)
{
    struct kid *n = neighbour_new();
    uint64_t rounds = option("rounds", COUNTED ? 10 : 4),
             seed = option("seed", 1);
    uint64_t calls = 0;
    canary = page_new(UINT64_C(1) << 62);
    bind_here(SCRATCH, canary, RW);
    fill((void *)SCRATCH, canary_word, EXO_PAGE_BYTES);
    for (uint64_t i = 0; i < rounds; i++) {
        say("# seed %lu, after %lu calls\n", seed + i, calls);
        calls += play(n, seed + i);
    }
    CHECK(calls > 50 * rounds);
}
