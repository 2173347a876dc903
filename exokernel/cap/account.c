// SPDX-License-Identifier: MIT
/*
 * Accounts: how much an env and its descendants may use. See cap.h.
 *
 * The chain of ancestors is at most EXO_MAX_DEPTH long, so a charge is bounded.
 */
#include "cap/cap.h"

static struct exo_account *
account(const struct env *e, enum exo_kind kind)
{
    return &e->info->account[kind];
}

uint32_t
account_excess(const struct env *e)
{
    const struct exo_account *a = account(e, EXO_KIND_PAGE);
    return a->used > a->reserved ? a->used - a->reserved : 0;
}

void
account_unsort(struct env *e)
{
    if (!e->bucket)
        return;
    if (e->excess_prev)
        e->excess_prev->excess_next = e->excess_next;
    else
        K.excess[e->bucket] = e->excess_next;
    if (e->excess_next)
        e->excess_next->excess_prev = e->excess_prev;
    e->bucket = 0;
}

void
account_sort(struct env *e)
{
    bool ended = e->info->state >= EXO_ENV_DYING; /* nobody to ask */
    uint32_t excess = ended ? 0 : account_excess(e);
    uint32_t bucket = excess ? 32 - __builtin_clz(excess) : 0;
    if (likely(bucket == e->bucket))
        return;
    account_unsort(e);
    e->bucket = bucket;
    if (!bucket)
        return;
    e->excess_prev = NULL;
    e->excess_next = K.excess[bucket];
    if (e->excess_next)
        e->excess_next->excess_prev = e;
    K.excess[bucket] = e;
}

struct env *
account_victim(void)
{
    for (unsigned i = 32; i; i--)
        if (K.excess[i])
            return K.excess[i];
    return NULL;
}

void
account_promise(struct env *e, uint32_t n)
{
    for (; e; e = e->parent)
        account(e, EXO_KIND_PAGE)->promised += n;
}

void
account_unpromise(struct env *e, uint32_t n)
{
    for (; e; e = e->parent)
        account(e, EXO_KIND_PAGE)->promised -= n;
}

bool
account_pins(const struct env *e, enum exo_kind kind, uint32_t n)
{
    const struct exo_account *a = account(e, kind);
    return (uint64_t)a->pinned + n <= a->reserved - a->carved;
}

bool
account_guaranteed(const struct env *e, enum exo_kind kind)
{
    const struct exo_account *a = account(e, kind);
    return a->own < a->reserved - a->carved;
}

bool
account_set(struct env *e, enum exo_kind kind, struct exo_share share)
{
    struct exo_account *a = account(e, kind);
    struct exo_account *p = account(e->parent, kind);
    uint32_t spare = p->reserved - p->carved + a->reserved;
    if (share.reserved > spare || share.reserved < a->carved + a->pinned ||
        share.limit < a->used + a->promised)
        return false;
    /* What the parent itself holds irrevocably stays covered: ACC-3. */
    if (p->carved - a->reserved + share.reserved + p->pinned > p->reserved)
        return false;
    p->carved += share.reserved - a->reserved;
    a->reserved = share.reserved;
    a->limit = share.limit;
    if (kind == EXO_KIND_PAGE && e->parent == K.first)
        account_sort(e);
    return true;
}
