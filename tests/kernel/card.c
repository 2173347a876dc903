// SPDX-License-Identifier: MIT
/*
 * The network card, on machines that have one with QEMU's or Bochs' user
 * network behind it: a router at 10.0.2.2 that answers ARP, pings and DHCP.
 *
 * Must be seen: frames leave and come back whole, by interrupt, asleep and
 * awake; checksums are filled in; a full queue is waited for; who goes away
 * with frames on their way leaves nothing behind.
 */
#include "net.h"

#define HERE  SCRATCH
#define THERE (SCRATCH + 0x100000)

#define ARP_BYTES  60u
#define PING_AT    34u // ICMP header
#define PING_BYTES 42u // headers of a ping
#define AREA       32u

static struct port a;

static const uint8_t router[4] = {10, 0, 2, 2}, me[4] = {10, 0, 2, 15};

static void
copy(uint8_t *to, const uint8_t *from, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        to[i] = from[i];
}

static void
put16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static uint32_t
sum16(const uint8_t *at, uint32_t n, uint32_t sum)
{
    for (uint32_t i = 0; i < n; i++)
        sum += i & 1 ? at[i] : (uint32_t)at[i] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

/* Everything with this ethertype may be sent (received). */
static exo_filter
type_filter(unsigned direction, uint16_t type, uint32_t flags)
{
    struct exo_filter_spec s = {
        .direction = direction, .flags = flags, .count = 1};
    s.atom[0] = (struct exo_atom){.op = EXO_ATOM_EQ,
                                  .width = 2,
                                  .offset = 12,
                                  .mask = 0xffff,
                                  .value = type};
    exo_filter f = filter_new(&s);
    ATTACH(f, a.id);
    return f;
}

static void
open_card(void)
{
    NEEDS(exo_net_info()->features & EXO_NET_CARD, "needs a card");
    port_new(&a, HERE, AREA);
    for (unsigned direction = 0; direction < 2; direction++) {
        type_filter(direction, 0x0806, 0);
        type_filter(direction, 0x0800, 0);
    }
}

static void
ether(uint8_t *f, const uint8_t to[6], uint16_t type)
{
    copy(f, to, 6);
    copy(f + 6, exo_net_info()->mac, 6);
    put16(f + 12, type);
}

/* Who has the router's address? */
static void
queue_arp(uint32_t at)
{
    uint8_t *f = (uint8_t *)a.area + at;
    for (unsigned i = 0; i < ARP_BYTES; i++)
        f[i] = 0;
    ether(f, mac_all, 0x0806);
    copy(f + 14, (const uint8_t[]){0, 1, 8, 0, 6, 4, 0, 1}, 8);
    copy(f + 22, exo_net_info()->mac, 6);
    copy(f + 28, me, 4);
    copy(f + 38, router, 4);
    port_queue(&a, at, ARP_BYTES, 0);
}

static void
ipv4(uint8_t *f, uint32_t bytes, uint8_t protocol)
{
    for (unsigned i = 14; i < 34; i++)
        f[i] = 0;
    f[14] = 0x45;
    put16(f + 16, bytes - 14);
    f[22] = 64;
    f[23] = protocol;
    copy(f + 26, me, 4);
    copy(f + 30, router, 4);
    put16(f + 24, ~sum16(f + 14, 20, 0));
}

static uint8_t router_mac[6] = {0x52, 0x55, 10, 0, 2, 2};

static void
make_ping(uint8_t *f, uint32_t bytes, uint16_t sequence)
{
    ether(f, router_mac, 0x0800);
    ipv4(f, bytes, 1);
    uint8_t *p = f + PING_AT;
    for (unsigned i = 0; i < 8; i++)
        p[i] = 0;
    p[0] = 8;
    put16(p + 4, 0x4711);
    put16(p + 6, sequence);
    for (uint32_t i = PING_BYTES; i < bytes; i++)
        f[i] = (uint8_t)(i * 7 + sequence);
    put16(p + 2, ~sum16(p, bytes - PING_AT, 0));
}

static void
queue_ping(uint32_t at, uint32_t bytes, uint16_t sequence)
{
    make_ping((uint8_t *)a.area + at, bytes, sequence);
    port_queue(&a, at, bytes, 0);
}

static uint64_t
take_event(void)
{
    return __atomic_fetch_and(&uarea()->events, ~EXO_EVENT_NET,
                              __ATOMIC_ACQ_REL);
}

/* The next packet; asleep until it is there, or spinning. */
static const struct exo_net_entry *
next(bool asleep)
{
    const struct exo_net_entry *e;
    exo_tsc limit = now() + 2 * patience();
    while (!(e = port_next(&a))) {
        if (now() > limit)
            FAIL("nothing comes back");
        if (asleep)
            exo_wait(EXO_EVENT_NET, now() + patience(), 0);
        take_event();
    }
    return e;
}

static bool
is_pong(const struct exo_net_entry *e, uint32_t bytes, uint16_t sequence)
{
    const uint8_t *f = port_frame(&a, e);
    if (f[13] != 0 || f[12] != 8 || f[23] != 1 || f[PING_AT] != 0)
        return false;
    EQ(e->bytes, bytes < 60 ? e->bytes : bytes);
    EQ(f[PING_AT + 6] << 8 | f[PING_AT + 7], sequence);
    for (uint32_t i = PING_BYTES; i < bytes; i++)
        EQ(f[i], (uint8_t)(i * 7 + sequence));
    return true;
}

/* Learn the router's MAC, so that pings arrive. */
static void
meet(bool asleep)
{
    queue_arp(0);
    EQ(port_send(&a), 0);
    const struct exo_net_entry *e = next(asleep);
    const uint8_t *f = port_frame(&a, e);
    EQ(e->flags & EXO_RX_LOCAL, 0);
    EQ(f[12] << 8 | f[13], 0x0806);
    EQ(f[21], 2); // a reply
    copy(router_mac, f + 22, 6);
}

TEST(card_is_described)
{
    open_card();
    const struct exo_net_info *n = exo_net_info();
    CHECK(n->features & EXO_NET_LINK);
    CHECK(!(n->mac[0] & 1));
    CHECK(n->mac[0] | n->mac[1] | n->mac[2] | n->mac[3]);
}

TEST(card_sends_and_receives_awake)
{
    open_card();
    uint64_t frames = exo_net_info()->tx_frames;
    meet(false);
    EQ(exo_net_info()->tx_frames, frames + 1);
    CHECK(exo_net_info()->rx_frames > 0);
    UNTIL(a.tx->done == 1);
}

TEST(card_wakes_who_waits)
{
    open_card();
    for (unsigned i = 0; i < 5; i++)
        meet(true);
}

TEST(card_brings_frames_of_every_size)
{
    open_card();
    meet(true);
    const uint32_t sizes[] = {42,  43,  60,  126, 127,  128,  129,
                              142, 143, 500, 999, 1000, 1513, 1514};
    for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
        queue_ping(100, sizes[i], (uint16_t)i);
        EQ(port_send(&a), 0);
        CHECK(is_pong(next(i & 1), sizes[i], (uint16_t)i));
    }
}

TEST(card_gathers_pieces)
{
    static uint8_t whole[EXO_FRAME_MAX];
    open_card();
    meet(true);
    for (unsigned round = 0; round < 30; round++) {
        uint32_t bytes = 60 + random64() % 1455, done = 0;
        unsigned pieces = 1 + random64() % 4;
        make_ping(whole, bytes, (uint16_t)round);
        for (unsigned i = 0; i < pieces; i++) {
            uint32_t at = 8192 * i + (random64() % 2 ? 4096 - random64() % 64
                                                     : random64() % 512);
            uint32_t n = i + 1 == pieces ? bytes - done
                                         : random64() % (bytes - done + 1);
            copy((uint8_t *)a.area + at, whole + done, n);
            port_queue(&a, at, n, i + 1 == pieces ? 0 : EXO_TX_MORE);
            done += n;
        }
        EQ(port_send(&a), 0);
        CHECK(is_pong(next(true), bytes, (uint16_t)round));
    }
}

TEST(card_fills_in_checksums)
{
    open_card();
    meet(true);
    uint8_t *f = (uint8_t *)a.area;
    const uint32_t bytes = 42 + 300;
    for (uint32_t i = 0; i < bytes; i++)
        f[i] = 0;
    ether(f, router_mac, 0x0800);
    ipv4(f, bytes, 17);
    put16(f + 34, 68);
    put16(f + 36, 67);
    put16(f + 38, bytes - 34);
    f[42] = 1, f[43] = 1, f[44] = 6; // BOOTREQUEST
    put16(f + 46, 0x1234);
    copy(f + 70, exo_net_info()->mac, 6);
    copy(f + 278, (const uint8_t[]){0x63, 0x82, 0x53, 0x63, 53, 1, 1, 255}, 8);
    uint32_t pseudo = sum16(f + 26, 8, 17 + bytes - 34);
    put16(f + 40, pseudo + 1); // wrong: it is dropped
    port_queue(&a, 0, bytes, EXO_TX_SUM | EXO_TX_SUM_UDP);
    EQ(port_send(&a), 0);
    UNTIL(a.tx->done == a.tx->head);
    put16(f + 40, pseudo);
    put16(f + 46, 0x5678);
    port_queue(&a, 0, bytes, EXO_TX_SUM | EXO_TX_SUM_UDP);
    EQ(port_send(&a), 0);
    const struct exo_net_entry *e = next(true);
    const uint8_t *r = port_frame(&a, e);
    EQ(r[36] << 8 | r[37], 68); // an offer
    EQ(r[46] << 8 | r[47], 0x5678);
}

TEST(card_local_filter_keeps_frames_inside)
{
    NEEDS(exo_net_info()->features & EXO_NET_CARD, "needs a card");
    port_new(&a, HERE, AREA);
    type_filter(EXO_NET_SEND, 0x0806, EXO_FILTER_LOCAL);
    type_filter(EXO_NET_RECEIVE, 0x0806, 0);
    uint64_t frames = exo_net_info()->tx_frames;
    queue_arp(0);
    EQ(port_send(&a), 0);
    EQ(exo_net_info()->tx_frames, frames);
    EQ(a.tx->done, 1);
}

/* As many pings as there are buffers, many times, with all rings wrapping. */
TEST(card_streams)
{
    open_card();
    meet(true);
    uint64_t sent = 0, got = 0;
    exo_tsc limit = now() + 4 * patience();
    while (got < 600) {
        while (sent < 600 && sent - got < 16 &&
               a.tx->head - a.tx->done < EXO_NET_ENTRIES)
            queue_ping((uint32_t)(sent % 32) * EXO_NET_BUFFER,
                       60 + (uint32_t)sent, (uint16_t)sent),
                sent++;
        CHECK(port_send(&a) >= 0);
        while (port_info(&a)->rx_frames <= got && now() < limit)
            exo_wait(EXO_EVENT_NET, now() + microseconds(10000), 0),
                take_event();
        CHECK(now() < limit);
        const struct exo_net_entry *e;
        while ((e = port_next(&a)))
            got += is_pong(e, 60 + (uint32_t)got, (uint16_t)got);
    }
    EQ(port_info(&a)->rx_dropped, 0);
    UNTIL(a.tx->done == a.tx->head);
}

/* Frames nobody answers, more than any queue has room for. */
static void
queue_all(void)
{
    while (a.tx->head - a.tx->done < EXO_NET_ENTRIES) {
        uint32_t at = a.tx->head % 32 * EXO_NET_BUFFER;
        make_ping((uint8_t *)a.area + at, 1000, 1);
        ((uint8_t *)a.area)[at + 33] = 77; // 10.0.2.77 is not there
        port_queue(&a, at, 1000, 0);
    }
}

TEST(card_that_is_full_is_waited_for)
{
    open_card();
    a.tx->wake = 1;
    exo_tsc limit = now() + 4 * patience();
    for (unsigned round = 0; round < 4; round++) {
        queue_all();
        int64_t left;
        while ((left = exo_net_send(ROOT_CAP, a.id))) {
            CHECK(left > 0 || left == -EXO_E_AGAIN);
            if (left < 0) {
                EQ(exo_wait(EXO_EVENT_NET, now() + patience(), 0), 1);
                take_event();
            }
            CHECK(now() < limit);
        }
    }
    UNTIL(a.tx->done == a.tx->head);
    EQ(a.tx->done, a.tx->tail);
}

TEST(card_close_with_frames_on_their_way)
{
    for (unsigned round = 0; round < 10; round++) {
        open_card();
        queue_all();
        exo_net_send(ROOT_CAP, a.id);
        port_close(&a);
        for (uint32_t i = 1; i < exo_net_info()->nfilters; i++)
            if (exo_filter_info(i)->id)
                filter_gone(exo_filter_info(i)->id);
    }
}

static volatile int64_t opened;

static void
open_and_flood(uint64_t unused)
{
    (void)unused;
    int64_t id = port_open(&a, 0);
    port_fill(&a, AREA, AREA);
    opened = id;
    while (port_info(&a)->filters < 4)
        exo_yield(0, 0);
    for (;;) {
        queue_all();
        exo_net_send(0, a.id);
    }
}

TEST(card_death_with_frames_on_their_way)
{
    NEEDS(exo_net_info()->features & EXO_NET_CARD, "needs a card");
    for (unsigned round = 0; round < 6; round++) {
        struct kid *k = kid_new(
            &(struct kid_plan){
                .flags = KID_THREAD, .rings = 1, .atoms = 40, .reserved = 128},
            open_and_flood, 0);
        port_pages(&a, k->id, k->guard, HERE, AREA);
        opened = 0;
        kid_go(k);
        UNTIL(opened);
        OK(opened);
        for (unsigned direction = 0; direction < 2; direction++) {
            type_filter(direction, 0x0806, 0);
            type_filter(direction, 0x0800, 0);
        }
        uint64_t sent = exo_net_info()->tx_frames;
        UNTIL(exo_net_info()->tx_frames > sent + 100);
        kid_end(k);
        EQ(exo_iface_info(a.id)->id, 0);
        for (uint32_t i = 1; i < exo_net_info()->nfilters; i++)
            if (exo_filter_info(i)->id)
                filter_gone(exo_filter_info(i)->id);
    }
}

TEST(card_work_is_charged_to_the_receiver)
{
    open_card();
    meet(true);
    uint64_t before = ME->time_net;
    meet(true);
    CHECK(ME->time_net > before);
    CHECK(ME->time_net - before < seconds(1));
}
