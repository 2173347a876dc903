// SPDX-License-Identifier: MIT
/*
 * Random calls about filters and interfaces: see calls.h. Fields and values are
 * few, so that filters meet; rings say whatever their owner likes to say.
 */
#include "choose.h"

#include <string.h>

#include "env/env.h"
#include "net/net.h"

exo_filter
packets_filter(void)
{
    exo_filter found = 0;
    for (uint32_t i = 1, n = 0; i < K.net.nfilters; i++)
        if (K.net.filter_info[i].id && below(++n) == 0)
            found = K.net.filter_info[i].id;
    return chance(95) ? found : hostile();
}

exo_iface
packets_iface(void)
{
    exo_iface found = 0;
    for (uint32_t i = 1, n = 0; i < K.net.nifaces; i++)
        if (K.net.iface[i] && below(++n) == 0)
            found = K.net.iface[i]->id;
    return chance(95) ? found : hostile();
}

static struct exo_atom
pick_atom(uint32_t depth)
{
    struct exo_atom a = {.op = chance(70) ? EXO_ATOM_EQ : (uint8_t)below(3),
                         .width = chance(97) ? (uint8_t)(1u << depth % 3)
                                             : (uint8_t)below(12),
                         .offset = (uint16_t)(depth % 5 * 4)};
    if (chance(3))
        a.offset = (uint16_t)hostile();
    a.value = below(6);
    if (a.op == EXO_ATOM_EQ)
        a.mask = chance(80) ? ~0ull >> (64 - (8u << depth % 3)) : 7;
    if (a.op == EXO_ATOM_RANGE)
        a.last = a.value + below(4);
    if (a.op == EXO_ATOM_SHIFT)
        a.value = 0, a.mask = 0x0f, a.shift = 2;
    return a;
}

static void
do_add(void)
{
    exo_filter parent = chance(50) ? 0 : packets_filter();
    uint32_t index = EXO_NET_INDEX(parent) % K.net.nfilters, depth = 0;
    struct exo_filter_spec s = {.guard = pick_guard(),
                                .parent = parent,
                                .payer = chance(70) ? 0 : pick_env(),
                                .direction = below(chance(97) ? 2 : 9),
                                .count = 1 + below(chance(80) ? 3 : 17)};
    if (parent) {
        s.direction = K.net.filter_info[index].direction;
        depth = K.net.filter[index].nest;
    }
    if (chance(20))
        s.flags = 1 + s.direction;
    for (uint32_t i = 0; i < EXO_ATOMS_MAX; i++)
        s.atom[i] = pick_atom(depth + i);
    if (chance(2))
        ((uint64_t *)&s)[below(sizeof(s) / 8)] = hostile();
    call(EXO_SYS_filter_add, pick_caps(), put_words(&s, sizeof(s)), 0, 0, 0);
}

static void
do_attach(void)
{
    call(EXO_SYS_filter_attach, pick_caps(), packets_filter(), packets_iface(),
         below(chance(97) ? 3 : 9), 0);
}

static void
do_open(void)
{
    exo_page area[6];
    struct exo_iface_spec s = {.guard = pick_guard(),
                               .state = pick_mine(EXO_USE_DATA, true),
                               .rx = pick_mine(EXO_USE_DATA, chance(50)),
                               .tx = pick_mine(EXO_USE_DATA, chance(50)),
                               .count = 1 + below(ARRAY_SIZE(area))};
    for (unsigned i = 0; i < ARRAY_SIZE(area); i++)
        area[i] = pick_mine(EXO_USE_DATA, chance(50));
    s.area = put_words(area, sizeof(area));
    if (chance(3))
        ((uint64_t *)&s)[below(sizeof(s) / 8)] = hostile();
    /* The caller's one page of scratch holds both. */
    uint64_t both[sizeof(s) / 8 + ARRAY_SIZE(area)];
    if (chance(95))
        s.area += sizeof(s);
    memcpy(both, &s, sizeof(s));
    memcpy(both + sizeof(s) / 8, area, sizeof(area));
    call(EXO_SYS_net_open, pick_caps(), put_words(both, sizeof(both)), 0, 0, 0);
}

/* What the owner of an interface may write at any time. */
static void
do_rings(void)
{
    struct iface *i = iface_get(packets_iface());
    if (!i)
        return;
    for (unsigned n = below(6); n; n--) {
        i->rx->fill[i->rx->filled % EXO_NET_ENTRIES] =
            chance(90) ? below(i->count * 2 + 1) * EXO_NET_BUFFER
                       : (uint32_t)hostile();
        i->rx->filled++;
        i->tx->packet[i->tx->head % EXO_NET_ENTRIES] = (struct exo_net_entry){
            .at = chance(90) ? below(i->count * EXO_PAGE_BYTES + 1)
                             : (uint32_t)hostile(),
            .bytes = (uint16_t)below(1600),
            .flags = (uint16_t)(chance(60) ? 0 : below(32))};
        i->tx->head++;
    }
    if (chance(50))
        i->rx->tail = i->rx->head;
    if (chance(5))
        ((uint32_t *)(chance(50) ? (void *)i->rx : (void *)i->tx))[below(5)] =
            (uint32_t)hostile();
}

void
packets_act(void)
{
    unsigned way = below(16);
    if (way < 6)
        do_add();
    else if (way < 9)
        do_open();
    else if (way < 11)
        do_attach();
    else if (way < 12)
        call(EXO_SYS_filter_remove, pick_cap(), packets_filter(), 0, 0, 0);
    else if (way < 14)
        call(chance(80) ? EXO_SYS_net_send : EXO_SYS_net_close, pick_cap(),
             packets_iface(), 0, 0, 0);
    else
        do_rings();
}
