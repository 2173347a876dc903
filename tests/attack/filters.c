// SPDX-License-Identifier: MIT
/*
 * Hostile makers of filters: without capabilities, under other names, in the
 * way of others, more than there is, with specs that are no specs.
 *
 * Must be seen: nobody gets a frame that was not his to refine, takes a filter
 * or an interface off that is not his, or keeps others from what their accounts
 * allow; a neighbour's frames go on arriving.
 */
#include "attack.h"
#include "net.h"

#define HERE  SCRATCH
#define THERE (SCRATCH + 0x100000)
#define PORT  4711

static struct port a, b;
static exo_filter theirs, shared;
static exo_guard their_guard;
static volatile int64_t said[8];

static struct exo_atom
equal(unsigned offset, unsigned width, uint64_t value)
{
    return (struct exo_atom){.op = EXO_ATOM_EQ,
                             .width = (uint8_t)width,
                             .offset = (uint16_t)offset,
                             .mask = ~UINT64_C(0) >> (64 - 8 * width),
                             .value = value};
}

/* Someone else's filters and interfaces, as they are before the attack. */
static void
others(void)
{
    struct exo_filter_spec s;
    their_guard = prefix_new();
    port_new(&a, HERE, 4);
    port_new(&b, THERE, 4);
    udp_filter(EXO_NET_SEND, 7, a.id);
    udp_spec(&s, their_guard, EXO_NET_RECEIVE, PORT);
    theirs = filter_new(&s);
    ATTACH(theirs, b.id);
    s.atom[2].value = PORT + 1;
    s.flags = EXO_FILTER_SHARED;
    shared = filter_new(&s);
    ATTACH(shared, b.id);
}

/* And after it: all there, and their frames arrive. */
static void
others_check(void)
{
    const uint16_t port[] = {PORT, PORT + 1};
    for (unsigned i = 0; i < 2; i++) {
        uint32_t before = b.rx->head;
        udp_frame(a.area, TO_SELF, 7, port[i], 100, i);
        port_queue(&a, 0, 100, 0);
        EQ(port_send(&a), 0);
        EQ(b.rx->head, before + 1);
        const struct exo_net_entry *e = port_next(&b);
        CHECK(e && udp_is(port_frame(&b, e), 100, i));
    }
    EQ(exo_filter_info(theirs)->iface, b.id);
    EQ(exo_filter_info(shared)->sharers, 1);
    EQ(exo_filter_info(theirs)->guard, their_guard);
}

/* An env with a filter of its own, for frames to port 5000 and above. */
static exo_filter
own_filter(struct kid *k)
{
    struct exo_filter_spec s;
    udp_spec(&s, k->guard, EXO_NET_RECEIVE, 0);
    s.payer = k->id;
    s.atom[2].op = EXO_ATOM_RANGE;
    s.atom[2].value = 5000;
    s.atom[2].last = 5999;
    return filter_new(&s);
}

static void
assail(uint32_t atoms, void (*entry)(uint64_t arg))
{
    struct kid *n = neighbour_new();
    others();
    struct kid *k = kid_new(&(struct kid_plan){.atoms = atoms}, entry, 0);
    k->own->arg = own_filter(k);
    kid_go(k);
    EQ(kid_join(k), 0);
    others_check();
    neighbour_check(n);
    kid_end(k);
    others_check();
}

/* ---- without the right ------------------------------------------------------
 */

static void
forge(uint64_t mine)
{
    exo_guard my_guard = exo_filter_info(mine)->guard;
    struct exo_filter_spec s = {.guard = my_guard, .count = 1};
    for (uint32_t caps = 0; caps < 0x10000; caps += caps < 0x300 ? 1 : 0x101) {
        for (unsigned direction = 0; direction < 2; direction++) {
            s.direction = direction;
            s.parent = 0; // at the root: for whatever frames
            s.atom[0] = equal(12, 2, 0x0900);
            CHECK(exo_filter_add(caps, &s) < 0);
            s.parent = theirs; // below theirs: out of their frames
            s.atom[0] = equal(42, 2, 0);
            CHECK(exo_filter_add(caps, &s) < 0);
            s.parent = shared;
            CHECK(exo_filter_add(caps, &s) < 0);
        }
        CHECK(exo_filter_remove(caps, theirs) < 0);
        CHECK(exo_filter_remove(caps, shared) < 0);
        for (uint32_t how = 0; how < 4; how++) {
            CHECK(exo_filter_attach(caps, theirs, b.id, how) < 0);
            CHECK(exo_filter_attach(caps, mine, b.id, how) < 0);
            CHECK(exo_filter_attach(caps, shared, a.id, how) < 0);
        }
        CHECK(exo_reguard(caps, EXO_KIND_ATOM, theirs, 1, my_guard) < 0);
    }
    // My own name for it does not make it mine, nor does my parent's.
    s.parent = mine;
    s.direction = EXO_NET_RECEIVE;
    s.guard = their_guard;
    s.atom[0] = equal(42, 2, 0);
    FAILS(exo_filter_add(0, &s), CAP);
    s.guard = 0;
    FAILS(exo_filter_add(0, &s), CAP);
    s.guard = my_guard;
    s.payer = exo_env_info(self())->parent; // who has more atoms
    FAILS(exo_filter_add(0, &s), CAP);
    s.payer = 0;
    OK(exo_filter_add(0, &s)); // it was only that
    leave(0);
}

TEST(filters_of_others_are_out_of_reach)
{
    assail(40, forge);
}

static void
guess(uint64_t mine)
{
    for (uint64_t n = 0; n < 3000; n++) {
        uint64_t id = random64() >> n % 64;
        if (n % 2)
            id = (n / 2 % 64 << 16) | n % 13;
        if (id == theirs || id == shared || id == mine)
            continue;
        CHECK(exo_filter_remove(0, id) < 0);
        CHECK(exo_filter_attach(0, id, b.id, n % 3) < 0);
        CHECK(exo_filter_attach(0, theirs, id, n % 3) < 0);
    }
    leave(0);
}

TEST(filters_stale_ids_name_nothing)
{
    assail(40, guess);
}

/* ---- out of others' frames --------------------------------------------------
 */

/* What is mine goes no further than my parent, whatever the atoms say. */
static void
steal(uint64_t mine)
{
    struct exo_filter_spec s = {.guard = exo_filter_info(mine)->guard,
                                .parent = mine};
    s.count = 3; // the whole of theirs, below mine
    s.atom[0] = equal(12, 2, 0x0800);
    s.atom[1] = equal(23, 1, 17);
    s.atom[2] = equal(36, 2, PORT);
    int64_t f = exo_filter_add(0, &s);
    OK(f); // no frame is both
    OK(exo_filter_remove(0, (exo_filter)f));
    s.count = 1; // everything there is, below mine
    s.atom[0] = (struct exo_atom){.op = EXO_ATOM_EQ, .width = 1};
    OK(exo_filter_add(0, &s));
    s.atom[0] = (struct exo_atom){
        .op = EXO_ATOM_RANGE, .width = 2, .offset = 36, .last = UINT16_MAX};
    FAILS(exo_filter_add(0, &s), EXCL);
    leave(0);
}

TEST(filters_refine_their_parent_and_nothing_else)
{
    assail(40, steal);
}

/* The manager itself cannot make what overlaps by mistake. */
TEST(filters_beside_each_other_do_not_overlap)
{
    struct exo_filter_spec s;
    others();
    udp_spec(&s, 0, EXO_NET_RECEIVE, PORT);
    FAILS(exo_filter_add(CAPS, &s), BUSY);
    s.atom[2].op = EXO_ATOM_RANGE;
    s.atom[2].value = PORT - 5;
    s.atom[2].last = PORT;
    FAILS(exo_filter_add(CAPS, &s), EXCL);
    s.count = 2;
    FAILS(exo_filter_add(CAPS, &s), EXCL);
    udp_spec(&s, 0, EXO_NET_RECEIVE, PORT);
    s.atom[s.count++] = equal(40, 2, 0);
    FAILS(exo_filter_add(CAPS, &s), EXCL);
    s.count = 1;
    s.atom[0] = equal(0, 1, 1);
    FAILS(exo_filter_add(CAPS, &s), EXCL);
    others_check();
}

/* ---- more than there is -----------------------------------------------------
 */

/* As many as it may, as deep as it goes, and the others still make theirs. */
static void
exhaust(uint64_t mine)
{
    struct exo_filter_spec s = {.guard = exo_filter_info(mine)->guard};
    exo_filter parent = mine;
    said[0] = 0;
    for (uint64_t n = 0; n < 100000; n++) {
        s.parent = parent;
        s.count = 1 + n % EXO_ATOMS_MAX;
        for (uint32_t i = 0; i < s.count; i++)
            s.atom[i] = equal(60 + (n + i) % 60, 1, n & 255);
        int64_t got = exo_filter_add(0, &s);
        said[0] += got > 0;
        if (got == -EXO_E_LIMIT && parent == mine)
            break; // the account is used up
        parent = got > 0 && n % 3 ? (exo_filter)got : mine;
    }
    leave(0);
}

TEST(filters_stay_within_the_account)
{
    uint32_t before = exo_net_info()->atoms_used;
    assail(200, exhaust);
    CHECK(said[0] > 3);
    CHECK(exo_net_info()->atoms_used <= before + 12);
}

/* What keeps being made below a filter does not keep it from going. */
static void
regrow(uint64_t mine)
{
    struct exo_filter_spec s = {
        .guard = exo_filter_info(mine)->guard, .parent = mine, .count = 1};
    said[1] = 1;
    for (uint64_t n = 0;; n++) {
        s.atom[0] = equal(60, 2, n & 0xffff);
        int64_t got = exo_filter_add(0, &s);
        if (got == -EXO_E_STALE)
            break;
        said[1] = 2 + (int64_t)n;
    }
    leave(0);
}

TEST(filters_that_grow_are_removed_all_the_same)
{
    struct kid *n = neighbour_new();
    others();
    struct kid *k = kid_new(&(struct kid_plan){.atoms = 100}, regrow, 0);
    exo_filter f = own_filter(k);
    k->own->arg = f;
    kid_go(k);
    UNTIL(said[1] > 20);
    filter_gone(f);
    EQ(kid_join(k), 0);
    EQ(exo_env_info(k->id)->account[EXO_KIND_ATOM].own, 0);
    others_check();
    neighbour_check(n);
}

/* ---- specs that are no specs ------------------------------------------------
 */

static void
babble(uint64_t mine)
{
    struct exo_filter_spec s;
    for (unsigned n = 0; n < 800; n++) {
        for (size_t i = 0; i < sizeof(s) / 8; i++)
            ((uint64_t *)&s)[i] = random64() >> random64() % 64;
        if (n % 4)
            s.parent = mine, s.guard = exo_filter_info(mine)->guard,
            s.payer = 0, s.direction = 0, s.flags = 0, s.zero = 0,
            s.count = 1 + s.count % (n % 8 ? 3 : EXO_ATOMS_MAX);
        for (uint32_t i = 0; n % 3 && i < EXO_ATOMS_MAX; i++) {
            struct exo_atom *x = &s.atom[i];
            x->op %= 3, x->zero = 0, x->zero2 = 0;
            x->width = (uint8_t)(1u << x->width % 4);
            x->offset %= EXO_NET_HEADER;
            x->shift = x->op == EXO_ATOM_SHIFT ? x->shift % 8 : 0;
            x->mask &= ~UINT64_C(0) >> (64 - 8 * x->width);
            x->value = x->op == EXO_ATOM_EQ ? x->value & x->mask : 0;
        }
        int64_t got = exo_filter_add(0, &s);
        said[2] += got > 0;
        if (got > 0 && n % 64)
            OK(exo_filter_remove(0, (exo_filter)got));
    }
    leave(0);
}

TEST(filters_at_random_harm_nobody)
{
    said[2] = 0;
    assail(300, babble);
    CHECK(said[2] > 10);
}

static void
hole(uint64_t unused)
{
    (void)unused;
    static const uint64_t bad[] = {0,
                                   8,
                                   UINT64_C(0x12340000),
                                   EXO_USER_TOP - 8,
                                   EXO_USER_TOP - 40,
                                   UINT64_C(0x0000800000000000),
                                   UINT64_C(0xffff800000000000),
                                   UINT64_C(0xffffffff80100000),
                                   UINT64_MAX - 39,
                                   UINT64_MAX - 7};
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
        FAILS(exo_filter_add(0, (struct exo_filter_spec *)bad[i]), FAULT);
    leave(0);
}

TEST(filters_specs_in_no_memory_are_refused)
{
    assail(40, hole);
}
