// SPDX-License-Identifier: MIT
/*
 * What each use of a page may be bound as; 2 MiB pages; W^X.
 *
 * Must be seen: tables and kernel-held pages are never writable, nothing shows
 * its neighbours, and writable and executable exclude each other over aliases,
 * spaces and sizes.
 */
#include "test.h"

#define GUARD UINT64_C(0x7654321000000000)

#define LEAF_SIZE 0x200000ull

static void
run_at(uint64_t va)
{
    ((void (*)(void))va)();
}

TEST(bind_needs_a_page_that_may_be_bound)
{
    struct kid *k = kid_new(&(struct kid_plan){.flags = KID_LOG | KID_FPU},
                            sleep_forever, 0);
    leaf_ensure(0, 0, 0, SCRATCH, true);
    exo_page link = page_new(0), leaf = table_of(0, SCRATCH, 1);
    leaf_ensure(0, 0, 0, SCRATCH + LEAF_SIZE, false);
    exo_page other = table_of(0, SCRATCH + LEAF_SIZE, 1);
    EQ(exo_table_extra(CAPS, other, 0, link), 0);
    exo_page freed = page_new(0);
    page_gone(freed);
    const exo_page never[] = {k->save, k->fpu, link, freed, 1};
    for (unsigned i = 0; i < ARRAY_SIZE(never); i++) {
        FAILS(bind_one(0, SCRATCH, never[i], R), STATE);
        FAILS(bind_one(0, SCRATCH, never[i], RW), STATE);
    }
    const exo_page written[] = {k->uarea_page, k->upcall, k->log_page};
    for (unsigned i = 0; i < ARRAY_SIZE(written); i++) {
        EQ(bind_one(0, SCRATCH, written[i], RW), 1);
        FAILS(bind_one(0, SCRATCH, written[i], RX), EXCL);
        unbind_here(SCRATCH);
    }
    const exo_page tables[] = {ME->root, leaf, k->root, k->table[0]};
    for (unsigned i = 0; i < ARRAY_SIZE(tables); i++) {
        EQ(bind_one(0, SCRATCH, tables[i], R), 1);
        FAILS(bind_one(0, SCRATCH, 0, EXO_BIND_SAME | RW), EXCL);
        FAILS(bind_one(0, SCRATCH, 0, EXO_BIND_SAME | RX), EXCL);
        FAILS(bind_one(0, SCRATCH + 4096, tables[i], RW), EXCL);
        FAILS(bind_one(0, SCRATCH + 4096, tables[i], RX), EXCL);
        unbind_here(SCRATCH);
    }
}

TEST(bind_of_kernel_memory_is_refused)
{
    leaf_ensure(0, 0, 0, SCRATCH, true);
    unsigned refused = 0;
    for (exo_page page = 1; page < exo_machine()->npages; page++) {
        unsigned use = exo_page_info(page)->use;
        if (use != EXO_USE_KERNEL && use != EXO_USE_NONE)
            continue;
        FAILS(bind_one(0, SCRATCH, page, R), STATE);
        FAILS(bind_one(0, SCRATCH, page, RW), STATE);
        refused++;
    }
    CHECK(refused > 16);
}

TEST(bind_of_the_trace_ring_is_read_only)
{
    exo_page ring = exo_cpu_info(0)->trace_page;
    EQ(exo_page_info(ring)->use, EXO_USE_EXPOSED);
    bind_here(SCRATCH, ring, R);
    (void)*word(SCRATCH);
    FAILS(bind_one(0, SCRATCH, ring, RW), EXCL);
    FAILS(bind_one(0, SCRATCH, ring, RX), EXCL);
    EQ(exo_cap_grant(CAPS, 0, 1, UINT64_C(1) << 63, 1 | EXO_ALL << 8), 0);
    const struct exo_run run = {SCRATCH, ring, 1, R};
    FAILS(exo_bind(EXO_CAPS(ROOT_CAP, 1), 0, &run, 1), CAP);
    unbind_here(SCRATCH);
}

/* A 2 MiB page of mine; skips if there is none. */
static exo_page
large_page(void)
{
    for (exo_page head = 512; head + 512 <= exo_machine()->npages;
         head += 512) {
        unsigned free = 0;
        while (free < 512 && exo_page_info(head + free)->use == EXO_USE_FREE)
            free++;
        if (free < 512)
            continue;
        for (exo_page page = head; page < head + 512; page++) {
            exo_page p = page;
            EQ(exo_page_alloc(CAPS, 0, 0, &p, 1), 1);
        }
        EQ(page_merge(head), 0);
        return head;
    }
    skip("no 2 MiB of memory are free");
}

TEST(bind_large_needs_a_large_page)
{
    // Whatever else stands at a multiple of 512: its neighbours must not show.
    exo_page head = large_page();
    EQ(exo_page_size(ROOT_CAP, head, 0), 0);
    leaf_ensure(0, 0, 0, SCRATCH, false);
    uint64_t va = SCRATCH + LEAF_SIZE;
    uint32_t large = EXO_BIND_LARGE;
    FAILS(bind_one(0, va, head, R | large), STATE);
    EQ(exo_table_make(ROOT_CAP, head, 4, 0), 0);
    FAILS(bind_one(0, va, head, R | large), STATE);
    page_gone(head);
    EQ(exo_page_alloc(CAPS, 0, 0, &head, 1), 1);
    struct exo_env_spec s = {.root = table_new(0, 0, 4, 0),
                             .save = page_new(0),
                             .stack = {page_new(0)},
                             .rip = EXO_USER_MIN,
                             .cpu = EXO_CPU_ANY};
    s.uarea = head;
    s.share[EXO_KIND_PAGE] = (struct exo_share){8, 8};
    OK(exo_env_create(CAPS, &s));
    EQ(exo_page_info(head)->use, EXO_USE_UAREA);
    FAILS(bind_one(0, va, head, R | large), STATE);
    FAILS(bind_one(0, va, head, RW | large), STATE);
    for (exo_page page = 512; page < exo_machine()->npages; page += 512)
        if (exo_page_info(page)->use != EXO_USE_DATA)
            CHECK(bind_one(0, va, page, R | large) < 0);
}

TEST(bind_large_checks_what_is_there)
{
    exo_page head = large_page(), a = page_new(0);
    leaf_ensure(0, 0, 0, SCRATCH, true);
    FAILS(bind_one(0, SCRATCH, head, RW | EXO_BIND_LARGE), TABLE);
    FAILS(bind_one(0, SCRATCH, 0, EXO_BIND_LARGE), TABLE);
    uint64_t va = SCRATCH + LEAF_SIZE;
    EQ(bind_one(0, va, head, RW | EXO_BIND_LARGE), 1);
    FAILS(bind_one(0, va, a, R), TABLE);
    FAILS(bind_one(0, va, 0, 0), TABLE);
    exo_page leaf = table_new(0, 0, 1, va);
    FAILS(exo_table_link(CAPS, 0, va, 1, leaf), BUSY);
    EQ(entry_of(0, va, 2) & EXO_PTE_PS, EXO_PTE_PS);
    EQ(bind_one(0, va, 0, EXO_BIND_SAME | EXO_BIND_LARGE | R), 1);
    CHECK(store_faults(va));
    EQ(entry_of(0, va, 2) & EXO_PTE_PS, EXO_PTE_PS);
    EQ(bind_one(0, va, 0, EXO_BIND_LARGE), 1);
    EQ(exo_table_link(CAPS, 0, va, 1, leaf), 0);
}

TEST(bind_large_is_broken_by_force_like_others)
{
    exo_page head = large_page();
    leaf_ensure(0, 0, 0, SCRATCH, false);
    uint64_t va = SCRATCH + LEAF_SIZE;
    EQ(bind_one(0, va, head, RW | EXO_BIND_LARGE), 1);
    *word(va + 0x100000) = 1;
    struct exo_run run = {va, 0, 1, EXO_BIND_SAME | EXO_BIND_LARGE | R};
    EQ(exo_bind(CAPS, 0, &run, 1), 1);
    CHECK(store_faults(va + 0x100000));
    EQ(exo_page_size(ROOT_CAP, head, 0), -EXO_E_STATE);
    int64_t n;
    while ((n = exo_reguard(CAPS, EXO_KIND_PAGE | EXO_REGUARD_BREAK, head, 1,
                            0)) == -EXO_E_AGAIN)
        ;
    if (n == -EXO_E_STATE) // not offered for 2 MiB pages
        EQ(bind_one(0, va, 0, EXO_BIND_LARGE), 1);
    CHECK(load_faults(va + 0x100000));
    EQ(exo_page_info(head)->bindings, 0);
    EQ(exo_page_size(ROOT_CAP, head, 0), 0);
}

TEST(writable_and_executable_exclude_each_other_over_aliases)
{
    exo_page a = page_at(SCRATCH);
    FAILS(bind_one(0, SCRATCH + 4096, a, RX), EXCL);
    EQ(bind_one(0, SCRATCH, 0, EXO_BIND_SAME | R), 1);
    EQ(bind_one(0, SCRATCH + 4096, a, RX), 1);
    FAILS(bind_one(0, SCRATCH, 0, EXO_BIND_SAME | RW), EXCL);
    FAILS(bind_one(0, SCRATCH, a, RW), EXCL);
    FAILS(bind_one(0, SCRATCH + 8192, a, RW), EXCL);
    EQ(bind_one(0, SCRATCH + 4096, 0, 0), 1);
    EQ(bind_one(0, SCRATCH, 0, EXO_BIND_SAME | RW), 1);
}

TEST(writable_and_executable_exclude_each_other_over_spaces)
{
    struct kid *k = kid_new(&(struct kid_plan){0}, sleep_forever, 0);
    exo_page a = page_at(SCRATCH);
    uint64_t there = EXO_FIRST_UAREA + 0x20000;
    FAILS(bind_one(k->root, there, a, RX), EXCL);
    EQ(bind_one(0, SCRATCH, 0, EXO_BIND_SAME | RX), 1);
    FAILS(bind_one(k->root, there, a, RW), EXCL);
    EQ(bind_one(k->root, there, a, RX), 1);
    unbind_here(SCRATCH);
    FAILS(bind_one(0, SCRATCH, a, RW), EXCL);
    kid_end(k);
    EQ(bind_one(0, SCRATCH, a, RW), 1);
}

TEST(rebinding_in_place_may_turn_writable_into_executable)
{
    exo_page a = page_at(SCRATCH);
    *(volatile uint8_t *)SCRATCH = 0xc3;
    EQ(bind_one(0, SCRATCH, a, RX), 1);
    CHECK(!catches(run_at, SCRATCH));
    EQ(bind_one(0, SCRATCH, a, RW), 1);
    CHECK(catches(run_at, SCRATCH));
}

TEST(program_text_cannot_be_made_writable)
{
    uint64_t text = (uint64_t)run_at & ~UINT64_C(4095);
    exo_page page = (entry_of(0, text, 1) & EXO_PTE_PAGE) >> 12;
    leaf_ensure(0, 0, 0, SCRATCH, true);
    FAILS(bind_one(0, SCRATCH, page, RW), EXCL);
    CHECK(store_faults(text));
    FAILS(exo_table_make(ROOT_CAP, page, 1, 0), EXCL);
}

/* ---- EXO_ENV_WX --------------------------------------------------------- */

#define JIT   (EXO_FIRST_UAREA + 0x20000) // in the leaf table of a kid's block
#define ALIAS (JIT + EXO_PAGE_BYTES)
#define HERE  EXO_CAPS(0, 0) // a kid's capability over its own

static exo_page
own_page(void)
{
    exo_page page = EXO_PAGE_ANY;
    EQ(exo_page_alloc(HERE, own_of(uarea())->arg, 0, &page, 1), 1);
    return page;
}

static int64_t
bind_own(uint64_t va, exo_page page, uint32_t flags)
{
    const struct exo_run run = {va, page, 1, flags};
    return exo_bind(HERE, 0, &run, 1);
}

/* mov eax, imm32; ret */
static void
emit(uint64_t at, uint32_t value)
{
    volatile uint8_t *code = (volatile uint8_t *)at;
    code[0] = 0xb8;
    for (unsigned i = 0; i < 4; i++)
        code[1 + i] = (uint8_t)(value >> 8 * i);
    code[5] = 0xc3;
}

/* Writes code at one address, runs it at another, and changes it while it may
 * be run. One binding is never both. */
static void
compile(uint64_t unused)
{
    (void)unused;
    exo_page page = own_page();
    FAILS(bind_own(JIT, page, RW | EXO_BIND_X), INVAL);
    EQ(bind_own(ALIAS, page, RW), 1);
    EQ(bind_own(JIT, page, RX), 1);
    for (uint32_t i = 0; i < 3; i++) {
        emit(ALIAS, 40 + i);
        EQ(((uint32_t(*)(void))JIT)(), 40 + i);
    }
    CHECK(store_faults(JIT));
    CHECK(catches(run_at, ALIAS));
    // Tables and what the kernel holds stay what they are.
    FAILS(bind_own(ALIAS, (exo_page)ME->root, RW), EXCL);
    FAILS(bind_own(ALIAS, (exo_page)ME->root, RX), EXCL);
}

static struct kid *
compiler_new(unsigned flags, void (*entry)(uint64_t))
{
    struct kid *k =
        kid_new(&(struct kid_plan){.flags = flags, .envs = 2}, entry, 0);
    k->own->arg = k->guard;
    return k;
}

TEST(an_env_exempt_from_wx_may_write_what_it_runs)
{
    struct kid *k = compiler_new(KID_WX, compile);
    CHECK(kid_info(k)->flags & EXO_ENV_WX);
    kid_go(k);
    EQ(kid_join(k), 0);
}

static void
compile_not(uint64_t unused)
{
    (void)unused;
    exo_page page = own_page();
    EQ(bind_own(ALIAS, page, RW), 1);
    FAILS(bind_own(JIT, page, RX), EXCL);
    EQ(bind_own(ALIAS, 0, EXO_BIND_SAME | RX), 1);
    FAILS(bind_own(JIT, page, RW), EXCL);
}

TEST(an_env_that_is_not_exempt_may_not)
{
    struct kid *k = compiler_new(0, compile_not);
    CHECK(!(kid_info(k)->flags & EXO_ENV_WX));
    kid_go(k);
    EQ(kid_join(k), 0);
}

/* The exemption is of who binds, not of the space or the page. */
TEST(nobody_binds_so_for_one_that_is_exempt)
{
    struct kid *k = compiler_new(KID_WX, sleep_forever);
    exo_page page;
    pages_new(k->guard, k->id, &page, 1);
    EQ(bind_one(k->root, JIT, page, RX), 1);
    FAILS(bind_one(k->root, ALIAS, page, RW), EXCL);
    leaf_ensure(0, 0, 0, SCRATCH, true);
    FAILS(bind_one(0, SCRATCH, page, RW), EXCL);
}

/* Makes a child that asks for `flags`. */
static int64_t
make_child(uint32_t flags)
{
    const exo_guard guard = own_of(uarea())->arg;
    struct exo_env_spec s = {.guard = guard,
                             .root = ME->root,
                             .save = own_page(),
                             .uarea = own_page(),
                             .stack = {own_page()},
                             .rip = EXO_USER_MIN,
                             .flags = flags,
                             .cpu = EXO_CPU_ANY};
    s.share[EXO_KIND_PAGE] = (struct exo_share){4, 4};
    return exo_env_create(HERE, &s);
}

static void
make_children(uint64_t unused)
{
    (void)unused;
    bool exempt = ME->flags & EXO_ENV_WX;
    int64_t child = make_child(EXO_ENV_WX);
    if (!exempt) {
        EQ(child, -EXO_E_CAP);
    } else {
        OK(child);
        CHECK(exo_env_info((exo_env)child)->flags & EXO_ENV_WX);
    }
    child = make_child(0);
    OK(child);
    CHECK(!(exo_env_info((exo_env)child)->flags & EXO_ENV_WX));
}

TEST(only_who_is_exempt_hands_the_exemption_on)
{
    for (unsigned i = 0; i < 2; i++) {
        struct kid *k = compiler_new(i ? KID_WX : 0, make_children);
        kid_go(k);
        EQ(kid_join(k), 0);
    }
}

static void
seal_and_compile(uint64_t unused)
{
    (void)unused;
    exo_page page = own_page();
    int64_t at = 0;
    do
        at = exo_table_seal(0, 0, (uint64_t)at);
    while (at > 0);
    EQ(at, 0);
    EQ(bind_own(ALIAS, page, RW), 1);
    FAILS(bind_own(JIT, page, RX), EXCL);
}

TEST(a_sealed_env_is_not_exempt_any_more)
{
    struct kid *k = compiler_new(KID_WX | KID_COPY, seal_and_compile);
    kid_go(k);
    EQ(kid_join(k), 0);
}
