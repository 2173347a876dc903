// SPDX-License-Identifier: MIT
/* Bindings and their records: see tlb.h. */
#include "tlb/tlb.h"

#include "cap/cap.h"
#include "lib/string.h"
#include "page/page.h"

#define LOOK 64 /* entries of a table looked at for one unit of a budget */

/* A record in a link page. */
struct link {
    uint64_t next, prev;
};

bool
tlb_is_shared(exo_page root, uint64_t va, unsigned level)
{
    exo_page table = root;
    for (unsigned l = 4; l > level; l--) {
        table = entry_page(table_entries(table)[va >> level_shift(l) & 511]);
        if (K.page[table].parents > 1)
            return true;
    }
    return false;
}

static struct link *
link_at(uint64_t place)
{
    exo_page page = K.page[place >> 9].link[place >> 8 & 1];
    return page ? (struct link *)page_kva(page) + (place & 255) : NULL;
}

static uint64_t
place_name(const struct place *at)
{
    return at->table << 9 | at->index;
}

bool
tlb_has_room(exo_page page, const struct place *at, bool heir)
{
    return (K.page[page].first == 0 && !heir) ||
           K.page[at->table].link[at->index >> 8] != 0;
}

/* Heirs go to the front of the ring, others to its end, so that the first heir
 * is found at once. */
static void
record(exo_page page, const struct place *at, bool heir)
{
    struct page *p = &K.page[page];
    uint64_t name = place_name(at);
    K.page_info[page].bindings++;
    if (likely(p->first == 0 && !heir)) {
        p->first = name;
        return;
    }
    struct link *l = link_at(name);
    assert(l && !l->next);
    if (!p->chain) {
        l->next = l->prev = p->chain = name;
        return;
    }
    struct link *head = link_at(p->chain);
    l->next = p->chain;
    l->prev = head->prev;
    link_at(head->prev)->next = name;
    head->prev = name;
    if (heir)
        p->chain = name;
}

static void
forget(exo_page page, const struct place *at)
{
    struct page *p = &K.page[page];
    uint64_t name = place_name(at);
    K.page_info[page].bindings--;
    if (likely(p->first == name)) {
        p->first = 0;
        return;
    }
    struct link *l = link_at(name);
    assert(l && l->next);
    if (l->next == name) {
        p->chain = 0;
    } else {
        link_at(l->prev)->next = l->next;
        link_at(l->next)->prev = l->prev;
        if (p->chain == name)
            p->chain = l->next;
    }
    l->next = l->prev = 0;
}

/* Tables have no writable or executable bindings to count, but links: those
 * are the entries without NX. */
void
tlb_count(exo_page page, uint64_t entry, int by)
{
    struct page *p = &K.page[page];
    if (unlikely(K.page_info[page].use == EXO_USE_TABLE)) {
        if (!(entry & EXO_PTE_NX)) {
            p->parents += by;
            K.links++;
        }
        return;
    }
    if (entry & EXO_PTE_W)
        p->nwrite += by;
    if (!(entry & EXO_PTE_NX))
        p->nexec += by;
}

void
tlb_set(const struct place *at, exo_page page, uint64_t entry)
{
    record(page, at, entry & EXO_PTE_HEIR);
    if (unlikely(entry & EXO_PTE_HEIR)) {
        account_promise(page_payer(at->table), 1);
        K.page[at->table].heirs++;
    }
    if (entry & EXO_PTE_W)
        K.page_info[page].flags &= (uint8_t)~EXO_PAGE_ZERO;
    tlb_count(page, entry, 1);
    K.page[at->table].entries++;
    __atomic_store_n(at->entry, entry, __ATOMIC_RELEASE);
}

uint64_t
tlb_clear(const struct place *at)
{
    /* The CPU may set A and D meanwhile; the exchange misses neither. */
    uint64_t old = __atomic_exchange_n(at->entry, 0, __ATOMIC_ACQ_REL);
    exo_page page = entry_page(old);
    forget(page, at);
    tlb_count(page, old, -1);
    if (unlikely(old & EXO_PTE_HEIR)) {
        account_unpromise(page_payer(at->table), 1);
        K.page[at->table].heirs--;
    }
    K.page[at->table].entries--;
    return old;
}

static struct place
place_of(uint64_t name)
{
    exo_page table = name >> 9;
    return (struct place){&table_entries(table)[name & 511], table, name & 511};
}

/* Aim a flush at what can reach entries of a table: one root, if the way up is
 * unique, or any. False: nothing reaches it. */
static bool
flush_aim(struct flush *f, exo_page table)
{
    unsigned level = table_level(table);
    for (; level < 4; level++) {
        if (K.page[table].parents == 0)
            return false;
        exo_page up = K.page[table].first >> 9;
        if (K.page[table].parents > 1 || !is_table(up, level + 1)) {
            f->everywhere = true; /* or the link is further down the ring */
            return true;
        }
        table = up;
    }
    if (f->root && f->root != table)
        f->everywhere = true;
    f->root = table;
    return true;
}

/* Clear an entry found by its name, and note the flush that is due. */
static void
clear_by_force(const struct place *at, struct flush *f)
{
    unsigned level = table_level(at->table);
    uint64_t va =
        K.page[at->table].va + ((uint64_t)at->index << level_shift(level));
    bool reachable = flush_aim(f, at->table);
    uint64_t old = tlb_clear(at);
    if (!reachable || !(old & EXO_PTE_A))
        return;
    if (level > 1 && !(old & EXO_PTE_PS))
        flush_add_all(f);
    else
        flush_add(f, va);
}

bool
tlb_break(exo_page page, int *budget, tlb_tell *tell)
{
    struct page *p = &K.page[page];
    struct flush flush = {0};
    while (p->first || p->chain) {
        if (--*budget < 0)
            break;
        struct place at = place_of(p->first ? p->first : p->chain);
        struct env *holder = page_payer(at.table);
        clear_by_force(&at, &flush);
        if (holder != page_payer(page))
            tell(holder, page);
    }
    flush_commit(&flush);
    return !p->first && !p->chain;
}

bool
tlb_empty(exo_page table, int *budget)
{
    struct page *p = &K.page[table];
    struct flush flush = {0};
    const uint64_t *entry = table_entries(table);
    while (p->entries && *budget > 0) {
        uint32_t index = p->cursor;
        p->cursor = (index + 1) % 512; /* entries may be made again behind it */
        if (index % LOOK == LOOK - 1)
            --*budget; /* empty places cost time too */
        if (!(entry[index] & EXO_PTE_P))
            continue;
        struct place at = place_of(table << 9 | index);
        clear_by_force(&at, &flush);
        --*budget;
    }
    if (!p->entries)
        p->cursor = 0;
    flush_commit(&flush);
    return !p->entries;
}

void
table_become(exo_page page, unsigned level, uint64_t va)
{
    struct page *p = &K.page[page];
    page_clean(page);
    page_hold(page, EXO_USE_TABLE);
    K.page_info[page].flags = (uint8_t)(level << 4);
    p->entries = p->cursor = p->parents = p->heirs = 0;
    p->link[0] = p->link[1] = 0;
    p->va = va & ~((1ull << level_shift(level + 1)) - 1);
    if (level < 4)
        return;
    p->va = 0;
    p->generation++; /* a TLB may know the page as another root */
    memcpy(table_entries(page) + 256,
           (uint64_t *)pa_to_kva(K.kernel_root_pa) + 256, 256 * 8);
    table_entries(page)[255] = K.pages_info_pa | EXO_PTE_P | EXO_PTE_U;
}

/* The payer of the table is heir by this entry no longer. */
static void
strike_heir(const struct place *at)
{
    account_unpromise(page_payer(at->table), 1);
    K.page[at->table].heirs--;
    __atomic_fetch_and(at->entry, ~EXO_PTE_HEIR, __ATOMIC_RELAXED);
}

/* Give the page to the first heir that lives; false if there is none. Heirs
 * that are dying, or pay already, are struck from the front of the ring. */
static bool
inherit(exo_page page, int *budget)
{
    struct page *p = &K.page[page];
    while (p->chain && --*budget > 0) {
        struct place at = place_of(p->chain);
        struct env *heir = page_payer(at.table);
        if (!(*at.entry & EXO_PTE_HEIR))
            return false;
        strike_heir(&at);
        uint32_t n = page_weight(page);
        bool able = heir != page_payer(page) &&
                    heir->info->state < EXO_ENV_DYING &&
                    account_fits(heir, EXO_KIND_PAGE, n) &&
                    (K.page_info[page].use == EXO_USE_DATA ||
                     account_pins(heir, EXO_KIND_PAGE, n));
        p->chain = link_at(p->chain)->next; /* behind the other heirs */
        if (able) {
            page_repay(page, heir);
            return true;
        }
    }
    return false;
}

/* The promises made in a table are its payer's; a new payer makes none. What is
 * no heir any more goes behind those that are. */
static void
table_unpromise(exo_page table)
{
    uint64_t *entry = table_entries(table);
    for (unsigned i = 0; K.page[table].heirs && i < 512; i++) {
        if (!(entry[i] & EXO_PTE_HEIR))
            continue;
        struct place at = place_of(table << 9 | i);
        strike_heir(&at);
        forget(entry_page(entry[i]), &at);
        record(entry_page(entry[i]), &at, false);
    }
}

bool
tlb_drop_bound(exo_page page, int *budget, tlb_tell *tell)
{
    struct exo_page_info *info = &K.page_info[page];
    struct page *p = &K.page[page];
    if (info->use == EXO_USE_TABLE && p->chain && p->heirs)
        table_unpromise(page);
    if (p->chain && inherit(page, budget))
        return true;
    if (info->use == EXO_USE_TABLE) {
        if (table_level(page) == 4 && flush_is_loaded(page))
            return false; /* a CPU is on its way off it */
        if (!tlb_empty(page, budget))
            return false;
        if (!tlb_break(page, budget, tell))
            return false;
        for (unsigned half = 0; half < 2; half++)
            if (p->link[half])
                page_unhold(p->link[half]);
        p->link[0] = p->link[1] = 0;
        page_unhold(page);
        p->nwrite = p->nexec = 0;
    }
    if (!tlb_break(page, budget, tell))
        return false;
    if (info->flags & EXO_PAGE_LARGE)
        page_split(page);
    page_put(page);
    --*budget;
    return true;
}

void
check_table(exo_page table)
{
    const uint64_t *entry = table_entries(table);
    unsigned level = table_level(table), present = 0;
    for (unsigned i = 0; i < (level == 4 ? 255 : 512); i++) {
        if (!(entry[i] & EXO_PTE_P)) {
            assert(entry[i] == 0); /* TLB-3 */
            continue;
        }
        present++;
        exo_page page = entry_page(entry[i]);
        assert(page_valid(page) && K.page_info[page].bindings > 0);
        uint64_t name = (uint64_t)table << 9 | i;
        const struct link *l = link_at(name);
        assert(K.page[page].first == name || (l && l->next)); /* TLB-1 */
        if (level > 1 && !(entry[i] & EXO_PTE_PS))
            assert(is_table(page, level - 1)); /* TLB-2 */
    }
    assert(present == K.page[table].entries);
}

void
check_leaves(const struct cpu *c)
{
    bool held = c->binder.links == K.links;
    for (unsigned i = 0; held && i < BIND_LEAVES; i++) {
        const struct leaf *leaf = &c->binder.leaf[i];
        struct place at;
        if (!leaf->key)
            continue;
        exo_page root = leaf->key >> 32;
        uint64_t va = (leaf->key & UINT32_MAX) << 21;
        assert(is_table(root, 4) && tlb_walk(root, va, 1, &at));
        assert(at.table == leaf->table); /* TLB-5 */
        assert(leaf->shared == tlb_is_shared(root, va, 1));
    }
    assert(!c->binder.flush.n); /* and nothing is left to be flushed */
}
