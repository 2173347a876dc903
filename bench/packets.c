// SPDX-License-Identifier: MIT
//
// packets.c: frames from one interface to another on this machine, through the
// card, and through filters that grow many. bench/measure/packets.py runs it on
// a machine with a card and knows what the rows mean.
#include "bench.h"

#include "lib/net.h"
#include "lib/string.h"

#define BATCH       32u
#define FRAME_BYTES 64u
#define PORT        1000u // the first of those that are received
#define FILTERS_MAX 1000u
#define AREA        32u // pages, for sending and for receiving each

static struct net one, two;
static exo_page pages[2][3 + 2 * AREA];

static const uint8_t here[4] = {10, 0, 2, 15}, router[4] = {10, 0, 2, 2},
                     nobody[4] = {10, 0, 2, 77};

static bool
open_net(struct net *net, unsigned which)
{
    const struct net_plan plan = {.cap = ROOT_CAP,
                                  .va = ARENA + which * UINT64_C(0x200000),
                                  .send = AREA,
                                  .receive = AREA,
                                  .page = pages[which]};
    int64_t error = net_open(net, &own_map, &plan);
    return !error || give_up("packets", "open an interface", error);
}

// Adds a filter and attaches an interface to it.
static bool
attach(const struct exo_filter_spec *spec, const struct net *net)
{
    const uint32_t caps = EXO_CAPS(ROOT_CAP, ROOT_CAP);
    int64_t filter = exo_filter_add(caps, spec);
    if (filter < 0)
        return give_up("packets", "add a filter", filter);
    int64_t error =
        exo_filter_attach(caps, (exo_filter)filter, net->id, EXO_ATTACH);
    return !error || give_up("packets", "attach an interface", error);
}

static bool
attach_udp(enum exo_direction direction, uint16_t port, const struct net *net)
{
    struct exo_filter_spec spec;
    net_spec(&spec, direction, 0, 0);
    if (direction == EXO_NET_SEND)
        net_own_mac(&spec, exo_net_info()->mac);
    net_type(&spec, NET_TYPE_IPV4);
    net_ipv4_own(&spec, here);
    net_ipv4_protocol(&spec, NET_UDP);
    net_ipv4_own_port(&spec, port, port);
    return attach(&spec, net);
}

static bool
attach_arp(enum exo_direction direction, const struct net *net)
{
    struct exo_filter_spec spec;
    net_spec(&spec, direction, 0, 0);
    if (direction == EXO_NET_SEND)
        net_own_mac(&spec, exo_net_info()->mac);
    net_type(&spec, NET_TYPE_ARP);
    net_arp_own(&spec, here);
    return attach(&spec, net);
}

static void
put16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void
put_ether(uint8_t *f, const uint8_t to[6], uint16_t type)
{
    memset(f, 0, FRAME_BYTES);
    memcpy(f, to, 6);
    memcpy(f + 6, exo_net_info()->mac, 6);
    put16(f + 12, type);
}

static void
put_udp(uint8_t *f, const uint8_t mac[6], const uint8_t to[4], uint16_t port)
{
    put_ether(f, mac, NET_TYPE_IPV4);
    f[14] = 0x45;
    put16(f + 16, FRAME_BYTES - 14);
    f[22] = 64;
    f[23] = NET_UDP;
    memcpy(f + 26, here, 4);
    memcpy(f + 30, to, 4);
    put16(f + 34, 7);
    put16(f + 36, port);
    put16(f + 38, FRAME_BYTES - 34);
}

static void
put_arp(uint8_t *f)
{
    static const uint8_t all[6] = {255, 255, 255, 255, 255, 255};
    put_ether(f, all, NET_TYPE_ARP);
    memcpy(f + 14, "\0\1\10\0\6\4\0\1", 8);
    memcpy(f + 22, exo_net_info()->mac, 6);
    memcpy(f + 28, here, 4);
    memcpy(f + 38, router, 4);
}

// Queues a batch: UDP to a MAC and port, or ARP when there is none.
static void
queue_batch(const uint8_t *mac, const uint8_t to[4], uint32_t ports)
{
    static uint32_t next;
    for (unsigned i = 0; i < BATCH; i++) {
        uint8_t *f = net_reserve(&one);
        if (!f)
            break;
        if (mac)
            put_udp(f, mac, to, (uint16_t)(PORT + next++ % ports));
        else
            put_arp(f);
        net_commit(&one, FRAME_BYTES, 0);
    }
}

static void
take_all(struct net *net)
{
    struct net_packet p;
    while (net_take(net, &p))
        net_give(net, p.at);
}

static bool
is_sent(void)
{
    return __atomic_load_n(&one.tx->done, __ATOMIC_ACQUIRE) == one.queued;
}

static void
local_packets(void)
{
    row("local_packet", BATCH);
    for (unsigned i = 0; i < REPETITIONS; i++) {
        queue_batch(exo_net_info()->mac, here, 1);
        BEGIN();
        net_kick(&one);
        END();
        take_all(&two);
    }
}

static void
sent_packets(void)
{
    row("tx_packet", BATCH);
    for (unsigned i = 0; i < REPETITIONS; i++) {
        queue_batch((const uint8_t[]){0x52, 0x55, 10, 0, 2, 2}, nobody, 1);
        BEGIN();
        net_kick(&one);
        while (!is_sent())
            ;
        END();
    }
}

static void
exchanged_packets(void)
{
    row("exchange", BATCH);
    for (unsigned i = 0; i < REPETITIONS; i++) {
        queue_batch(NULL, NULL, 0);
        uint32_t until = one.taken + BATCH;
        BEGIN();
        net_kick(&one);
        while (!is_sent() ||
               __atomic_load_n(&one.rx->head, __ATOMIC_ACQUIRE) != until)
            ;
        END();
        take_all(&one);
    }
}

void
packets(void)
{
    if (!open_net(&one, 0) || !open_net(&two, 1) ||
        !attach_udp(EXO_NET_SEND, 7, &one) || !attach_arp(EXO_NET_SEND, &one) ||
        !attach_arp(EXO_NET_RECEIVE, &one) ||
        !attach_udp(EXO_NET_RECEIVE, PORT, &two))
        return;
    one.rx->quiet = two.rx->quiet = 1;
    local_packets();
    if (!(exo_net_info()->features & EXO_NET_CARD))
        return;
    sent_packets();
    exchanged_packets();
}

// The kernel's filter_match() marks its own begin and end here, twice for each
// frame: sending, then receiving.
static void
filter_row(const char *name, uint32_t have, uint32_t want)
{
    for (uint32_t i = have; i < want; i++)
        if (!attach_udp(EXO_NET_RECEIVE, (uint16_t)(PORT + i), &two))
            return;
    row(name, 1);
    for (unsigned i = 0; i < REPETITIONS; i++) {
        queue_batch(exo_net_info()->mac, here, want);
        net_kick(&one);
        take_all(&two);
    }
}

void
filters(void)
{
    if (!open_net(&one, 0) || !open_net(&two, 1) ||
        !attach_udp(EXO_NET_SEND, 7, &one))
        return;
    filter_row("filter_send_1|filter_1", 0, 1);
    filter_row("filter_send_10|filter_10", 1, 10);
    filter_row("filter_send_1000|filter_1000", 10, FILTERS_MAX);
}
