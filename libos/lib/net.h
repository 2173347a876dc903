// SPDX-License-Identifier: MIT
/*
 * net.h: an interface and its rings, and the filters that all programs agree
 * on (exo/net.h is the kernel's side).
 *
 * net_open() lays an interface out at an address of the caller's:
 *
 *   va  receive page | send page | send buffers ... | receive buffers ...
 *
 * Packets are taken where they lie and their buffers given back; frames are
 * written into send buffers, which are used in turn, or queued from anywhere in
 * the area. Nothing is told to the kernel until net_kick(), so that many frames
 * cost one call. Nothing here waits: EXO_EVENT_NET says when to look again.
 *
 * A struct net is one thread's.
 *
 *
 * Order of fields. Filters below one parent must look at fields in the same
 * order, or the kernel refuses them (EXO_E_EXCL). All software on Exo uses this
 * one, and builds filters with the functions below, called in this order:
 *
 *   receive:             ethertype
 *     IPv4 (0800)        destination address, no fragment, protocol, header
 *                        length (SHIFT), destination port, source port
 *     ARP (0806)         target address, operation
 *     IPv6 (86dd)        destination address, next header, then destination
 *                        port, source port; or type of ICMPv6
 *   send:                source MAC, ethertype
 *     IPv4               source address, no fragment, protocol, header length,
 *                        source port, destination port
 *     ARP                sender address, sender MAC, operation
 *     IPv6               source address, next header, then source port,
 *                        destination port; or type of ICMPv6, target
 *
 * A filter may end anywhere on the way. One for a whole address ends behind the
 * address and gets fragments, too; one for a port does not.
 */
#ifndef LIB_NET_H
#define LIB_NET_H

#include <exo/net.h>
#include "lib/map.h"
#include "lib/start.h"

struct net {
    exo_iface id;
    exo_cap cap; // for net_send, when the interface is another env's
    struct exo_net_rx *rx;
    struct exo_net_tx *tx;
    char *area;
    uint32_t pages;        // of the area
    uint32_t send_buffers; // the first of the area; the others receive
    uint32_t taken;        // packets ever taken out of the receive page
    uint32_t queued;       // entries ever written to the send page
    exo_page *page;        // state, receive, send page; the area
};

/* What an interface is made of. */
struct net_plan {
    exo_cap cap;      // GRANT over `guard`, WRITE over the pages that are taken
    exo_guard guard;  // of the interface
    uint64_t va;      // where it is bound: 2 + area pages, page-aligned
    uint32_t send;    // pages of send buffers, two buffers each
    uint32_t receive; // pages of receive buffers; 1 to 128
    exo_page *page;   // room for 3 + send + receive numbers, until net_close()
};

/* Takes pages from map->pages, binds them and opens an interface; its receive
 * buffers are the kernel's from then on.
 * Errors: INVAL; those of pages_take, map_runs and net_open. */
int64_t net_open(struct net *net, struct map *map, const struct net_plan *plan);

/* The same for a program's own address: attaches it to the filters of its start
 * block. Error: NONE it has no address. */
int64_t net_open_own(struct net *net, struct map *map,
                     const struct net_plan *plan, const struct start_net *own);

/* Closes it, and gives its pages back. Errors: those of net_close. */
int64_t net_close(struct net *net, struct map *map);

/* A packet that was received. */
struct net_packet {
    const uint8_t *frame; // from the Ethernet header on
    uint32_t bytes;
    uint32_t flags; // enum exo_net_flag
    uint32_t at;    // of its buffer, for net_give()
};

/* The next packet, if there is one. Its buffer is the caller's until
 * net_give(). */
bool net_take(struct net *net, struct net_packet *packet);

/* Gives a buffer back to the kernel. */
void net_give(struct net *net, uint32_t at);

/* What the kernel says of the packet in that buffer. */
static inline const struct exo_packet *
net_info(const struct net *net, uint32_t at)
{
    return (const struct exo_packet *)(net->area + at);
}

/* A send buffer of EXO_NET_BUFFER bytes, the caller's until net_commit(); null:
 * all are on their way. */
void *net_reserve(struct net *net);

/* Queues what is in the buffer that was reserved last.
 * flags: EXO_TX_SUM and its kin. */
void net_commit(struct net *net, uint32_t bytes, uint32_t flags);

/* Queues `bytes` at offset `at` of the area, which must stay until they are
 * done. EXO_TX_MORE: the frame goes on with the next one. False: the send page
 * is full. */
bool net_queue(struct net *net, uint32_t at, uint32_t bytes, uint32_t flags);

/* Lets the kernel take what is queued; no call when nothing is, and most send
 * buffers are free. Errors: those of net_send; AGAIN: some is left,
 * EXO_EVENT_NET says when to kick again. */
int64_t net_kick(struct net *net);

/* Are packets waiting? */
static inline bool
net_waits(const struct net *net)
{
    return __atomic_load_n(&net->rx->head, __ATOMIC_ACQUIRE) != net->taken;
}

/* ---- filters --------------------------------------------------------------
 */

/* Attaches the interface to filters, those of a start block for example.
 * caps: two slots; each filter's guard is covered by the one or the other.
 * own: WRITE over the interface's. Errors: those of filter_attach. */
int64_t net_attach(const struct net *net, const exo_filter *filter,
                   uint32_t count, const exo_cap caps[2], exo_cap own);

#define NET_TYPE_IPV4 0x0800u
#define NET_TYPE_ARP  0x0806u
#define NET_TYPE_IPV6 0x86ddu

enum net_protocol { NET_ICMP = 1, NET_TCP = 6, NET_UDP = 17, NET_ICMPV6 = 58 };

/* Begins a filter below `parent` (0: the root). */
void net_spec(struct exo_filter_spec *spec, enum exo_direction direction,
              exo_filter parent, exo_guard guard);

/* Each adds the field named, in the filter's direction: `own` means destination
 * when receiving, source when sending. */
void net_own_mac(struct exo_filter_spec *spec, const uint8_t mac[6]);
void net_type(struct exo_filter_spec *spec, uint16_t ethertype);

void net_ipv4_own(struct exo_filter_spec *spec, const uint8_t address[4]);
void net_ipv4_protocol(struct exo_filter_spec *spec, uint8_t protocol);
void net_ipv4_own_port(struct exo_filter_spec *spec, uint16_t first,
                       uint16_t last);
void net_ipv4_peer_port(struct exo_filter_spec *spec, uint16_t first,
                        uint16_t last);

void net_arp_own(struct exo_filter_spec *spec, const uint8_t address[4]);
void net_arp_own_mac(struct exo_filter_spec *spec, const uint8_t mac[6]);
void net_arp_operation(struct exo_filter_spec *spec, uint16_t operation);

void net_ipv6_own(struct exo_filter_spec *spec, const uint8_t address[16]);
void net_ipv6_next(struct exo_filter_spec *spec, uint8_t next);
void net_ipv6_own_port(struct exo_filter_spec *spec, uint16_t first,
                       uint16_t last);
void net_ipv6_peer_port(struct exo_filter_spec *spec, uint16_t first,
                        uint16_t last);

/* Behind net_ipv6_next(NET_ICMPV6). */
void net_icmpv6_type(struct exo_filter_spec *spec, uint8_t type);
void net_neighbour_target(struct exo_filter_spec *spec,
                          const uint8_t address[16]);

#endif
