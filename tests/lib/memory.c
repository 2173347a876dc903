// SPDX-License-Identifier: MIT
/*
 * Pages, tables and bindings for tests: see test.h.
 *
 * The first env presents slot 0 for everything. To see a table's entries, the
 * table is bound read-only at a window of addresses, one page for each level.
 */
#include "lib.h"

#define PEEK 0x3f000000ull // where tables are bound to be read

void
pages_new(exo_guard guard, exo_env payer, exo_page *pages, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        pages[i] = EXO_PAGE_ANY;
    for (unsigned done = 0; done < n;) {
        int64_t got =
            exo_page_alloc(CAPS, guard, payer, pages + done, n - done);
        if (got == -EXO_E_AGAIN)
            continue;
        OK(got);
        done += (unsigned)got;
    }
}

exo_page
page_new(exo_guard guard)
{
    exo_page page;
    pages_new(guard, 0, &page, 1);
    return page;
}

exo_page
table_new(exo_guard guard, exo_env payer, unsigned level, uint64_t va)
{
    exo_page page;
    pages_new(guard, payer, &page, 1);
    OK(exo_table_make(ROOT_CAP, page, level, va));
    return page;
}

static exo_page
own_root(void)
{
    return ME->root;
}

static unsigned
index_of(uint64_t va, unsigned level)
{
    return va >> (3 + 9 * level) & 511;
}

/* The leaf table of the peek window, which nothing else uses. */
void
peek_prepare(void)
{
    exo_page table = table_new(0, 0, 1, PEEK);
    int64_t linked = exo_table_link(CAPS, 0, PEEK, 1, table);
    if (linked == -EXO_E_TABLE) {
        exo_page middle = table_new(0, 0, 2, PEEK);
        OK(exo_table_link(CAPS, 0, PEEK, 2, middle));
        linked = exo_table_link(CAPS, 0, PEEK, 1, table);
    }
    OK(linked);
    for (unsigned half = 0; half < 2; half++)
        OK(exo_table_extra(CAPS, table, half, page_new(0)));
}

static uint64_t
read_entry(exo_page table, unsigned index)
{
    struct exo_run run = {PEEK, table, 1, EXO_BIND_R};
    OK(exo_bind(CAPS, 0, &run, 1));
    uint64_t entry = ((volatile uint64_t *)PEEK)[index];
    run.flags = 0;
    OK(exo_bind(CAPS, 0, &run, 1));
    return entry;
}

exo_page
table_of(exo_page root, uint64_t va, unsigned level)
{
    exo_page table = root ? root : own_root();
    for (unsigned l = 4; l > level; l--) {
        uint64_t entry = read_entry(table, index_of(va, l));
        if (!(entry & EXO_PTE_P) || (entry & EXO_PTE_PS))
            return 0;
        table = (entry & EXO_PTE_PAGE) >> EXO_PAGE_SHIFT;
    }
    return table;
}

uint64_t
entry_of(exo_page root, uint64_t va, unsigned level)
{
    exo_page table = table_of(root, va, level);
    return table ? read_entry(table, index_of(va, level)) : 0;
}

void
entries_of(exo_page root, uint64_t va, uint64_t *entries, unsigned n)
{
    struct exo_run run = {PEEK, table_of(root, va, 1), 1, EXO_BIND_R};
    CHECK(run.page && index_of(va, 1) + n <= 512);
    OK(exo_bind(CAPS, 0, &run, 1));
    for (unsigned i = 0; i < n; i++)
        entries[i] = ((volatile uint64_t *)PEEK)[index_of(va, 1) + i];
    run.flags = 0;
    OK(exo_bind(CAPS, 0, &run, 1));
}

exo_page
leaf_ensure(exo_page root, exo_env payer, exo_guard guard, uint64_t va,
            bool with_links)
{
    for (unsigned level = 3; level >= 1; level--)
        if (!table_of(root, va, level))
            OK(exo_table_link(CAPS, root, va, level,
                              table_new(guard, payer, level, va)));
    exo_page leaf = table_of(root, va, 1);
    for (unsigned half = 0; half < 2 && with_links; half++) {
        exo_page link;
        pages_new(guard, payer, &link, 1);
        OK(exo_table_extra(CAPS, leaf, half, link));
    }
    return leaf;
}

int64_t
bind_one(exo_page root, uint64_t va, exo_page page, uint32_t flags)
{
    const struct exo_run run = {va, page, 1, flags};
    return exo_bind(CAPS, root, &run, 1);
}

void
bind_run(exo_page root, struct exo_run run)
{
    while (run.count) {
        int64_t done = exo_bind(CAPS, root, &run, 1);
        CHECK(done > 0);
        run.va += (uint64_t)done * EXO_PAGE_BYTES;
        run.page += run.page ? (exo_page)done : 0;
        run.count -= (uint32_t)done;
    }
}

void
bind_here(uint64_t va, exo_page page, uint32_t flags)
{
    int64_t result = bind_one(0, va, page, flags);
    if (result == -EXO_E_TABLE) {
        leaf_ensure(0, 0, 0, va, true);
        result = bind_one(0, va, page, flags);
    }
    EQ(result, 1);
}

void
unbind_here(uint64_t va)
{
    EQ(bind_one(0, va, 0, 0), 1);
}

exo_page
page_at(uint64_t va)
{
    exo_page page = page_new(0);
    bind_here(va, page, EXO_BIND_R | EXO_BIND_W);
    return page;
}

void
page_gone(exo_page page)
{
    int64_t result;
    do
        result = exo_page_free(ROOT_CAP, &page, 1);
    while (result == -EXO_E_AGAIN);
    EQ(result, 1);
}

void
fill(void *to, uint64_t pattern, size_t bytes)
{
    for (size_t i = 0; i < bytes / 8; i++)
        ((volatile uint64_t *)to)[i] = pattern;
}

bool
is_filled(const void *at, uint64_t pattern, size_t bytes)
{
    for (size_t i = 0; i < bytes / 8; i++)
        if (((const volatile uint64_t *)at)[i] != pattern)
            return false;
    return true;
}

/* Compilers call these by themselves. */
void *
memset(void *to, int c, size_t n)
{
    void *at = to;
    __asm__ volatile("rep stosb" : "+D"(at), "+c"(n) : "a"(c) : "memory");
    return to;
}

void *
memcpy(void *to, const void *from, size_t n)
{
    void *at = to;
    __asm__ volatile("rep movsb" : "+D"(at), "+S"(from), "+c"(n) : : "memory");
    return to;
}

int64_t
page_merge(exo_page head)
{
    int64_t error;
    do
        error = exo_page_size(ROOT_CAP, head, 1);
    while (error == -EXO_E_AGAIN);
    return error;
}
