// SPDX-License-Identifier: MIT
/* The page calls: contracts in syscall.def. */
#include "cap/cap.h"
#include "env/env.h"
#include "net/net.h"
#include "page/page.h"
#include "revoke/revoke.h"
#include "slice/slice.h"
#include "tlb/tlb.h"
#include "tlb/user.h"

/* Pages done while the lock is held, for it to be short (bench/stress.c). */
#define ALLOC_STEP   4  /* that must be zeroed */
#define ALLOC_QUICK  16 /* that need no zeroing */
#define FREE_STEP    10
#define REGUARD_STEP 56

/* Nothing is free for this payer: can something be done about it? The error. */
static __attribute__((noinline)) int64_t
make_room(struct env *payer)
{
    if (env_reap_any()) {
        if (!hw_this_cpu()->current)
            slice_schedule(hw_this_cpu()); /* the caller ended with it */
        return -EXO_E_AGAIN;
    }
    if (!account_guaranteed(payer, EXO_KIND_PAGE))
        return -EXO_E_NONE;
    return revoke_shortage(payer) ? -EXO_E_WAIT : -EXO_E_NONE;
}

/* May this payer have one more page now? 0, or the error. */
static inline int64_t
may_take(struct env *payer)
{
    if (unlikely(!account_fits(payer, EXO_KIND_PAGE, 1)))
        return -EXO_E_LIMIT;
    uint64_t free = K.machine->pages_free,
             promised = K.machine->pages_earmarked;
    if (likely(free > promised) || (free && payer->owed))
        return 0;
    return make_room(payer);
}

/* Take *page, or any; *zeroed counts those that had to be filled with zeros. */
static inline int64_t
take_one(struct env *payer, exo_guard guard, exo_page *page, unsigned *zeroed)
{
    if (*page != EXO_PAGE_ANY && unlikely(!page_valid(*page)))
        return -EXO_E_INVAL;
    int64_t error = may_take(payer);
    if (unlikely(error))
        return error;
    if (*page == EXO_PAGE_ANY) {
        *page = page_any();
        if (unlikely(!*page))
            return -EXO_E_AGAIN;
    }
    if (unlikely(K.page_info[*page].use != EXO_USE_FREE))
        return -EXO_E_NONE;
    *zeroed += page_take(*page, payer, guard);
    revoke_granted(payer);
    return 0;
}

int64_t
sys_page_alloc(uint32_t caps, exo_guard guard, exo_env payer_id,
               EXO_USER(exo_page) pages, uint64_t count)
{
    struct env *me = env_self(), *payer = me;
    if (unlikely(!cap_covers(cap_slot(me, caps), guard, EXO_GRANT)))
        return -EXO_E_CAP;
    if (payer_id) {
        payer = env_get(payer_id);
        if (!payer || !env_alive(payer))
            return -EXO_E_STALE;
        if (payer != me && !cap_covers(cap_slot(me, caps >> 8),
                                       payer->info->guard, EXO_CONTROL))
            return -EXO_E_CAP;
    }
    if (count > ALLOC_QUICK)
        count = ALLOC_QUICK;
    unsigned zeroed = 0;
    int64_t error = 0;
    uint64_t done = 0;
    while (done < count && zeroed < ALLOC_STEP) {
        exo_page page;
        error = -EXO_E_FAULT;
        if (!user_get_word(&page, pages + 8 * done))
            break;
        error = take_one(payer, guard, &page, &zeroed);
        if (error)
            break;
        if (unlikely(!user_put_word(pages + 8 * done, page))) {
            page_put(page); /* or nobody would know that it is his */
            error = -EXO_E_FAULT;
            break;
        }
        done++;
    }
    if (done || !count)
        return (int64_t)done;
    return error;
}

/* May the caller give this page up? 0, or the error. */
static int64_t
may_free(const struct env *me, const struct cap *cap, exo_page page)
{
    if (!page_valid(page))
        return -EXO_E_STATE;
    const struct exo_page_info *info = &K.page_info[page];
    if (info->payer == 0)
        return -EXO_E_STATE;
    if (info->payer != me->index && !cap_covers(cap, info->guard, EXO_CONTROL))
        return -EXO_E_CAP;
    if (likely(info->use == EXO_USE_DATA))
        return info->flags & EXO_PAGE_LARGE ? -EXO_E_STATE : 0;
    switch (info->use) {
    case EXO_USE_TABLE:
        return K.page[page].users ? -EXO_E_BUSY : 0;
    case EXO_USE_TAIL:
        return -EXO_E_STATE;
    default:
        return -EXO_E_BUSY;
    }
}

int64_t
sys_page_free(exo_cap cap, EXO_USER(const exo_page) pages, uint64_t count)
{
    struct env *me = env_self();
    int budget = FREE_STEP;
    int64_t error = 0;
    uint64_t done = 0;
    while (done < count && budget > 0) {
        exo_page page;
        if (!user_get_word(&page, pages + 8 * done)) {
            error = -EXO_E_FAULT;
            break;
        }
        error = may_free(me, cap_slot(me, cap), page);
        if (error)
            break;
        struct env *payer = page_payer(page);
        if (!tlb_drop(page, &budget, env_tell_taken)) {
            error = -EXO_E_AGAIN;
            break;
        }
        if (payer != me)
            env_tell_taken(payer, page);
        done++;
    }
    if (done || !count)
        return (int64_t)done;
    return error;
}

int64_t
sys_page_size(exo_cap cap, exo_page page, uint32_t large)
{
    if (!page_valid(page) || page % EXO_LARGE_PAGES || large > 1 ||
        page + EXO_LARGE_PAGES > K.npages)
        return -EXO_E_INVAL;
    const struct exo_page_info *info = &K.page_info[page];
    if (!cap_covers(cap_slot(env_self(), cap), info->guard, EXO_WRITE))
        return -EXO_E_CAP;
    if (large)
        return page_merge(page);
    if (!(info->flags & EXO_PAGE_LARGE) || info->bindings)
        return -EXO_E_STATE;
    page_split(page);
    return 0;
}

/* The guard of a resource, for checking and changing; NULL with an error. */
static exo_guard *
guard_of(uint32_t kind, uint64_t id, int64_t *error)
{
    *error = -EXO_E_INVAL;
    switch (kind) {
    case EXO_KIND_PAGE:
        if (!page_valid(id))
            return NULL;
        *error = -EXO_E_STATE;
        return K.page_info[id].payer && K.page_info[id].use != EXO_USE_TAIL &&
                       !(K.page_info[id].flags & EXO_PAGE_LARGE)
                   ? &K.page_info[id].guard
                   : NULL;
    case EXO_KIND_ENV:
        *error = -EXO_E_STALE;
        return env_get(id) ? &env_get(id)->info->guard : NULL;
    case EXO_KIND_SLOT:
        if (id >> 32 >= K.ncpus || (uint32_t)id >= K.nslots)
            return NULL;
        return &K.slot[(id >> 32) * K.nslots + (uint32_t)id].guard;
    case EXO_KIND_RING:
        *error = -EXO_E_STALE;
        return iface_get(id) ? &iface_get(id)->info->guard : NULL;
    case EXO_KIND_ATOM:
        *error = -EXO_E_STALE;
        return filter_is(id) ? &K.net.filter_info[EXO_NET_INDEX(id)].guard
                             : NULL;
    case EXO_KIND_CHAN:
        return id < ARRAY_SIZE(K.chan) ? &K.chan[id].guard : NULL;
    default:
        return NULL;
    }
}

int64_t
sys_reguard(uint32_t caps, uint32_t kind, uint64_t first, uint64_t count,
            exo_guard guard)
{
    struct env *me = env_self();
    const struct cap *old = cap_slot(me, caps);
    bool broken = kind & EXO_REGUARD_BREAK;
    kind &= ~EXO_REGUARD_BREAK;
    if (broken && kind != EXO_KIND_PAGE)
        return -EXO_E_INVAL;
    if (!cap_covers(cap_slot(me, caps >> 8), guard, EXO_GRANT))
        return -EXO_E_CAP;
    if (kind == EXO_KIND_ENV && first == 0)
        first = me->id;
    uint64_t done = 0;
    int64_t error = 0;
    int budget = FREE_STEP;
    while (done < count && done < REGUARD_STEP && budget > 0) {
        exo_guard *g = guard_of(kind, first + done, &error);
        if (!g)
            break;
        error = -EXO_E_CAP;
        if (!cap_covers(old, *g, EXO_GRANT))
            break;
        error = -EXO_E_AGAIN;
        if (broken && !tlb_break(first + done, &budget, env_tell_taken))
            break;
        *g = guard;
        done++;
    }
    if (done || !count)
        return (int64_t)done;
    return error;
}
