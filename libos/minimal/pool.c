// SPDX-License-Identifier: MIT
/*
 * pool.c: memory that comes on demand and goes when somebody needs it more.
 *
 * Three upcalls do it: FAULT brings a page in, REVOKE gives pages back, and
 * REPOSSESSED learns which were taken after all. The release order, which the
 * kernel may read too, holds the pages that came first; what is not in it is
 * found by looking through `page`. Handlers run with asynchronous upcalls
 * masked, so they never meet each other.
 */
#include "minimal/minimal.h"

#include "lib/peek.h"

#define PAGE_FAULT  14
#define NOT_PRESENT 1 // this bit of the error code is clear then [SDM3 4.7]
#define ORDER_MAX   (EXO_PAGE_BYTES / sizeof(exo_page))

struct pool_counts pool_counts;

static struct {
    uint64_t pages;
    exo_page *page; // by index; 0: not resident
    pool_fill_fn *fill;
    exo_page *order;           // page numbers, in the release page
    uint32_t index[ORDER_MAX]; // of each
    uint32_t count;            // in the order
    uint64_t hand;             // where to look for more
} pool;

static uint64_t
va_of(uint64_t index)
{
    return MINIMAL_POOL + index * EXO_PAGE_BYTES;
}

static void
order_add(uint64_t index)
{
    if (pool.count == ORDER_MAX)
        return;
    pool.order[pool.count] = pool.page[index];
    pool.index[pool.count] = (uint32_t)index;
    UAREA->release_count = ++pool.count;
}

/* Drops what is no longer resident, and looks for more when nothing is left. */
static void
order_renew(void)
{
    uint32_t had = pool.count;
    UAREA->release_count = pool.count = 0;
    for (uint32_t i = 0; i < had; i++)
        if (pool.page[pool.index[i]] == pool.order[i])
            order_add(pool.index[i]);
    for (uint64_t n = 0; !pool.count && n < pool.pages; n++) {
        pool.hand = (pool.hand + 1) % pool.pages;
        if (pool.page[pool.hand])
            order_add(pool.hand);
    }
}

/* Takes the least valuable page out. Result: its number, 0: there is none. */
static exo_page
evict(void)
{
    order_renew();
    if (!pool.count)
        return 0;
    uint32_t index = pool.index[0];
    exo_page page = pool.page[index];
    map_run(&page_map, START_CAP_SELF, va_of(index), 0, 1, 0);
    pool.page[index] = 0;
    pool_counts.have--;
    return page;
}

/* Does the kernel's table still say that the page is ours and bound? */
static bool
is_lost(exo_page page)
{
    const volatile struct exo_page_info *info = exo_page_info(page);
    return info->payer != EXO_ENV_INDEX(UAREA->self) || info->bindings == 0;
}

/* The list in the u-area names the pages; finding them here by number is a
 * search, so the search asks the exposed table instead and misses none. */
static void
on_repossessed(struct exo_frame *frame)
{
    (void)frame;
    UAREA->taken.more = 0;
    UAREA->taken.count = 0;
    for (uint64_t i = 0; i < pool.pages; i++) {
        if (!pool.page[i] || !is_lost(pool.page[i]))
            continue;
        pool.page[i] = 0;
        pool_counts.have--;
        pool_counts.lost++;
    }
    event_raise(POOL_EVENT);
}

static void
on_revoke(struct exo_frame *frame)
{
    (void)frame;
    uint64_t wanted = UAREA->revoke.count;
    uint64_t given = pages_trim(&page_own, wanted);
    pool_counts.asked += wanted;
    for (; given < wanted; given++) {
        exo_page page = evict();
        if (!page)
            break;
        pages_free(&page_own, &page, 1);
    }
    pool_counts.back += given;
    event_raise(POOL_EVENT);
}

/* Gets a page for the pool, from the kernel or from another place in the pool.
 */
static exo_page
take_page(void)
{
    exo_page page;
    if (page_take(&page) == 0)
        return page;
    pool_counts.out++;
    return evict();
}

/* Binds a page to a place that has none. A table that this needs is made from
 * a page of the pool when there is no other. 0: the kernel took the page. */
static exo_page
place(uint64_t index, exo_page page)
{
    int64_t error = -EXO_E_NONE;
    if (UAREA->taken.count) // or a page taken and got again has two places
        on_repossessed(NULL);
    for (unsigned tries = 0; error && tries < 4; tries++) {
        error = page_bind(va_of(index), page);
        if (error == -EXO_E_CAP || error == -EXO_E_STATE)
            return 0;
        exo_page other = error ? take_page() : 0;
        if (other)
            pages_give(&page_own, &other, 1);
    }
    return error ? 0 : page;
}

static bool
page_in(uint64_t index)
{
    exo_page page = 0;
    bool zero = false;
    for (unsigned tries = 0; !page && tries < 16; tries++) {
        page = take_page();
        zero = page && pages_is_zero(page);
        page = page ? place(index, page) : 0;
    }
    if (!page)
        return false;
    pool.page[index] = page;
    order_add(index);
    if (pool.fill)
        pool.fill(index, (void *)va_of(index));
    else if (!zero)
        memset((void *)va_of(index), 0, EXO_PAGE_BYTES);
    pool_counts.in++;
    pool_counts.have++;
    return true;
}

static void
on_fault(struct exo_frame *frame)
{
    uint64_t index = (frame->addr - MINIMAL_POOL) / EXO_PAGE_BYTES;
    bool ours = frame->cause == PAGE_FAULT && !(frame->error & NOT_PRESENT) &&
                frame->addr >= MINIMAL_POOL && index < pool.pages;
    /* Without a handler the same fault ends the env, with the right registers.
     */
    if (!ours || !page_in(index))
        upcall_set(UAREA, EXO_UP_FAULT, NULL);
}

int64_t
pool_open(uint64_t pages, pool_fill_fn *fill)
{
    uint64_t words = pages * sizeof(exo_page);
    exo_page page;
    pool.page = page_grow((words + EXO_PAGE_BYTES - 1) / EXO_PAGE_BYTES);
    pool.order = page_grow(1);
    if (!pool.page || !pool.order || !page_window())
        return -EXO_E_LIMIT;
    int64_t error = peek_page(page_window(), START_CAP_SELF, 0,
                              (uint64_t)pool.order, &page);
    if (error)
        return error;
    pool.pages = pages;
    pool.fill = fill;
    UAREA->release[0] = page;
    upcall_set(UAREA, EXO_UP_FAULT, on_fault);
    upcall_set(UAREA, EXO_UP_REVOKE, on_revoke);
    upcall_set(UAREA, EXO_UP_REPOSSESSED, on_repossessed);
    return 0;
}
