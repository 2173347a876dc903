// SPDX-License-Identifier: MIT
/* Pages, capabilities and slots, by the contracts of their calls. */
#include "spec.h"

#include <stdlib.h>

/* Who pays, for calls that name a payer: errors, or 0 and *payer. */
static uint32_t
payer_rules(const struct model_args *c, exo_env id, unsigned *payer)
{
    *payer = id ? spec_env(id) : c->me;
    if (!*payer || !model.env[*payer].alive)
        return ERR(STALE);
    if (*payer != c->me && !spec_covers(spec_cap(c->me, (uint32_t)c->a[0] >> 8),
                                        model.env[*payer].guard, EXO_CONTROL))
        return ERR(CAP);
    return 0;
}

bool
spec_page_alloc(const struct model_args *c, int64_t result)
{
    unsigned payer;
    uint32_t errors = 0;
    if (!spec_covers(spec_cap(c->me, (uint32_t)c->a[0]), c->a[1], EXO_GRANT))
        errors |= ERR(CAP);
    errors |= payer_rules(c, c->a[2], &payer);
    if (errors) {
        spec_judge("page_alloc", errors, result);
        return true;
    }
    if (result < 0) {
        if (!c->nwords || result == -EXO_E_FAULT)
            return true; /* unwritable memory is not seen from here */
        bool any = c->words[0] == EXO_PAGE_ANY;
        if (!any && !spec_page(c->words[0]))
            errors |= ERR(INVAL);
        if (!spec_fits(payer, 1))
            errors |= ERR(LIMIT);
        if (any || (spec_page(c->words[0]) &&
                    model.page[c->words[0]].use != EXO_USE_FREE))
            errors |= ERR(NONE);
        if (K.machine->pages_free <= K.machine->pages_earmarked)
            errors |= ERR(NONE) | ERR(WAIT);
        errors |= ERR(AGAIN);
        spec_judge("page_alloc", errors, result);
        return true;
    }
    for (int64_t i = 0; i < result; i++) {
        exo_page page = c->after[i];
        if (!spec_page(page) || model.page[page].use != EXO_USE_FREE ||
            (c->words[i] != EXO_PAGE_ANY && c->words[i] != page))
            panic("page_alloc gave page %lu for %lu", page, c->words[i]);
        if (!spec_fits(payer, 1))
            panic("page_alloc went beyond a limit");
        model.page[page] = (struct model_page){
            .guard = c->a[1], .payer = (uint16_t)payer, .use = EXO_USE_DATA};
    }
    return true;
}

bool
spec_page_free(const struct model_args *c, int64_t result)
{
    for (int64_t i = 0; i < (result > 0 ? result : 1); i++) {
        if ((uint64_t)i >= c->nwords)
            return result <= 0;
        exo_page page = c->words[i];
        struct model_page *m = &model.page[spec_page(page) ? page : 0];
        uint32_t errors = 0;
        if (!spec_page(page) || !m->payer) {
            spec_judge("page_free", ERR(STATE), result);
            return true;
        }
        if (m->payer != c->me &&
            !spec_covers(spec_cap(c->me, (uint32_t)c->a[0]), m->guard,
                         EXO_CONTROL))
            errors |= ERR(CAP);
        if (m->large || m->use == EXO_USE_TAIL)
            errors |= ERR(STATE);
        if (m->use > EXO_USE_TABLE)
            errors |= ERR(BUSY);
        if (m->use == EXO_USE_TABLE || (!errors && spec_bound(page)))
            return false; /* in steps; or to an heir */
        if (!spec_judge("page_free", errors, result))
            return true;
        *m = (struct model_page){.use = EXO_USE_FREE};
    }
    /* The next one may be a table that was emptied in part. */
    return result < 0 || (uint64_t)result >= c->nwords ||
           !spec_page(c->words[result]) ||
           model.page[c->words[result]].use != EXO_USE_TABLE;
}

bool
spec_page_size(const struct model_args *c, int64_t result)
{
    exo_page page = c->a[1];
    uint32_t large = (uint32_t)c->a[2], errors = 0;
    if (!spec_page(page) || page % EXO_LARGE_PAGES || large > 1 ||
        page + EXO_LARGE_PAGES > model.npages) {
        spec_judge("page_size", ERR(INVAL), result);
        return true;
    }
    struct model_page *m = &model.page[page];
    if (!spec_covers(spec_cap(c->me, (uint32_t)c->a[0]), m->guard, EXO_WRITE))
        errors |= ERR(CAP);
    if (!large && (!m->large || spec_bound(page)))
        errors |= ERR(STATE);
    for (unsigned i = 0; large && i < EXO_LARGE_PAGES; i++)
        if (m[i].use != EXO_USE_DATA || m[i].large || m[i].payer != m->payer ||
            m[i].guard != m->guard || K.page_info[page + i].bindings)
            errors |= ERR(STATE);
    if (!spec_judge("page_size", errors, result))
        return true;
    m->large = large;
    for (unsigned i = 1; i < EXO_LARGE_PAGES; i++)
        m[i].use = large ? EXO_USE_TAIL : EXO_USE_DATA;
    return true;
}

/* The guard of a resource, or errors. */
static exo_guard *
guard_of(uint32_t kind, uint64_t id, uint32_t *errors)
{
    *errors = ERR(INVAL);
    if (kind == EXO_KIND_PAGE && spec_page(id)) {
        const struct model_page *m = &model.page[id];
        *errors =
            m->payer && !m->large && m->use != EXO_USE_TAIL ? 0 : ERR(STATE);
        return &model.page[id].guard;
    }
    if (kind == EXO_KIND_ENV) {
        *errors = spec_env(id) ? 0 : ERR(STALE);
        return &model.env[spec_env(id)].guard;
    }
    if (kind == EXO_KIND_SLOT && id >> 32 < K.ncpus &&
        (uint32_t)id < K.nslots) {
        *errors = 0;
        return &model.slot[(id >> 32) * K.nslots + (uint32_t)id].guard;
    }
    return NULL;
}

bool
spec_reguard(const struct model_args *c, int64_t result)
{
    uint32_t kind = (uint32_t)c->a[1], errors;
    if (kind == EXO_KIND_CHAN || kind == EXO_KIND_ATOM ||
        kind == EXO_KIND_RING || (kind & EXO_REGUARD_BREAK) || !c->a[3])
        return false; /* no guards that the model knows */
    uint64_t first =
        kind == EXO_KIND_ENV && !c->a[2] ? model.env[c->me].id : c->a[2];
    bool may = spec_covers(spec_cap(c->me, (uint32_t)c->a[0] >> 8), c->a[4],
                           EXO_GRANT);
    for (int64_t i = 0; i < (result > 0 ? result : 1); i++) {
        exo_guard *g = guard_of(kind, first + (uint64_t)i, &errors);
        if (!may)
            errors |= ERR(CAP);
        if (g &&
            !spec_covers(spec_cap(c->me, (uint32_t)c->a[0]), *g, EXO_GRANT))
            errors |= ERR(CAP);
        if (!spec_judge("reguard", errors, result))
            return true;
        *g = c->a[4];
    }
    return true;
}

bool
spec_cap_grant(const struct model_args *c, int64_t result)
{
    uint32_t caps = (uint32_t)c->a[0], to = (uint32_t)c->a[2];
    uint32_t word = (uint32_t)c->a[4], length = word & 0xff, rights = word >> 8,
             errors = 0;
    unsigned e = c->a[1] ? spec_env(c->a[1]) : c->me;
    const struct model_cap *from = spec_cap(c->me, caps);
    if (to >= EXO_CAPS_MAX || length > 64 || rights > EXO_ALL) {
        spec_judge("cap_grant", ERR(INVAL), result);
        return true;
    }
    uint64_t mask = length ? ~0ull << (64 - length) : 0;
    if (length < from->length || (c->a[3] & ~mask) || !rights ||
        !spec_covers(from, c->a[3], rights))
        errors |= ERR(CAP);
    if (!e || !model.env[e].alive) {
        spec_judge("cap_grant", errors | ERR(STALE), result);
        return true;
    }
    struct model_cap *slot = &model.env[e].cap[to];
    if (e != c->me && !(from->rights & EXO_GRANT))
        errors |= ERR(CAP);
    bool child = model.env[e].parent == c->me &&
                 spec_covers(spec_cap(c->me, caps >> 8), model.env[e].guard,
                             EXO_CONTROL);
    bool open = slot->opened && slot->name == model.env[c->me].id;
    if (e != c->me && !child && !open)
        errors |= ERR(BUSY);
    if (result == -EXO_E_AGAIN)
        return true; /* a purge goes on */
    if (spec_judge("cap_grant", errors, result))
        *slot =
            (struct model_cap){c->a[3], (uint8_t)length, (uint8_t)rights, 0};
    return true;
}

bool
spec_cap_rest(const struct model_args *c, int64_t result)
{
    uint32_t slot = (uint32_t)c->a[0], errors = 0;
    if (slot >= EXO_CAPS_MAX) {
        spec_judge("cap_drop, open or read", ERR(INVAL), result);
        return true;
    }
    struct model_cap *mine = &model.env[c->me].cap[slot];
    if (c->nr == EXO_SYS_cap_read)
        return result == 0 || result == -EXO_E_FAULT;
    if (c->nr == EXO_SYS_cap_drop) {
        spec_judge("cap_drop", 0, result);
        *mine = (struct model_cap){0};
        return true;
    }
    if (mine->rights)
        errors |= ERR(BUSY);
    if (c->a[1] && !spec_env(c->a[1]))
        errors |= ERR(STALE);
    if (spec_judge("cap_open", errors, result))
        *mine = (struct model_cap){.name = c->a[1], .opened = c->a[1] != 0};
    return true;
}

bool
spec_slot_set(const struct model_args *c, int64_t result)
{
    uint32_t caps = (uint32_t)c->a[0];
    uint64_t cpu = c->a[1] >> 32, first = c->a[1] & UINT32_MAX;
    uint32_t errors = 0;
    unsigned owner = 0;
    if (cpu >= K.ncpus || first >= K.nslots || c->a[2] > K.nslots - first) {
        spec_judge("slot_set", ERR(INVAL), result);
        return true;
    }
    if (!spec_covers(spec_cap(c->me, caps >> 8), c->a[4], EXO_GRANT))
        errors |= ERR(CAP);
    if (c->a[3] != EXO_NEVER) {
        owner = c->a[3] ? spec_env(c->a[3]) : c->me;
        if (!owner || !model.env[owner].alive)
            errors |= ERR(STALE);
    }
    for (int64_t i = 0; i < (result > 0 ? result : 1); i++) {
        struct exo_slot *s = &model.slot[cpu * K.nslots + first + (uint64_t)i];
        unsigned old = spec_env(s->owner);
        if (!c->a[2])
            break;
        if (old && !(old == c->me && !owner) &&
            !spec_covers(spec_cap(c->me, caps), s->guard, EXO_WRITE))
            errors |= ERR(CAP);
        if (result == -EXO_E_LIMIT)
            return true; /* slots are counted by the audit */
        if (!spec_judge("slot_set", errors, result))
            return true;
        *s = (struct exo_slot){owner ? model.env[owner].id : 0, c->a[4]};
    }
    return true;
}

bool
model_call(const struct model_args *c, int64_t result)
{
    switch (c->nr) {
    case EXO_SYS_page_alloc:
        return spec_page_alloc(c, result);
    case EXO_SYS_page_free:
        return spec_page_free(c, result);
    case EXO_SYS_page_size:
        return spec_page_size(c, result);
    case EXO_SYS_reguard:
        return spec_reguard(c, result);
    case EXO_SYS_table_make:
        return spec_table_make(c, result);
    case EXO_SYS_table_link:
        return spec_table_link(c, result);
    case EXO_SYS_table_extra:
        return spec_table_extra(c, result);
    case EXO_SYS_bind:
        return spec_bind_call(c, result);
    case EXO_SYS_env_account:
        return spec_env_account(c, result);
    case EXO_SYS_cap_grant:
        return spec_cap_grant(c, result);
    case EXO_SYS_cap_drop:
    case EXO_SYS_cap_open:
    case EXO_SYS_cap_read:
        return spec_cap_rest(c, result);
    case EXO_SYS_slot_set:
        return spec_slot_set(c, result);
    case EXO_SYS_null:
    case EXO_SYS_env_state:
    case EXO_SYS_yield:
    case EXO_SYS_ring:
    case EXO_SYS_chan_write:
    case EXO_SYS_chan_read:
    case EXO_SYS_trace:
        return true; /* none of them changes a resource */
    default:
        return false;
    }
}
