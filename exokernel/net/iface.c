// SPDX-License-Identifier: MIT
/* Interfaces: opening, closing, and what they hold. See net.h. */
#include "net/net.h"

#include "boot/memory.h"
#include "cap/cap.h"
#include "env/env.h"
#include "hw.h"
#include "lib/string.h"
#include "net/filter.h"
#include "page/page.h"

#define PAGES_PER_FILTER 32 /* one filter for so many pages of memory */
#define ATOMS_PER_FILTER 8
#define PAGES_PER_IFACE  128
#define UNHOLD_STEP      8   /* pages given back for one unit of work */
#define COLLECT_STEP     16  /* sent frames looked for while one waits */
#define PATIENCE_MS      100 /* for a card to finish, before it is reset */

static uint32_t
clamp(uint64_t n, uint32_t least, uint32_t most)
{
    return (uint32_t)(n < least ? least : n > most ? most : n);
}

void
net_size(void)
{
    uint64_t pages = K.boot.ram_pages_total;
    K.net.nfilters = clamp(pages / PAGES_PER_FILTER, 8, 8192);
    K.net.natoms = K.net.nfilters * ATOMS_PER_FILTER;
    K.net.nifaces = clamp(pages / PAGES_PER_IFACE, 4, 2048);
}

static void
make_tables(void)
{
    uint32_t nlinks = K.net.nfilters + K.net.natoms;
    K.net.filter = boot_alloc(K.net.nfilters * sizeof(struct filter), 64);
    K.net.filter_generation = boot_alloc(K.net.nfilters * 8, 64);
    K.net.link = boot_alloc(nlinks * sizeof(struct link), 64);
    K.net.iface = boot_alloc(K.net.nifaces * sizeof(void *), 64);
    K.net.iface_generation = boot_alloc(K.net.nifaces * 8, 64);
    K.net.iface_free_next = boot_alloc(K.net.nifaces * 4, 64);
    K.net.rest = boot_alloc(sizeof(*K.net.rest), 64);
    for (uint32_t i = K.net.nfilters - 1; i >= 1; i--) {
        K.net.filter[i].next = K.net.filter_free;
        K.net.filter_free = i;
    }
    for (uint32_t i = nlinks - 1; i >= K.net.nfilters; i--) {
        K.net.link[i].next = K.net.link_free;
        K.net.link_free = i;
    }
    for (uint32_t i = K.net.nifaces - 1; i >= 1; i--) {
        K.net.iface_free_next[i] = K.net.iface_free;
        K.net.iface_free = i;
    }
}

/* A machine without a card needs an address too: a local one. */
static void
publish(void)
{
    static const uint8_t made_up[6] = {0x02, 'E', 'X', 'O', 0, 1};
    struct exo_net_info *info = K.net.info;
    info->nfilters = K.net.nfilters;
    info->nifaces = K.net.nifaces;
    info->natoms = K.net.natoms;
    memcpy(info->mac, nic.driver ? nic.mac : made_up, sizeof(info->mac));
    memcpy(&K.net.mac, info->mac, sizeof(info->mac));
    if (!nic.driver)
        return;
    info->features = EXO_NET_CARD | (nic.tx_sum ? EXO_NET_TX_SUM : 0) |
                     (nic.rx_sum ? EXO_NET_RX_SUM : 0) |
                     (nic.driver->link_up() ? EXO_NET_LINK : 0);
}

/* What a dying env has of this room. */
static bool
reap(struct env *e, int *budget)
{
    while (e->ifaces)
        if (!iface_close(K.net.iface[e->ifaces], budget))
            return false;
    return filter_reap(e, budget);
}

void
net_init(void)
{
    make_tables();
    filter_init(K.net.nfilters, K.net.natoms);
    publish();
    env_on_reap = reap;
    K.polling = nic.driver && !nic.has_irq;
    if (nic.driver)
        nic.driver->interrupts(nic.has_irq);
}

static void
list_in(struct iface *i)
{
    i->next = i->env->ifaces;
    if (i->next)
        K.net.iface[i->next]->prev = i->index;
    i->env->ifaces = i->index;
}

static void
list_out(struct iface *i)
{
    if (i->prev)
        K.net.iface[i->prev]->next = i->next;
    else
        i->env->ifaces = i->next;
    if (i->next)
        K.net.iface[i->next]->prev = i->prev;
}

struct iface *
iface_place(struct env *owner, const struct exo_iface_spec *s)
{
    uint32_t index = K.net.iface_free;
    K.net.iface_free = K.net.iface_free_next[index];
    page_hold(s->state, EXO_USE_SAVE);
    page_hold(s->rx, EXO_USE_NET);
    page_hold(s->tx, EXO_USE_NET);
    struct iface *i = page_kva(s->state);
    memset(i, 0, EXO_PAGE_BYTES);
    memset(page_kva(s->rx), 0, EXO_PAGE_BYTES);
    memset(page_kva(s->tx), 0, EXO_PAGE_BYTES);
    i->id = ++K.net.iface_generation[index] << 16 | index;
    i->index = index;
    i->env = owner;
    i->rx = page_kva(s->rx);
    i->tx = page_kva(s->tx);
    i->state_page = s->state, i->rx_page = s->rx, i->tx_page = s->tx;
    i->info = &K.net.iface_info[index];
    *i->info = (struct exo_iface_info){
        .id = i->id, .guard = s->guard, .env = (uint16_t)owner->index};
    K.net.iface[index] = i;
    list_in(i);
    account_charge(owner, EXO_KIND_RING, 1);
    return i;
}

/* Has the card read what it was to send? If it takes too long it is reset. */
static bool
has_landed(struct iface *i)
{
    net_collect_sent(COLLECT_STEP);
    if (!i->flying)
        return true;
    uint64_t now = hw_rdtsc();
    if (!i->reset_at)
        i->reset_at = now + PATIENCE_MS * K.tsc_khz;
    if (now < i->reset_at)
        return false;
    i->reset_at = 0;
    K.net.info->resets++;
    nic.driver->reset();
    net_collect_sent(COLLECT_STEP);
    return !i->flying;
}

static void
leave_place(struct iface *i)
{
    uint32_t index = i->index;
    exo_page state = i->state_page;
    page_unhold(i->rx_page);
    page_unhold(i->tx_page);
    account_refund(i->env, EXO_KIND_RING, 1);
    list_out(i);
    *i->info = (struct exo_iface_info){0};
    K.net.iface[index] = NULL;
    K.net.iface_free_next[index] = K.net.iface_free;
    K.net.iface_free = index;
    page_unhold(state);
    page_clean(state); /* the kernel's own words, which its payer may not see */
}

bool
iface_close(struct iface *i, int *budget)
{
    i->closing = true;
    iface_unblock(i);
    while (i->links) {
        if (--*budget < 0)
            return false;
        net_link_break(i->links);
    }
    if (i->flying && !has_landed(i))
        return false;
    while (i->count) {
        if (i->count % UNHOLD_STEP == 0 && --*budget < 0)
            return false;
        page_unhold(i->area[--i->count]);
    }
    if (--*budget < 0)
        return false;
    leave_place(i);
    return true;
}

static void
check_pages(const struct iface *i)
{
    const exo_page own[] = {i->rx_page, i->tx_page};
    assert(K.page_info[i->state_page].use == EXO_USE_SAVE &&
           K.page_info[i->state_page].payer == i->env->index &&
           K.page_info[i->state_page].bindings == 0); /* NET-5 */
    for (uint32_t n = 0; n < ARRAY_SIZE(own) + i->count; n++) {
        exo_page page =
            n < ARRAY_SIZE(own) ? own[n] : i->area[n - ARRAY_SIZE(own)];
        assert(K.page_info[page].use == EXO_USE_NET &&
               K.page_info[page].payer == i->env->index &&
               K.page[page].nexec == 0); /* NET-5 */
    }
}

static uint32_t
check_links(const struct iface *i)
{
    uint32_t n = 0, paid = 0;
    for (uint32_t at = i->links; at; at = K.net.link[at].iface_next) {
        const struct link *l = &K.net.link[at];
        bool costs = net_link_costs(l->filter, l->how);
        assert(l->iface == i->index && K.net.filter_info[l->filter].id);
        assert(costs || at == l->filter); /* NET-6 */
        assert(costs || K.net.filter_info[l->filter].iface == i->id);
        assert(net_link_find(l->filter, i, l->how) == at);
        paid += costs;
        n++;
    }
    assert(n == i->info->filters);
    return paid;
}

static void
check_rest(void)
{
    const struct rest *r = K.net.rest;
    assert(r->left <= ARRAY_SIZE(r->walk));
    for (unsigned n = 0; n < r->left; n++) { /* NET-8 */
        const struct walk *w = &r->walk[n];
        assert(!w->link || K.net.iface[K.net.link[w->link].iface]);
        assert(!w->tap || K.net.filter_info[w->tap].id);
        assert(!(w->link || w->tap) || K.net.filter_info[w->filter].id);
    }
}

void
check_net(void)
{
    uint32_t flying = 0;
    check_filters();
    check_family();
    check_rest();
    for (uint32_t index = 1; index < K.net.nifaces; index++) {
        const struct iface *i = K.net.iface[index];
        if (!i)
            continue;
        assert(i->id == i->info->id && i->index == index);
        check_pages(i);
        assert(check_links(i) <= i->env->info->account[EXO_KIND_ATOM].own);
        assert(i->filled - i->taken <= EXO_NET_ENTRIES &&
               i->head - i->tail <= EXO_NET_ENTRIES &&
               i->tx_tail - i->tx_done <= EXO_NET_ENTRIES); /* NET-7 */
        assert(i->flying <= i->tx_tail - i->tx_done);
        flying += i->flying;
    }
    assert(flying == K.net.flying);
}
