// SPDX-License-Identifier: MIT
/*
 * Bindings: entries of page tables, and where each page is bound.
 *
 * A table page belongs to a libOS, which places it; the kernel writes its
 * entries. A binding is named by its place, `table << 9 | index`. Every page
 * knows its bindings: one in struct page (`first`), the others in a ring
 * through the link pages beside the tables that hold them:
 *
 *   page.first -> place                  page.chain -> place <-> place ...
 *                                                      heirs | others
 *
 * Tables are bound by the tables above them in the same way, so that breaking
 * any binding by force costs the number of bindings.
 *
 * TLB-1  a present entry of a table is recorded with the page it points to,
 *        exactly once; page_info.bindings counts the records.
 * TLB-2  a table is linked only at its recorded level and address; tables hold
 *        no loops, because a table's level is one below its parent's.
 * TLB-3  an entry that is not present is zero (L1TF).
 * TLB-4  an entry with the HEIR bit is charged ahead to its table's payer.
 * TLB-5  K.links counts every link made or taken out; a leaf table that a CPU
 *        found when it was the same is where a walk would lead.
 *
 * Policy left to the libOS: all mapping structure, placement and replacement.
 * How it is taken back: tlb_break(), in steps. [SDM3 4.5, 4.10],
 * [Engler95 3.2.1, 5.4]
 */
#ifndef EXO_TLB_TLB_H
#define EXO_TLB_TLB_H

#include "kernel.h"
#include "page/page.h"
#include "tlb/flush.h"

/* Told about each binding that is broken by force; `holder` pays for the table
 * that held it. */
typedef void tlb_tell(struct env *holder, exo_page page);

/* Where an entry is. */
struct place {
    uint64_t *entry;
    exo_page table;
    uint32_t index;
};

static inline uint64_t *
table_entries(exo_page table)
{
    return page_kva(table);
}

static inline unsigned
table_level(exo_page table)
{
    return (K.page_info[table].flags & EXO_PAGE_LEVEL) >> 4;
}

static inline bool
is_table(exo_page page, unsigned level)
{
    return page < K.npages && K.page_info[page].use == EXO_USE_TABLE &&
           table_level(page) == level;
}

/* Bits of the virtual address that one entry of a table of `level` covers. */
static inline unsigned
level_shift(unsigned level)
{
    return 3 + 9 * level;
}

static inline exo_page
entry_page(uint64_t entry)
{
    return (entry & EXO_PTE_PAGE) >> EXO_PAGE_SHIFT;
}

static inline bool
is_link(uint64_t entry)
{
    return likely((entry & (EXO_PTE_P | EXO_PTE_PS)) == EXO_PTE_P);
}

/* Find the entry for `va` in the table of `level`; false: no such table. */
static inline bool
tlb_walk(exo_page root, uint64_t va, unsigned level, struct place *at)
{
    uint64_t e = root << EXO_PAGE_SHIFT | EXO_PTE_P;
    for (unsigned shift = 39; shift > level_shift(level); shift -= 9) {
        e = ((uint64_t *)pa_to_kva(e & EXO_PTE_PAGE))[va >> shift & 511];
        if (!is_link(e))
            return false;
    }
    at->table = entry_page(e);
    at->index = va >> level_shift(level) & 511;
    at->entry = table_entries(at->table) + at->index;
    return true;
}

/* Is the table of `level` for va, or one above it, linked more than once? Then
 * what changes in it concerns other roots too. needs: it is there. */
bool tlb_is_shared(exo_page root, uint64_t va, unsigned level);

/* Can a further binding of `page` be recorded at this place? */
bool tlb_has_room(exo_page page, const struct place *at, bool heir);

/* Write a present entry into an empty place and record it.
 * needs: tlb_has_room(); for an heir account_fits(payer of the table). */
void tlb_set(const struct place *at, exo_page page, uint64_t entry);

/* Clear a present entry and its record. Returns the old entry, whose accessed
 * bit says whether a flush is due. */
uint64_t tlb_clear(const struct place *at);

/* Break bindings of a page, at most *budget; true when none is left. */
bool tlb_break(exo_page page, int *budget, tlb_tell *tell);

/* Clear entries of a table, at most about *budget; true when it is empty. */
bool tlb_empty(exo_page table, int *budget);

/* A payer gives up a page: to an heir, or by breaking its bindings to the free
 * list. False: the budget ended, call again. needs: not kernel-held (tables and
 * link pages are taken apart here). */
bool tlb_drop_bound(exo_page page, int *budget, tlb_tell *tell);

static inline bool
tlb_drop(exo_page page, int *budget, tlb_tell *tell)
{
    const struct exo_page_info *info = &K.page_info[page];
    if (*budget <= 0)
        return false;
    if (unlikely(info->use != EXO_USE_DATA || info->bindings ||
                 (info->flags & EXO_PAGE_LARGE)))
        return tlb_drop_bound(page, budget, tell);
    page_put(page);
    --*budget;
    return true;
}

/* DATA page to empty table. needs: page unbound for writing and executing,
 * account_pins(). */
void table_become(exo_page page, unsigned level, uint64_t va);

/* The rights of a leaf entry, for counting. */
void tlb_count(exo_page page, uint64_t entry, int by);

/* Panics when an invariant of this room is broken for a table. */
void check_table(exo_page table);

/* The same for the leaf tables a CPU remembers. */
void check_leaves(const struct cpu *c);

#endif
