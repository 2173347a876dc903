// SPDX-License-Identifier: MIT
/* pages.c: taking, choosing, caching and giving back physical pages. */
#include "lib/pages.h"

#include <exo/error.h>
#include <exo/info.h>
#include <exo/syscall.h>

#include "lib/start.h"

void
pages_free(const struct pages *pages, const exo_page *page, uint64_t count)
{
    while (count) {
        int64_t done = exo_page_free(pages->cap, page, count);
        if (done < 0 && done != -EXO_E_AGAIN)
            done = 1; // not ours any more: somebody took it
        if (done > 0) {
            page += done;
            count -= (uint64_t)done;
        }
    }
}

/* Allocates exactly what out[] says. All or none. */
static int64_t
alloc_all(struct pages *pages, exo_page *out, uint64_t count)
{
    uint64_t have = 0;
    while (have < count) {
        int64_t done =
            exo_page_alloc(EXO_CAPS(pages->cap, pages->control), pages->guard,
                           pages->payer, out + have, count - have);
        if (done == -EXO_E_AGAIN)
            continue; // it took a part of a dead env apart for us
        if (done < 0) {
            pages_free(pages, out, have);
            return done;
        }
        have += (uint64_t)done;
    }
    return 0;
}

/* Is a cached page still there? The kernel may have taken it. */
static bool
is_ours(const struct pages *pages, exo_page page)
{
    const volatile struct exo_page_info *info = exo_page_info(page);
    exo_env payer = pages->payer ? pages->payer : start_self();
    return info->payer == EXO_ENV_INDEX(payer) && info->use == EXO_USE_DATA;
}

/* Takes up to `count` pages out of the cache. */
static uint64_t
take_cached(struct pages *pages, exo_page *out, uint64_t count)
{
    uint64_t n = 0;
    while (n < count && pages->cached) {
        out[n] = pages->cache[--pages->cached];
        n += is_ours(pages, out[n]);
    }
    return n;
}

int64_t
pages_take(struct pages *pages, exo_page *out, uint64_t count)
{
    uint64_t cached = take_cached(pages, out, count);
    for (uint64_t i = cached; i < count; i++)
        out[i] = EXO_PAGE_ANY;
    int64_t error = alloc_all(pages, out + cached, count - cached);
    if (error)
        pages_give(pages, out, cached);
    return error;
}

int64_t
pages_stock(struct pages *pages, uint64_t count)
{
    if (count > PAGES_CACHE)
        count = PAGES_CACHE;
    for (uint64_t i = pages->cached; i < count; i++)
        pages->cache[i] = EXO_PAGE_ANY;
    if (count <= pages->cached)
        return 0;
    int64_t error =
        alloc_all(pages, pages->cache + pages->cached, count - pages->cached);
    if (!error)
        pages->cached = (uint32_t)count;
    return error;
}

static bool
is_free(exo_page page)
{
    const volatile struct exo_page_info *info = exo_page_info(page);
    return info->use == EXO_USE_FREE;
}

/* Asks for `count` pages from `first` on. Somebody may be faster: NONE. */
static int64_t
take_these(struct pages *pages, exo_page first, uint64_t count)
{
    exo_page page[16];
    for (uint64_t have = 0; have < count;) {
        uint64_t n = count - have < 16 ? count - have : 16;
        for (uint64_t i = 0; i < n; i++)
            page[i] = first + have + i;
        int64_t error = alloc_all(pages, page, n);
        if (error) {
            for (; have; have--) {
                page[0] = first + have - 1;
                pages_free(pages, page, 1);
            }
            return error;
        }
        have += n;
    }
    return 0;
}

int64_t
pages_take_run(struct pages *pages, exo_page *first, uint64_t count,
               uint64_t align)
{
    uint64_t npages = exo_machine()->npages, run = 0;
    for (exo_page n = 1; n < npages; n++) {
        run = is_free(n) && (run || n % align == 0) ? run + 1 : 0;
        if (run < count)
            continue;
        *first = n + 1 - count;
        int64_t error = take_these(pages, *first, count);
        if (error != -EXO_E_NONE)
            return error;
        run = 0;
    }
    return -EXO_E_NONE;
}

int64_t
pages_take_colour(struct pages *pages, exo_page *out, uint32_t colour,
                  uint32_t colours)
{
    uint64_t npages = exo_machine()->npages;
    for (exo_page n = colour; n < npages; n += colours) {
        if (!n || !is_free(n))
            continue;
        *out = n;
        int64_t error = take_these(pages, n, 1);
        if (error != -EXO_E_NONE)
            return error;
    }
    return -EXO_E_NONE;
}

void
pages_give(struct pages *pages, const exo_page *page, uint64_t count)
{
    while (count && pages->cached < PAGES_CACHE) {
        pages->cache[pages->cached++] = *page++;
        count--;
    }
    pages_free(pages, page, count);
}

uint64_t
pages_trim(struct pages *pages, uint64_t count)
{
    if (count > pages->cached)
        count = pages->cached;
    pages->cached -= (uint32_t)count;
    pages_free(pages, pages->cache + pages->cached, count);
    return count;
}

bool
pages_is_zero(exo_page page)
{
    const volatile struct exo_page_info *info = exo_page_info(page);
    return info->flags & EXO_PAGE_ZERO;
}
