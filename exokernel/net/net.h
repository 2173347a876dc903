// SPDX-License-Identifier: MIT
/*
 * Packets: interfaces, what comes to them and what leaves by them.
 *
 *   nic receive --> net_deliver --> filter_match(RECEIVE) --> copy to buffer
 *   net_send: copy the header, filter_match(SEND), then
 *       to the machine's own address: net_deliver; to a group: both; else: card
 *
 * Frames are received into the kernel's own buffers and copied into those of
 * the interface, so no page of a libOS is ever written by a device. Frames are
 * sent straight from the area by DMA, but for the header: the kernel checks a
 * copy of it, and the copy is what goes out.
 *
 * NET-5  an interface's pages are held and of one payer, its owner, until it is
 *        closed: its state is SAVE, the others NET. It is closed only when no
 *        DMA reads them (`flying` is 0).
 * NET-6  a filter that is not SHARED has at most one interface attached, its
 *        own link cell says which; a link is in the lists of its filter and of
 *        its interface, which exist.
 * NET-7  taken <= filled <= taken + EXO_NET_ENTRIES, likewise tail and head of
 *        the receive page, done and tail of the send page: for the kernel's
 *        own copies of the counts, whatever the pages say.
 * NET-8  at most one frame is on its way to further receivers, and it goes on
 *        before another is received or sent. What it still points at exists.
 *
 * Policy left to the libOS: protocols, buffers, when to look. How it is taken
 * back: net_close with CONTROL; filter_remove; the env's death. [Engler95 5.5],
 * [Kaashoek97 3.2]
 */
#ifndef EXO_NET_NET_H
#define EXO_NET_NET_H

#include "kernel.h"
#include "drv/nic.h"

/* A filter: exposed part in K.net.filter_info, nodes in filter.c. Index 0 is
 * the root of both trees. */
struct filter {
    uint32_t parent;                 /* [K] index, 0: the root */
    uint32_t child, next, prev;      /* [K] first filter below; siblings */
    uint32_t payer_next, payer_prev; /* [K] list in struct env */
    uint32_t sharers;                /* [K] list of links, 0: none */
    uint32_t taps;                   /* [K] likewise */
    uint8_t nest;                    /* [K] filters from below the root to it */
    bool leaving; /* [K] it is being removed: nothing new comes to it */
};

/* An interface is attached to a filter: one cell, in two lists. The first
 * nfilters cells belong to the filter of that index, for its one plain
 * attachment; the others are paid for, one ATOM each: sharers and taps. */
struct link {
    uint32_t next, prev;             /* [K] of the filter's sharers or taps */
    uint32_t iface_next, iface_prev; /* [K] of the interface's links */
    uint16_t filter, iface;          /* [K] indexes; iface 0: unused */
    uint8_t how;                     /* [K] enum exo_attach */
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
    uint32_t next, prev;                 /* [K] of the owner's interfaces */
    uint32_t links;                      /* [K] what it is attached to */
    uint32_t filled, taken, head, tail;  /* [K] believed counts of rx */
    uint32_t tx_tail, tx_done;           /* [K] of tx */
    uint32_t flying;                     /* [K] frames the card still reads */
    uint32_t blocked_next, blocked_prev; /* [K] in K.net.blocked */
    bool blocked, closing;               /* [K] */
    uint64_t reset_at; /* [K] closing: when the card is reset, 0: not yet set */
    uint64_t finished[EXO_NET_ENTRIES / 64]; /* [K] entries, behind tx_done */
    uint32_t count;                          /* [K] pages of the area */
    uint32_t area[EXO_NET_AREA_MAX];         /* [K] */
};

_Static_assert(sizeof(struct iface) <= EXO_PAGE_BYTES, "fits the state page");

/* The interface with this id, or NULL if it is stale. */
static inline struct iface *
iface_get(exo_iface id)
{
    uint32_t index = EXO_NET_INDEX(id);
    struct iface *i = index < K.net.nifaces ? K.net.iface[index] : NULL;
    return i && i->id == id ? i : NULL;
}

/* Is there a filter with this id? The root's 0 is none. */
static inline bool
filter_is(exo_filter id)
{
    uint32_t index = EXO_NET_INDEX(id);
    return id && index < K.net.nfilters && K.net.filter_info[index].id == id;
}

/* attach.c */

/* The link of an interface to a filter of that kind, 0: there is none. A list
 * is at most EXO_SHARERS_MAX long. */
uint32_t net_link_find(uint32_t filter, const struct iface *i,
                       enum exo_attach how);

/* Links of one kind that a filter has. */
uint32_t net_link_count(uint32_t filter, enum exo_attach how);

/* Does a link of this kind cost an ATOM? */
static inline bool
net_link_costs(uint32_t filter, enum exo_attach how)
{
    return how == EXO_ATTACH_TAP ||
           (K.net.filter_info[filter].flags & EXO_FILTER_SHARED);
}

/* Attach, charging the interface's owner if it costs. needs: not attached so,
 * account_fits() if it costs, fewer than EXO_SHARERS_MAX of them. */
void net_link_make(uint32_t filter, struct iface *i, enum exo_attach how);

/* Take a link away and refund it. */
void net_link_break(uint32_t link);

/* family.c */

/* Make the filter of a spec, and charge it. needs: all checks of filter_add; a
 * place is free. */
exo_filter filter_place(struct env *payer, const struct exo_filter_spec *s);

/* Is this filter, or one around it, being removed? */
bool filter_is_leaving(uint32_t index);

/* Do a bounded part of removing a filter, from the innermost below it on;
 * whoever loses by it, other than `by`, is told. True: it is gone. */
bool filter_remove(uint32_t index, const struct env *by, int *budget);

/* The same for all that a dying env pays for; true: none is left. */
bool filter_reap(struct env *e, int *budget);

/* Panics when NET-2 or 4 is broken, seen from the owners' side. */
void check_family(void);

/* iface.c */

/* Sizes of the net room's tables, from the memory there is. Boot. */
void net_size(void);

/* Open the room. Boot. needs: info_init(), nic_init(). */
void net_init(void);

/* Take a free interface's place and the first three pages of a spec for it.
 * needs: all checks of net_open; a place is free. */
struct iface *iface_place(struct env *owner, const struct exo_iface_spec *s);

/* Do a bounded part of closing an interface; true: it is gone. */
bool iface_close(struct iface *i, int *budget);

/* Panics when NET-5, 6 or 7 is broken. */
void check_net(void);

/* deliver.c */

/* A frame and where its bytes are: the first in kernel memory, the others in
 * pages whose owner may be changing them. */
struct frame {
    const uint8_t *header;
    uint32_t header_bytes;
    uint32_t bytes; /* all of it */
    const struct nic_piece *piece;
    unsigned pieces;
    uint16_t flags; /* enum exo_net_flag of receiving */
};

/* A way through the interfaces of a filter that is SHARED, and through taps. */
struct walk {
    uint32_t filter; /* the frame's */
    uint32_t link;   /* who is next; 0: the taps are */
    uint32_t tap;    /* the filter that has them; 0: nobody is left */
    uint16_t flags;  /* of the copies */
    uint16_t from;   /* index of an interface that gets none, or 0 */
};

/* The frame that has more receivers than K.net.budget had copies. */
struct rest {
    struct frame frame;
    struct walk walk[2]; /* the last one first */
    unsigned left;       /* walks; 0: there is no such frame */
    uint8_t bytes[EXO_FRAME_MAX];
};

/* Give a frame to whom it belongs by the receive tree; `from` gets none of a
 * group's. needs: no rest but a tap's of the same frame. gives: perhaps one,
 * which points at the frame: see net_keep(). */
void net_deliver(const struct frame *f, const struct iface *from);

/* Likewise to those who tap `filter` or one above it. */
void net_tap(const struct frame *f, uint32_t filter);

/* What net_keep() and net_deliver_rest() do if there is a rest. */
void net_keep_rest(void);
bool net_go_on(void);

/* Copy what the rest points at, so that it may change. */
static inline void
net_keep(void)
{
    if (unlikely(K.net.rest->left))
        net_keep_rest();
}

/* Go on with the rest, within the budget; true: there is none. */
static inline bool
net_deliver_rest(void)
{
    return likely(!K.net.rest->left) || net_go_on();
}

/* A link, or a filter, is about to go. */
void net_forget_link(uint32_t link);
void net_forget_filter(uint32_t filter);

/* The card's interrupt, or a look at it while it is polled: what came, and what
 * left. Gives the kernel lock up and takes it again in between. True: there is
 * more, and no interrupt will say so. */
bool net_interrupt(struct cpu *c);

/* send.c */

/* Take what is queued, a bounded number of frames. 0: all whole frames are on
 * their way; above 0: there is more to do; or an error. */
int64_t iface_send(struct iface *i);

/* Frames that the card has read, at most `max`: their entries are done. How
 * many there were. */
unsigned net_collect_sent(unsigned max);

/* The card makes it wait no more. */
void iface_unblock(struct iface *i);

#endif
