// SPDX-License-Identifier: MIT
/*
 * pages.h: physical pages for one payer, with a small cache of free ones.
 *
 * The kernel hands out pages by number and exposes who has which; choosing is
 * library work. pages_take() takes whatever is at hand, pages_take_run() and
 * pages_take_colour() look for free pages in the exposed table and ask for
 * exactly those. Pages given back stay in the cache until it is full or
 * pages_trim() is called, as one does when the kernel asks for pages back.
 *
 * The content of a page that was taken is unspecified unless pages_is_zero().
 * Nothing here waits, and nothing here is safe against an upcall handler that
 * uses the same struct: hold upcalls around it (upcall.h).
 */
#ifndef LIB_PAGES_H
#define LIB_PAGES_H

#include <exo/types.h>

#define PAGES_CACHE 32

struct pages {
    exo_cap cap;     // GRANT over `guard`
    exo_cap control; // CONTROL over `payer`, when that is not 0
    exo_guard guard; // what the pages are guarded with
    exo_env payer;   // who pays; 0: the caller
    uint32_t cached;
    exo_page cache[PAGES_CACHE];
};

/* Takes `count` pages into `out`. All or none.
 * Errors: those of exo_page_alloc. After WAIT, EXO_EVENT_GRANT follows. */
int64_t pages_take(struct pages *pages, exo_page *out, uint64_t count);

/* Fills the cache up to `count` pages, in fewer calls than taking them singly.
 * Errors: those of exo_page_alloc; then the cache is as it was. */
int64_t pages_stock(struct pages *pages, uint64_t count);

/* Takes `count` consecutive pages, the first a multiple of `align` (a power of
 * two, in pages). Errors: NONE there is no such run; those of exo_page_alloc.
 */
int64_t pages_take_run(struct pages *pages, exo_page *first, uint64_t count,
                       uint64_t align);

/* Takes a page of a cache colour: page number = colour modulo `colours`.
 * Errors: as pages_take_run. */
int64_t pages_take_colour(struct pages *pages, exo_page *out, uint32_t colour,
                          uint32_t colours);

/* Gives pages back: to the cache, and to the kernel what does not fit there.
 * needs: DATA pages that are not bound. */
void pages_give(struct pages *pages, const exo_page *page, uint64_t count);

/* Gives pages back to the kernel, which breaks their bindings. Tables too. */
void pages_free(const struct pages *pages, const exo_page *page,
                uint64_t count);

/* Returns up to `count` cached pages to the kernel. Result: how many. */
uint64_t pages_trim(struct pages *pages, uint64_t count);

/* Does the page read as zeros? True only if it was never bound writable since
 * the kernel zeroed it. */
bool pages_is_zero(exo_page page);

#endif
