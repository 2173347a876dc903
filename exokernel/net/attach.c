// SPDX-License-Identifier: MIT
/* Which interfaces are attached to which filters: links, see net.h. */
#include "cap/cap.h"
#include "lib/string.h"
#include "net/net.h"

/* The list of a filter that links of this kind are in. */
static uint32_t *
list_of(uint32_t filter, enum exo_attach how)
{
    struct filter *f = &K.net.filter[filter];
    return how == EXO_ATTACH_TAP ? &f->taps : &f->sharers;
}

uint32_t
net_link_find(uint32_t filter, const struct iface *i, enum exo_attach how)
{
    uint32_t at = *list_of(filter, how);
    while (at && K.net.link[at].iface != i->index)
        at = K.net.link[at].next;
    return at;
}

uint32_t
net_link_count(uint32_t filter, enum exo_attach how)
{
    uint32_t n = 0;
    for (uint32_t at = *list_of(filter, how); at; at = K.net.link[at].next)
        n++;
    return n;
}

static uint32_t
link_take(uint32_t filter, struct iface *i, enum exo_attach how)
{
    if (!net_link_costs(filter, how))
        return filter;
    uint32_t at = K.net.link_free;
    assert(at); /* as many as there are ATOMs */
    K.net.link_free = K.net.link[at].next;
    account_charge(i->env, EXO_KIND_ATOM, 1);
    return at;
}

void
net_link_make(uint32_t filter, struct iface *i, enum exo_attach how)
{
    struct exo_filter_info *info = &K.net.filter_info[filter];
    uint32_t *list = list_of(filter, how);
    uint32_t at = link_take(filter, i, how);
    K.net.link[at] = (struct link){.next = *list,
                                   .iface_next = i->links,
                                   .filter = (uint16_t)filter,
                                   .iface = (uint16_t)i->index,
                                   .how = (uint8_t)how};
    if (*list)
        K.net.link[*list].prev = at;
    *list = at;
    if (i->links)
        K.net.link[i->links].iface_prev = at;
    i->links = at;
    i->info->filters++;
    if (how == EXO_ATTACH_TAP)
        K.net.taps++;
    else if (info->flags & EXO_FILTER_SHARED)
        info->sharers++;
    else
        info->iface = i->id;
}

/* Out of both lists. */
static void
link_unlist(uint32_t at)
{
    struct link *link = K.net.link, *l = &link[at];
    if (l->prev)
        link[l->prev].next = l->next;
    else
        *list_of(l->filter, l->how) = l->next;
    if (l->next)
        link[l->next].prev = l->prev;
    if (l->iface_prev)
        link[l->iface_prev].iface_next = l->iface_next;
    else
        K.net.iface[l->iface]->links = l->iface_next;
    if (l->iface_next)
        link[l->iface_next].iface_prev = l->iface_prev;
}

void
net_link_break(uint32_t at)
{
    struct link *l = &K.net.link[at];
    struct iface *i = K.net.iface[l->iface];
    struct exo_filter_info *info = &K.net.filter_info[l->filter];
    net_forget_link(at);
    link_unlist(at);
    i->info->filters--;
    if (l->how == EXO_ATTACH_TAP)
        K.net.taps--;
    else if (info->flags & EXO_FILTER_SHARED)
        info->sharers--;
    else
        info->iface = 0;
    bool paid = at >= K.net.nfilters;
    memset(l, 0, sizeof(*l));
    if (!paid)
        return;
    l->next = K.net.link_free;
    K.net.link_free = at;
    account_refund(i->env, EXO_KIND_ATOM, 1);
}
