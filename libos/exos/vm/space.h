// SPDX-License-Identifier: MIT
/*
 * space.h: this env's pages and bindings.
 *
 * The page tables are the only record of what is bound where. Each leaf table
 * is itself bound read-only at EXOS_LEAVES, so that together they are one array
 * of entries indexed by page of the address space: whether a page is there, its
 * number, its rights, whether it was read or written, and SPACE_BORROWED cost a
 * load and no call. `leaves` says which parts of that array are bound.
 *
 * A page belongs to whoever bound it unless it is borrowed: then it is another
 * object's (a file's page in a mapping), and unbinding it gives nothing back.
 *
 * The functions that take or give pages hold upcalls, since the answer to
 * REVOKE uses the same ones. Policy: allocations within the reservation wait
 * until the kernel has collected what it promised.
 */
#ifndef EXOS_VM_SPACE_H
#define EXOS_VM_SPACE_H

#include "lib/map.h"
#include "lib/start.h"
#include "exos/layout.h"

#define UAREA ((struct exo_uarea *)EXO_FIRST_UAREA)

/* The libOS's own bit in an entry (EXO_BIND_SOFT(1)): the page is borrowed. */
#define SPACE_BORROWED  EXO_BIND_SOFT(1)
#define ENTRY_BORROWED  (UINT64_C(1) << 9)
#define SPACE_RUN_PAGES 32u // most pages space_fill() brings in at a time

extern struct pages space_pages;
extern struct map space_map;

/* Gets hold of the tables that the loader made. False: no memory for it. */
bool space_open(void);

/* The table entry for `va` < EXOS_TOP; 0: nothing is bound there. */
uint64_t space_entry(uint64_t va);

/* Binds `count` borrowed pages from `page` on. Errors: those of map_run. */
int64_t space_bind(exo_cap cap, uint64_t va, exo_page page, uint32_t count,
                   uint32_t flags);

/* Changes the rights of the pages that are bound in [va, va + bytes). */
int64_t space_protect(uint64_t va, uint64_t bytes, uint32_t flags);

/* Brings in `count` pages at `va` (at most SPACE_RUN_PAGES), writable, that
 * read as zeros. Nothing may be bound there. All or none. Errors: those of
 * exo_page_alloc and map_run. */
int64_t space_fill(uint64_t va, uint32_t count);

/* Forgets that `count` pages at `va` were written, if they were: they are as
 * space_fill() made them. */
void space_clean(uint64_t va, uint32_t count);

/* Binds a fresh page at `va` in place of what is there, with its content. */
int64_t space_copy(uint64_t va, uint32_t flags);

/* Unbinds what is bound in [va, va + bytes) and gives back what is not
 * borrowed. Result: pages given back. */
uint64_t space_empty(uint64_t va, uint64_t bytes);

/* Forgets cached pages that the kernel took: one of them, got again, would have
 * two places. */
void space_check(void);

/* Pages that should be bound and are not borrowed, and those that are: fewer,
 * when the kernel took some. */
extern uint64_t space_bound;
extern uint64_t space_filled; // pages ever brought in
uint64_t space_count(void);

/* Pages this env may still use before its limit. */
uint64_t space_left(void);

#endif
