// SPDX-License-Identifier: MIT
/* The table calls: contracts in syscall.def. `bind` is in bind.c. */
#include "cap/cap.h"
#include "env/env.h"
#include "page/page.h"
#include "tlb/tlb.h"

#define SEAL_STEP 48 /* table walks while the lock is held */

static bool
page_allows(exo_cap slot, exo_page page, unsigned rights)
{
    return cap_covers(cap_slot(env_self(), slot), K.page_info[page].guard,
                      rights);
}

/* The root a call names: 0 is the caller's own; 0 if it is none. */
static exo_page
root_named(exo_page root)
{
    if (!root)
        return env_self()->root_pa >> EXO_PAGE_SHIFT;
    return is_table(root, 4) ? root : 0;
}

int64_t
sys_table_make(exo_cap cap, exo_page page, uint32_t level, uint64_t va)
{
    if (!page_valid(page) || level < 1 || level > 4 || va >= EXO_USER_TOP)
        return -EXO_E_INVAL;
    const struct exo_page_info *info = &K.page_info[page];
    if (!page_allows(cap, page, EXO_WRITE))
        return -EXO_E_CAP;
    if (info->use != EXO_USE_DATA || (info->flags & EXO_PAGE_LARGE))
        return -EXO_E_STATE;
    if (K.page[page].nwrite || K.page[page].nexec)
        return -EXO_E_EXCL;
    if (!account_pins(page_payer(page), EXO_KIND_PAGE, 1))
        return -EXO_E_LIMIT;
    table_become(page, level, va);
    return 0;
}

/* May `table` go below `upper`? A sealed tree takes only empty tables: another
 * may bring executable bindings, sealed or not. */
static bool
seal_allows(exo_page upper, exo_page table)
{
    return !(K.page_info[upper].flags & EXO_PAGE_SEALED) ||
           K.page[table].entries == 0;
}

static int64_t
unlink_table(exo_page root, uint64_t va, const struct place *at, unsigned level)
{
    if (!(*at->entry & EXO_PTE_P) || (*at->entry & EXO_PTE_PS))
        return -EXO_E_TABLE;
    assert(is_table(entry_page(*at->entry), level));
    struct flush f = {.root = root};
    f.everywhere = tlb_is_shared(root, va, level + 1);
    if (tlb_clear(at) & EXO_PTE_A)
        flush_add_all(&f);
    flush_commit(&f);
    return 0;
}

int64_t
sys_table_link(uint32_t caps, exo_page root_id, uint64_t va, uint32_t level,
               exo_page page)
{
    bool heir = level & EXO_LINK_HEIR;
    level &= ~EXO_LINK_HEIR;
    exo_page root = root_named(root_id);
    struct place at;
    if (!root || level < 1 || level > 3 || va >= EXO_USER_TOP)
        return -EXO_E_INVAL;
    if (!page_allows(caps, root, EXO_WRITE))
        return -EXO_E_CAP;
    if (!tlb_walk(root, va, level + 1, &at))
        return -EXO_E_TABLE;
    if (!page_allows(caps, at.table, EXO_WRITE))
        return -EXO_E_CAP;
    if (!page)
        return unlink_table(root, va, &at, level);
    if (!is_table(page, level) ||
        (va & ~((1ull << level_shift(level + 1)) - 1)) != K.page[page].va)
        return -EXO_E_STATE;
    if (!page_allows(caps >> 8, page, EXO_WRITE))
        return -EXO_E_CAP;
    if (*at.entry & EXO_PTE_P)
        return -EXO_E_BUSY;
    if (!seal_allows(at.table, page))
        return -EXO_E_EXCL;
    if (!tlb_has_room(page, &at, heir))
        return -EXO_E_LINK;
    if (heir && !account_fits(page_payer(at.table), EXO_KIND_PAGE, 1))
        return -EXO_E_LIMIT;
    K.page_info[page].flags |= K.page_info[at.table].flags & EXO_PAGE_SEALED;
    tlb_set(&at, page,
            page << EXO_PAGE_SHIFT | EXO_PTE_P | EXO_PTE_W | EXO_PTE_U |
                (heir ? EXO_PTE_HEIR : 0));
    return 0;
}

static bool
link_page_is_empty(exo_page page)
{
    const uint64_t *word = page_kva(page);
    for (unsigned i = 0; i < EXO_PAGE_BYTES / 8; i++)
        if (word[i])
            return false;
    return true;
}

static int64_t
take_extra(exo_page table, unsigned half)
{
    exo_page page = K.page[table].link[half];
    if (!page || !link_page_is_empty(page))
        return page ? -EXO_E_BUSY : -EXO_E_STATE;
    K.page[table].link[half] = 0;
    page_unhold(page);
    return 0;
}

int64_t
sys_table_extra(uint32_t caps, exo_page table, uint32_t half, exo_page page)
{
    if (!page_valid(table) || half > 1)
        return -EXO_E_INVAL;
    if (K.page_info[table].use != EXO_USE_TABLE)
        return -EXO_E_STATE;
    if (!page_allows(caps, table, EXO_WRITE))
        return -EXO_E_CAP;
    if (!page)
        return take_extra(table, half);
    if (!page_valid(page))
        return -EXO_E_INVAL;
    const struct exo_page_info *info = &K.page_info[page];
    if (!page_allows(caps >> 8, page, EXO_WRITE))
        return -EXO_E_CAP;
    if (K.page[table].link[half])
        return -EXO_E_BUSY;
    if (info->use != EXO_USE_DATA || info->bindings ||
        (info->flags & EXO_PAGE_LARGE) ||
        info->payer != K.page_info[table].payer)
        return -EXO_E_STATE;
    if (!account_pins(page_payer(page), EXO_KIND_PAGE, 1))
        return -EXO_E_LIMIT;
    page_clean(page);
    page_hold(page, EXO_USE_LINK);
    K.page_info[page].flags = 0;
    K.page[page].va = table;
    K.page[table].link[half] = (uint32_t)page;
    return 0;
}

/* Seal the tables on the way to va. Returns the first address beyond what the
 * lowest of them maps. */
static uint64_t
seal_path(exo_page root, uint64_t va)
{
    exo_page table = root;
    for (unsigned level = 4;; level--) {
        K.page_info[table].flags |= EXO_PAGE_SEALED;
        if (level == 1)
            return (va | ((1ull << level_shift(2)) - 1)) + 1;
        uint64_t e = table_entries(table)[va >> level_shift(level) & 511];
        if (!(e & EXO_PTE_P) || (e & EXO_PTE_PS))
            return (va | ((1ull << level_shift(level)) - 1)) + 1;
        table = entry_page(e);
    }
}

int64_t
sys_table_seal(exo_cap cap, exo_page root_id, uint64_t va)
{
    struct env *me = env_self();
    exo_page root = root_named(root_id);
    if (!root || va >= EXO_USER_TOP)
        return root ? -EXO_E_INVAL : -EXO_E_STATE;
    if (!page_allows(cap, root, EXO_WRITE))
        return -EXO_E_CAP;
    for (unsigned i = 0; i < SEAL_STEP && va < EXO_USER_TOP; i++)
        va = seal_path(root, va);
    if (va < EXO_USER_TOP)
        return (int64_t)va;
    if (root == me->root_pa >> EXO_PAGE_SHIFT)
        me->info->flags |= EXO_ENV_SEALED;
    return 0;
}
