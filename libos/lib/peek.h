// SPDX-License-Identifier: MIT
/*
 * peek.h: reading page tables, and through them another env's memory.
 *
 * Debuggers, checkpointers and managers need no kernel help: who may bind an
 * env's pages can walk its tables (bound read-only for a moment, in the
 * caller's window) and read what they map.
 */
#ifndef LIB_PEEK_H
#define LIB_PEEK_H

#include "lib/map.h"

/* The page that a table entry points to. */
static inline exo_page
peek_page_of(uint64_t entry)
{
    return (entry & EXO_PTE_PAGE) >> EXO_PAGE_SHIFT;
}

/* Reads the entry for `va` in the table of `level` under `root` (0: the
 * caller's own). A 2 MiB entry answers for level 1 too.
 * cap: READ over the tables. Uses the last page of the window.
 * Errors: TABLE nothing is linked or bound there; CAP. */
int64_t peek_entry(const struct window *window, exo_cap cap, exo_page root,
                   uint64_t va, unsigned level, uint64_t *entry);

/* Finds the page bound at `va`. Otherwise as peek_entry. */
int64_t peek_page(const struct window *window, exo_cap cap, exo_page root,
                  uint64_t va, exo_page *page);

/* Copies `bytes` bytes at `va` of the address space under `root`.
 * cap: READ over its tables and pages.
 * Result: bytes copied, up to the first page that is not bound; or CAP. */
int64_t peek_read(const struct window *window, exo_cap cap, exo_page root,
                  uint64_t va, void *to, uint64_t bytes);

#endif
