// SPDX-License-Identifier: MIT
/*
 * Physical pages: page_alloc, page_free, page_size, and reguard of pages.
 *
 * Must be seen: the page asked for and no other, every documented refusal with
 * its cause, partial results, and zeros wherever a page changes hands.
 */
#include "test.h"

#define GUARD UINT64_C(0x1234567800000000)

static const struct exo_account *
pages_of(exo_env env)
{
    return &exo_env_info(env)->account[EXO_KIND_PAGE];
}

TEST(page_alloc_gives_the_page_asked_for)
{
    exo_page a = page_new(0);
    page_gone(a);
    exo_page want = a;
    EQ(exo_page_alloc(CAPS, GUARD, 0, &want, 1), 1);
    EQ(want, a);
    EQ(exo_page_info(a)->use, EXO_USE_DATA);
    EQ(exo_page_info(a)->guard, GUARD);
    EQ(exo_page_info(a)->payer, EXO_ENV_INDEX(self()));
    EQ(exo_page_info(a)->bindings, 0);
}

TEST(page_alloc_of_any_gives_different_free_pages)
{
    exo_page p[8];
    uint64_t free = exo_machine()->pages_free;
    pages_new(GUARD, 0, p, 8);
    for (unsigned i = 0; i < 8; i++)
        for (unsigned j = 0; j < i; j++)
            CHECK(p[i] != p[j]);
    EQ(exo_machine()->pages_free, free - 8);
}

TEST(page_alloc_charges_the_payer_and_its_ancestors)
{
    struct kid *k = kid_start(0, sleep_forever, 0);
    uint32_t mine = pages_of(self())->used, own = pages_of(self())->own;
    uint32_t kids = pages_of(k->id)->used;
    exo_page p[3];
    pages_new(GUARD, k->id, p, 3);
    EQ(pages_of(k->id)->used, kids + 3);
    EQ(pages_of(k->id)->own, kids + 3);
    EQ(pages_of(self())->used, mine + 3);
    EQ(pages_of(self())->own, own);
    EQ(exo_page_info(p[0])->payer, EXO_ENV_INDEX(k->id));
}

TEST(page_alloc_needs_grant_over_the_guard)
{
    exo_page p = EXO_PAGE_ANY;
    FAILS(exo_page_alloc(NO_CAP, GUARD, 0, &p, 1), CAP);
    FAILS(exo_page_alloc(200, GUARD, 0, &p, 1), CAP);
    EQ(exo_cap_grant(CAPS, 0, 1, GUARD, 32 | EXO_ALL << 8), 0);
    EQ(exo_page_alloc(1, GUARD | 77, 0, &p, 1), 1);
    p = EXO_PAGE_ANY;
    FAILS(exo_page_alloc(1, GUARD ^ UINT64_C(1) << 32, 0, &p, 1), CAP);
    EQ(exo_cap_grant(CAPS, 0, 1, GUARD, 32 | (EXO_ALL & ~EXO_GRANT) << 8), 0);
    FAILS(exo_page_alloc(1, GUARD, 0, &p, 1), CAP);
}

TEST(page_alloc_for_another_needs_control_over_it)
{
    struct kid *k = kid_start(0, sleep_forever, 0);
    exo_page p = EXO_PAGE_ANY;
    FAILS(exo_page_alloc(EXO_CAPS(ROOT_CAP, NO_CAP), GUARD, k->id, &p, 1), CAP);
    EQ(exo_cap_grant(CAPS, 0, 1, k->guard,
                     KID_PREFIX_BITS | (EXO_ALL & ~EXO_CONTROL) << 8),
       0);
    FAILS(exo_page_alloc(EXO_CAPS(ROOT_CAP, 1), GUARD, k->id, &p, 1), CAP);
    FAILS(exo_page_alloc(CAPS, GUARD, k->id + 0x10000, &p, 1), STALE);
    FAILS(exo_page_alloc(CAPS, GUARD, 0xffff, &p, 1), STALE);
    control(k->id, EXO_ENV_DESTROY);
    FAILS(exo_page_alloc(CAPS, GUARD, k->id, &p, 1), STALE);
}

TEST(page_alloc_checks_its_array)
{
    FAILS(exo_page_alloc(CAPS, 0, 0, (exo_page *)SCRATCH, 1), FAULT);
    FAILS(exo_page_alloc(CAPS, 0, 0, (exo_page *)0xffff800000000000, 1), FAULT);
    FAILS(exo_page_alloc(CAPS, 0, 0, (exo_page *)0x800000000000, 1), FAULT);
    FAILS(exo_page_alloc(CAPS, 0, 0, (exo_page *)exo_machine(), 1), FAULT);
    exo_page *pages = (exo_page *)(SCRATCH + EXO_PAGE_BYTES - 16);
    page_at(SCRATCH);
    pages[0] = EXO_PAGE_ANY;
    EQ(bind_one(0, SCRATCH, 0, EXO_BIND_SAME | EXO_BIND_R), 1);
    uint64_t free = exo_machine()->pages_free;
    FAILS(exo_page_alloc(CAPS, 0, 0, pages, 1), FAULT);
    EQ(exo_machine()->pages_free, free);
}

TEST(page_alloc_stops_at_the_end_of_its_array)
{
    page_at(SCRATCH);
    exo_page *pages = (exo_page *)(SCRATCH + EXO_PAGE_BYTES - 16);
    pages[0] = pages[1] = EXO_PAGE_ANY;
    uint64_t free = exo_machine()->pages_free;
    EQ(exo_page_alloc(CAPS, 0, 0, pages, 3), 2);
    EQ(exo_machine()->pages_free, free - 2);
    CHECK(pages[0] != pages[1] && pages[0] < exo_machine()->npages);
}

TEST(page_alloc_of_a_taken_page_says_none)
{
    exo_page a = page_new(0), want = a;
    FAILS(exo_page_alloc(CAPS, 0, 0, &want, 1), NONE);
    EQ(want, a);
    want = exo_env_info(self())->root;
    FAILS(exo_page_alloc(CAPS, 0, 0, &want, 1), NONE);
    for (exo_page page = 1; page < exo_machine()->npages; page++) {
        if (exo_page_info(page)->use != EXO_USE_KERNEL)
            continue;
        want = page;
        FAILS(exo_page_alloc(CAPS, 0, 0, &want, 1), NONE);
        break;
    }
}

TEST(page_alloc_of_no_page_there_is_is_refused)
{
    const exo_page none[] = {0, exo_machine()->npages, UINT64_C(1) << 40,
                             UINT64_MAX - 1, UINT64_C(1) << 52};
    for (unsigned i = 0; i < ARRAY_SIZE(none); i++) {
        exo_page want = none[i];
        FAILS(exo_page_alloc(CAPS, 0, 0, &want, 1), INVAL);
    }
}

TEST(page_alloc_stops_at_the_first_refusal)
{
    exo_page p[3] = {EXO_PAGE_ANY, ME->root, EXO_PAGE_ANY};
    EQ(exo_page_alloc(CAPS, 0, 0, p, 3), 1);
    CHECK(p[0] != EXO_PAGE_ANY);
    EQ(p[1], ME->root);
    EQ(p[2], EXO_PAGE_ANY);
}

TEST(page_alloc_does_a_bounded_number)
{
    static exo_page p[512];
    page_new(0); // not the first of its kind
    for (unsigned i = 0; i < 512; i++)
        p[i] = EXO_PAGE_ANY;
    int64_t n = exo_page_alloc(CAPS, 0, 0, p, 512);
    CHECK(n >= 1 && n < 512);
    EQ(p[n], EXO_PAGE_ANY);
    CHECK(p[n - 1] != EXO_PAGE_ANY);
    EQ(exo_page_alloc(CAPS, 0, 0, p, 0), 0);
    p[0] = EXO_PAGE_ANY;
    n = exo_page_alloc(CAPS, 0, 0, p, UINT64_MAX);
    CHECK(n >= 1 && n < 512);
}

TEST(page_alloc_stops_at_the_limit)
{
    struct kid *k = kid_new(&(struct kid_plan){.reserved = 20, .limit = 30},
                            sleep_forever, 0);
    static exo_page p[32];
    uint32_t left = 30 - pages_of(k->id)->used;
    pages_new(GUARD, k->id, p, left);
    EQ(pages_of(k->id)->used, 30);
    p[0] = EXO_PAGE_ANY;
    FAILS(exo_page_alloc(CAPS, GUARD, k->id, p, 1), LIMIT);
    EQ(p[0], EXO_PAGE_ANY);
}

TEST(page_alloc_stops_at_an_ancestors_limit)
{
    struct kid *k = kid_new(&(struct kid_plan){.reserved = 60, .limit = 60},
                            sleep_forever, 0);
    EQ(exo_env_account(ROOT_CAP, k->id, EXO_KIND_PAGE, 60, 60), 0);
    // The first env is the ancestor: its limit is the machine.
    exo_page p[64];
    for (;;) {
        p[0] = EXO_PAGE_ANY;
        int64_t n = exo_page_alloc(CAPS, GUARD, k->id, p, 1);
        if (n == -EXO_E_LIMIT)
            break;
        EQ(n, 1);
    }
    EQ(pages_of(k->id)->used, 60);
}

static void
dirty(exo_page page)
{
    bind_here(SCRATCH, page, EXO_BIND_R | EXO_BIND_W);
    fill((void *)SCRATCH, 0x5555aaaa5555aaaa, EXO_PAGE_BYTES);
    unbind_here(SCRATCH);
}

static bool
is_zero(exo_page page)
{
    bind_here(SCRATCH, page, EXO_BIND_R);
    bool zero = is_filled((void *)SCRATCH, 0, EXO_PAGE_BYTES);
    unbind_here(SCRATCH);
    return zero;
}

TEST(page_that_changes_hands_reads_as_zeros)
{
    struct kid *k = kid_start(0, sleep_forever, 0);
    exo_page a = page_new(0);
    dirty(a);
    page_gone(a);
    EQ(exo_page_alloc(CAPS, 0, k->id, &a, 1), 1); // me, then the kid
    CHECK(is_zero(a));
    dirty(a);
    page_gone(a);
    EQ(exo_page_alloc(CAPS, 0, 0, &a, 1), 1); // the kid, then me
    CHECK(is_zero(a));
}

TEST(page_of_a_dead_env_reads_as_zeros)
{
    struct kid *k = kid_new(&(struct kid_plan){0}, sleep_forever, 0);
    exo_page a;
    pages_new(0, k->id, &a, 1);
    dirty(a);
    EQ(control(k->id, EXO_ENV_DESTROY), 0);
    EQ(exo_page_alloc(CAPS, 0, 0, &a, 1), 1);
    CHECK(is_zero(a));
}

TEST(page_of_a_dead_env_is_zero_for_the_next_in_its_slot)
{
    struct kid *k = kid_new(&(struct kid_plan){0}, sleep_forever, 0);
    exo_env old = k->id;
    exo_page p[24];
    pages_new(0, k->id, p, 24);
    for (unsigned i = 0; i < 24; i++)
        dirty(p[i]);
    kid_end(k);
    k = kid_new(&(struct kid_plan){0}, sleep_forever, 0);
    EQ(EXO_ENV_INDEX(k->id), EXO_ENV_INDEX(old));
    CHECK(k->id != old);
    unsigned seen = 0;
    for (unsigned i = 0; i < 24; i++) {
        if (exo_page_info(p[i])->use != EXO_USE_FREE)
            continue;
        EQ(exo_page_alloc(CAPS, 0, k->id, &p[i], 1), 1);
        CHECK(is_zero(p[i]));
        seen++;
    }
    CHECK(seen);
}

TEST(page_that_returns_to_its_payer_is_not_zeroed)
{
    exo_page a = page_new(0);
    dirty(a);
    page_gone(a);
    EQ(exo_page_alloc(CAPS, 0, 0, &a, 1), 1);
    bind_here(SCRATCH, a, EXO_BIND_R);
    CHECK(is_filled((void *)SCRATCH, 0x5555aaaa5555aaaa, EXO_PAGE_BYTES));
}

TEST(page_free_gives_it_back)
{
    exo_page a = page_new(GUARD);
    uint64_t free = exo_machine()->pages_free;
    uint32_t used = pages_of(self())->used;
    EQ(exo_page_free(NO_CAP, &a, 1), 1); // the payer needs no capability
    EQ(exo_machine()->pages_free, free + 1);
    EQ(pages_of(self())->used, used - 1);
    EQ(exo_page_info(a)->use, EXO_USE_FREE);
    EQ(exo_page_info(a)->payer, 0);
    EQ(exo_page_info(a)->guard, 0);
    FAILS(exo_page_free(ROOT_CAP, &a, 1), STATE);
}

TEST(page_free_of_anothers_page_needs_control)
{
    struct kid *k = kid_start(0, sleep_forever, 0);
    exo_page a;
    pages_new(GUARD, k->id, &a, 1);
    FAILS(exo_page_free(NO_CAP, &a, 1), CAP);
    EQ(exo_cap_grant(CAPS, 0, 1, GUARD, 32 | (EXO_ALL & ~EXO_CONTROL) << 8), 0);
    FAILS(exo_page_free(1, &a, 1), CAP);
    EQ(exo_cap_grant(CAPS, 0, 1, GUARD, 32 | EXO_CONTROL << 8), 0);
    EQ(exo_page_free(1, &a, 1), 1);
    EQ(exo_page_info(a)->use, EXO_USE_FREE);
    EQ(k->u->taken.count, 1);
    EQ(k->u->taken.item[0].id, a);
    EQ(k->u->taken.item[0].kind, EXO_KIND_PAGE);
}

TEST(page_free_refuses_what_is_no_page)
{
    const exo_page none[] = {0, exo_machine()->npages, UINT64_MAX,
                             UINT64_C(1) << 52};
    for (unsigned i = 0; i < ARRAY_SIZE(none); i++)
        FAILS(exo_page_free(ROOT_CAP, &none[i], 1), STATE);
    FAILS(exo_page_free(ROOT_CAP, (exo_page *)SCRATCH, 1), FAULT);
    FAILS(exo_page_free(ROOT_CAP, (exo_page *)0xffffffff80100000, 1), FAULT);
    for (exo_page page = 1; page < exo_machine()->npages; page++)
        if (exo_page_info(page)->use == EXO_USE_KERNEL ||
            exo_page_info(page)->use == EXO_USE_EXPOSED)
            FAILS(exo_page_free(ROOT_CAP, &page, 1), STATE);
}

TEST(page_free_refuses_what_the_kernel_holds)
{
    struct kid *k = kid_new(&(struct kid_plan){.flags = KID_LOG | KID_FPU},
                            sleep_forever, 0);
    const exo_page held[] = {k->save,     k->uarea_page, k->upcall,
                             k->log_page, k->fpu,        k->root};
    for (unsigned i = 0; i < ARRAY_SIZE(held); i++)
        FAILS(exo_page_free(ROOT_CAP, &held[i], 1), BUSY);
    exo_page root = ME->root;
    FAILS(exo_page_free(ROOT_CAP, &root, 1), BUSY);
}

TEST(page_free_does_part_and_says_how_much)
{
    static exo_page p[200];
    for (unsigned i = 0; i < 200; i++)
        p[i] = page_new(0);
    exo_page keep = p[100];
    p[100] = ME->root;
    unsigned done = 0;
    while (done < 100) {
        int64_t n = exo_page_free(ROOT_CAP, p + done, 200 - done);
        CHECK(n >= 1 && n <= 100 - done);
        done += (unsigned)n;
    }
    FAILS(exo_page_free(ROOT_CAP, p + 100, 100), BUSY);
    EQ(exo_page_info(p[99])->use, EXO_USE_FREE);
    EQ(exo_page_info(p[101])->use, EXO_USE_DATA);
    EQ(exo_page_info(keep)->use, EXO_USE_DATA);
    EQ(exo_page_free(ROOT_CAP, p, 0), 0);
}

TEST(page_free_breaks_bindings_and_tells_others)
{
    struct kid *k = kid_new(&(struct kid_plan){0}, sleep_forever, 0);
    exo_page a = page_at(SCRATCH);
    EQ(bind_one(k->root, EXO_FIRST_UAREA + 0x20000, a, EXO_BIND_R), 1);
    EQ(exo_page_info(a)->bindings, 2);
    page_gone(a);
    EQ(exo_page_info(a)->bindings, 0);
    CHECK(load_faults(SCRATCH));
    EQ(entry_of(k->root, EXO_FIRST_UAREA + 0x20000, 1), 0);
    EQ(k->u->taken.count, 1);
    EQ(k->u->taken.item[0].id, a);
    EQ(uarea()->taken.count, 0); // the payer itself is not told
}

TEST(page_free_of_a_table_takes_what_is_below_out)
{
    exo_page leaf = leaf_ensure(0, 0, 0, SCRATCH, false);
    exo_page a = page_new(0);
    bind_here(SCRATCH, a, EXO_BIND_R | EXO_BIND_W);
    *(volatile uint64_t *)SCRATCH = 1;
    page_gone(leaf);
    EQ(exo_page_info(leaf)->use, EXO_USE_FREE);
    EQ(exo_page_info(a)->bindings, 0);
    CHECK(load_faults(SCRATCH));
    EQ(table_of(0, SCRATCH, 1), 0);
}

TEST(page_free_of_a_full_table_goes_in_steps)
{
    exo_page leaf = leaf_ensure(0, 0, 0, SCRATCH, true);
    exo_page a = page_new(0);
    for (unsigned i = 0; i < 512; i++)
        EQ(bind_one(0, SCRATCH + i * EXO_PAGE_BYTES, a, EXO_BIND_R), 1);
    EQ(exo_page_info(a)->bindings, 512);
    unsigned steps = 0;
    int64_t n;
    while ((n = exo_page_free(ROOT_CAP, &leaf, 1)) == -EXO_E_AGAIN)
        steps++;
    EQ(n, 1);
    CHECK(steps >= 2);
    EQ(exo_page_info(a)->bindings, 0);
    CHECK(load_faults(SCRATCH + 511 * EXO_PAGE_BYTES));
}

TEST(page_with_many_bindings_is_freed_in_steps)
{
    exo_page a = page_new(0);
    for (unsigned i = 0; i < 300; i++)
        bind_here(SCRATCH + i * EXO_PAGE_BYTES, a, EXO_BIND_R);
    unsigned steps = 0;
    int64_t n;
    while ((n = exo_page_free(ROOT_CAP, &a, 1)) == -EXO_E_AGAIN)
        steps++;
    EQ(n, 1);
    CHECK(steps >= 1);
    EQ(exo_page_info(a)->bindings, 0);
}

/* 512 free pages that adjoin, made mine; 0 if there are none. */
static exo_page
large_new(exo_guard guard)
{
    for (exo_page head = 512; head + 512 <= exo_machine()->npages;
         head += 512) {
        unsigned free = 0;
        while (free < 512 && exo_page_info(head + free)->use == EXO_USE_FREE)
            free++;
        if (free < 512)
            continue;
        for (unsigned i = 0; i < 512; i++) {
            exo_page page = head + i;
            EQ(exo_page_alloc(CAPS, guard, 0, &page, 1), 1);
        }
        return head;
    }
    skip("no 2 MiB of memory are free");
}

TEST(page_size_merges_and_splits)
{
    exo_page head = large_new(GUARD);
    uint32_t used = pages_of(self())->used;
    EQ(page_merge(head), 0);
    EQ(exo_page_info(head)->flags & EXO_PAGE_LARGE, EXO_PAGE_LARGE);
    EQ(exo_page_info(head + 1)->use, EXO_USE_TAIL);
    EQ(exo_page_info(head + 511)->use, EXO_USE_TAIL);
    EQ(pages_of(self())->used, used);
    FAILS(page_merge(head), STATE);
    EQ(exo_page_size(ROOT_CAP, head, 0), 0);
    EQ(exo_page_info(head)->flags & EXO_PAGE_LARGE, 0);
    EQ(exo_page_info(head + 511)->use, EXO_USE_DATA);
    FAILS(exo_page_size(ROOT_CAP, head, 0), STATE);
}

TEST(page_size_checks_its_arguments)
{
    exo_page head = large_new(GUARD);
    FAILS(exo_page_size(ROOT_CAP, head + 1, 1), INVAL);
    FAILS(exo_page_size(ROOT_CAP, head, 2), INVAL);
    FAILS(exo_page_size(ROOT_CAP, 0, 1), INVAL);
    FAILS(exo_page_size(ROOT_CAP, UINT64_C(1) << 51, 1), INVAL);
    exo_page last = exo_machine()->npages & ~UINT64_C(511);
    if (last != exo_machine()->npages)
        FAILS(exo_page_size(ROOT_CAP, last, 1), INVAL);
    FAILS(exo_page_size(NO_CAP, head, 1), CAP);
    EQ(exo_cap_grant(CAPS, 0, 1, GUARD, 32 | (EXO_ALL & ~EXO_WRITE) << 8), 0);
    FAILS(exo_page_size(1, head, 1), CAP);
}

TEST(page_size_merges_only_pages_alike)
{
    exo_page head = large_new(GUARD), odd = head + 300;
    bind_here(SCRATCH, odd, EXO_BIND_R);
    FAILS(page_merge(head), STATE); // bound
    unbind_here(SCRATCH);
    EQ(exo_reguard(CAPS, EXO_KIND_PAGE, odd, 1, GUARD + 1), 1);
    FAILS(page_merge(head), STATE); // another guard
    EQ(exo_reguard(CAPS, EXO_KIND_PAGE, odd, 1, GUARD), 1);
    struct kid *k = kid_start(0, sleep_forever, 0);
    page_gone(odd);
    FAILS(page_merge(head), STATE); // free
    EQ(exo_page_alloc(CAPS, GUARD, k->id, &odd, 1), 1);
    FAILS(page_merge(head), STATE); // another payer
    page_gone(odd);
    EQ(exo_page_alloc(CAPS, GUARD, 0, &odd, 1), 1);
    EQ(exo_table_make(ROOT_CAP, odd, 1, 0), 0);
    FAILS(page_merge(head), STATE); // a table
    page_gone(odd);
    EQ(exo_page_alloc(CAPS, GUARD, 0, &odd, 1), 1);
    EQ(page_merge(head), 0);
}

TEST(page_size_that_is_refused_does_not_call_a_page_zero)
{
    exo_page head = large_new(0), dirty = head + 1;
    struct kid *k = kid_start(0, sleep_forever, 0);
    page_gone(head); // through another's hands, so that it is zeroed
    EQ(exo_page_alloc(CAPS, 0, k->id, &head, 1), 1);
    page_gone(head);
    EQ(exo_page_alloc(CAPS, 0, 0, &head, 1), 1);
    EQ(exo_page_info(head)->flags & EXO_PAGE_ZERO, EXO_PAGE_ZERO);
    bind_here(SCRATCH, dirty, EXO_BIND_R | EXO_BIND_W);
    *(volatile uint64_t *)SCRATCH = 0x1234000;
    unbind_here(SCRATCH);
    bind_here(SCRATCH, head + 2, EXO_BIND_R);
    FAILS(page_merge(head), STATE);
    EQ(exo_page_info(dirty)->flags & EXO_PAGE_ZERO, 0);
    EQ(exo_table_make(ROOT_CAP, dirty, 1, 0), 0);
    bind_here(SCRATCH, dirty, EXO_BIND_R);
    EQ(*(volatile uint64_t *)SCRATCH, 0);
}

/* Merge in part: as far as one step goes. */
static exo_page
merged_in_part(void)
{
    exo_page head = large_new(0);
    FAILS(exo_page_size(ROOT_CAP, head, 1), AGAIN);
    EQ(exo_page_info(head)->flags & (EXO_PAGE_LARGE | EXO_PAGE_PART),
       EXO_PAGE_LARGE | EXO_PAGE_PART);
    EQ(exo_page_info(head + 1)->use, EXO_USE_TAIL);
    EQ(exo_page_info(head + 511)->use, EXO_USE_DATA);
    return head;
}

TEST(page_merged_in_part_is_neither_small_nor_large)
{
    exo_page head = merged_in_part(), tail = head + 1;
    leaf_ensure(0, 0, 0, SCRATCH, false);
    FAILS(bind_one(0, SCRATCH, head, EXO_BIND_R), STATE);
    FAILS(bind_one(0, SCRATCH, tail, EXO_BIND_R), STATE);
    FAILS(bind_one(0, SCRATCH + 0x200000, head, EXO_BIND_R | EXO_BIND_LARGE),
          STATE);
    FAILS(exo_page_free(ROOT_CAP, &head, 1), STATE);
    FAILS(exo_reguard(CAPS, EXO_KIND_PAGE, head, 1, 1), STATE);
    FAILS(exo_table_make(ROOT_CAP, head, 1, 0), STATE);
    bind_here(SCRATCH, head + 511, EXO_BIND_R); // not reached yet: as it was
    FAILS(page_merge(head), STATE);
    for (unsigned i = 0; i < 512; i++)
        EQ(exo_page_info(head + i)->use, EXO_USE_DATA);
    EQ(exo_page_info(head)->flags & (EXO_PAGE_LARGE | EXO_PAGE_PART), 0);
}

TEST(page_merged_in_part_can_be_split_or_finished)
{
    exo_page head = merged_in_part();
    EQ(exo_page_size(ROOT_CAP, head, 0), 0);
    for (unsigned i = 0; i < 512; i++)
        EQ(exo_page_info(head + i)->use, EXO_USE_DATA);
    FAILS(exo_page_size(ROOT_CAP, head, 1), AGAIN);
    EQ(page_merge(head), 0);
    EQ(exo_page_info(head)->flags & EXO_PAGE_PART, 0);
    EQ(exo_page_info(head + 511)->use, EXO_USE_TAIL);
}

TEST(page_merged_in_part_dies_with_its_payer)
{
    struct kid *k =
        kid_new(&(struct kid_plan){.reserved = 40, .limit = 1u << 20},
                sleep_forever, 0);
    exo_page head = large_new(0);
    for (unsigned i = 0; i < 512; i++) {
        exo_page page = head + i;
        page_gone(page);
        EQ(exo_page_alloc(CAPS, 0, k->id, &page, 1), 1);
    }
    FAILS(exo_page_size(ROOT_CAP, head, 1), AGAIN);
    kid_end(k);
    for (unsigned i = 0; i < 512; i++)
        EQ(exo_page_info(head + i)->use, EXO_USE_FREE);
}

TEST(page_size_does_not_split_what_is_bound)
{
    exo_page head = large_new(0);
    EQ(page_merge(head), 0);
    leaf_ensure(0, 0, 0, SCRATCH, false);
    uint64_t va = SCRATCH + 0x200000;
    EQ(bind_one(0, va, head, EXO_BIND_R | EXO_BIND_W | EXO_BIND_LARGE), 1);
    FAILS(exo_page_size(ROOT_CAP, head, 0), STATE);
    EQ(bind_one(0, va, 0, EXO_BIND_LARGE), 1);
    EQ(exo_page_size(ROOT_CAP, head, 0), 0);
}

TEST(page_of_two_megabytes_is_used_as_one)
{
    exo_page head = large_new(0);
    EQ(page_merge(head), 0);
    leaf_ensure(0, 0, 0, SCRATCH, false);
    uint64_t va = SCRATCH + 0x200000;
    EQ(bind_one(0, va, head, EXO_BIND_R | EXO_BIND_W | EXO_BIND_LARGE), 1);
    *(volatile uint64_t *)va = 1;
    *(volatile uint64_t *)(va + 0x1ffff8) = 2;
    EQ(*(volatile uint64_t *)(va + 0x1ffff8), 2);
    EQ(bind_one(0, va, 0, EXO_BIND_LARGE), 1);
    CHECK(load_faults(va));
    CHECK(load_faults(va + 0x1ffff8));
    EQ(exo_page_size(ROOT_CAP, head, 0), 0);
    bind_here(SCRATCH, head + 511, EXO_BIND_R);
    EQ(*(volatile uint64_t *)(SCRATCH + 0xff8), 2);
}

TEST(page_inside_a_large_one_cannot_be_used_alone)
{
    exo_page head = large_new(0), tail = head + 5;
    EQ(page_merge(head), 0);
    leaf_ensure(0, 0, 0, SCRATCH, false);
    FAILS(bind_one(0, SCRATCH, head, EXO_BIND_R), STATE);
    FAILS(bind_one(0, SCRATCH, tail, EXO_BIND_R), STATE);
    FAILS(exo_page_free(ROOT_CAP, &tail, 1), STATE);
    FAILS(exo_table_make(ROOT_CAP, tail, 1, 0), STATE);
    FAILS(exo_table_make(ROOT_CAP, head, 1, 0), STATE);
    FAILS(exo_reguard(CAPS, EXO_KIND_PAGE, tail, 1, 1), STATE);
    EQ(exo_page_size(ROOT_CAP, head, 0), 0);
}

TEST(page_reguard_changes_who_may_bind)
{
    exo_page a = page_new(GUARD);
    EQ(exo_cap_grant(CAPS, 0, 1, GUARD, 32 | EXO_ALL << 8), 0);
    leaf_ensure(0, 0, 0, SCRATCH, true);
    const struct exo_run run = {SCRATCH, a, 1, EXO_BIND_R | EXO_BIND_W};
    EQ(exo_bind(EXO_CAPS(ROOT_CAP, 1), 0, &run, 1), 1);
    EQ(exo_reguard(CAPS, EXO_KIND_PAGE, a, 1, ~GUARD), 1);
    EQ(exo_page_info(a)->guard, ~GUARD);
    EQ(exo_page_info(a)->payer, EXO_ENV_INDEX(self()));
    *(volatile uint64_t *)SCRATCH = 1; // old bindings stay
    const struct exo_run second = {SCRATCH + 4096, a, 1, EXO_BIND_R};
    FAILS(exo_bind(EXO_CAPS(ROOT_CAP, 1), 0, &second, 1), CAP);
}

TEST(page_reguard_can_break_bindings)
{
    exo_page a = page_at(SCRATCH);
    *(volatile uint64_t *)SCRATCH = 1;
    EQ(exo_reguard(CAPS, EXO_KIND_PAGE | EXO_REGUARD_BREAK, a, 1, GUARD), 1);
    CHECK(load_faults(SCRATCH));
    EQ(exo_page_info(a)->bindings, 0);
    EQ(exo_page_info(a)->guard, GUARD);
}

TEST(page_reguard_needs_grant_over_both_guards)
{
    exo_page a = page_new(GUARD);
    EQ(exo_cap_grant(CAPS, 0, 1, GUARD, 32 | EXO_ALL << 8), 0);
    EQ(exo_cap_grant(CAPS, 0, 2, GUARD, 32 | (EXO_ALL & ~EXO_GRANT) << 8), 0);
    FAILS(exo_reguard(EXO_CAPS(NO_CAP, ROOT_CAP), EXO_KIND_PAGE, a, 1, 0), CAP);
    FAILS(exo_reguard(EXO_CAPS(2, ROOT_CAP), EXO_KIND_PAGE, a, 1, 0), CAP);
    FAILS(exo_reguard(EXO_CAPS(1, 1), EXO_KIND_PAGE, a, 1, 0), CAP);
    FAILS(exo_reguard(EXO_CAPS(1, 2), EXO_KIND_PAGE, a, 1, GUARD), CAP);
    EQ(exo_reguard(EXO_CAPS(1, ROOT_CAP), EXO_KIND_PAGE, a, 1, 0), 1);
}

TEST(page_reguard_refuses_what_is_nobodys)
{
    exo_page a = page_new(0);
    page_gone(a);
    FAILS(exo_reguard(CAPS, EXO_KIND_PAGE, a, 1, GUARD), STATE);
    FAILS(exo_reguard(CAPS, EXO_KIND_PAGE, 0, 1, GUARD), INVAL);
    FAILS(exo_reguard(CAPS, EXO_KIND_PAGE, exo_machine()->npages, 1, GUARD),
          INVAL);
    FAILS(exo_reguard(CAPS, EXO_KIND_PAGE, UINT64_MAX, 2, GUARD), INVAL);
    for (exo_page page = 1; page < exo_machine()->npages; page++)
        if (exo_page_info(page)->use == EXO_USE_KERNEL)
            FAILS(exo_reguard(CAPS, EXO_KIND_PAGE, page, 1, GUARD), STATE);
}

TEST(reguard_refuses_kinds_it_does_not_know)
{
    for (uint32_t kind = 0; kind < 40; kind++) {
        if (kind == EXO_KIND_PAGE || kind == EXO_KIND_ENV ||
            kind == EXO_KIND_SLOT || kind == EXO_KIND_CHAN ||
            kind == EXO_KIND_ATOM || kind == EXO_KIND_RING)
            continue;
        FAILS(exo_reguard(CAPS, kind, 1, 1, 0), INVAL);
    }
    FAILS(exo_reguard(CAPS, EXO_KIND_ENV | EXO_REGUARD_BREAK, self(), 1, 0),
          INVAL);
    FAILS(exo_reguard(CAPS, EXO_KIND_CHAN, 2, 1, 0), INVAL);
    FAILS(exo_reguard(CAPS, EXO_KIND_SLOT, EXO_SLOT(NCPUS, 0), 1, 0), INVAL);
    FAILS(exo_reguard(CAPS, EXO_KIND_SLOT, exo_machine()->nslots, 1, 0), INVAL);
    FAILS(exo_reguard(CAPS, EXO_KIND_ENV, self() + 0x10000, 1, 0), STALE);
}

TEST(page_reguard_does_part_and_says_how_much)
{
    exo_page p[2];
    pages_new(0, 0, p, 2);
    while (p[0] + 1 != p[1]) { // two that adjoin
        p[0] = page_new(0);
        p[1] = p[0] + 1;
        if (exo_page_alloc(CAPS, 0, 0, &p[1], 1) != 1)
            p[1] = 0;
    }
    exo_page third = p[1] + 1;
    if (exo_page_info(third)->use == EXO_USE_DATA)
        page_gone(third);
    EQ(exo_reguard(CAPS, EXO_KIND_PAGE, p[0], 3, GUARD), 2);
    EQ(exo_page_info(p[1])->guard, GUARD);
    EQ(exo_reguard(CAPS, EXO_KIND_PAGE, p[0], 0, 0), 0);
}

TEST(page_table_of_owners_shows_the_ledger)
{
    const char *fault = ledger_fault();
    if (fault)
        FAIL("%s", fault);
    struct kid *k = kid_start(0, sleep_forever, 0);
    exo_page p[5];
    pages_new(0, k->id, p, 5);
    fault = ledger_fault();
    if (fault)
        FAIL("%s", fault);
}

TEST(null_call_returns_zero)
{
    EQ(exo_null(), 0);
}
