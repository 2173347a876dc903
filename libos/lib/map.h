// SPDX-License-Identifier: MIT
/*
 * map.h: bindings that bring their tables with them.
 *
 * A struct map is one address space, the caller's own or another env's.
 * map_runs() writes bindings; where a table is missing it makes and links one,
 * where a table has no room to record a further binding (exo/tlb.h) it puts a
 * link page beside it. Both come from `pages` and are charged to its payer.
 * No other record is kept but of the table made last: the page tables
 * themselves say what there is.
 *
 * A struct window is a few pages of the caller's own address space where it
 * binds foreign pages for a moment: another env's tables, its memory, or pages
 * about to become a child's. Its table has its link pages from the start.
 */
#ifndef LIB_MAP_H
#define LIB_MAP_H

#include <exo/tlb.h>
#include "lib/pages.h"

struct window {
    uint64_t va;    // first page, in the caller's own address space
    uint32_t pages; // how many, all under one leaf table
    exo_cap cap;    // WRITE over the caller's root and tables
};

struct map {
    exo_page root;         // 0: the caller's own
    exo_cap cap;           // WRITE over the root and the tables under it
    struct pages *pages;   // where tables come from
    struct window *window; // to look at tables; null: no link pages are made
    exo_page leaf;         // the leaf table made last ...
    uint64_t leaf_va;      // ... and the first address it maps
};

/* Makes the table of `level` (1 or 2) for `va`, and those above it.
 * *table: the table made. Errors: those of pages_take, table_make, table_link;
 * BUSY: there is one already. */
int64_t map_table(struct map *map, uint64_t va, unsigned level,
                  exo_page *table);

/* Writes `count` runs of bindings. cap: READ (and WRITE to bind writable) over
 * the pages. The runs are used up: on an error they say what is left. */
int64_t map_runs(struct map *map, exo_cap cap, struct exo_run *runs,
                 uint64_t count);

/* One run. */
int64_t map_run(struct map *map, exo_cap cap, uint64_t va, exo_page page,
                uint32_t count, uint32_t flags);

/* Prepares `pages` pages at `va` as a window of the caller's own map. */
int64_t window_open(struct window *window, struct map *own, uint64_t va,
                    uint32_t pages);

/* Binds `count` pages into the window, from its page `at` on. cap: READ (WRITE)
 * over them. Result: where the first one is, or null: not bindable. */
void *window_bind(const struct window *window, exo_cap cap, uint32_t at,
                  const exo_page *page, uint32_t count, uint32_t flags);

/* Takes `count` pages out of the window again. */
void window_clear(const struct window *window, uint32_t at, uint32_t count);

#endif
