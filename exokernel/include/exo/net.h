// SPDX-License-Identifier: MIT
/*
 * net.h: packets. Which packets belong to whom is a matter of filters; packets
 * come and go through pages of the libOS's own.
 *
 *                 filter_add            filter_attach           net_send
 *   card, peers --- receive tree ---> filter ----> interface <---- libOS
 *               <--- send tree ------ filter <---- interface
 *
 * A filter names a set of frames by a conjunction of atoms: its parent's set,
 * narrowed by its own atoms. There are two trees of filters, one for each
 * direction, and in both every frame belongs to one filter: the deepest that
 * matches. So a filter takes frames away from its parent and from nobody else.
 * What is received goes to the interface its filter is attached to. What is
 * sent must belong to a filter that is attached to the sending interface: an
 * env that holds the filters of one address can neither read nor forge the
 * frames of another.
 *
 * The filters below one parent must be told apart by their first atom that
 * differs, so they form a decision tree (see struct exo_atom) and
 * demultiplexing costs what the tree is deep, however many filters there are.
 *
 * Sources: [DPF96], [Engler95 5.5], [Kaashoek97 3.2].
 */
#ifndef EXO_NET_H
#define EXO_NET_H

#include <exo/types.h>

typedef uint64_t exo_filter; // generation << 16 | index, as an env id
typedef uint64_t exo_iface;  // generation << 16 | index

#define EXO_NET_INDEX(id) ((uint32_t)((id)&0xffff))

/* Atoms look at the first bytes of a frame, Ethernet header included; a frame
 * that ends before the field an atom looks at does not match it. */
#define EXO_NET_HEADER 128u

enum exo_atom_op {
    EXO_ATOM_EQ,    // (field & mask) == value
    EXO_ATOM_RANGE, // value <= field <= last
    EXO_ATOM_SHIFT, // matches always: the atoms behind it count their offsets
                    // from base + ((field & mask) << shift); of 1, 2 or 4
                    // bytes
};

/* One test of a field: `width` bytes (1, 2, 4 or 8) at `offset` from the base,
 * in network byte order. The base is the frame's first byte until a SHIFT
 * moves it, over an IPv4 header with options for example.
 *
 * At one place in a tree all filters must look at the same field: same op (a
 * RANGE goes with an EQ whose mask is full), offset, width and mask, or shift;
 * and no value may lie in another's range. So the filters below one parent
 * exclude each other by construction, and one that has just the beginning of
 * another's atoms is refused too. filter_add refuses with EXO_E_EXCL what could
 * overlap, even where it does not: a filter that looks first at a port and one
 * that looks first at an address, for example. Who refines a filter agrees with
 * the others who do on the order of fields. */
struct exo_atom {
    uint8_t op; // enum exo_atom_op
    uint8_t width;
    uint8_t shift; // SHIFT: 0 to 7
    uint8_t zero;
    uint16_t offset;
    uint16_t zero2;
    union {
        uint64_t mask; // EQ, SHIFT: within `width` bytes
        uint64_t last; // RANGE
    };
    uint64_t value; // EQ: within `mask`; RANGE: the first
};

_Static_assert(sizeof(struct exo_atom) == 24, "ABI layout");

enum exo_direction {
    EXO_NET_RECEIVE,
    EXO_NET_SEND,
};

#define EXO_ATOMS_MAX 16u // atoms of one filter beyond its parent's
#define EXO_DEPTH_MAX                                                          \
    48u // atoms from the root of a tree to the end of a filter
#define EXO_RANGES_MAX 4u  // RANGEs among those
#define EXO_RANGES_AT  32u // ranges of one field at one place
#define EXO_NEST_MAX   8u  // filters from one below the root to the innermost

enum exo_filter_flag {
    EXO_FILTER_SHARED = 1, // receive: every interface attached to it gets a
                           // copy (broadcasts, multicasts), at most
                           // EXO_SHARERS_MAX
    EXO_FILTER_LOCAL = 2,  // send: only to envs on this machine; and so is
                           // every filter below it
};

#define EXO_SHARERS_MAX 32u
#define EXO_TAPS_MAX    4u // taps of one filter

/* What filter_add takes. */
struct exo_filter_spec {
    exo_guard guard;
    exo_filter parent; // 0: the root of `direction`, whose guard is 0
    exo_env payer;     // 0: the caller
    uint32_t direction;
    uint32_t flags;
    uint32_t count; // atoms, 1 to EXO_ATOMS_MAX
    uint32_t zero;
    struct exo_atom atom[EXO_ATOMS_MAX];
};

/* How an interface is attached. */
enum exo_attach {
    EXO_ATTACH_NOT, // take it off
    EXO_ATTACH,     // gets (receive), or may send, what belongs to the filter
    EXO_ATTACH_TAP, // gets a copy of all that belongs to the filter or to one
                    // below it, in the filter's direction
};

/* An interface: where packets meet an env. Its buffers are the `area`, donated
 * pages of the libOS, bound by it as it likes and named here by byte offsets
 * into the area in donation order. Packets travel through rings in two more
 * donated pages, one for each direction. All counts only grow (and wrap);
 * entry i is at i % EXO_NET_ENTRIES. */
#define EXO_NET_ENTRIES  256u
#define EXO_NET_BUFFER   2048u // buffers are as large and aligned alike
#define EXO_NET_AREA_MAX 960u  // pages

/* A received frame lies at EXO_NET_AT in its buffer, so that what follows the
 * Ethernet header is aligned; in front of it stands this. */
struct exo_packet {
    exo_tsc time;    // when the kernel saw it
    uint32_t tag;    // what the filter's code said of it; 0: no code
    uint16_t filter; // index of the filter it belonged to
    uint16_t zero;
};
#define EXO_NET_AT    18u
#define EXO_FRAME_MAX 1514u // bytes, without the frame check sequence
#define EXO_FRAME_MIN 14u

struct exo_net_entry {
    uint32_t at; // offset in the area: receive: of a buffer; send: of the bytes
    uint16_t bytes;
    uint16_t flags;
};

/* EXO_RX of entries of the receive page, EXO_TX of the send page. */
enum exo_net_flag {
    EXO_RX_CHECKED = 1,  // the card or a local sender vouches for the transport
                         // checksum, which may not be filled in
    EXO_RX_LOCAL = 2,    // an env on this machine sent it
    EXO_RX_SENT = 4,     // a tap's copy of a frame on its way out
    EXO_TX_MORE = 1,     // the frame goes on in the next entry
    EXO_TX_SUM = 2,      // a transport checksum is to be filled in: the field
                         // holds the sum of the pseudo header, and the
                         // payload starts where the next two say
    EXO_TX_SUM_V6 = 4,   // behind an IPv6 header (54), else IPv4 (34)
    EXO_TX_SUM_UDP = 8,  // UDP's field (6), else TCP's (16)
    EXO_TX_REFUSED = 16, // set by the kernel: no filter of this interface
                         // allows it, or it is malformed; it was not sent
};

#define EXO_TX_PIECES_MAX                                                      \
    8u // entries of one frame; behind its first
       // EXO_NET_HEADER bytes an entry that crosses a
       // page of the area counts as two

/* The receive page. */
struct exo_net_rx {
    uint32_t filled; // [U] buffers ever given to the kernel
    uint32_t taken;  // [R] of them, ever taken out of `fill`
    uint32_t head;   // [R] packets ever received
    uint32_t tail;   // [U] packets ever consumed
    uint32_t quiet;  // [U] nonzero: packets raise no EXO_EVENT_NET (polling)
    uint32_t zero[11];
    uint32_t fill[EXO_NET_ENTRIES]; // [U] offsets of empty buffers
    struct exo_net_entry packet[EXO_NET_ENTRIES]; // [R]
};

/* The send page. net_send takes what is queued and says how far it came. */
struct exo_net_tx {
    uint32_t head; // [U] entries ever queued
    uint32_t tail; // [R] entries ever taken by net_send
    uint32_t done; // [R] entries whose bytes are no longer needed, in order
    uint32_t wake; // [U] nonzero: EXO_EVENT_NET when `done` grows
    uint32_t zero[12];
    struct exo_net_entry packet[EXO_NET_ENTRIES]; // [U]
};

_Static_assert(sizeof(struct exo_net_rx) <= EXO_PAGE_BYTES, "one page");
_Static_assert(sizeof(struct exo_net_tx) <= EXO_PAGE_BYTES, "one page");

/* What net_open takes. All pages must be DATA pages that the caller pays for;
 * they are held by the kernel until net_close. State and rings are zeroed. The
 * others may be bound already, but not executable, and never will be. */
struct exo_iface_spec {
    exo_guard guard;
    exo_page state;  // the kernel's: never bindable, not bound
    exo_page rx, tx; // struct exo_net_rx, struct exo_net_tx
    uint64_t count;  // pages of the area, 1 to EXO_NET_AREA_MAX
    EXO_USER(const exo_page) area;
};

/* Exposed, at exo_machine.net: the card and what became of its frames. */
enum exo_net_feature {
    EXO_NET_CARD = 1,   // there is one
    EXO_NET_LINK = 2,   // and its cable is plugged in
    EXO_NET_TX_SUM = 4, // the card fills in checksums (EXO_TX_SUM works always)
    EXO_NET_RX_SUM = 8, // the card checks them
};

struct exo_net_info {
    uint32_t features;
    uint32_t nfilters, nifaces; // sizes of the tables
    uint32_t natoms, atoms_used;
    uint8_t mac[6]; // the machine's; made up when there is no card
    uint16_t zero;
    uint64_t filters, ifaces; // offsets from EXO_INFO of the two tables
    uint64_t rx_frames, rx_bytes;
    uint64_t rx_unclaimed; // belonged to no attached filter
    uint64_t rx_malformed; // too short, too long, or the card says so
    uint64_t rx_polled;    // handled at slot boundaries, the budget being used
    uint64_t tx_frames, tx_bytes;
    uint64_t local_frames; // from env to env, the card not touched
    uint64_t interrupts, resets;
};

/* One filter, as everyone may see it; its atoms they may not. */
struct exo_filter_info {
    exo_filter id; // 0: free
    exo_guard guard;
    exo_filter parent;
    uint16_t payer; // index of the env it is charged to
    uint8_t direction, flags;
    uint16_t atoms, sharers;
    exo_iface iface; // attached to it, not SHARED; 0: none
    uint64_t frames, bytes;
    uint64_t dropped; // the interface had no buffer, or there was none
};

/* One interface. */
struct exo_iface_info {
    exo_iface id; // 0: free
    exo_guard guard;
    uint16_t env; // index of its owner
    uint16_t filters;
    uint32_t area; // pages
    uint64_t rx_frames, rx_bytes, rx_dropped;
    uint64_t tx_frames, tx_bytes, tx_refused;
};

#endif
