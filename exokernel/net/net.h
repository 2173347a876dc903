// SPDX-License-Identifier: MIT
/*
 * Packets: interfaces, what comes to them and what leaves by them.
 *
 *   nic_receive --> net_deliver --> filter_match(RECEIVE) --> copy to buffer
 *   net_send: copy the header, filter_match(SEND), then
 *       to the machine's own address: net_deliver; to a group: both; else: card
 *
 * Frames are received into the kernel's own buffers and copied into those of
 * the interface, so no page of a libOS is ever written by a device. Frames are
 * sent straight from the area by DMA, but for the header: the kernel checks a
 * copy of it, and the copy is what goes out.
 *
 * NET-5  an interface's pages are USE_NET, held, and all of one payer, until it
 *        is closed; it is closed only when no DMA reads them (`flying` is 0).
 * NET-6  a filter that is not SHARED has at most one interface attached; an
 *        interface attached to it exists.
 * NET-7  tail <= head <= tail + EXO_NET_ENTRIES for the kernel's own copies of
 *        all ring counts, whatever the pages say.
 *
 * Policy left to the libOS: protocols, buffers, when to look. How it is taken
 * back: net_close with CONTROL; filter_remove; the env's death. [Engler95 5.5],
 * [Kaashoek97 3.2]
 */
#ifndef EXO_NET_NET_H
#define EXO_NET_NET_H

#include "kernel.h"

/* A filter: exposed part in K.net.filter_info, nodes in filter.c. */
struct filter {
    uint32_t node;              /* [K] where it ends in its tree */
    uint32_t parent;            /* [K] index, 0: the root */
    uint32_t child, next, prev; /* [K] first filter below; siblings */
    uint32_t sharers;           /* [K] list of interfaces, by link cells */
    uint32_t taps;              /* [K] likewise */
    uint32_t cursor;            /* [K] removal: how far it got */
};

/* An interface: lives in its state page. */
struct iface {
    exo_iface id;
    struct env *env;             /* [I] owner and payer */
    struct exo_iface_info *info; /* [R] */
    struct exo_net_rx *rx;       /* [U] through the direct map */
    struct exo_net_tx *tx;       /* [U] */
    exo_page state_page, rx_page, tx_page;
    uint32_t index;
    uint32_t filled, taken, head, tail; /* [K] believed counts of rx */
    uint32_t tx_tail, tx_done;          /* [K] of tx */
    uint32_t flying;                 /* [K] frames that the card still reads */
    bool closing;                    /* [K] */
    uint32_t attached;               /* [K] filters it is attached to */
    uint32_t count;                  /* [I] pages of the area */
    uint32_t area[EXO_NET_AREA_MAX]; /* [I] */
};

_Static_assert(sizeof(struct iface) <= EXO_PAGE_BYTES, "fits the state page");

#endif
