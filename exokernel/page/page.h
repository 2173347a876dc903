// SPDX-License-Identifier: MIT
/*
 * Physical pages: who pays for each, who may bind it, what it is used as.
 *
 *   FREE -> DATA -> TABLE, SAVE, UAREA, STACK, FPU, LOG, LINK -> FREE
 *             DATA|LARGE + 511 TAIL <- |PART, fewer TAIL <-> 512 DATA
 *
 * PAGE-1  a page is FREE, or has one payer and is in that payer's list, or is
 *         the kernel's for ever. FREE pages that were used are in the free
 *         list; those never used need no list and no struct page yet, which
 *         keeps booting short.
 * PAGE-2  the ledger: total = kernel + free + used by the first env + limbo.
 * PAGE-3  a page that changes payer through the free list reads as zeros.
 * PAGE-4  writable and executable bindings exclude each other (but for envs
 *         with EXO_ENV_WX); tables and kernel-held pages have no executable
 *         and, but for u-area, upcall stack and log, no writable binding.
 *
 * Policy left to the libOS: which page, what for, when to give it back. How it
 * is taken back: asked by REVOKE, then tlb_drop() breaks its bindings.
 * [Engler95 3.2.1], [Hand99 4.2]
 */
#ifndef EXO_PAGE_PAGE_H
#define EXO_PAGE_PAGE_H

#include "cap/cap.h"
#include "kernel.h"

static inline bool
page_valid(exo_page page)
{
    return page != 0 && page < K.npages;
}

/* Take over the memory the loader reported. Pages in K.boot.regions become
 * FREE, what boot took is the kernel's, the modules wait for the first env. */
void page_init(void);

/* Mark pages DATA of `payer`, guard 0, without touching their contents: the
 * modules, at boot. */
void page_adopt(exo_page page, uint64_t count, struct env *payer);

/* Let the kernel's own pages be bound read-only under guard 0. Boot. */
void page_expose(exo_page page, uint64_t count);

/* Any FREE page: the one given back last, else one never used; 0 when none was
 * found in a bounded look, though there may be one. */
exo_page page_fresh(void);

static inline exo_page
page_any(void)
{
    return likely(K.free_head) ? K.free_head : page_fresh();
}

/* A FREE page, however long the look; boot ends with a message if there is
 * none. */
exo_page page_find(void);

/* Take any page for the first env, zeroed. Boot only. */
exo_page page_take_any(struct env *payer, exo_guard guard);

/* To FREE. needs: no bindings, use DATA. */
void page_put(exo_page page);

/* Called when a page became free while somebody waits for that; set by the
 * revoke room, which this one may not call by name. */
extern void (*page_on_free)(struct env *payer);

/* Pages that change payer together: a table's link pages go with it. */
static inline uint32_t
page_weight(exo_page page)
{
    const uint32_t *link = K.page[page].link;
    if (K.page_info[page].use != EXO_USE_TABLE)
        return 1;
    return 1 + (link[0] != 0) + (link[1] != 0);
}

/* What a new payer must have room for: those pages and, in a table, the
 * promises that come with it. */
static inline uint32_t
page_burden(exo_page page)
{
    uint32_t heirs =
        K.page_info[page].use == EXO_USE_TABLE ? K.page[page].heirs : 0;
    return page_weight(page) + heirs;
}

/* Another payer. needs: account_fits(to, page_burden()), and for what is held
 * account_pins(to, page_weight()). Lists and both accounts follow. */
void page_repay(exo_page page, struct env *to);

/* DATA to a kernel-held use, or back to DATA. Counts as pinned in the payer's
 * account. needs: account_pins() to hold it. */
void page_hold(exo_page page, enum exo_page_use use);
void page_unhold(exo_page page);

/* A 2 MiB page to 512 small ones, also one merged in part. needs: unbound. */
void page_split(exo_page head);

/* 512 small pages to one of 2 MiB, a bounded number at a time. 0: it is one;
 * EXO_E_AGAIN: in part, flagged PART; EXO_E_STATE, and none is merged: not all
 * are unbound DATA of one payer and guard. needs: head a multiple of 512. */
int64_t page_merge(exo_page head);

/* Fill with zeros, unless it is known to be zero: then false. */
bool page_clean(exo_page page);

static inline struct env *
page_payer(exo_page page)
{
    return K.env[K.page_info[page].payer];
}

/* Lists of pages. Page 0 is nobody's and in none: its record takes what would
 * be written to a neighbour that is not there. */
static inline void
page_list_add(uint32_t *head, exo_page page)
{
    struct page *pages = K.page;
    uint32_t next = *head;
    pages[page].prev = 0;
    pages[page].next = next;
    pages[next].prev = (uint32_t)page;
    *head = (uint32_t)page;
}

static inline void
page_list_remove(uint32_t *head, exo_page page)
{
    struct page *pages = K.page;
    uint32_t next = pages[page].next, prev = pages[page].prev;
    pages[next].prev = prev;
    if (prev)
        pages[prev].next = next;
    else
        *head = next;
}

/* FREE to DATA, charged to `payer` and zeroed when it belonged to another: then
 * true. needs: page FREE, account_fits(payer, PAGE, 1). */
static inline bool
page_take(exo_page page, struct env *payer, exo_guard guard)
{
    struct exo_page_info *info = &K.page_info[page];
    struct page *p = &K.page[page];
    assert(info->use == EXO_USE_FREE);
    if (likely(info->flags & EXO_PAGE_USED))
        page_list_remove(&K.free_head, page);
    else
        *p = (struct page){0};
    info->flags &= EXO_PAGE_ZERO;
    bool others = p->first != payer->id; /* it belonged to another, or nobody */
    p->first = 0;
    info->use = EXO_USE_DATA;
    info->guard = guard;
    info->payer = (uint16_t)payer->index;
    page_list_add(&payer->pages, page);
    K.machine->pages_free--;
    account_charge(payer, EXO_KIND_PAGE, 1);
    return others && page_clean(page); /* PAGE-3 */
}

/* Panics when an invariant of this room is broken. */
void check_page(void);

#endif
