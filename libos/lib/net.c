// SPDX-License-Identifier: MIT
/* net.c: an interface's rings from the libOS's side. */
#include "lib/net.h"

#include <exo/error.h>
#include <exo/info.h>
#include <exo/syscall.h>

#define RECEIVE_MAX (EXO_NET_ENTRIES / 2) // pages, two buffers each

/* Binds what is in the spec at the plan's address. */
static int64_t
bind_pages(struct map *map, const struct net_plan *plan,
           const struct exo_iface_spec *spec, const exo_page *area)
{
    uint64_t va = plan->va;
    const uint32_t rw = EXO_BIND_R | EXO_BIND_W;
    int64_t error = map_run(map, plan->cap, va, spec->rx, 1, rw);
    va += EXO_PAGE_BYTES;
    if (!error)
        error = map_run(map, plan->cap, va, spec->tx, 1, rw);
    for (uint64_t i = 0; i < spec->count && !error; i++) {
        va += EXO_PAGE_BYTES;
        error = map_run(map, plan->cap, va, area[i], 1, rw);
    }
    return error;
}

/* Opens it, as many calls as that takes. */
static int64_t
open_all(struct net *net, const struct net_plan *plan,
         const struct exo_iface_spec *spec)
{
    int64_t id;
    do {
        id = exo_net_open(EXO_CAPS(plan->cap, plan->cap), spec);
        if (id < 0)
            return id;
        net->id = (exo_iface)id;
    } while (exo_iface_info(net->id)->area < spec->count);
    return 0;
}

int64_t
net_open(struct net *net, struct map *map, const struct net_plan *plan)
{
    exo_page *page = plan->page;
    uint32_t area = plan->send + plan->receive;
    if (!plan->receive || plan->receive > RECEIVE_MAX ||
        plan->send > EXO_NET_AREA_MAX - plan->receive)
        return -EXO_E_INVAL;
    int64_t error = pages_take(map->pages, page, 3 + area);
    if (error)
        return error;
    const struct exo_iface_spec spec = {.guard = plan->guard,
                                        .state = page[0],
                                        .rx = page[1],
                                        .tx = page[2],
                                        .count = area,
                                        .area = page + 3};
    *net = (struct net){
        .cap = plan->cap,
        .rx = (struct exo_net_rx *)plan->va,
        .tx = (struct exo_net_tx *)(plan->va + EXO_PAGE_BYTES),
        .area = (char *)plan->va + 2 * EXO_PAGE_BYTES,
        .pages = area,
        .send_buffers = plan->send * 2,
        .page = page,
    };
    error = bind_pages(map, plan, &spec, page + 3);
    if (!error)
        error = open_all(net, plan, &spec);
    if (error) {
        net_close(net, map);
        return error;
    }
    for (uint32_t i = net->send_buffers; i < 2 * area; i++)
        net_give(net, i * EXO_NET_BUFFER);
    return 0;
}

int64_t
net_open_own(struct net *net, struct map *map, const struct net_plan *plan,
             const struct start_net *own)
{
    static const exo_cap caps[2] = {START_CAP_NET, START_CAP_GROUP};
    if (!own->nfilters)
        return -EXO_E_NONE;
    int64_t error = net_open(net, map, plan);
    if (error)
        return error;
    error = net_attach(net, own->filter, own->nfilters, caps, plan->cap);
    if (error)
        net_close(net, map);
    return error;
}

int64_t
net_close(struct net *net, struct map *map)
{
    int64_t error = 0;
    do
        error = net->id ? exo_net_close(net->cap, net->id) : 0;
    while (error == -EXO_E_AGAIN);
    if (error)
        return error;
    net->id = 0;
    pages_free(map->pages, net->page, 3 + net->pages);
    return 0;
}

bool
net_take(struct net *net, struct net_packet *packet)
{
    struct exo_net_rx *rx = net->rx;
    if (!net_waits(net))
        return false;
    const struct exo_net_entry *e = &rx->packet[net->taken % EXO_NET_ENTRIES];
    *packet = (struct net_packet){
        .frame = (const uint8_t *)net->area + e->at + EXO_NET_AT,
        .bytes = e->bytes,
        .flags = e->flags,
        .at = e->at,
    };
    __atomic_store_n(&rx->tail, ++net->taken, __ATOMIC_RELEASE);
    return true;
}

void
net_give(struct net *net, uint32_t at)
{
    struct exo_net_rx *rx = net->rx;
    uint32_t filled = rx->filled;
    rx->fill[filled % EXO_NET_ENTRIES] = at;
    __atomic_store_n(&rx->filled, filled + 1, __ATOMIC_RELEASE);
}

/* Entries whose bytes the kernel or the card may still need. */
static uint32_t
busy(const struct net *net)
{
    return net->queued - __atomic_load_n(&net->tx->done, __ATOMIC_ACQUIRE);
}

/* Entry n has buffer n: they are done in order. */
static uint32_t
buffer_at(const struct net *net)
{
    return net->queued % net->send_buffers * EXO_NET_BUFFER;
}

void *
net_reserve(struct net *net)
{
    uint32_t n = busy(net);
    if (n >= net->send_buffers || n >= EXO_NET_ENTRIES)
        return NULL;
    return net->area + buffer_at(net);
}

static void
queue(struct net *net, uint32_t at, uint32_t bytes, uint32_t flags)
{
    struct exo_net_tx *tx = net->tx;
    tx->packet[net->queued % EXO_NET_ENTRIES] =
        (struct exo_net_entry){at, (uint16_t)bytes, (uint16_t)flags};
    __atomic_store_n(&tx->head, ++net->queued, __ATOMIC_RELEASE);
}

void
net_commit(struct net *net, uint32_t bytes, uint32_t flags)
{
    queue(net, buffer_at(net), bytes, flags);
}

bool
net_queue(struct net *net, uint32_t at, uint32_t bytes, uint32_t flags)
{
    if (busy(net) >= EXO_NET_ENTRIES)
        return false;
    queue(net, at, bytes, flags);
    return true;
}

/* Is there nothing to take, and no need to learn which buffers are done? */
static bool
is_quiet(const struct net *net)
{
    return __atomic_load_n(&net->tx->tail, __ATOMIC_ACQUIRE) == net->queued &&
           busy(net) < net->send_buffers / 2;
}

int64_t
net_kick(struct net *net)
{
    int64_t left;
    if (is_quiet(net))
        return 0;
    do
        left = exo_net_send(net->cap, net->id);
    while (left > 0);
    return left;
}
