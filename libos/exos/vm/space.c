// SPDX-License-Identifier: MIT
/* space.c: pages and bindings of this env; see space.h. */
#include "exos/vm/space.h"

#include <exo/error.h>
#include <exo/info.h>
#include <exo/syscall.h>

#include "lib/clock.h"
#include "lib/peek.h"
#include "lib/string.h"
#include "lib/upcall.h"

#define WINDOW_PAGES 20
#define GIBS         (EXOS_TOP >> 30)
#define LEAF_BYTES   UINT64_C(0x200000)

struct pages space_pages = {.cap = START_CAP_SELF};
struct map space_map = {.cap = START_CAP_SELF, .pages = &space_pages};

uint64_t space_bound, space_filled;

static struct window window;
static uint64_t leaves[GIBS][8]; // a bit for each leaf table bound below
static char copy[PAGE_BYTES];    // of a page about to be replaced

/* Where the entry for `va` stands. */
static const volatile uint64_t *
entry_of(uint64_t va)
{
    return (const volatile uint64_t *)EXOS_LEAVES + va / PAGE_BYTES;
}

static bool
has_leaf(uint64_t va)
{
    return leaves[va >> 30][va >> 27 & 7] >> (va >> 21 & 63) & 1;
}

uint64_t
space_entry(uint64_t va)
{
    uint64_t entry = va < EXOS_TOP && has_leaf(va) ? *entry_of(va) : 0;
    return entry & EXO_PTE_P ? entry : 0;
}

/* Was it refused only until the kernel has collected what it promised? Then
 * waits for that. */
static bool
is_worth_another(int64_t error)
{
    if (error != -EXO_E_WAIT)
        return false;
    exo_wait(EXO_EVENT_GRANT, clock_after(CLOCK_S), 0);
    __atomic_fetch_and(&UAREA->events, ~EXO_EVENT_GRANT, __ATOMIC_SEQ_CST);
    return true;
}

static int64_t
bind_runs(exo_cap cap, struct exo_run *runs, uint64_t count)
{
    int64_t error;
    do
        error = map_runs(&space_map, cap, runs, count);
    while (is_worth_another(error));
    return error;
}

static int64_t
bind_run(exo_cap cap, uint64_t va, exo_page page, uint32_t count,
         uint32_t flags)
{
    struct exo_run run = {va, page, count, flags};
    return bind_runs(cap, &run, 1);
}

/* Makes sure of a leaf table for `va`, and that it is bound at EXOS_LEAVES. */
static int64_t
need_leaf(uint64_t va)
{
    exo_page table;
    uint64_t entry;
    int64_t error;
    if (has_leaf(va))
        return 0;
    do
        error = map_table(&space_map, va, 1, &table);
    while (is_worth_another(error));
    if (error ==
        -EXO_E_BUSY) { // the loader made it, or it was made as a window
        error = peek_entry(&window, START_CAP_SELF, 0, va, 2, &entry);
        table = peek_page_of(entry);
    }
    if (!error)
        error =
            bind_run(START_CAP_SELF, EXOS_LEAVES + va / LEAF_BYTES * PAGE_BYTES,
                     table, 1, EXO_BIND_R);
    if (!error)
        leaves[va >> 30][va >> 27 & 7] |= UINT64_C(1) << (va >> 21 & 63);
    return error;
}

static int64_t
need_leaves(uint64_t va, uint64_t bytes)
{
    int64_t error = 0;
    for (uint64_t at = va & ~(LEAF_BYTES - 1); !error && at < va + bytes;
         at += LEAF_BYTES)
        error = need_leaf(at);
    return error;
}

bool
space_open(void)
{
    extern char _end[];
    if (window_open(&window, &space_map, EXOS_WINDOW, WINDOW_PAGES) ||
        need_leaves(EXO_FIRST_UAREA, (uint64_t)_end - EXO_FIRST_UAREA))
        return false;
    space_bound = space_count();
    return true;
}

/* Own pages under one leaf table. */
static uint64_t
count_leaf(uint64_t va)
{
    uint64_t n = 0;
    for (uint64_t at = va; at < va + LEAF_BYTES; at += PAGE_BYTES) {
        uint64_t entry = *entry_of(at);
        n += (entry & EXO_PTE_P) && !(entry & ENTRY_BORROWED);
    }
    return n;
}

uint64_t
space_count(void)
{
    uint64_t n = 0;
    for (uint64_t va = 0; va < EXOS_TOP; va += LEAF_BYTES)
        if (has_leaf(va))
            n += count_leaf(va);
    return n;
}

int64_t
space_bind(exo_cap cap, uint64_t va, exo_page page, uint32_t count,
           uint32_t flags)
{
    upcall_hold(UAREA);
    int64_t error = need_leaves(va, (uint64_t)count * PAGE_BYTES);
    if (!error)
        error = bind_run(cap, va, page, count, flags | SPACE_BORROWED);
    upcall_release(UAREA);
    return error;
}

/* The next stretch of pages that are bound, from *va to below `end`, at most
 * SPACE_RUN_PAGES. Result: how many; 0: there is none. */
static uint32_t
next_bound(uint64_t *va, uint64_t end)
{
    uint32_t count = 0;
    while (*va < end && !space_entry(*va))
        *va = has_leaf(*va) ? *va + PAGE_BYTES
                            : (*va & ~(LEAF_BYTES - 1)) + LEAF_BYTES;
    while (count < SPACE_RUN_PAGES && *va + count * PAGE_BYTES < end &&
           space_entry(*va + count * PAGE_BYTES))
        count++;
    return count;
}

/* Keeps borrowed pages read-only: who may write them is not decided here. */
int64_t
space_protect(uint64_t va, uint64_t bytes, uint32_t flags)
{
    uint64_t end = va + bytes;
    uint32_t count;
    int64_t error = 0;
    upcall_hold(UAREA);
    while (!error && (count = next_bound(&va, end)) != 0) {
        struct exo_run run[SPACE_RUN_PAGES];
        for (uint32_t i = 0; i < count; i++) {
            bool borrowed = space_entry(va + i * PAGE_BYTES) & ENTRY_BORROWED;
            uint32_t rights =
                borrowed ? (flags & ~(uint32_t)EXO_BIND_W) | SPACE_BORROWED
                         : flags;
            run[i] = (struct exo_run){va + i * PAGE_BYTES, 0, 1,
                                      rights | EXO_BIND_SAME};
        }
        error = bind_runs(START_CAP_SELF, run, count);
        va += count * PAGE_BYTES;
    }
    upcall_release(UAREA);
    return error;
}

void
space_check(void)
{
    uint32_t kept = 0;
    if (!UAREA->taken.count)
        return;
    for (uint32_t i = 0; i < space_pages.cached; i++) {
        exo_page page = space_pages.cache[i];
        const volatile struct exo_page_info *info = exo_page_info(page);
        if (info->payer == EXO_ENV_INDEX(UAREA->self) && !info->bindings)
            space_pages.cache[kept++] = page;
    }
    space_pages.cached = kept;
}

/* Takes `count` pages, waiting for what was promised. */
static int64_t
take(exo_page *page, uint32_t count)
{
    int64_t error;
    space_check();
    do
        error = pages_take(&space_pages, page, count);
    while (is_worth_another(error));
    return error;
}

static int64_t
bind_fresh(uint64_t va, const exo_page *page, uint32_t count)
{
    struct exo_run run[SPACE_RUN_PAGES];
    for (uint32_t i = 0; i < count; i++)
        run[i] = (struct exo_run){va + i * PAGE_BYTES, page[i], 1, EXO_BIND_W};
    return bind_runs(START_CAP_SELF, run, count);
}

int64_t
space_fill(uint64_t va, uint32_t count)
{
    exo_page page[SPACE_RUN_PAGES];
    bool zero[SPACE_RUN_PAGES];
    upcall_hold(UAREA);
    int64_t error = need_leaves(va, count * PAGE_BYTES);
    if (!error)
        error = take(page, count);
    if (!error) {
        for (uint32_t i = 0; i < count; i++)
            zero[i] = pages_is_zero(page[i]);
        error = bind_fresh(va, page, count);
        if (error) {
            bind_run(START_CAP_SELF, va, 0, count, 0);
            pages_give(&space_pages, page, count);
        }
    }
    for (uint32_t i = 0; !error && i < count; i++)
        if (!zero[i])
            memset((char *)va + i * PAGE_BYTES, 0, PAGE_BYTES);
    if (!error) {
        space_bound += count;
        space_filled += count;
    }
    upcall_release(UAREA);
    return error;
}

void
space_clean(uint64_t va, uint32_t count)
{
    bool dirty = false;
    upcall_hold(UAREA);
    for (uint32_t i = 0; i < count; i++)
        dirty = dirty || (space_entry(va + i * PAGE_BYTES) & EXO_PTE_D);
    if (dirty)
        bind_run(START_CAP_SELF, va, 0, count,
                 EXO_BIND_W | EXO_BIND_SAME | EXO_BIND_CLEAN);
    upcall_release(UAREA);
}

int64_t
space_copy(uint64_t va, uint32_t flags)
{
    exo_page page;
    upcall_hold(UAREA);
    int64_t error = take(&page, 1);
    if (!error) {
        memcpy(copy, (const char *)va, PAGE_BYTES);
        error = bind_run(START_CAP_SELF, va, page, 1, EXO_BIND_W);
        if (error) {
            pages_give(&space_pages, &page, 1);
        } else {
            memcpy((char *)va, copy, PAGE_BYTES);
            space_bound++;
        }
        if (!error && !(flags & EXO_BIND_W))
            error = bind_run(START_CAP_SELF, va, 0, 1, flags | EXO_BIND_SAME);
    }
    upcall_release(UAREA);
    return error;
}

uint64_t
space_empty(uint64_t va, uint64_t bytes)
{
    uint64_t end = va + bytes, given = 0;
    uint32_t count;
    upcall_hold(UAREA);
    while ((count = next_bound(&va, end)) != 0) {
        exo_page page[SPACE_RUN_PAGES];
        uint32_t n = 0;
        for (uint32_t i = 0; i < count; i++) {
            uint64_t entry = space_entry(va + i * PAGE_BYTES);
            if (!(entry & ENTRY_BORROWED))
                page[n++] = peek_page_of(entry);
        }
        bind_run(START_CAP_SELF, va, 0, count, 0);
        pages_give(&space_pages, page, n);
        given += n;
        space_bound -= n;
        va += count * PAGE_BYTES;
    }
    upcall_release(UAREA);
    return given;
}

uint64_t
space_left(void)
{
    const volatile struct exo_account *account =
        &exo_env_info(UAREA->self)->account[EXO_KIND_PAGE];
    uint32_t limit = account->limit, used = account->used;
    return limit > used ? limit - used : 0;
}
