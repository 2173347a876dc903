// SPDX-License-Identifier: MIT
/*
 * Tables: table_make, table_link, table_extra; breaking by force.
 *
 * Must be seen: tables sit only where they belong, so that none loops; sharing
 * them shares what is bound; breaking reaches every binding.
 */
#include "test.h"

#define GUARD UINT64_C(0x7654321000000000)

#define LEAF_SIZE 0x200000ull
#define THERE     (EXO_FIRST_UAREA + 0x30000)

TEST(table_make_checks_its_arguments)
{
    exo_page a = page_new(GUARD);
    FAILS(exo_table_make(ROOT_CAP, a, 0, 0), INVAL);
    FAILS(exo_table_make(ROOT_CAP, a, 5, 0), INVAL);
    FAILS(exo_table_make(ROOT_CAP, a, 1, EXO_USER_TOP), INVAL);
    FAILS(exo_table_make(ROOT_CAP, a, 1, UINT64_C(0xffff800000000000)), INVAL);
    FAILS(exo_table_make(ROOT_CAP, 0, 1, 0), INVAL);
    FAILS(exo_table_make(ROOT_CAP, exo_machine()->npages, 1, 0), INVAL);
    FAILS(exo_table_make(NO_CAP, a, 1, 0), CAP);
    EQ(exo_cap_grant(CAPS, 0, 1, GUARD, 64 | (EXO_ALL & ~EXO_WRITE) << 8), 0);
    FAILS(exo_table_make(1, a, 1, 0), CAP);
    EQ(exo_table_make(ROOT_CAP, a, 1, 0), 0);
    FAILS(exo_table_make(ROOT_CAP, a, 1, 0), STATE);
    EQ(exo_page_info(a)->flags & EXO_PAGE_LEVEL, 1 << 4);
}

TEST(table_make_refuses_what_is_bound_writable_or_executable)
{
    exo_page a = page_at(SCRATCH);
    FAILS(exo_table_make(ROOT_CAP, a, 1, 0), EXCL);
    EQ(bind_one(0, SCRATCH, 0, EXO_BIND_SAME | RX), 1);
    FAILS(exo_table_make(ROOT_CAP, a, 1, 0), EXCL);
    EQ(bind_one(0, SCRATCH, 0, EXO_BIND_SAME | R), 1);
    EQ(exo_table_make(ROOT_CAP, a, 1, 0), 0);
}

TEST(table_make_empties_the_page)
{
    exo_page a = page_at(SCRATCH);
    fill((void *)SCRATCH, 0x67, 4096); // would be entries
    EQ(bind_one(0, SCRATCH, 0, EXO_BIND_SAME | R), 1);
    EQ(exo_table_make(ROOT_CAP, a, 1, SCRATCH + LEAF_SIZE), 0);
    CHECK(is_filled((void *)SCRATCH, 0, 4096));
}

TEST(table_make_must_fit_the_reservation)
{
    struct kid *k = kid_new(&(struct kid_plan){.reserved = 16, .limit = 64},
                            sleep_forever, 0);
    const struct exo_account *a = &kid_info(k)->account[EXO_KIND_PAGE];
    exo_page p;
    while (a->pinned < 16) {
        pages_new(0, k->id, &p, 1);
        EQ(exo_table_make(ROOT_CAP, p, 1, 0), 0);
    }
    pages_new(0, k->id, &p, 1);
    FAILS(exo_table_make(ROOT_CAP, p, 1, 0), LIMIT);
    exo_page link = p;
    pages_new(0, k->id, &p, 1);
    FAILS(exo_table_extra(CAPS, k->table[0], 0, link), LIMIT);
    EQ(a->pinned, 16);
}

TEST(table_link_puts_a_table_only_where_it_belongs)
{
    leaf_ensure(0, 0, 0, SCRATCH, true);
    uint64_t va = SCRATCH + 4 * LEAF_SIZE;
    exo_page leaf = table_new(0, 0, 1, va), middle = table_new(0, 0, 2, va);
    exo_page data = page_new(0);
    FAILS(exo_table_link(CAPS, 0, va + LEAF_SIZE, 1, leaf), STATE);
    FAILS(exo_table_link(CAPS, 0, va - 1, 1, leaf), STATE);
    FAILS(exo_table_link(CAPS, 0, va, 1, middle), STATE);
    FAILS(exo_table_link(CAPS, 0, va, 2, leaf), STATE);
    FAILS(exo_table_link(CAPS, 0, va, 1, data), STATE);
    FAILS(exo_table_link(CAPS, 0, va, 1, exo_machine()->npages + 5), STATE);
    FAILS(exo_table_link(CAPS, 0, va, 1, UINT64_C(1) << 52), STATE);
    FAILS(exo_table_link(CAPS, 0, va, 0, leaf), INVAL);
    FAILS(exo_table_link(CAPS, 0, va, 4, leaf), INVAL);
    FAILS(exo_table_link(CAPS, data, va, 1, leaf), INVAL);
    FAILS(exo_table_link(CAPS, 0, EXO_USER_TOP, 1, leaf), INVAL);
    FAILS(exo_table_link(CAPS, 0, EXO_INFO, 3, leaf), INVAL);
    EQ(exo_table_link(CAPS, 0, va + LEAF_SIZE - 1, 1, leaf), 0);
    FAILS(exo_table_link(CAPS, 0, va, 1, table_new(0, 0, 1, va)), BUSY);
}

/* Every table of a tree tried at every place of it, and as a root. */
TEST(tables_link_to_no_loop_and_to_no_second_place)
{
    const uint64_t va[] = {SCRATCH,
                           SCRATCH + LEAF_SIZE,
                           SCRATCH + (1 << 30),
                           SCRATCH + (UINT64_C(1) << 39),
                           0x1000,
                           EXO_USER_TOP - 0x1000};
    exo_page tree[5] = {0}, other[4] = {0};
    for (unsigned level = 4; level; level--) {
        tree[level] = table_new(0, 0, level, SCRATCH);
        if (level < 4)
            EQ(exo_table_link(CAPS, tree[4], SCRATCH, level, tree[level]), 0);
    }
    for (unsigned level = 1; level < 4; level++)
        other[level] = table_new(0, 0, level, va[3]); // not linked yet
    for (unsigned level = 0; level < 6; level++)
        for (unsigned i = 0; i < ARRAY_SIZE(va); i++)
            for (unsigned from = 1; from < 5; from++)
                for (unsigned root = 1; root < 5; root++) {
                    CHECK(exo_table_link(CAPS, tree[root], va[i], level,
                                         tree[from]) < 0);
                    CHECK((va[i] >> 39 == va[3] >> 39 && level == 3) ||
                          from == 4 ||
                          exo_table_link(CAPS, tree[root], va[i], level,
                                         other[from]) < 0);
                }
    for (unsigned level = 1; level < 4; level++) {
        EQ(table_of(tree[4], SCRATCH, level), tree[level]);
        EQ(exo_page_info(tree[level])->bindings, 1);
        EQ(exo_page_info(other[level])->bindings, 0);
    }
}

TEST(table_link_needs_the_table_above)
{
    uint64_t far = UINT64_C(0x600000000000);
    exo_page leaf = table_new(0, 0, 1, far), two = table_new(0, 0, 2, far),
             three = table_new(0, 0, 3, far);
    FAILS(exo_table_link(CAPS, 0, far, 1, leaf), TABLE);
    FAILS(exo_table_link(CAPS, 0, far, 2, two), TABLE);
    EQ(exo_table_link(CAPS, 0, far, 3, three), 0);
    FAILS(exo_table_link(CAPS, 0, far, 1, leaf), TABLE);
    EQ(exo_table_link(CAPS, 0, far, 2, two), 0);
    EQ(exo_table_link(CAPS, 0, far, 1, leaf), 0);
    exo_page a = page_new(0);
    EQ(bind_one(0, far, a, RW), 1);
    *word(far) = 1;
    EQ(exo_table_link(CAPS, 0, far, 3, 0), 0); // and out again
    CHECK(load_faults(far));
    FAILS(exo_table_link(CAPS, 0, far, 3, 0), TABLE);
    EQ(exo_table_link(CAPS, 0, far, 3, three), 0);
    EQ(*word(far), 1);
}

TEST(table_link_needs_write_over_all_three)
{
    leaf_ensure(0, 0, 0, SCRATCH, true);
    uint64_t va = SCRATCH + 4 * LEAF_SIZE;
    exo_page leaf = table_new(GUARD, 0, 1, va);
    EQ(exo_cap_grant(CAPS, 0, 1, GUARD, 64 | EXO_ALL << 8), 0);
    EQ(exo_cap_grant(CAPS, 0, 2, 0, 0 | (EXO_ALL & ~EXO_WRITE) << 8), 0);
    EQ(exo_cap_grant(CAPS, 0, 3, 0, 64 | EXO_ALL << 8), 0);
    FAILS(exo_table_link(EXO_CAPS(1, 1), 0, va, 1, leaf), CAP);
    FAILS(exo_table_link(EXO_CAPS(2, 1), 0, va, 1, leaf), CAP);
    FAILS(exo_table_link(EXO_CAPS(0, 2), 0, va, 1, leaf), CAP);
    FAILS(exo_table_link(EXO_CAPS(0, 3), 0, va, 1, leaf), CAP);
    exo_page upper = table_of(0, va, 2);
    EQ(exo_reguard(CAPS, EXO_KIND_PAGE, upper, 1, ~GUARD), 1);
    FAILS(exo_table_link(EXO_CAPS(3, 1), 0, va, 1, leaf), CAP);
    FAILS(exo_table_link(EXO_CAPS(3, 1), 0, SCRATCH, 1, 0), CAP);
    EQ(exo_reguard(CAPS, EXO_KIND_PAGE, upper, 1, 0), 1);
    EQ(exo_table_link(EXO_CAPS(3, 1), 0, va, 1, leaf), 0);
}

TEST(table_shared_by_two_spaces_shows_the_same)
{
    struct kid *k = kid_new(&(struct kid_plan){0}, sleep_forever, 0);
    uint64_t va = EXO_FIRST_UAREA + 4 * LEAF_SIZE;
    exo_page leaf = table_new(0, 0, 1, va), a = page_new(0);
    EQ(exo_table_link(CAPS, k->root, va, 1, leaf), 0);
    EQ(bind_one(k->root, va, a, RW), 1);
    FAILS(exo_table_link(CAPS, 0, va, 1, leaf), LINK);
    exo_page upper = table_of(0, va, 2);
    EQ(exo_table_extra(CAPS, upper, 0, page_new(0)), 0);
    EQ(exo_table_link(CAPS, 0, va, 1, leaf), 0);
    *word(va) = 99;
    EQ(bind_one(k->root, va, 0, 0), 1); // through the kid's root
    CHECK(load_faults(va));             // gone in mine
    EQ(exo_table_link(CAPS, 0, va, 1, 0), 0);
    EQ(exo_table_extra(CAPS, upper, 0, 0), 0);
}

TEST(table_below_two_roots_is_flushed_in_both)
{
    // The level-2 table is shared, the leaf below it only once linked.
    struct kid *k = kid_new(&(struct kid_plan){0}, sleep_forever, 0);
    uint64_t far = UINT64_C(0x500000000000);
    exo_page three = table_new(0, 0, 3, far), two = table_new(0, 0, 2, far),
             leaf = table_new(0, 0, 1, far), a = page_new(0);
    EQ(exo_table_extra(CAPS, k->root, 1, page_new(k->guard)), -EXO_E_STATE);
    exo_page link;
    pages_new(k->guard, k->id, &link, 1);
    EQ(exo_table_extra(CAPS, k->root, 0, link), 0);
    EQ(exo_table_link(CAPS, 0, far, 3, three), 0);
    EQ(exo_table_link(CAPS, k->root, far, 3, three), 0);
    EQ(exo_table_link(CAPS, k->root, far, 2, two), 0);
    EQ(exo_table_link(CAPS, k->root, far, 1, leaf), 0);
    EQ(bind_one(k->root, far, a, RW), 1);
    *word(far) = 1;
    EQ(bind_one(k->root, far, 0, EXO_BIND_SAME | R), 1);
    CHECK(store_faults(far));
    EQ(exo_table_link(CAPS, k->root, far, 2, 0), 0);
    CHECK(load_faults(far));
}

TEST(table_extra_checks_its_arguments)
{
    exo_page leaf = leaf_ensure(0, 0, 0, SCRATCH, false);
    exo_page link = page_new(GUARD), bound = page_at(SCRATCH);
    FAILS(exo_table_extra(CAPS, leaf, 2, link), INVAL);
    FAILS(exo_table_extra(CAPS, 0, 0, link), INVAL);
    FAILS(exo_table_extra(CAPS, UINT64_MAX, 0, link), INVAL);
    FAILS(exo_table_extra(CAPS, leaf, 0, UINT64_MAX), INVAL);
    FAILS(exo_table_extra(CAPS, link, 0, page_new(0)), STATE);
    FAILS(exo_table_extra(CAPS, leaf, 0, bound), STATE);
    FAILS(exo_table_extra(CAPS, leaf, 0, leaf), STATE);
    FAILS(exo_table_extra(CAPS, leaf, 0, ME->root), STATE);
    struct kid *k = kid_new(&(struct kid_plan){0}, sleep_forever, 0);
    exo_page foreign;
    pages_new(0, k->id, &foreign, 1);
    FAILS(exo_table_extra(CAPS, leaf, 0, foreign), STATE);
    FAILS(exo_table_extra(EXO_CAPS(NO_CAP, 0), leaf, 0, link), CAP);
    FAILS(exo_table_extra(EXO_CAPS(0, NO_CAP), leaf, 0, link), CAP);
    EQ(exo_cap_grant(CAPS, 0, 1, GUARD, 64 | (EXO_ALL & ~EXO_WRITE) << 8), 0);
    FAILS(exo_table_extra(EXO_CAPS(0, 1), leaf, 0, link), CAP);
    FAILS(exo_table_extra(CAPS, leaf, 0, 0), STATE); // there is none
    EQ(exo_table_extra(CAPS, leaf, 0, link), 0);
    EQ(exo_page_info(link)->use, EXO_USE_LINK);
    FAILS(exo_table_extra(CAPS, leaf, 0, page_new(0)), BUSY);
}

TEST(table_extra_comes_back_when_unused)
{
    exo_page leaf = leaf_ensure(0, 0, 0, SCRATCH, false);
    exo_page link = page_new(0), a = page_new(0);
    EQ(exo_table_extra(CAPS, leaf, 0, link), 0);
    EQ(bind_one(0, SCRATCH, a, R), 1);
    EQ(bind_one(0, SCRATCH + 4096, a, R), 1);
    FAILS(exo_table_extra(CAPS, leaf, 0, 0), BUSY);
    EQ(bind_one(0, SCRATCH + 4096, 0, 0), 1);
    EQ(exo_table_extra(CAPS, leaf, 0, 0), 0);
    EQ(exo_page_info(link)->use, EXO_USE_DATA);
    page_gone(link);
}

TEST(table_that_is_freed_takes_its_link_pages_along)
{
    exo_page leaf = leaf_ensure(0, 0, 0, SCRATCH, false);
    exo_page link = page_new(0), a = page_new(0);
    EQ(exo_table_extra(CAPS, leaf, 0, link), 0);
    for (unsigned i = 0; i < 20; i++)
        EQ(bind_one(0, SCRATCH + i * 4096, a, R), 1);
    page_gone(leaf);
    EQ(exo_page_info(link)->use, EXO_USE_DATA);
    EQ(exo_page_info(a)->bindings, 0);
    FAILS(exo_page_free(ROOT_CAP, &leaf, 1), STATE);
}

TEST(breaking_reaches_every_binding_wherever_it_is)
{
    struct kid *k = kid_new(&(struct kid_plan){0}, sleep_forever, 0);
    struct kid *l = kid_new(&(struct kid_plan){0}, sleep_forever, 0);
    exo_page a = page_new(GUARD);
    for (unsigned i = 0; i < 40; i++)
        bind_here(SCRATCH + i * 8192, a, R);
    for (unsigned i = 0; i < 20; i++) {
        uint64_t there = EXO_FIRST_UAREA + 0x20000 + i * 4096;
        EQ(bind_one(k->root, there, a, i & 1 ? RW : R), 1);
        EQ(bind_one(l->root, there, a, R), 1);
    }
    EQ(exo_page_info(a)->bindings, 80);
    int64_t n;
    while ((n = exo_reguard(CAPS, EXO_KIND_PAGE | EXO_REGUARD_BREAK, a, 1,
                            0)) == -EXO_E_AGAIN)
        ;
    EQ(n, 1);
    EQ(exo_page_info(a)->bindings, 0);
    EQ(entry_of(k->root, EXO_FIRST_UAREA + 0x20000, 1), 0);
    EQ(entry_of(l->root, EXO_FIRST_UAREA + 0x20000 + 19 * 4096, 1), 0);
    CHECK(load_faults(SCRATCH + 39 * 8192));
    EQ(k->u->taken.count + k->u->taken.more, 20);
    EQ(l->u->taken.count + l->u->taken.more, 20);
    EQ(bind_one(0, SCRATCH, a, RX), 1); // no writable binding is counted
}

TEST(bindings_in_random_order_are_all_found)
{
    exo_page a[4];
    static uint8_t bound[512]; // 1 + which page is bound there
    pages_new(0, 0, a, 4);
    leaf_ensure(0, 0, 0, SCRATCH, true);
    for (unsigned i = 0; i < 512; i++)
        bound[i] = 0;
    for (unsigned round = 0; round < 3000; round++) {
        unsigned at = random64() % 512, which = random64() % 5;
        EQ(bind_one(0, SCRATCH + at * 4096, which ? a[which - 1] : 0,
                    which ? R : 0),
           1);
        bound[at] = (uint8_t)which;
    }
    for (unsigned i = 0; i < 4; i++) {
        unsigned count = 0;
        for (unsigned at = 0; at < 512; at++)
            count += bound[at] == i + 1;
        EQ(exo_page_info(a[i])->bindings, count);
        page_gone(a[i]);
        for (unsigned at = 0; at < 512; at += 37)
            if (bound[at] == i + 1)
                EQ(entry_of(0, SCRATCH + at * 4096, 1), 0);
    }
}
