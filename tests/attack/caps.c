// SPDX-License-Identifier: MIT
/*
 * An env that holds its own prefix and nothing else makes every call on what
 * belongs to others: a neighbour, its parent, the kernel.
 *
 * Must be seen: each call is refused, most of them for want of a capability,
 * whichever slot is presented: its own prefix, an empty one, none there is.
 * Nothing of the neighbour changes. [Engler95 3.2]
 */
#include "attack.h"

static struct kid *victim;
static exo_page victim_data;
static exo_guard my_guard;
static exo_page spare[8]; // the attacker's own pages
static exo_env boss;      // the first env
static exo_page kernel_page;

static const exo_cap slots[] = {0, 1, NO_CAP};
static const exo_cap beyond[] = {EXO_CAPS_MAX, 0xff, 0x100, 0x8000, UINT32_MAX};

#define FOR_SLOTS(s) for (unsigned s = 0; s < ARRAY_SIZE(slots); s++)

static exo_page
victim_page(unsigned i)
{
    const exo_page pages[] = {victim->root,     victim->save,
                              victim->upcall,   victim->uarea_page,
                              victim->stack[0], victim->table[0],
                              victim->table[2], victim_data};
    return i < ARRAY_SIZE(pages) ? pages[i] : 0;
}

/* What everyone can see of the neighbour, in one number. */
static uint64_t
victim_sum(void)
{
    uint64_t sum = 0;
    for (unsigned i = 0; victim_page(i); i++) {
        const struct exo_page_info *p = exo_page_info(victim_page(i));
        sum = sum * 31 + p->guard + p->bindings * 7 + p->use + p->payer;
    }
    const struct exo_env_info *e = kid_info(victim);
    sum = sum * 31 + e->guard + e->root + e->parent + e->flags;
    for (unsigned kind = 0; kind < EXO_KINDS; kind++) {
        const struct exo_account *a = &e->account[kind];
        sum = sum * 31 + a->reserved + a->limit * 3 + a->used * 5 + a->own * 7 +
              a->pinned * 11 + a->promised * 13 + a->carved * 17;
    }
    return sum;
}

static void
aim(void)
{
    boss = self();
    victim = neighbour_new();
    pages_new(victim->guard, victim->id, &victim_data, 1);
    for (kernel_page = 1;; kernel_page++)
        if (exo_page_info(kernel_page)->use == EXO_USE_KERNEL)
            break;
}

static void
storm(void (*entry)(uint64_t))
{
    aim();
    uint64_t before = victim_sum();
    struct kid *k =
        kid_new(&(struct kid_plan){.envs = 4, .slots = 4}, entry, 0);
    my_guard = k->guard;
    pages_new(k->guard, k->id, spare, ARRAY_SIZE(spare));
    kid_go(k);
    EQ(kid_join(k), 0);
    EQ(victim_sum(), before);
    neighbour_check(victim);
}

/* ---- memory ----------------------------------------------------------- */

static void
attack_pages(uint64_t unused)
{
    (void)unused;
    FOR_SLOTS(s)
    {
        exo_cap c = slots[s];
        exo_page any = EXO_PAGE_ANY;
        uint32_t two = EXO_CAPS(c, c);
        FAILS(exo_page_alloc(two, victim->guard, 0, &any, 1), CAP);
        FAILS(exo_page_alloc(two, 0, 0, &any, 1), CAP);
        FAILS(exo_page_alloc(two, my_guard, victim->id, &any, 1), CAP);
        FAILS(exo_page_alloc(two, my_guard, boss, &any, 1), CAP);
        for (unsigned i = 0; victim_page(i); i++) {
            exo_page page = victim_page(i);
            FAILS(exo_page_free(c, &page, 1), CAP);
            FAILS(exo_reguard(two, EXO_KIND_PAGE, page, 1, my_guard), CAP);
            FAILS(exo_reguard(two, EXO_KIND_PAGE | EXO_REGUARD_BREAK, page, 1,
                              my_guard),
                  CAP);
            FAILS(exo_table_make(c, page, 1, SCRATCH), CAP);
        }
        CHECK(exo_page_free(c, &kernel_page, 1) < 0);
        CHECK(exo_reguard(two, EXO_KIND_PAGE, kernel_page, 1, my_guard) < 0);
        CHECK(exo_table_make(c, kernel_page, 1, SCRATCH) < 0);
        FAILS(exo_reguard(two, EXO_KIND_PAGE, spare[0], 1, victim->guard), CAP);
        for (uint64_t head = 0; head < exo_machine()->npages; head += 512) {
            CHECK(exo_page_size(c, head, 1) < 0);
            CHECK(exo_page_size(c, head, 0) < 0);
        }
    }
}

TEST(caps_pages_of_others_are_out_of_reach)
{
    storm(attack_pages);
}

static int64_t
bind_as(uint32_t two, exo_page root, uint64_t va, exo_page page, uint32_t flags)
{
    struct exo_run run = {va, page, 1, flags};
    return exo_bind(two, root, &run, 1);
}

static void
attack_bindings(uint64_t unused)
{
    (void)unused;
    const uint32_t flags[] = {R, RW, RX, R | EXO_BIND_HEIR};
    uint64_t here = EXO_FIRST_UAREA + 0x2000;
    FOR_SLOTS(s)
    {
        uint32_t two = EXO_CAPS(slots[s], slots[s]);
        for (unsigned f = 0; f < ARRAY_SIZE(flags); f++) {
            for (unsigned i = 0; victim_page(i); i++)
                CHECK(bind_as(two, 0, here, victim_page(i), flags[f]) < 0);
            for (exo_page page = 0; page < exo_machine()->npages; page++) {
                if (exo_page_info(page)->guard >> 40 == my_guard >> 40)
                    continue;
                if (bind_as(two, 0, here, page, flags[f]) >= 0)
                    FAIL("page %lu of use %u", page, exo_page_info(page)->use);
            }
            FAILS(bind_as(two, victim->root, here, spare[0], flags[f]), CAP);
        }
        FAILS(bind_as(two, victim->root, EXO_FIRST_UAREA, 0, 0), CAP);
        FAILS(bind_as(two, victim->root, EXO_FIRST_UAREA, 0, R | EXO_BIND_SAME),
              CAP);
        CHECK(bind_as(two, kernel_page, here, spare[0], R) < 0);
        CHECK(bind_as(two, victim->table[2], here, spare[0], R) < 0);
    }
    CHECK(load_faults(here));
}

TEST(caps_no_page_of_another_can_be_bound)
{
    storm(attack_bindings);
}

static void
attack_tables(uint64_t unused)
{
    (void)unused;
    uint64_t va = UINT64_C(0x40000000);
    EQ(exo_table_make(0, spare[1], 2, va), 0);
    EQ(exo_table_make(0, spare[2], 3, UINT64_C(1) << 40), 0);
    FOR_SLOTS(s)
    {
        exo_cap c = slots[s];
        uint32_t two = EXO_CAPS(c, c);
        FAILS(exo_table_link(two, victim->root, va, 2, spare[1]), CAP);
        FAILS(exo_table_link(two, victim->root, va, 2, 0), CAP);
        FAILS(exo_table_link(two, victim->root, UINT64_C(1) << 40, 3, spare[2]),
              CAP);
        FAILS(exo_table_link(two, victim->root, EXO_FIRST_UAREA, 3, 0), CAP);
        CHECK(exo_table_link(two, 0, EXO_FIRST_UAREA + (UINT64_C(1) << 30), 2,
                             victim->table[1]) < 0);
        CHECK(exo_table_link(two, 0, va, 2, victim->table[1]) < 0);
        CHECK(exo_table_link(two, kernel_page, va, 2, spare[1]) < 0);
        FAILS(exo_table_extra(two, victim->table[2], 1, spare[3]), CAP);
        FAILS(exo_table_extra(two, victim->table[2], 0, 0), CAP);
        FAILS(exo_table_extra(two, victim->root, 0, spare[3]), CAP);
        FAILS(exo_table_seal(c, victim->root, 0), CAP);
        FAILS(exo_env_root(two, 0, victim->root), CAP);
        FAILS(exo_env_root(two, victim->id, exo_env_info(self())->root), CAP);
    }
}

TEST(caps_tables_of_others_are_out_of_reach)
{
    storm(attack_tables);
}

/* ---- envs, time, channels --------------------------------------------- */

static void
attack_env(exo_env env)
{
    static uint8_t buffer[4096] __attribute__((aligned(64)));
    uint64_t words[EXO_CALL_WORDS] = {0};
    FOR_SLOTS(s)
    {
        exo_cap c = slots[s];
        uint32_t two = EXO_CAPS(c, c);
        for (unsigned op = EXO_ENV_START; op <= EXO_ENV_BURY; op++)
            FAILS(exo_env_control(c, env, op, 0), CAP);
        for (unsigned op = EXO_STATE_READ; op <= EXO_STATE_MORTEM; op++)
            FAILS(exo_env_state(c, env, op, buffer), CAP);
        for (uint32_t kind = 0; kind <= EXO_KIND_SLOT; kind++)
            FAILS(exo_env_account(c, env, kind, 0, 0), CAP);
        FAILS(exo_reguard(two, EXO_KIND_ENV, env, 1, my_guard), CAP);
        FAILS(exo_yield(c, env), CAP);
        FAILS(exo_ring(c, env, 1), CAP);
        FAILS(exo_revoke(c, env, EXO_KIND_PAGE, 10, now()), CAP);
        FAILS(exo_call(env, c, 0, words), CAP);
        FAILS(exo_call(env, c | EXO_CALL_SYNC, 0, words), CAP);
        CHECK(exo_cap_grant(two, env, 5, my_guard, 64 | EXO_ALL << 8) < 0);
        FAILS(exo_cap_grant(two, env, 5, 0, EXO_ALL << 8), CAP);
    }
    for (unsigned i = 0; i < ARRAY_SIZE(beyond); i++) {
        exo_cap c = beyond[i];
        CHECK(exo_env_control(c, env, EXO_ENV_DESTROY, 0) < 0);
        CHECK(exo_env_state(c, env, EXO_STATE_READ, buffer) < 0);
        CHECK(exo_ring(c, env, 1) < 0);
        CHECK(exo_yield(c, env) < 0);
        CHECK(exo_revoke(c, env, EXO_KIND_PAGE, 1, now()) < 0);
        CHECK(exo_call(env, c, 0, words) < 0);
    }
}

static void
attack_envs(uint64_t unused)
{
    (void)unused;
    attack_env(victim->id);
    attack_env(boss);
}

TEST(caps_envs_of_others_are_out_of_reach)
{
    storm(attack_envs);
}

static void
attack_create(uint64_t unused)
{
    (void)unused;
    EQ(exo_table_make(0, spare[0], 4, 0), 0);
    const struct exo_env_spec good = {
        .guard = my_guard,
        .root = spare[0],
        .save = spare[1],
        .uarea = spare[2],
        .stack = {spare[3]},
        .rip = EXO_USER_MIN,
        .cpu = EXO_CPU_ANY,
        .share = {{8, 8}},
    };
    FOR_SLOTS(s)
    {
        uint32_t two = EXO_CAPS(slots[s], slots[s]);
        struct exo_env_spec bad = good;
        bad.guard = victim->guard;
        FAILS(exo_env_create(two, &bad), CAP);
        bad.guard = 0;
        FAILS(exo_env_create(two, &bad), CAP);
        for (unsigned i = 0; victim_page(i); i++) {
            exo_page *const field[] = {&bad.root,     &bad.save,     &bad.uarea,
                                       &bad.stack[0], &bad.stack[1], &bad.log};
            for (unsigned f = 0; f < ARRAY_SIZE(field); f++) {
                exo_page *to = field[f];
                const exo_page with[] = {victim_page(i), kernel_page,
                                         f == 2 ? spare[1] : spare[2]};
                for (unsigned w = 0; w < ARRAY_SIZE(with); w++) {
                    bad = good;
                    *to = with[w];
                    if (exo_env_create(two, &bad) >= 0)
                        FAIL("page %u of the spec is page %u/%u", f, i, w);
                }
            }
        }
        bad = good;
        bad.share[EXO_KIND_PAGE].reserved = UINT32_MAX;
        bad.share[EXO_KIND_PAGE].limit = UINT32_MAX;
        CHECK(exo_env_create(two, &bad) < 0);
        bad.share[EXO_KIND_PAGE].reserved = 0x80000000;
        bad.share[EXO_KIND_PAGE].limit = 0x7fffffff;
        CHECK(exo_env_create(two, &bad) < 0);
    }
    OK(exo_env_create(EXO_CAPS(0, 0), &good)); // it was only that
}

TEST(caps_no_env_is_made_of_what_belongs_to_others)
{
    storm(attack_create);
}

static void
attack_machine(uint64_t unused)
{
    (void)unused;
    char byte = '!';
    FOR_SLOTS(s)
    {
        exo_cap c = slots[s];
        uint32_t two = EXO_CAPS(c, c);
        for (uint32_t chan = 0; chan < 2; chan++) {
            CHECK(exo_chan_write(c, chan, &byte, 1) < 0);
            CHECK(exo_chan_read(c, chan, &byte, 1) < 0);
        }
        FAILS(exo_chan_write(c, 0, &byte, 1), CAP);
        FAILS(exo_reguard(two, EXO_KIND_CHAN, 0, 1, my_guard), CAP);
        FAILS(exo_trace(c, UINT32_MAX), CAP);
        for (uint32_t op = 0; op < 3; op++)
            CHECK(exo_power(c, op, 0) < 0);
        FAILS(exo_power(c, 0, 0), CAP);
        FAILS(exo_power(c, 1, 0), CAP);
        FAILS(exo_cap_purge(c, 0, 0, 0), CAP);
        FAILS(exo_cap_purge(c, victim->guard, 24, 0), CAP);
        FAILS(exo_cap_purge(c, my_guard & ~(UINT64_C(1) << 40), 23, 0), CAP);
    }
}

TEST(caps_machine_is_out_of_reach)
{
    storm(attack_machine);
}

static void
attack_list(uint64_t unused)
{
    (void)unused;
    struct exo_cap_info before, info;
    EQ(exo_cap_read(0, &before), 0);
    for (uint32_t length = 0; length < KID_PREFIX_BITS; length++) {
        uint64_t name = length ? my_guard >> (64 - length) << (64 - length) : 0;
        CHECK(exo_cap_grant(0, 0, 1, name, length | EXO_ALL << 8) < 0);
        CHECK(exo_cap_grant(0, 0, 1, name, length | EXO_READ << 8) < 0);
        CHECK(exo_cap_grant(0, 0, 0, name, length | EXO_READ << 8) < 0);
    }
    for (uint32_t bit = 40; bit < 64; bit++) // each other prefix next to mine
        CHECK(exo_cap_grant(0, 0, 1, my_guard ^ UINT64_C(1) << bit,
                            24 | EXO_READ << 8) < 0);
    for (uint32_t length = 65; length < 256; length++)
        CHECK(exo_cap_grant(0, 0, 1, my_guard, length | EXO_READ << 8) < 0);
    for (uint32_t bit = 12; bit < 32; bit++)
        CHECK(exo_cap_grant(0, 0, 1, my_guard, 64 | 1u << bit) < 0);
    for (unsigned i = 0; i < ARRAY_SIZE(beyond); i++) {
        CHECK(exo_cap_grant(0, 0, beyond[i], my_guard, 64 | 1 << 8) < 0);
        CHECK(exo_cap_grant(beyond[i], 0, 1, 0, EXO_ALL << 8) < 0);
        CHECK(exo_cap_drop(beyond[i]) < 0);
        CHECK(exo_cap_open(beyond[i], boss) < 0);
        CHECK(exo_cap_read(beyond[i], &info) < 0);
    }
    /* Rights do not come back. */
    EQ(exo_cap_grant(0, 0, 2, my_guard, 64 | EXO_READ << 8), 0);
    for (uint32_t rights = 0; rights < 16; rights++)
        if (rights & ~EXO_READ)
            FAILS(exo_cap_grant(2, 0, 3, my_guard, 64 | rights << 8), CAP);
    for (exo_cap slot = 3; slot < EXO_CAPS_MAX; slot++) {
        EQ(exo_cap_read(slot, &info), 0);
        EQ(info.rights, 0);
    }
    EQ(exo_cap_read(1, &info), 0);
    EQ(info.rights, 0);
    EQ(exo_cap_read(0, &info), 0);
    EQ(info.name, before.name);
    EQ(info.length, before.length);
}

TEST(caps_no_derivation_widens)
{
    storm(attack_list);
}

static void
attack_slots(uint64_t unused)
{
    (void)unused;
    uint64_t theirs = EXO_SLOT(0, 2);
    FOR_SLOTS(s)
    {
        uint32_t two = EXO_CAPS(slots[s], slots[s]);
        FAILS(exo_slot_set(two, theirs, 1, self(), my_guard), CAP);
        FAILS(exo_slot_set(two, theirs, 1, 0, my_guard), CAP);
        FAILS(exo_slot_set(two, theirs, 1, EXO_NEVER, 0), CAP);
        FAILS(exo_slot_set(two, theirs, 1, EXO_NEVER, my_guard), CAP);
        FAILS(exo_reguard(two, EXO_KIND_SLOT, theirs, 1, my_guard), CAP);
        FAILS(exo_slot_set(two, EXO_SLOT(0, 4), 1, self(), victim->guard), CAP);
        CHECK(exo_slot_set(two, EXO_SLOT(0, 1), 4, self(), my_guard) <= 1);
        exo_slot_set(two, EXO_SLOT(0, 1), 1, EXO_NEVER, my_guard);
        CHECK(exo_slot_set(two, EXO_SLOT(NCPUS, 0), 1, 0, my_guard) < 0);
        CHECK(exo_slot_set(two, UINT64_MAX, 1, 0, my_guard) < 0);
        CHECK(exo_slot_set(two, EXO_SLOT(0, exo_machine()->nslots), 1, 0,
                           my_guard) < 0);
    }
    EQ(exo_slot_info(0, 2)->owner, boss);
}

TEST(caps_slots_of_others_are_out_of_reach)
{
    EQ(exo_slot_set(CAPS, EXO_SLOT(0, 2), 1, self(), 0), 1);
    storm(attack_slots);
    EQ(exo_slot_info(0, 2)->owner, boss);
    EQ(exo_slot_info(0, 2)->guard, 0);
}

static void
attack_replies(uint64_t unused)
{
    (void)unused;
    uint64_t words[EXO_CALL_WORDS] = {1, 2, 3, 4, 5, 6};
    const exo_env envs[] = {victim->id, boss, self(), 0};
    for (unsigned i = 0; i < ARRAY_SIZE(envs); i++) {
        CHECK(exo_reply(envs[i], words) < 0);
        for (unsigned bit = 0; bit < 64; bit++)
            CHECK(exo_reply(envs[i] ^ UINT64_C(1) << bit, words) < 0);
    }
    for (uint64_t n = 0; n < 500; n++)
        CHECK(exo_reply(random64() >> n % 64, words) < 0);
}

TEST(caps_forged_reply_handles_are_stale)
{
    storm(attack_replies);
}
