// SPDX-License-Identifier: MIT
/*
 * Random interfaces, filters, rings and frames, and a card that takes its time,
 * is full, brings rubbish and sends in any order: see calls.h.
 */
#include "calls.h"
#include "pick.h"

#include <string.h>

#include "drv/apic.h"
#include "net/net.h"

/* ---- the card ------------------------------------------------------------ */

#define FLYING_MAX 24

static struct {
    uint8_t header[NIC_HEADER];
    uint8_t frame[2048];
    uint64_t cookie[FLYING_MAX];
    unsigned flying, waiting; /* frames out; frames that came */
} card;

/* Few fields, so that filters and frames meet. */
static void
put_frame(uint8_t *at, unsigned bytes)
{
    for (unsigned i = 0; i < bytes && i < 64; i++)
        at[i] = (uint8_t)below(3);
    memcpy(at, K.net.info->mac, bytes < 6 ? bytes : 6);
    if (chance(30) && bytes)
        at[0] |= 1;
}

static bool
card_receive(struct nic_frame *frame)
{
    if (!card.waiting)
        return false;
    card.waiting--;
    unsigned bytes = chance(80) ? 60 : below(1515);
    put_frame(card.frame, bytes);
    *frame = (struct nic_frame){card.frame, bytes, chance(50)};
    return true;
}

static void
card_release(void)
{
}

static uint8_t *
card_header(void)
{
    return card.flying < FLYING_MAX && chance(95) ? card.header : NULL;
}

static void
card_send(uint32_t header_bytes, const struct nic_piece *pieces, unsigned count,
          struct nic_sum sum, uint64_t cookie)
{
    uint32_t bytes = header_bytes;
    for (unsigned i = 0; i < count; i++) {
        bytes += pieces[i].count;
        exo_page page = pieces[i].pa >> EXO_PAGE_SHIFT;
        assert(K.page_info[page].use == EXO_USE_NET);
        assert(pieces[i].count &&
               (pieces[i].pa + pieces[i].count - 1) >> EXO_PAGE_SHIFT ==
                   page); /* or two that adjoin */
    }
    assert(count <= NIC_PIECES_MAX && header_bytes <= NIC_HEADER);
    assert(bytes >= EXO_FRAME_MIN && bytes <= EXO_FRAME_MAX);
    assert(!sum.start || sum.start + sum.offset + 2u <= header_bytes);
    card.cookie[card.flying++] = cookie;
}

static bool
card_sent(uint64_t *cookie)
{
    if (!card.flying || chance(40))
        return false;
    unsigned which = below(card.flying);
    *cookie = card.cookie[which];
    card.cookie[which] = card.cookie[--card.flying];
    return true;
}

static void
card_nothing(void)
{
}

static void
card_interrupts(bool on)
{
    (void)on;
}

static bool
card_link_up(void)
{
    return true;
}

void
packets_card(void)
{
    static const struct nic_driver driver = {
        .name = "random",
        .receive = card_receive,
        .release = card_release,
        .header = card_header,
        .send = card_send,
        .kick = card_nothing,
        .sent = card_sent,
        .acknowledge = card_nothing,
        .interrupts = card_interrupts,
        .link_up = card_link_up,
        .reset = card_nothing,
    };
    card.flying = card.waiting = 0;
    nic = (struct nic){.driver = &driver, .has_irq = true, .mac = {2, 2, 2}};
}

/* ---- what envs do ----------------------------------------------------------
 */

static struct iface *
pick_iface_at_all(void)
{
    uint32_t n = 0;
    struct iface *found = NULL;
    for (uint32_t i = 1; i < K.net.nifaces; i++)
        if (K.net.iface[i] && below(++n) == 0)
            found = K.net.iface[i];
    return found;
}

static exo_iface
pick_iface(void)
{
    struct iface *i = pick_iface_at_all();
    return i && chance(95) ? i->id : hostile();
}

static exo_filter
pick_filter(void)
{
    uint32_t n = 0;
    exo_filter found = hostile();
    for (uint32_t i = 1; i < K.net.nfilters; i++)
        if (K.net.filter_info[i].id && below(++n) == 0)
            found = K.net.filter_info[i].id;
    return found;
}

static void
do_open(void)
{
    exo_page area[40];
    uint32_t count = 1 + below(chance(90) ? 4 : ARRAY_SIZE(area));
    struct exo_iface_spec s = {.guard = pick_guard(),
                               .state = pick_mine(EXO_USE_DATA, true),
                               .rx = pick_mine(EXO_USE_DATA, chance(50)),
                               .tx = pick_mine(EXO_USE_DATA, chance(50)),
                               .count = chance(98) ? count : hostile()};
    struct iface *i = pick_iface_at_all();
    if (i && chance(20)) {
        s.state = i->state_page;
        s.count = i->count + 1;
    }
    for (unsigned n = 0; n < ARRAY_SIZE(area); n++)
        area[n] = pick_mine(EXO_USE_DATA, chance(50));
    /* Both in one page of the caller's: the array behind the spec. */
    uint64_t words[sizeof(s) / 8 + ARRAY_SIZE(area)];
    memcpy(words + sizeof(s) / 8, area, sizeof(area));
    memcpy(words, &s, sizeof(s));
    uint64_t va = put_words(words, sizeof(words));
    s.area = chance(98) ? va + sizeof(s) : hostile();
    void *at = host_translate(who.cpu, va, EXO_BIND_W);
    if (at && host_env(who.cpu) == who.env)
        memcpy(at, &s, sizeof(s));
    if (host_env(who.cpu) == who.env)
        call(EXO_SYS_net_open, pick_caps(), va, 0, 0, 0);
}

/* What the owner would write into its pages; and its area. */
static void
fill_rings(struct iface *i)
{
    struct exo_net_rx *rx = i->rx;
    struct exo_net_tx *tx = i->tx;
    for (unsigned n = below(8); n; n--) {
        rx->fill[rx->filled % EXO_NET_ENTRIES] =
            chance(95) ? below(2 * i->count + 1) * EXO_NET_BUFFER
                       : (uint32_t)hostile();
        rx->filled++;
    }
    rx->tail = chance(95) ? rx->head - below(3) : (uint32_t)hostile();
    if (chance(3))
        rx->filled = (uint32_t)hostile();
    for (unsigned n = below(8); n && i->count; n--) {
        uint32_t at = below(i->count * EXO_PAGE_BYTES);
        uint32_t bytes = chance(70) ? 60 : below(1600);
        if (at % EXO_PAGE_BYTES < EXO_PAGE_BYTES - 64)
            put_frame((uint8_t *)page_kva(i->area[at / EXO_PAGE_BYTES]) +
                          at % EXO_PAGE_BYTES,
                      64);
        tx->packet[tx->head++ % EXO_NET_ENTRIES] = (struct exo_net_entry){
            chance(95) ? at : (uint32_t)hostile(), (uint16_t)bytes,
            (uint16_t)(chance(60)   ? 0
                       : chance(50) ? EXO_TX_MORE
                                    : below(32))};
    }
    if (chance(5))
        tx->head = chance(70) ? tx->tail : (uint32_t)hostile();
    rx->quiet = chance(20);
    tx->wake = chance(50);
}

static void
do_add(void)
{
    struct exo_filter_spec s = {
        .guard = pick_guard(),
        .parent = chance(50) ? 0 : pick_filter(),
        .payer = chance(80) ? 0 : pick_env(),
        .direction = chance(98) ? below(2) : (uint32_t)hostile(),
        .flags = chance(70) ? 0 : 1 + below(3),
        .count = chance(98) ? 1 + below(3) : (uint32_t)hostile(),
    };
    for (unsigned i = 0; i < 4; i++)
        s.atom[i] = (struct exo_atom){
            .op = chance(90) ? EXO_ATOM_EQ : below(4),
            .width = chance(95) ? 1 : (uint8_t)hostile(),
            .offset = (uint16_t)(chance(95) ? 12 + i + below(2) : hostile()),
            .mask = chance(95) ? 0xff : hostile(),
            .value = below(3),
        };
    call(EXO_SYS_filter_add, pick_caps(), put_words(&s, sizeof(s)), 0, 0, 0);
}

void
packets_step(void)
{
    struct iface *i = pick_iface_at_all();
    unsigned way = below(100);
    if (i && chance(60))
        fill_rings(i);
    if (way < 20)
        do_open();
    else if (way < 35)
        do_add();
    else if (way < 50)
        call(EXO_SYS_filter_attach, pick_caps(), pick_filter(), pick_iface(),
             below(chance(95) ? 3 : 9), 0);
    else if (way < 54)
        call(EXO_SYS_filter_remove, pick_caps(), pick_filter(), 0, 0, 0);
    else if (way < 58)
        call(EXO_SYS_net_close, pick_caps(), pick_iface(), 0, 0, 0);
    else if (way < 62)
        call(EXO_SYS_reguard, pick_caps(),
             chance(50) ? EXO_KIND_RING : EXO_KIND_ATOM,
             chance(50) ? pick_iface() : pick_filter(), 1, pick_guard());
    else if (way < 85)
        call(EXO_SYS_net_send, pick_caps(), pick_iface(), 0, 0, 0);
    else {
        card.waiting += below(100);
        who.cpu->irq |= 1u << (VECTOR_DEVICE - 32);
        host_take_interrupts(who.cpu);
    }
}
