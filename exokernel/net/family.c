// SPDX-License-Identifier: MIT
/* Filters as things that are owned: which is below which, who pays. See net.h.
 */
#include "cap/cap.h"
#include "env/env.h"
#include "net/filter.h"
#include "net/net.h"

#define FILTER_PRICE 2 /* units of work that removing one is */

static void
list_in(uint32_t index, struct env *payer)
{
    struct filter *filter = K.net.filter, *f = &filter[index];
    f->next = filter[f->parent].child;
    if (f->next)
        filter[f->next].prev = index;
    filter[f->parent].child = index;
    f->payer_next = payer->filters;
    if (f->payer_next)
        filter[f->payer_next].payer_prev = index;
    payer->filters = index;
}

static void
list_out(uint32_t index, struct env *payer)
{
    struct filter *filter = K.net.filter, *f = &filter[index];
    *(f->prev ? &filter[f->prev].next : &filter[f->parent].child) = f->next;
    if (f->next)
        filter[f->next].prev = f->prev;
    *(f->payer_prev ? &filter[f->payer_prev].payer_next : &payer->filters) =
        f->payer_next;
    if (f->payer_next)
        filter[f->payer_next].payer_prev = f->payer_prev;
}

exo_filter
filter_place(struct env *payer, const struct exo_filter_spec *s)
{
    uint32_t index = K.net.filter_free, parent = EXO_NET_INDEX(s->parent);
    struct filter *f = &K.net.filter[index];
    struct exo_filter_info *info = &K.net.filter_info[index];
    assert(index);
    K.net.filter_free = f->next;
    *f = (struct filter){
        .parent = parent,
        .nest = (uint8_t)(K.net.filter[parent].nest + 1),
    };
    *info = (struct exo_filter_info){
        .id = ++K.net.filter_generation[index] << 16 | index,
        .guard = s->guard,
        .parent = s->parent,
        .payer = (uint16_t)payer->index,
        .direction = (uint8_t)s->direction,
        .flags = (uint8_t)s->flags,
        .atoms = (uint16_t)s->count,
    };
    if (parent)
        info->flags |= K.net.filter_info[parent].flags & EXO_FILTER_LOCAL;
    list_in(index, payer);
    filter_insert(s->direction, index, parent, s->atom, s->count);
    account_charge(payer, EXO_KIND_ATOM, s->count + 1);
    K.net.info->atoms_used = filter_nodes();
    return info->id;
}

bool
filter_is_leaving(uint32_t index)
{
    for (; index; index = K.net.filter[index].parent)
        if (K.net.filter[index].leaving)
            return true;
    return false;
}

/* Whoever loses by it is told, unless it is its own doing. */
static void
tell(struct env *loser, const struct env *by, exo_filter id)
{
    if (loser != by)
        env_tell(loser, EXO_KIND_ATOM, id);
}

/* Take all interfaces off; the payer will be told of the filter itself. */
static bool
unlink(uint32_t index, const struct env *by, int *budget)
{
    const struct filter *f = &K.net.filter[index];
    const struct exo_filter_info *info = &K.net.filter_info[index];
    while (f->sharers || f->taps) {
        if (--*budget < 0)
            return false;
        uint32_t at = f->sharers ? f->sharers : f->taps;
        struct env *owner = K.net.iface[K.net.link[at].iface]->env;
        net_link_break(at);
        if (owner->index != info->payer)
            tell(owner, by, info->id);
    }
    return true;
}

/* needs: nothing is below it or attached to it. */
static void
drop(uint32_t index, const struct env *by)
{
    struct filter *f = &K.net.filter[index];
    struct exo_filter_info *info = &K.net.filter_info[index];
    struct env *payer = K.env[info->payer];
    net_forget_filter(index);
    filter_extract(index);
    list_out(index, payer);
    account_refund(payer, EXO_KIND_ATOM, info->atoms + 1u);
    tell(payer, by, info->id);
    *info = (struct exo_filter_info){0};
    *f = (struct filter){.next = K.net.filter_free};
    K.net.filter_free = index;
    K.net.info->atoms_used = filter_nodes();
}

bool
filter_remove(uint32_t index, const struct env *by, int *budget)
{
    K.net.filter[index].leaving = true;
    for (uint32_t inner = 0; inner != index;) {
        inner = index;
        while (K.net.filter[inner].child)
            inner = K.net.filter[inner].child;
        if (!unlink(inner, by, budget) || (*budget -= FILTER_PRICE) < 0)
            return false;
        drop(inner, by);
    }
    return true;
}

bool
filter_reap(struct env *e, int *budget)
{
    while (e->filters)
        if (!filter_remove(e->filters, e, budget))
            return false;
    return true;
}

/* ---- sweeping ------------------------------------------------------------ */

static void
check_filter(uint32_t index)
{
    const struct filter *filter = K.net.filter, *f = &filter[index];
    const struct exo_filter_info *info = &K.net.filter_info[index];
    assert(EXO_NET_INDEX(info->id) == index && K.env[info->payer]);
    assert(filter_above(index) == f->parent); /* NET-2 */
    assert(info->parent == K.net.filter_info[f->parent].id);
    assert(f->nest == filter[f->parent].nest + 1 && f->nest <= EXO_NEST_MAX);
    assert(!f->next || filter[f->next].prev == index);
    assert(!f->child || filter[f->child].parent == index);
    if (f->parent && (K.net.filter_info[f->parent].flags & EXO_FILTER_LOCAL))
        assert(info->flags & EXO_FILTER_LOCAL);
    bool shared = info->flags & EXO_FILTER_SHARED;
    uint32_t attached = net_link_count(index, EXO_ATTACH);
    assert(attached == (shared ? info->sharers : info->iface != 0)); /* NET-6 */
    assert(attached <= EXO_SHARERS_MAX);
    assert(net_link_count(index, EXO_ATTACH_TAP) <= EXO_TAPS_MAX);
}

/* Atoms that an env is charged for its filters. */
static uint32_t
charged(const struct env *e)
{
    uint32_t n = 0, prev = 0;
    for (uint32_t i = e->filters; i; i = K.net.filter[i].payer_next) {
        assert(K.net.filter_info[i].payer == e->index);
        assert(K.net.filter[i].payer_prev == prev);
        n += K.net.filter_info[i].atoms + 1u;
        prev = i;
    }
    return n;
}

void
check_family(void)
{
    uint64_t atoms = 0, own = 0, links = 0;
    for (uint32_t i = 1; i < K.net.nfilters; i++) {
        if (!K.net.filter_info[i].id)
            continue;
        check_filter(i);
        atoms += K.net.filter_info[i].atoms + 1u;
    }
    for (uint32_t i = K.net.nfilters; i < K.net.nfilters + K.net.natoms; i++)
        links += K.net.link[i].iface != 0;
    for (uint32_t i = 1; i < K.nenvs; i++) {
        if (!K.env[i])
            continue;
        uint32_t n = charged(K.env[i]);
        assert(n <= K.env[i]->info->account[EXO_KIND_ATOM].own);
        own += K.env[i]->info->account[EXO_KIND_ATOM].own;
        atoms -= n;
    }
    assert(atoms == 0); /* each is somebody's */
    assert(filter_nodes() + links <= own && own <= K.net.natoms); /* NET-4 */
}
