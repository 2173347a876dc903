// SPDX-License-Identifier: MIT
/*
 * Filters: making them below one another, who pays, attaching interfaces,
 * taking them back.
 *
 * Must be seen: a filter takes frames from its parent alone; what could overlap
 * is refused; atoms are charged and all return; removing goes through a whole
 * family, in steps, and tells whoever loses by it.
 */
#include "net.h"

#define HERE  SCRATCH
#define THERE (SCRATCH + 0x100000)

static struct port a, b;

static struct exo_atom
equal(unsigned offset, unsigned width, uint64_t value)
{
    return (struct exo_atom){.op = EXO_ATOM_EQ,
                             .width = (uint8_t)width,
                             .offset = (uint16_t)offset,
                             .mask = ~UINT64_C(0) >> (64 - 8 * width),
                             .value = value};
}

/* A filter for received frames whose byte at `offset` is `value`. */
static struct exo_filter_spec
byte_spec(exo_filter parent, unsigned offset, uint8_t value)
{
    return (struct exo_filter_spec){
        .parent = parent, .count = 1, .atom = {equal(offset, 1, value)}};
}

static exo_filter
byte_filter(exo_filter parent, unsigned offset, uint8_t value)
{
    struct exo_filter_spec s = byte_spec(parent, offset, value);
    return filter_new(&s);
}

static const struct exo_account *
atoms_of(exo_env env)
{
    return &exo_env_info(env)->account[EXO_KIND_ATOM];
}

/* An env that does nothing, with room for so many atoms. */
static struct kid *
payer_new(uint32_t atoms)
{
    return kid_new(&(struct kid_plan){.flags = KID_EMPTY, .atoms = atoms},
                   sleep_forever, 0);
}

/* A capability with these rights over `guard` alone, in slot 1. */
static uint32_t
only(exo_guard guard, unsigned rights)
{
    EQ(exo_cap_grant(ROOT_CAP, 0, 1, guard, 64 | rights << 8), 0);
    return 1;
}

/* ---- making ------------------------------------------------------------- */

TEST(filter_describes_itself)
{
    struct exo_filter_spec s = {
        .guard = 0x77,
        .direction = EXO_NET_SEND,
        .flags = EXO_FILTER_LOCAL,
        .count = 3,
        .atom = {equal(12, 2, 0x800), equal(23, 1, 17), equal(34, 2, 7)}};
    uint32_t used = exo_net_info()->atoms_used;
    exo_filter f = filter_new(&s);
    const struct exo_filter_info *i = exo_filter_info(f);
    EQ(i->id, f);
    EQ(i->guard, 0x77);
    EQ(i->parent, 0);
    EQ(i->payer, EXO_ENV_INDEX(self()));
    EQ(i->direction, EXO_NET_SEND);
    EQ(i->flags, EXO_FILTER_LOCAL);
    EQ(i->atoms, 3);
    EQ(i->iface, 0);
    EQ(i->frames + i->bytes + i->dropped + i->sharers, 0);
    EQ(atoms_of(self())->own, 4);
    EQ(exo_net_info()->atoms_used, used + 3);
    s.atom[2].value = 8;
    filter_gone(filter_new(&s)); // shares what is common
    EQ(exo_net_info()->atoms_used, used + 3);
    filter_gone(f);
    EQ(i->id, 0);
    EQ(atoms_of(self())->own, 0);
    EQ(exo_net_info()->atoms_used, used);
}

TEST(filter_ids_are_not_used_again)
{
    exo_filter f = byte_filter(0, 0, 1);
    filter_gone(f);
    exo_filter g = byte_filter(0, 0, 1);
    EQ(EXO_NET_INDEX(g), EXO_NET_INDEX(f));
    CHECK(g != f);
    FAILS(exo_filter_remove(ROOT_CAP, f), STALE);
    struct exo_filter_spec s = byte_spec(f, 1, 1);
    FAILS(exo_filter_add(CAPS, &s), STALE);
    FAILS(exo_filter_remove(ROOT_CAP, 0), STALE);
    FAILS(exo_filter_remove(ROOT_CAP, UINT64_MAX), STALE);
}

TEST(filter_add_checks_its_arguments)
{
    struct exo_filter_spec good = byte_spec(0, 0, 1), s;
#define REFUSED(change, error)                                                 \
    do {                                                                       \
        s = good;                                                              \
        change;                                                                \
        FAILS(exo_filter_add(CAPS, &s), error);                                \
    } while (0)
    REFUSED(s.direction = 2, INVAL);
    REFUSED(s.direction = UINT32_MAX, INVAL);
    REFUSED(s.flags = EXO_FILTER_LOCAL, INVAL); // is for sending
    REFUSED(s.flags = 4, INVAL);
    REFUSED((s.direction = EXO_NET_SEND, s.flags = EXO_FILTER_SHARED), INVAL);
    REFUSED(s.count = 0, INVAL);
    REFUSED(s.count = EXO_ATOMS_MAX + 1, INVAL);
    REFUSED(s.count = UINT32_MAX, INVAL);
    REFUSED(s.zero = 1, INVAL);
    REFUSED(s.atom[0].op = 3, INVAL);
    REFUSED(s.atom[0].width = 3, INVAL);
    REFUSED(s.atom[0].zero = 1, INVAL);
    REFUSED(s.atom[0].zero2 = 1, INVAL);
    REFUSED(s.atom[0].shift = 1, INVAL);
    REFUSED(s.atom[0].mask = 0x1ff, INVAL);
    REFUSED(s.atom[0].value = 0x100, INVAL);
    REFUSED(s.atom[0].offset = EXO_NET_HEADER, INVAL);
    REFUSED(s.parent = 1, STALE);
    REFUSED(s.parent = UINT64_MAX, STALE);
    REFUSED(s.payer = self() + 0x10000, STALE);
    exo_filter f = filter_new(&good);
    REFUSED(, BUSY);
    REFUSED(s.count = 2, INVAL); // the second atom is all zeros
    REFUSED((s.count = 2, s.atom[1] = equal(1, 1, 1)), EXCL);
    REFUSED(s.atom[0].offset = 1, EXCL);
    REFUSED((s.parent = f, s.direction = EXO_NET_SEND), INVAL);
    EQ(atoms_of(self())->own, 2);
}

TEST(filter_add_needs_capabilities)
{
    struct exo_filter_spec s = byte_spec(0, 0, 1);
    s.guard = 0x1234;
    FAILS(exo_filter_add(EXO_CAPS(NO_CAP, ROOT_CAP), &s), CAP);
    FAILS(exo_filter_add(EXO_CAPS(ROOT_CAP, NO_CAP), &s), CAP);
    only(0, EXO_ALL & ~EXO_GRANT);
    FAILS(exo_filter_add(EXO_CAPS(1, ROOT_CAP), &s), CAP);
    only(0x1234, EXO_ALL & ~EXO_GRANT);
    FAILS(exo_filter_add(EXO_CAPS(ROOT_CAP, 1), &s), CAP);
    only(0x1234, EXO_GRANT);
    FAILS(exo_filter_add(EXO_CAPS(1, 1), &s), CAP); // the root's guard is 0
    exo_filter f = (exo_filter)exo_filter_add(EXO_CAPS(ROOT_CAP, 1), &s);
    EQ(exo_filter_info(f)->guard, 0x1234);
    struct exo_filter_spec below = byte_spec(f, 1, 1);
    below.guard = 0x1234;
    OK(exo_filter_add(EXO_CAPS(1, 1), &below));
    only(0x1235, EXO_ALL);
    below.atom[0].value = 2;
    FAILS(exo_filter_add(EXO_CAPS(1, ROOT_CAP), &below), CAP);
    struct kid *k = payer_new(10);
    only(0x1234, EXO_ALL);
    below.payer = k->id;
    FAILS(exo_filter_add(EXO_CAPS(1, 1), &below), CAP);
    OK(exo_filter_add(CAPS, &below));
    EQ(atoms_of(k->id)->own, 2);
}

TEST(filter_atoms_are_the_payers)
{
    struct kid *k = payer_new(7);
    struct exo_filter_spec s = byte_spec(0, 0, 1);
    s.payer = k->id;
    uint32_t used = atoms_of(self())->used;
    exo_filter f = filter_new(&s);
    EQ(exo_filter_info(f)->payer, EXO_ENV_INDEX(k->id));
    EQ(atoms_of(k->id)->own, 2);
    EQ(atoms_of(self())->used, used + 2);
    EQ(atoms_of(self())->own, 0);
    for (uint8_t i = 2; i < 4; i++) {
        s.atom[0].value = i;
        filter_new(&s);
    }
    s.atom[0].value = 4;
    FAILS(exo_filter_add(CAPS, &s), LIMIT); // one is left, two are asked for
    EQ(atoms_of(k->id)->own, 6);
    EQ(exo_env_account(ROOT_CAP, k->id, EXO_KIND_ATOM, 0, 8), 0);
    filter_new(&s);
    FAILS(exo_env_account(ROOT_CAP, k->id, EXO_KIND_ATOM, 0, 7), LIMIT);
    kid_end(k);
    EQ(atoms_of(self())->used, used);
}

TEST(filter_table_can_be_full)
{
    uint32_t n = 0, all = exo_net_info()->nfilters - 1;
    struct exo_filter_spec s = {.count = 1, .atom = {equal(0, 4, 0)}};
    exo_filter first = filter_new(&s);
    for (n = 1; n < all; n++) {
        s.atom[0].value = n;
        filter_new(&s);
    }
    s.atom[0].value = n;
    FAILS(exo_filter_add(CAPS, &s), NONE);
    filter_gone(first);
    filter_new(&s);
}

TEST(filter_nests_so_deep)
{
    exo_filter f = 0;
    struct exo_filter_spec s;
    for (unsigned i = 0; i < EXO_NEST_MAX; i++)
        f = byte_filter(f, i, 1);
    s = byte_spec(f, EXO_NEST_MAX, 1);
    FAILS(exo_filter_add(CAPS, &s), LIMIT);
}

TEST(filter_below_a_local_one_is_local)
{
    struct exo_filter_spec s = byte_spec(0, 0, 1);
    s.direction = EXO_NET_SEND;
    s.flags = EXO_FILTER_LOCAL;
    exo_filter f = filter_new(&s);
    for (unsigned i = 1; i < 4; i++) {
        s = byte_spec(f, i, 1);
        s.direction = EXO_NET_SEND;
        f = filter_new(&s);
        EQ(exo_filter_info(f)->flags, EXO_FILTER_LOCAL);
    }
}

TEST(filter_spec_is_read_as_far_as_it_says)
{
    page_at(SCRATCH);
    uint64_t end = SCRATCH + EXO_PAGE_BYTES;
    struct exo_filter_spec s = byte_spec(0, 0, 1);
    size_t bytes = offsetof(struct exo_filter_spec, atom[1]);
    for (size_t short_by = 0; short_by < bytes; short_by += 8) {
        uint8_t *at = (uint8_t *)(end - bytes + short_by);
        for (size_t i = 0; i < bytes - short_by; i++)
            at[i] = ((uint8_t *)&s)[i];
        int64_t got = exo_filter_add(CAPS, (struct exo_filter_spec *)at);
        if (short_by)
            EQ(got, -EXO_E_FAULT);
        else
            filter_gone((exo_filter)got);
    }
    EQ(atoms_of(self())->own, 0);
}

/* ---- taking back ----------------------------------------------------------
 */

/* A family of 1 + n + n filters. */
static exo_filter
family(unsigned n, exo_env payer)
{
    exo_filter top = byte_filter(0, 0, 1);
    for (unsigned i = 0; i < n; i++) {
        struct exo_filter_spec s = byte_spec(top, 1, (uint8_t)i);
        s.payer = payer;
        exo_filter middle = filter_new(&s);
        s = byte_spec(middle, 2, 9);
        s.guard = 0x99;
        filter_new(&s);
    }
    return top;
}

TEST(filter_remove_takes_all_that_is_below)
{
    uint32_t used = exo_net_info()->atoms_used;
    exo_filter top = family(20, 0);
    struct exo_filter_spec s = byte_spec(top, 1, 200);
    FAILS(exo_filter_remove(ROOT_CAP, top), AGAIN);
    EQ(exo_filter_info(top)->id, top);
    FAILS(exo_filter_add(CAPS, &s), STALE); // it would never end
    filter_gone(top);
    EQ(atoms_of(self())->own, 0);
    EQ(exo_net_info()->atoms_used, used);
    EQ(uarea()->taken.count, 0); // it was my own doing
    for (uint32_t i = 1; i < exo_net_info()->nfilters; i++)
        EQ(exo_filter_info(i)->id, 0);
}

TEST(filter_remove_needs_control)
{
    struct exo_filter_spec s = byte_spec(0, 0, 1);
    struct kid *k = payer_new(10);
    s.guard = 0x55;
    s.payer = k->id;
    exo_filter f = filter_new(&s);
    FAILS(exo_filter_remove(NO_CAP, f), CAP);
    FAILS(exo_filter_remove(only(0x55, EXO_ALL & ~EXO_CONTROL), f), CAP);
    FAILS(exo_filter_remove(only(0x54, EXO_ALL), f), CAP);
    EQ(exo_filter_remove(only(0x55, EXO_CONTROL), f), 0);
    exo_filter mine = byte_filter(0, 0, 2);
    EQ(exo_filter_remove(NO_CAP, mine), 0); // I pay for it
}

TEST(filter_remove_tells_who_loses)
{
    struct kid *k = payer_new(100);
    exo_filter top = family(3, k->id);
    filter_gone(top);
    EQ(k->u->taken.count, 3);
    for (unsigned i = 0; i < 3; i++)
        EQ(k->u->taken.item[i].kind, EXO_KIND_ATOM);
    EQ(kid_info(k)->repossessed, 3);
    EQ(atoms_of(k->id)->own, 0);
    EQ(uarea()->taken.count, 0);
}

TEST(filter_dies_with_its_payer)
{
    struct kid *k = payer_new(100);
    exo_filter top = family(6, k->id);
    uint32_t kids = atoms_of(k->id)->own, mine = atoms_of(self())->own;
    EQ(kids, 12);
    kid_end(k);
    EQ(atoms_of(self())->own, mine - kids); // those below went along
    unsigned told = 0; // beside pages of the env that were bound here
    for (unsigned i = 0; i < uarea()->taken.count; i++) {
        if (uarea()->taken.item[i].kind != EXO_KIND_ATOM)
            continue;
        EQ(exo_filter_info(uarea()->taken.item[i].id)->id, 0);
        told++;
    }
    EQ(told, 6);
    EQ(exo_filter_info(top)->id, top);
    byte_filter(top, 1, 0);
}

TEST(filter_gets_a_new_guard)
{
    exo_filter f = byte_filter(0, 0, 1);
    FAILS(exo_reguard(EXO_CAPS(NO_CAP, ROOT_CAP), EXO_KIND_ATOM, f, 1, 5), CAP);
    FAILS(exo_reguard(CAPS, EXO_KIND_ATOM | EXO_REGUARD_BREAK, f, 1, 5), INVAL);
    EQ(exo_reguard(CAPS, EXO_KIND_ATOM, f, 1, 5), 1);
    EQ(exo_filter_info(f)->guard, 5);
    FAILS(exo_reguard(CAPS, EXO_KIND_ATOM, f + 0x10000, 1, 5), STALE);
    FAILS(exo_reguard(CAPS, EXO_KIND_ATOM, 0, 1, 5), STALE);
}

/* ---- attaching ------------------------------------------------------------
 */

TEST(filter_has_one_interface)
{
    port_new(&a, HERE, 2);
    port_new(&b, THERE, 2);
    exo_filter f = byte_filter(0, 0, 1);
    ATTACH(f, a.id);
    EQ(exo_filter_info(f)->iface, a.id);
    EQ(port_info(&a)->filters, 1);
    EQ(atoms_of(self())->own, 2); // costs nothing more
    FAILS(exo_filter_attach(CAPS, f, a.id, EXO_ATTACH), STATE);
    FAILS(exo_filter_attach(CAPS, f, b.id, EXO_ATTACH), BUSY);
    FAILS(exo_filter_attach(CAPS, f, b.id, EXO_ATTACH_NOT), STATE);
    FAILS(exo_filter_attach(CAPS, f, a.id, 3), INVAL);
    FAILS(exo_filter_attach(CAPS, f, a.id, UINT32_MAX), INVAL);
    FAILS(exo_filter_attach(CAPS, f + 0x10000, a.id, EXO_ATTACH), STALE);
    FAILS(exo_filter_attach(CAPS, 0, a.id, EXO_ATTACH), STALE);
    FAILS(exo_filter_attach(CAPS, f, a.id + 0x10000, EXO_ATTACH), STALE);
    FAILS(exo_filter_attach(CAPS, f, 0, EXO_ATTACH), STALE);
    EQ(exo_filter_attach(CAPS, f, a.id, EXO_ATTACH_NOT), 0);
    EQ(exo_filter_info(f)->iface, 0);
    EQ(port_info(&a)->filters, 0);
    FAILS(exo_filter_attach(CAPS, f, a.id, EXO_ATTACH_NOT), STATE);
    ATTACH(f, b.id);
    EQ(uarea()->taken.count, 0);
}

TEST(filter_attach_needs_capabilities)
{
    static const struct {
        uint32_t flags, how;
        unsigned right;
    } way[] = {{0, EXO_ATTACH, EXO_WRITE},
               {EXO_FILTER_SHARED, EXO_ATTACH, EXO_READ},
               {0, EXO_ATTACH_TAP, EXO_CONTROL},
               {EXO_FILTER_SHARED, EXO_ATTACH_TAP, EXO_CONTROL}};
    port_pages(&a, 0, 0, HERE, 2);
    a.spec.guard = 0x66;
    OK(port_open(&a, CAPS));
    for (unsigned i = 0; i < ARRAY_SIZE(way); i++) {
        struct exo_filter_spec s = byte_spec(0, 0, 1);
        s.guard = 0x55;
        s.flags = way[i].flags;
        exo_filter f = filter_new(&s);
        only(0x55, EXO_ALL & ~way[i].right);
        FAILS(exo_filter_attach(EXO_CAPS(1, ROOT_CAP), f, a.id, way[i].how),
              CAP);
        only(0x55, way[i].right);
        FAILS(exo_filter_attach(EXO_CAPS(1, 1), f, a.id, way[i].how), CAP);
        EQ(exo_filter_attach(EXO_CAPS(1, ROOT_CAP), f, a.id, way[i].how), 0);
        EQ(exo_filter_attach(NO_CAP, f, a.id, EXO_ATTACH_NOT), 0); // is mine
        only(0x66, EXO_ALL & ~EXO_WRITE);
        FAILS(exo_filter_attach(EXO_CAPS(ROOT_CAP, 1), f, a.id, way[i].how),
              CAP);
        filter_gone(f);
    }
}

static volatile int64_t opened;

static void
open_and_sleep(uint64_t unused)
{
    opened = port_open(&b, 0);
    sleep_forever(unused);
}

/* An env with interface b. */
static struct kid *
owner_of_b(uint32_t atoms)
{
    struct kid *k = kid_new(
        &(struct kid_plan){
            .flags = KID_THREAD, .reserved = 100, .rings = 1, .atoms = atoms},
        open_and_sleep, 0);
    port_pages(&b, k->id, k->guard, THERE, 2);
    opened = 0;
    kid_go(k);
    UNTIL(opened);
    OK(opened);
    return k;
}

TEST(filter_may_be_taken_from_an_interface)
{
    struct kid *k = owner_of_b(10);
    struct exo_filter_spec s = byte_spec(0, 0, 1);
    s.guard = 0x55;
    exo_filter f = filter_new(&s);
    ATTACH(f, b.id);
    EQ(exo_filter_attach(CAPS, f, b.id, EXO_ATTACH_TAP), 0);
    EQ(atoms_of(k->id)->own, 1); // for the tap
    only(0x55, EXO_ALL & ~EXO_CONTROL);
    FAILS(exo_filter_attach(EXO_CAPS(1, ROOT_CAP), f, b.id, EXO_ATTACH_NOT),
          CAP);
    only(0x55, EXO_CONTROL);
    EQ(exo_filter_attach(EXO_CAPS(1, NO_CAP), f, b.id, EXO_ATTACH_NOT), 0);
    EQ(exo_filter_info(f)->iface, 0);
    EQ(port_info(&b)->filters, 0);
    EQ(atoms_of(k->id)->own, 0);
    EQ(k->u->taken.count, 1);
    EQ(k->u->taken.item[0].id, f);
    EQ(k->u->taken.item[0].kind, EXO_KIND_ATOM);
}

TEST(filter_that_goes_leaves_its_interfaces)
{
    struct kid *k = owner_of_b(10);
    port_new(&a, HERE, 2);
    struct exo_filter_spec s = byte_spec(0, 0, 1);
    s.flags = EXO_FILTER_SHARED;
    exo_filter f = filter_new(&s);
    ATTACH(f, a.id);
    ATTACH(f, b.id);
    EQ(exo_filter_attach(CAPS, f, b.id, EXO_ATTACH_TAP), 0);
    EQ(exo_filter_info(f)->sharers, 2);
    EQ(exo_filter_info(f)->iface, 0);
    EQ(atoms_of(k->id)->own, 2);
    filter_gone(f);
    EQ(atoms_of(k->id)->own, 0);
    EQ(k->u->taken.count, 2); // what it shared, and what it tapped
    EQ(k->u->taken.item[0].id, f);
    EQ(port_info(&a)->filters + port_info(&b)->filters, 0);
}

TEST(filter_attachments_are_limited)
{
    struct kid *k = owner_of_b(1);
    struct exo_filter_spec s = byte_spec(0, 0, 1);
    s.flags = EXO_FILTER_SHARED;
    exo_filter f = filter_new(&s);
    s.atom[0].value = 2;
    exo_filter g = filter_new(&s);
    ATTACH(f, b.id);
    FAILS(exo_filter_attach(CAPS, g, b.id, EXO_ATTACH), LIMIT);
    FAILS(exo_filter_attach(CAPS, f, b.id, EXO_ATTACH_TAP), LIMIT);
    EQ(atoms_of(k->id)->own, 1);
    EQ(exo_filter_attach(CAPS, f, b.id, EXO_ATTACH_NOT), 0);
    ATTACH(g, b.id);
}

/* More interfaces than may share a filter, or tap it. */
TEST(filter_is_shared_by_so_many)
{
    static struct port many[EXO_SHARERS_MAX + 1];
    NEEDS(exo_net_info()->nifaces > ARRAY_SIZE(many),
          "this machine has too little memory for so many interfaces");
    struct exo_filter_spec s = byte_spec(0, 0, 1);
    s.flags = EXO_FILTER_SHARED;
    exo_filter f = filter_new(&s);
    for (unsigned i = 0; i < ARRAY_SIZE(many); i++) {
        port_new(&many[i], HERE + i * 0x10000, 1);
        bool fits = i < EXO_SHARERS_MAX, taps = i < EXO_TAPS_MAX;
        EQ(exo_filter_attach(CAPS, f, many[i].id, EXO_ATTACH),
           fits ? 0 : -EXO_E_LIMIT);
        EQ(exo_filter_attach(CAPS, f, many[i].id, EXO_ATTACH_TAP),
           taps ? 0 : -EXO_E_LIMIT);
    }
    EQ(exo_filter_info(f)->sharers, EXO_SHARERS_MAX);
    EQ(atoms_of(self())->own, 2 + EXO_SHARERS_MAX + EXO_TAPS_MAX);
    port_close(&many[0]);
    EQ(exo_filter_info(f)->sharers, EXO_SHARERS_MAX - 1);
    EQ(exo_filter_remove(ROOT_CAP, f), -EXO_E_AGAIN);
    EQ(exo_filter_attach(CAPS, f, many[EXO_SHARERS_MAX].id, EXO_ATTACH),
       -EXO_E_STALE);
    filter_gone(f);
    EQ(atoms_of(self())->own, 0);
}

/* ---- frames ---------------------------------------------------------------
 */

static uint32_t
sent(uint16_t port)
{
    uint32_t before = b.rx->head;
    udp_frame(a.area, TO_SELF, 7, port, 100, 1);
    port_queue(&a, 0, 100, 0);
    EQ(port_send(&a), 0);
    while (port_next(&a))
        ;
    while (port_next(&b))
        ;
    return b.rx->head - before;
}

TEST(filter_takes_from_its_parent_alone)
{
    port_new(&a, HERE, 4);
    port_new(&b, THERE, 4);
    udp_filter(EXO_NET_SEND, 7, a.id);
    struct exo_filter_spec s = {
        .count = 2, .atom = {equal(12, 2, 0x0800), equal(23, 1, 17)}};
    exo_filter udp = filter_new(&s);
    ATTACH(udp, a.id);
    EQ(sent(100), 0);
    EQ(exo_filter_info(udp)->frames, 1);
    EQ(exo_filter_info(udp)->bytes, 100);
    struct exo_filter_spec ports = {.parent = udp,
                                    .count = 1,
                                    .atom = {{.op = EXO_ATOM_RANGE,
                                              .offset = 36,
                                              .width = 2,
                                              .value = 100,
                                              .last = 200}}};
    exo_filter some = filter_new(&ports);
    EQ(sent(100), 0); // nobody is attached: dropped, not the parent's
    EQ(exo_filter_info(udp)->frames, 1);
    ATTACH(some, b.id);
    EQ(sent(99) + sent(201), 0);
    EQ(sent(100) + sent(200) + sent(150), 3);
    filter_gone(some);
    EQ(sent(150), 0);
    EQ(exo_filter_info(udp)->frames, 4);
}
