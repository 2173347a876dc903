// SPDX-License-Identifier: MIT
/* Physical pages: see page.h. */
#include "page/page.h"

#include "cap/cap.h"
#include "lib/string.h"

#define FRESH_LOOK 128 /* page records looked at for one never used */
#define MERGE_STEP 64  /* pages merged at once, if all are not split again */
#define TAILS      (EXO_LARGE_PAGES - 1)

/* DATA pages can be revoked and stand in one list, the rest in another. */
static uint32_t *
list_of(struct env *payer, unsigned use)
{
    bool data = use == EXO_USE_DATA || use == EXO_USE_TAIL;
    return data ? &payer->pages : &payer->held;
}

void (*page_on_free)(struct env *payer);

/* Pages [from, to) are not for users: the kernel's where there is memory. */
static void
mark_kernel(exo_page from, exo_page to)
{
    for (exo_page n = from; n < to; n++)
        K.page_info[n].use = EXO_USE_NONE;
    for (unsigned i = 0; i < K.boot.nram; i++) {
        exo_page n = K.boot.ram[i].start >> EXO_PAGE_SHIFT;
        exo_page end = K.boot.ram[i].end >> EXO_PAGE_SHIFT;
        for (n = n < from ? from : n; n < end && n < to; n++)
            K.page_info[n].use = EXO_USE_KERNEL;
    }
}

void
page_init(void)
{
    uint64_t total = 0;
    exo_page at = 0;
    for (unsigned i = 0; i < K.boot.nregions; i++) {
        const struct boot_region *r = &K.boot.regions[i];
        exo_page start = r->start >> EXO_PAGE_SHIFT;
        mark_kernel(at, start);
        at = r->end >> EXO_PAGE_SHIFT;
        total += at - start;
    }
    mark_kernel(at, K.npages);
    K.machine->pages_free = total;
    K.machine->pages_total = K.boot.ram_pages_total;
    K.machine->pages_kernel = K.boot.ram_pages_total - total;
}

void
page_adopt(exo_page page, uint64_t count, struct env *payer)
{
    for (exo_page n = page; n < page + count; n++) {
        struct exo_page_info *info = &K.page_info[n];
        assert(info->use == EXO_USE_NONE || info->use == EXO_USE_KERNEL);
        K.page[n] = (struct page){0};
        info->use = EXO_USE_DATA;
        info->payer = (uint16_t)payer->index;
        page_list_add(&payer->pages, n);
    }
    K.machine->pages_kernel -= count;
    account_charge(payer, EXO_KIND_PAGE, (uint32_t)count);
}

void
page_expose(exo_page page, uint64_t count)
{
    for (exo_page n = page; n < page + count; n++) {
        assert(K.page_info[n].use == EXO_USE_KERNEL);
        K.page[n] = (struct page){0};
        K.page_info[n].use = EXO_USE_EXPOSED;
    }
}

exo_page
page_fresh(void)
{
    for (unsigned i = 0; i < FRESH_LOOK && K.fresh < K.npages; i++) {
        const struct exo_page_info *info = &K.page_info[K.fresh];
        if (info->use == EXO_USE_FREE && !(info->flags & EXO_PAGE_USED))
            return K.fresh;
        K.fresh++;
    }
    return 0;
}

bool
page_clean(exo_page page)
{
    struct exo_page_info *info = &K.page_info[page];
    if (info->flags & EXO_PAGE_ZERO)
        return false;
    memset(page_kva(page), 0, EXO_PAGE_BYTES);
    info->flags |= EXO_PAGE_ZERO;
    return true;
}

exo_page
page_find(void)
{
    exo_page page;
    do
        page = page_any();
    while (!page && K.fresh < K.npages);
    if (!page)
        boot_refuse("too little memory: no page left to load the first "
                    "program; give the machine more (-m)");
    return page;
}

exo_page
page_take_any(struct env *payer, exo_guard guard)
{
    exo_page page = page_find();
    page_take(page, payer, guard);
    page_clean(page);
    return page;
}

void
page_put(exo_page page)
{
    struct exo_page_info *info = &K.page_info[page];
    struct page *p = &K.page[page];
    struct env *payer = page_payer(page);
    assert(info->use == EXO_USE_DATA && info->bindings == 0);
    assert(p->counts == 0);
    page_list_remove(&payer->pages, page);
    p->first = payer->id; /* who may have it back unzeroed */
    p->chain = 0;
    info->use = EXO_USE_FREE;
    info->guard = 0;
    info->payer = 0;
    info->flags = (info->flags & EXO_PAGE_ZERO) | EXO_PAGE_USED;
    page_list_add(&K.free_head, page);
    K.machine->pages_free++;
    account_refund(payer, EXO_KIND_PAGE, 1);
    if (unlikely(K.askers || K.revokes))
        page_on_free(payer);
}

static void
repay_one(exo_page page, struct env *to)
{
    struct exo_page_info *info = &K.page_info[page];
    struct env *from = page_payer(page);
    page_list_remove(list_of(from, info->use), page);
    page_list_add(list_of(to, info->use), page);
    info->payer = (uint16_t)to->index;
    account_refund(from, EXO_KIND_PAGE, 1);
    account_charge(to, EXO_KIND_PAGE, 1);
    if (info->use == EXO_USE_DATA || info->use == EXO_USE_TAIL)
        return;
    from->info->account[EXO_KIND_PAGE].pinned--;
    to->info->account[EXO_KIND_PAGE].pinned++;
}

void
page_repay(exo_page page, struct env *to)
{
    struct env *from = page_payer(page);
    repay_one(page, to);
    if (K.page_info[page].use != EXO_USE_TABLE)
        return;
    for (unsigned half = 0; half < 2; half++)
        if (K.page[page].link[half])
            repay_one(K.page[page].link[half], to);
    account_unpromise(from, K.page[page].heirs);
    account_promise(to, K.page[page].heirs);
}

void
page_hold(exo_page page, enum exo_page_use use)
{
    struct env *payer = page_payer(page);
    assert(K.page_info[page].use == EXO_USE_DATA);
    page_list_remove(&payer->pages, page);
    page_list_add(&payer->held, page);
    K.page_info[page].use = (uint8_t)use;
    payer->info->account[EXO_KIND_PAGE].pinned++;
}

void
page_unhold(exo_page page)
{
    struct env *payer = page_payer(page);
    assert(K.page_info[page].use > EXO_USE_TAIL);
    page_list_remove(&payer->held, page);
    page_list_add(&payer->pages, page);
    K.page_info[page].use = EXO_USE_DATA;
    K.page_info[page].flags = 0;
    payer->info->account[EXO_KIND_PAGE].pinned--;
}

/* May this page become a part of the 2 MiB page behind `head`? */
static inline bool
is_alike(const struct exo_page_info *info, const struct exo_page_info *head)
{
    return info->use == EXO_USE_DATA && !info->bindings &&
           info->payer == head->payer && info->guard == head->guard &&
           !(info->flags & EXO_PAGE_LARGE);
}

int64_t
page_merge(exo_page head)
{
    struct exo_page_info *info = &K.page_info[head];
    struct page *p = &K.page[head];
    if (!(info->flags & EXO_PAGE_PART)) {
        if (!is_alike(info, info))
            return -EXO_E_STATE;
        info->flags |= EXO_PAGE_LARGE | EXO_PAGE_PART;
        p->tails = 0;
    }
    uint32_t tails = p->tails;
    uint32_t stop = tails + MERGE_STEP < TAILS ? tails + MERGE_STEP : TAILS;
    uint8_t flags = info->flags;
    for (; tails < stop && is_alike(&info[tails + 1], info); tails++) {
        flags &= info[tails + 1].flags | (uint8_t)~EXO_PAGE_ZERO;
        info[tails + 1].use = EXO_USE_TAIL;
    }
    p->tails = tails;
    info->flags = flags; /* what is split again is no cleaner than its parts */
    if (tails < stop) {
        page_split(head);
        return -EXO_E_STATE;
    }
    if (tails < TAILS)
        return -EXO_E_AGAIN;
    info->flags &= (uint8_t)~EXO_PAGE_PART;
    return 0;
}

void
page_split(exo_page head)
{
    struct exo_page_info *info = &K.page_info[head];
    assert(info->bindings == 0);
    info->flags &= (uint8_t) ~(EXO_PAGE_LARGE | EXO_PAGE_PART);
    for (unsigned i = K.page[head].tails; i; i--) {
        info[i].use = EXO_USE_DATA;
        info[i].flags = info->flags;
    }
    K.page[head].tails = 0;
}

void
check_page(void)
{
    uint64_t free = 0, owned = 0, kernel = 0;
    for (exo_page n = 1; n < K.npages; n++) {
        const struct exo_page_info *info = &K.page_info[n];
        const struct page *p = &K.page[n];
        switch (info->use) {
        case EXO_USE_FREE:
            free++;
            assert(info->payer == 0 && info->bindings == 0); /* PAGE-1 */
            break;
        case EXO_USE_NONE:
        case EXO_USE_KERNEL:
        case EXO_USE_EXPOSED:
            kernel++;
            assert(info->payer == 0);
            break;
        case EXO_USE_DATA:
            assert(p->nwrite + p->nexec <= info->bindings * 2u);
            /* fallthrough */
        default:
            owned++;
            assert(K.env[info->payer] != NULL); /* PAGE-1 */
        }
    }
    assert(free == K.machine->pages_free);
    const struct exo_account *all = &K.first->info->account[EXO_KIND_PAGE];
    assert(owned == all->used); /* PAGE-2 */
    assert(K.machine->pages_total ==
           K.machine->pages_kernel + free + all->used + K.machine->pages_limbo);
}
