// SPDX-License-Identifier: MIT
/*
 * The bind call on small pages.
 *
 * Must be seen: bindings do what they say and nothing more; every refusal comes
 * with its cause and changes nothing; entries hold what the libOS may know.
 */
#include "test.h"

#define GUARD UINT64_C(0x7654321000000000)

#define LEAF_SIZE 0x200000ull

static void
run_at(uint64_t va)
{
    ((void (*)(void))va)();
}

TEST(bind_makes_memory_appear)
{
    exo_page a = page_at(SCRATCH), b = page_at(SCRATCH + 4096);
    *word(SCRATCH) = 11;
    *word(SCRATCH + 4096) = 22;
    bind_here(SCRATCH + 0x10000, b, R);
    bind_here(SCRATCH + 0x11000, a, R);
    EQ(*word(SCRATCH + 0x10000), 22);
    EQ(*word(SCRATCH + 0x11000), 11);
    EQ(exo_page_info(a)->bindings, 2);
}

TEST(bind_read_only_is_not_writable)
{
    exo_page a = page_new(0);
    bind_here(SCRATCH, a, R);
    CHECK(!load_faults(SCRATCH));
    CHECK(store_faults(SCRATCH));
    struct catcher *c = &own_of(uarea())->catcher;
    EQ(c->vector, EXO_UP_FAULT);
    EQ(c->cause, 14);
    EQ(c->addr, SCRATCH);
    EQ(c->error & 7, 7); // present, write, user
}

TEST(bind_without_x_is_not_executable)
{
    page_at(SCRATCH);
    *(volatile uint8_t *)SCRATCH = 0xc3; // ret
    CHECK(catches(run_at, SCRATCH));
    EQ(own_of(uarea())->catcher.cause, 14);
    EQ(own_of(uarea())->catcher.error & 16, 16); // an instruction fetch
    EQ(bind_one(0, SCRATCH, 0, EXO_BIND_SAME | RX), 1);
    CHECK(!catches(run_at, SCRATCH));
    CHECK(store_faults(SCRATCH));
}

TEST(bind_of_an_unbound_address_is_a_fault)
{
    leaf_ensure(0, 0, 0, SCRATCH, false);
    CHECK(load_faults(SCRATCH));
    EQ(own_of(uarea())->catcher.error & 1, 0);
    EQ(own_of(uarea())->catcher.addr, SCRATCH);
}

TEST(unbind_takes_memory_away)
{
    exo_page a = page_at(SCRATCH);
    *word(SCRATCH) = 1;
    unbind_here(SCRATCH);
    CHECK(load_faults(SCRATCH));
    EQ(exo_page_info(a)->bindings, 0);
    unbind_here(SCRATCH); // nothing there: done as well
    EQ(entry_of(0, SCRATCH, 1), 0);
}

TEST(bind_replaces_what_was_bound)
{
    exo_page a = page_at(SCRATCH), b = page_at(SCRATCH + 4096);
    *word(SCRATCH) = 1;
    *word(SCRATCH + 4096) = 2;
    bind_here(SCRATCH, b, R);
    EQ(*word(SCRATCH), 2);
    CHECK(store_faults(SCRATCH));
    EQ(exo_page_info(a)->bindings, 0);
    EQ(exo_page_info(b)->bindings, 2);
}

TEST(bind_batch_runs_over_tables_and_runs)
{
    leaf_ensure(0, 0, 0, SCRATCH, true);
    leaf_ensure(0, 0, 0, SCRATCH + LEAF_SIZE, true);
    exo_page a = page_new(0), b = a + 1;
    while (exo_page_alloc(CAPS, 0, 0, &b, 1) != 1) {
        a = page_new(0);
        b = a + 1;
    }
    const struct exo_run runs[] = {
        {SCRATCH + LEAF_SIZE - 4096, a, 2, RW}, // crosses from leaf to leaf
        {SCRATCH, b, 1, R},
    };
    EQ(exo_bind(CAPS, 0, runs, 2), 3);
    *word(SCRATCH + LEAF_SIZE) = 7;
    EQ(*word(SCRATCH), 7);
    *word(SCRATCH + LEAF_SIZE - 4096) = 8;
    const struct exo_run away = {SCRATCH + LEAF_SIZE - 4096, 0, 2, 0};
    EQ(exo_bind(CAPS, 0, &away, 1), 2);
    CHECK(load_faults(SCRATCH + LEAF_SIZE - 4096));
    CHECK(load_faults(SCRATCH + LEAF_SIZE));
}

TEST(bind_does_a_bounded_number)
{
    leaf_ensure(0, 0, 0, SCRATCH, true);
    exo_page a = page_new(0);
    static struct exo_run runs[512];
    for (unsigned i = 0; i < 512; i++)
        runs[i] = (struct exo_run){SCRATCH + i * 4096, a, 1, R};
    unsigned done = 0;
    while (done < 512) {
        int64_t n = exo_bind(CAPS, 0, runs + done, 512 - done);
        CHECK(n >= 1 && n <= 256);
        done += (unsigned)n;
        EQ(exo_page_info(a)->bindings, done);
    }
    EQ(exo_bind(CAPS, 0, runs, 0), 0);
}

TEST(bind_stops_at_the_first_refusal)
{
    leaf_ensure(0, 0, 0, SCRATCH, false);
    exo_page a = page_new(0), b = page_new(0);
    const struct exo_run runs[] = {
        {SCRATCH, a, 1, RW},
        {SCRATCH + 4096, ME->root, 1, RW}, // a table, writable: EXCL
        {SCRATCH + 8192, b, 1, RW},
    };
    EQ(exo_bind(CAPS, 0, runs, 3), 1);
    EQ(exo_page_info(a)->bindings, 1);
    EQ(exo_page_info(b)->bindings, 0);
    FAILS(exo_bind(CAPS, 0, runs + 1, 2), EXCL);
}

TEST(bind_checks_addresses_flags_and_alignment)
{
    leaf_ensure(0, 0, 0, SCRATCH, true);
    exo_page a = page_new(0);
    const struct exo_run bad[] = {
        {SCRATCH, a, 0, R},
        {SCRATCH + 1, a, 1, R},
        {SCRATCH + 2048, a, 1, R},
        {0, a, 1, R},
        {EXO_USER_TOP, a, 1, R},
        {EXO_USER_TOP - 4096, a, 2, R},
        {EXO_INFO, a, 1, R},
        {UINT64_C(0x0000800000000000), a, 1, R},
        {UINT64_C(0x00007ffffffff000), a, 1, R},
        {UINT64_C(0xffff800000000000), a, 1, R},
        {UINT64_C(0xffffffff80000000), a, 1, R},
        {UINT64_C(0xfffffffffffff000), a, 1, R},
        {SCRATCH, a, UINT32_MAX, R | 0x8000},
        {SCRATCH, a, 1, RW | EXO_BIND_X},
        {SCRATCH, a, 1, R | 0x80},
        {SCRATCH, a, 1, R | 0x100},
        {SCRATCH, a, 1, R | 0x8000},
        {SCRATCH, a, 1, R | 0x04000000},
        {SCRATCH, a, 1, R | 0x80000000},
        {SCRATCH + 4096, 512, 1, R | EXO_BIND_LARGE},
        {SCRATCH, 513, 1, R | EXO_BIND_LARGE},
        {SCRATCH, 512, 1, R | EXO_BIND_LARGE | EXO_BIND_HEIR},
        {SCRATCH, 0, 1, R},
        {SCRATCH, exo_machine()->npages, 1, R},
        {SCRATCH, UINT64_MAX, 1, R},
        {SCRATCH, UINT64_C(1) << 40, 1, R},
    };
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        int64_t result = exo_bind(CAPS, 0, &bad[i], 1);
        if (result != -EXO_E_INVAL)
            FAIL("run %u gives %ld", i, (long)result);
    }
    EQ(entry_of(0, SCRATCH, 1), 0);
    EQ(exo_page_info(a)->bindings, 0);
}

TEST(bind_needs_write_over_root_and_leaf_table)
{
    leaf_ensure(0, 0, 0, SCRATCH, false);
    exo_page a = page_new(GUARD), leaf = table_of(0, SCRATCH, 1);
    EQ(exo_cap_grant(CAPS, 0, 1, GUARD, 36 | EXO_ALL << 8), 0);
    const struct exo_run run = {SCRATCH, a, 1, R};
    FAILS(exo_bind(EXO_CAPS(1, 1), 0, &run, 1), CAP); // not over the root
    FAILS(exo_bind(EXO_CAPS(NO_CAP, ROOT_CAP), 0, &run, 1), CAP);
    EQ(exo_cap_grant(CAPS, 0, 2, 0, 0 | (EXO_ALL & ~EXO_WRITE) << 8), 0);
    FAILS(exo_bind(EXO_CAPS(2, ROOT_CAP), 0, &run, 1), CAP);
    EQ(exo_reguard(CAPS, EXO_KIND_PAGE, leaf, 1, ~GUARD), 1);
    EQ(exo_cap_grant(CAPS, 0, 3, 0, 1 | EXO_ALL << 8), 0); // half of all
    FAILS(exo_bind(EXO_CAPS(3, ROOT_CAP), 0, &run, 1), CAP);
    EQ(exo_bind(EXO_CAPS(ROOT_CAP, 1), 0, &run, 1), 1);
}

TEST(bind_needs_read_and_for_writable_write_over_the_page)
{
    leaf_ensure(0, 0, 0, SCRATCH, false);
    exo_page a = page_new(GUARD);
    const struct {
        unsigned rights;
        uint32_t flags;
        int64_t result;
    } c[] = {
        {EXO_READ, R, 1},
        {EXO_READ, RX, 1},
        {EXO_READ, RW, -EXO_E_CAP},
        {EXO_WRITE, R, -EXO_E_CAP},
        {EXO_WRITE, RW, -EXO_E_CAP},
        {EXO_READ | EXO_WRITE, RW, 1},
        {EXO_GRANT | EXO_CONTROL, R, -EXO_E_CAP},
    };
    for (unsigned i = 0; i < ARRAY_SIZE(c); i++) {
        EQ(exo_cap_grant(CAPS, 0, 1, GUARD, 64 | c[i].rights << 8), 0);
        const struct exo_run run = {SCRATCH, a, 1, c[i].flags};
        EQ(exo_bind(EXO_CAPS(ROOT_CAP, 1), 0, &run, 1), c[i].result);
        unbind_here(SCRATCH);
    }
}

TEST(bind_checks_the_page_capability_again_for_same)
{
    exo_page a = page_new(GUARD);
    bind_here(SCRATCH, a, R);
    EQ(exo_cap_grant(CAPS, 0, 1, GUARD, 64 | EXO_READ << 8), 0);
    const struct exo_run run = {SCRATCH, 0, 1, EXO_BIND_SAME | RW};
    FAILS(exo_bind(EXO_CAPS(ROOT_CAP, 1), 0, &run, 1), CAP);
    CHECK(store_faults(SCRATCH));
    FAILS(exo_bind(EXO_CAPS(ROOT_CAP, NO_CAP), 0, &run, 1), CAP);
}

TEST(bind_faults_on_unreadable_runs)
{
    FAILS(exo_bind(CAPS, 0, (struct exo_run *)SCRATCH, 1), FAULT);
    FAILS(exo_bind(CAPS, 0, (struct exo_run *)0xffffffff80100000, 1), FAULT);
    FAILS(exo_bind(CAPS, 0, (struct exo_run *)0x7ffffffffff8, 1), FAULT);
    FAILS(exo_bind(CAPS, 0, (struct exo_run *)exo_machine(), 1), FAULT);
    exo_page a = page_at(SCRATCH);
    struct exo_run *runs = (struct exo_run *)(SCRATCH + 4096) - 1;
    *runs = (struct exo_run){SCRATCH + 8192, a, 1, R};
    EQ(exo_bind(CAPS, 0, runs, 2), 1); // the second is not there
}

TEST(bind_without_a_table_says_table)
{
    exo_page a = page_new(0);
    FAILS(bind_one(0, SCRATCH, a, R), TABLE);
    FAILS(bind_one(0, SCRATCH, 0, 0), TABLE);
    FAILS(bind_one(0, UINT64_C(0x700000000000), a, R), TABLE);
    leaf_ensure(0, 0, 0, SCRATCH, false);
    FAILS(bind_one(0, SCRATCH + LEAF_SIZE, a, R), TABLE);
}

TEST(bind_of_a_root_that_is_none_is_refused)
{
    exo_page a = page_new(0);
    FAILS(bind_one(a, SCRATCH, a, R), INVAL);
    FAILS(bind_one(table_of(0, 0x400000, 1), SCRATCH, a, R), INVAL);
    FAILS(bind_one(exo_machine()->npages, SCRATCH, a, R), INVAL);
    FAILS(bind_one(UINT64_MAX, SCRATCH, a, R), INVAL);
    FAILS(bind_one(UINT64_C(1) << 52, SCRATCH, a, R), INVAL);
}

TEST(bind_of_a_second_place_needs_a_link_page)
{
    exo_page leaf = leaf_ensure(0, 0, 0, SCRATCH, false), a = page_new(0);
    EQ(bind_one(0, SCRATCH, a, R), 1);
    FAILS(bind_one(0, SCRATCH + 4096, a, R), LINK);
    EQ(exo_table_extra(CAPS, leaf, 0, page_new(0)), 0);
    EQ(bind_one(0, SCRATCH + 4096, a, R), 1);
    FAILS(bind_one(0, SCRATCH + 256 * 4096, a, R), LINK); // the other half
    EQ(bind_one(0, SCRATCH, 0, 0), 1); // the first record is free again
    EQ(bind_one(0, SCRATCH + 256 * 4096, a, R), 1);
}

TEST(bind_of_the_same_page_in_place_needs_no_link_page)
{
    leaf_ensure(0, 0, 0, SCRATCH, false);
    exo_page a = page_new(0);
    EQ(bind_one(0, SCRATCH, a, R), 1);
    EQ(bind_one(0, SCRATCH, a, RW), 1);
    EQ(exo_page_info(a)->bindings, 1);
    *word(SCRATCH) = 5;
}

TEST(bind_replacing_without_room_leaves_the_old_one)
{
    leaf_ensure(0, 0, 0, SCRATCH, false);
    exo_page a = page_new(0), b = page_new(0);
    EQ(bind_one(0, SCRATCH, a, RW), 1);
    EQ(bind_one(0, SCRATCH + 4096, b, RW), 1);
    *word(SCRATCH) = 77;
    FAILS(bind_one(0, SCRATCH, b, RW), LINK);
    EQ(*word(SCRATCH), 77);
    EQ(exo_page_info(a)->bindings, 1);
}

TEST(bind_same_changes_rights_and_keeps_the_page)
{
    exo_page a = page_at(SCRATCH);
    *word(SCRATCH) = 42;
    EQ(bind_one(0, SCRATCH, 12345, EXO_BIND_SAME | R), 1);
    EQ(*word(SCRATCH), 42);
    CHECK(store_faults(SCRATCH));
    EQ(bind_one(0, SCRATCH, 0, EXO_BIND_SAME | RW), 1);
    *word(SCRATCH) = 43;
    EQ(exo_page_info(a)->bindings, 1);
    unbind_here(SCRATCH);
    FAILS(bind_one(0, SCRATCH, 0, EXO_BIND_SAME | R), STATE);
}

TEST(bind_same_implies_readable)
{
    exo_page a = page_new(GUARD);
    bind_here(SCRATCH, a, RW);
    *word(SCRATCH) = 42;
    EQ(exo_cap_grant(CAPS, 0, 1, GUARD, 64 | EXO_WRITE << 8), 0);
    const struct exo_run run = {SCRATCH, 0, 1, EXO_BIND_SAME};
    FAILS(exo_bind(EXO_CAPS(ROOT_CAP, 1), 0, &run, 1), CAP);
    EQ(bind_one(0, SCRATCH, 0, EXO_BIND_SAME), 1);
    EQ(*word(SCRATCH), 42);
    CHECK(store_faults(SCRATCH));
    EQ(exo_page_info(a)->bindings, 1);
    const struct exo_run clean = {SCRATCH, 0, 1,
                                  EXO_BIND_SAME | EXO_BIND_CLEAN};
    EQ(exo_bind(CAPS, 0, &clean, 1), 1);
    EQ(*word(SCRATCH), 42);
    CHECK(store_faults(SCRATCH));
}

TEST(bind_soft_bits_are_the_libos_own)
{
    exo_page a = page_new(0);
    for (uint32_t soft = 0; soft < 1024; soft = soft * 2 + 1) {
        bind_here(SCRATCH, a, RW | EXO_BIND_SOFT(soft));
        uint64_t e = entry_of(0, SCRATCH, 1);
        EQ((e >> 9 & 7) | (e >> 52 & 127) << 3, soft);
        EQ(e >> 12 & 0xffffffffff, a);
    }
    EQ(bind_one(0, SCRATCH, 0, EXO_BIND_SAME | R | EXO_BIND_SOFT(5)), 1);
    EQ(entry_of(0, SCRATCH, 1) >> 9 & 7, 5);
}

TEST(bind_never_sets_caching_global_or_key_bits)
{
    exo_page a = page_new(0);
    bind_here(SCRATCH, a, RX | EXO_BIND_SOFT(1023));
    uint64_t e = entry_of(0, SCRATCH, 1);
    EQ(e & 0x198, 0);                        // PWT, PCD, PAT, G
    EQ(e & UINT64_C(0x7800000000000000), 0); // bits 59..62
    EQ(e & (EXO_PTE_P | EXO_PTE_U | EXO_PTE_W), EXO_PTE_P | EXO_PTE_U);
}

TEST(accessed_and_dirty_are_read_without_a_call)
{
    exo_page leaf = leaf_ensure(0, 0, 0, SCRATCH, true), a = page_new(0);
    bind_here(SCRATCH + LEAF_SIZE, leaf, R); // look at the table itself
    volatile uint64_t *e = word(SCRATCH + LEAF_SIZE);
    bind_here(SCRATCH, a, RW);
    EQ(e[0] & (EXO_PTE_A | EXO_PTE_D), 0);
    (void)*word(SCRATCH);
    EQ(e[0] & (EXO_PTE_A | EXO_PTE_D), EXO_PTE_A);
    *word(SCRATCH) = 1;
    EQ(e[0] & (EXO_PTE_A | EXO_PTE_D), EXO_PTE_A | EXO_PTE_D);
    EQ(bind_one(0, SCRATCH, 0, EXO_BIND_SAME | RW), 1); // kept
    EQ(e[0] & (EXO_PTE_A | EXO_PTE_D), EXO_PTE_A | EXO_PTE_D);
    EQ(bind_one(0, SCRATCH, 0, EXO_BIND_SAME | RW | EXO_BIND_CLEAN), 1);
    EQ(e[0] & (EXO_PTE_A | EXO_PTE_D), 0);
    *word(SCRATCH) = 2; // cleared means: seen again
    EQ(e[0] & (EXO_PTE_A | EXO_PTE_D), EXO_PTE_A | EXO_PTE_D);
    CHECK(store_faults(SCRATCH + LEAF_SIZE)); // and never written
}

TEST(entries_that_are_not_present_are_zero)
{
    exo_page a = page_at(SCRATCH);
    bind_here(SCRATCH, a, RW | EXO_BIND_SOFT(1023));
    *word(SCRATCH) = 1;
    unbind_here(SCRATCH);
    EQ(entry_of(0, SCRATCH, 1), 0);
    bind_here(SCRATCH, a, RW | EXO_BIND_SOFT(1023));
    page_gone(a);
    EQ(entry_of(0, SCRATCH, 1), 0);
}
