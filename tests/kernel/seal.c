// SPDX-License-Identifier: MIT
/*
 * Sealed tables and sealed envs.
 *
 * Must be seen: no new executable binding by any road: by bind, by a change of
 * rights, by another table, by another root.
 */
#include "test.h"

#define GUARD UINT64_C(0x7654321000000000)

#define LEAF_SIZE 0x200000ull
#define THERE     (EXO_FIRST_UAREA + 0x30000)

static int64_t
seal(exo_page root)
{
    int64_t va = 0;
    do
        va = exo_table_seal(ROOT_CAP, root, (uint64_t)va);
    while (va > 0);
    return va;
}

TEST(sealed_tables_take_no_executable_binding)
{
    struct kid *k =
        kid_new(&(struct kid_plan){.flags = KID_COPY}, sleep_forever, 0);
    exo_page a = page_new(0), b = page_new(0);
    EQ(bind_one(k->root, THERE, a, R), 1);
    EQ(seal(k->root), 0);
    FAILS(bind_one(k->root, THERE + 4096, b, RX), EXCL);
    FAILS(bind_one(k->root, THERE, 0, EXO_BIND_SAME | RX), EXCL);
    FAILS(bind_one(k->root, THERE, a, RX), EXCL);
    EQ(bind_one(k->root, THERE + 4096, b, RW), 1);
    EQ(exo_page_info(k->root)->flags & EXO_PAGE_SEALED, EXO_PAGE_SEALED);
    EQ(exo_page_info(k->table[2])->flags & EXO_PAGE_SEALED, EXO_PAGE_SEALED);
}

TEST(sealed_tables_take_only_empty_or_sealed_ones)
{
    struct kid *k = kid_new(&(struct kid_plan){.flags = KID_EMPTY}, NULL, 0);
    uint64_t va = 0x40000000;
    exo_page p[6];
    pages_new(0, k->id, p, 6);
    EQ(exo_table_make(ROOT_CAP, p[0], 3, va), 0);
    EQ(exo_table_make(ROOT_CAP, p[1], 2, va), 0);
    EQ(exo_table_make(ROOT_CAP, p[2], 1, va), 0);
    EQ(exo_table_make(ROOT_CAP, p[3], 1, va + LEAF_SIZE), 0);
    EQ(exo_table_link(CAPS, k->root, va, 3, p[0]), 0);
    EQ(exo_table_link(CAPS, k->root, va, 2, p[1]), 0);
    // p[2] gets an executable binding first, under another root
    exo_page other = table_new(0, 0, 4, 0), three = table_new(0, 0, 3, va),
             two = table_new(0, 0, 2, va);
    EQ(exo_table_link(CAPS, other, va, 3, three), 0);
    EQ(exo_table_link(CAPS, other, va, 2, two), 0);
    EQ(exo_table_link(CAPS, other, va, 1, p[2]), 0);
    EQ(bind_one(other, va, p[4], RX), 1);
    EQ(exo_table_extra(CAPS, p[1], 0, p[5]), 0);
    EQ(seal(k->root), 0);
    FAILS(exo_table_link(CAPS, k->root, va, 1, p[2]), EXCL);
    EQ(exo_table_link(CAPS, k->root, va + LEAF_SIZE, 1, p[3]), 0);
    EQ(exo_page_info(p[3])->flags & EXO_PAGE_SEALED, EXO_PAGE_SEALED);
    FAILS(bind_one(k->root, va + LEAF_SIZE, p[4], RX), EXCL);
}

TEST(seal_checks_its_arguments)
{
    exo_page a = page_new(0);
    FAILS(exo_table_seal(ROOT_CAP, a, 0), STATE);
    FAILS(exo_table_seal(ROOT_CAP, table_of(0, 0x400000, 1), 0), STATE);
    FAILS(exo_table_seal(ROOT_CAP, UINT64_MAX, 0), STATE);
    FAILS(exo_table_seal(ROOT_CAP, 0, EXO_USER_TOP), INVAL);
    exo_page root = table_new(GUARD, 0, 4, 0);
    FAILS(exo_table_seal(NO_CAP, root, 0), CAP);
    EQ(exo_cap_grant(CAPS, 0, 1, GUARD, 64 | (EXO_ALL & ~EXO_WRITE) << 8), 0);
    FAILS(exo_table_seal(1, root, 0), CAP);
}

static volatile int64_t said[8];

static void
seal_myself(uint64_t page)
{
    int64_t va = 0;
    do
        va = exo_table_seal(ROOT_CAP, 0, (uint64_t)va);
    while (va > 0);
    said[0] = va;
    said[1] = bind_one(0, THERE, page, RX);
    said[2] = bind_one(0, THERE, page, RW);
    said[3] = exo_env_root(0, 0, (exo_page)said[7]);
    said[4] = ME->flags & EXO_ENV_SEALED;
}

TEST(sealed_env_stays_sealed)
{
    struct kid *k =
        kid_new(&(struct kid_plan){.flags = KID_COPY}, seal_myself, 0);
    exo_page a, unsealed;
    pages_new(k->guard, k->id, &a, 1);
    unsealed = table_new(k->guard, 0, 4, 0);
    said[7] = (int64_t)unsealed;
    k->own->arg = a;
    kid_go(k);
    EQ(kid_join(k), 0);
    EQ(said[0], 0);
    EQ(said[1], -EXO_E_EXCL);
    EQ(said[2], 1);
    EQ(said[3], -EXO_E_EXCL);
    EQ(said[4], EXO_ENV_SEALED); // for all to see
}
