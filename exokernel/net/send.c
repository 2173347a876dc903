// SPDX-License-Identifier: MIT
/*
 * Sending: what a libOS queued, gathered, checked and passed on. See net.h.
 *
 * A frame's first bytes are copied, and the copy is classified by the send tree
 * and goes out; the rest is read by the card, or by the copy to a receiver on
 * this machine, straight from the area. Each entry and count is read once.
 */
#include "debug/trace.h"
#include "env/env.h"
#include "lib/string.h"
#include "net/filter.h"
#include "net/net.h"

#define SEND_STEP    5   /* frames and copies, for one hold of the lock */
#define SUM_BYTES    512 /* summed up in the time of a copy */
#define COLLECT_STEP 8   /* frames sent before that are looked for ... */
#define COLLECT_COST 4   /* ... so many in the time of a copy */

/* A frame on its way out. */
struct outgoing {
    struct iface *i;
    unsigned entries;
    uint16_t flags;  /* of its first entry */
    uint32_t filter; /* that it belongs to, of the send tree */
    struct frame frame;
    uint8_t *header; /* the card's, or own[] if it has none to give */
    uint8_t own[EXO_NET_HEADER];
    struct nic_piece piece[NIC_PIECES_MAX];
};

/* ---- what was sent ----------------------------------------------------- */

static inline bool
is_finished(const struct iface *i, uint32_t n)
{
    n %= EXO_NET_ENTRIES;
    return i->finished[n / 64] >> n % 64 & 1;
}

/* `n` entries from `first` on are no longer needed; `done` follows in order. */
static void
finish(struct iface *i, uint32_t first, uint32_t n)
{
    uint32_t before = i->tx_done;
    if (likely((first - before) % EXO_NET_ENTRIES == 0))
        i->tx_done += n;
    else
        for (uint32_t k = first; k != first + n; k++)
            i->finished[k % EXO_NET_ENTRIES / 64] |= 1ull << k % 64;
    while (is_finished(i, i->tx_done)) {
        i->finished[i->tx_done % EXO_NET_ENTRIES / 64] &=
            ~(1ull << i->tx_done % 64);
        i->tx_done++;
    }
    if (i->tx_done == before)
        return;
    __atomic_store_n(&i->tx->done, i->tx_done, __ATOMIC_RELEASE);
    if (__atomic_load_n(&i->tx->wake, __ATOMIC_RELAXED))
        env_ring(i->env, EXO_EVENT_NET);
}

static void
block(struct iface *i)
{
    if (i->blocked)
        return;
    i->blocked = true;
    i->blocked_next = 0;
    i->blocked_prev = K.net.blocked_last;
    if (i->blocked_prev)
        K.net.iface[i->blocked_prev]->blocked_next = i->index;
    else
        K.net.blocked = i->index;
    K.net.blocked_last = i->index;
}

void
iface_unblock(struct iface *i)
{
    if (!i->blocked)
        return;
    i->blocked = false;
    if (i->blocked_prev)
        K.net.iface[i->blocked_prev]->blocked_next = i->blocked_next;
    else
        K.net.blocked = i->blocked_next;
    if (i->blocked_next)
        K.net.iface[i->blocked_next]->blocked_prev = i->blocked_prev;
    else
        K.net.blocked_last = i->blocked_prev;
}

/* The card has room again: who waited longest is told. needs: somebody did. */
static __attribute__((noinline)) void
wake_blocked(void)
{
    struct iface *i = K.net.iface[K.net.blocked];
    iface_unblock(i);
    env_ring(i->env, EXO_EVENT_NET);
}

/* What comes back from the card with a frame: 0, entries, first entry, index
 * of the interface, 16 bits each. */
static uint64_t
cookie_of(const struct outgoing *o)
{
    uint16_t first = o->i->tx_tail % EXO_NET_ENTRIES;
    return (uint64_t)o->entries << 32 | (uint32_t)first << 16 | o->i->index;
}

unsigned
net_collect_sent(unsigned max)
{
    uint64_t cookie;
    unsigned n = 0;
    if (!nic.driver)
        return 0;
    for (; n < max && nic.driver->sent(&cookie); n++) {
        struct iface *i = K.net.iface[cookie & 0xffff];
        uint32_t first = cookie >> 16 & 0xffff;
        assert(i && i->flying);
        i->flying--;
        K.net.flying--;
        finish(i, first, cookie >> 32 & 0xffff);
        if (unlikely(K.net.blocked))
            wake_blocked();
    }
    /* Those who were told need not have sent, and an idle card says no more. */
    for (unsigned told = n; told < max && K.net.blocked && !K.net.flying;
         told++)
        wake_blocked();
    return n;
}

/* ---- gathering --------------------------------------------------------- */

static struct exo_net_entry
entry_at(const struct iface *i, uint32_t n)
{
    union {
        uint64_t word;
        struct exo_net_entry entry;
    } u;
    const void *at = &i->tx->packet[n % EXO_NET_ENTRIES];
    u.word = __atomic_load_n((const uint64_t *)at, __ATOMIC_RELAXED);
    return u.entry;
}

/* Bytes that lie in one page. */
static inline bool
add_bytes(struct outgoing *o, uint64_t pa, uint32_t n)
{
    struct frame *f = &o->frame;
    uint32_t room = EXO_NET_HEADER - f->header_bytes;
    uint32_t head = n < room ? n : room;
    memcpy(o->header + f->header_bytes, pa_to_kva(pa), head);
    f->header_bytes += head;
    if (head == n)
        return true;
    pa += head, n -= head;
    struct nic_piece *next = &o->piece[f->pieces];
    if (f->pieces && next[-1].pa + next[-1].count == pa) {
        next[-1].count += n;
        return true;
    }
    if (f->pieces == NIC_PIECES_MAX)
        return false;
    *next = (struct nic_piece){pa, n};
    f->pieces++;
    return true;
}

/* The bytes of one entry, page by page. */
static inline bool
add_entry(struct outgoing *o, struct exo_net_entry e)
{
    const struct iface *i = o->i;
    uint64_t at = e.at, end = at + e.bytes;
    o->frame.bytes += e.bytes;
    if (end > (uint64_t)i->count * EXO_PAGE_BYTES ||
        o->frame.bytes > EXO_FRAME_MAX)
        return false;
    while (at < end) {
        uint32_t in_page = at % EXO_PAGE_BYTES;
        uint64_t pa = (uint64_t)i->area[at / EXO_PAGE_BYTES] << EXO_PAGE_SHIFT;
        uint64_t next = at - in_page + EXO_PAGE_BYTES;
        next = likely(next > end) ? end : next;
        if (!add_bytes(o, pa + in_page, (uint32_t)(next - at)))
            return false;
        at = next;
    }
    return true;
}

/* The next frame if it goes on in further entries. */
static __attribute__((noinline)) bool
gather_pieces(struct outgoing *o, uint32_t left)
{
    bool good = true, more = true;
    o->entries = 0;
    for (unsigned n = 0; n < left && more; n++) {
        struct exo_net_entry e = entry_at(o->i, o->i->tx_tail + n);
        good = good && n < EXO_TX_PIECES_MAX && add_entry(o, e);
        more = e.flags & EXO_TX_MORE;
        o->entries = more ? 0 : n + 1;
    }
    if (!o->entries && left == EXO_NET_ENTRIES) { /* it can never end */
        o->entries = left;
        return false;
    }
    return good;
}

/* The next frame out of `left` entries. o->entries: how many it takes up, 0:
 * its last is not queued yet. False: it is malformed. */
static inline bool
gather(struct outgoing *o, uint32_t left)
{
    struct exo_net_entry e = entry_at(o->i, o->i->tx_tail);
    o->flags = e.flags;
    o->entries = 1;
    bool good = unlikely(e.flags & EXO_TX_MORE) ? gather_pieces(o, left)
                                                : add_entry(o, e);
    return good && o->frame.bytes >= EXO_FRAME_MIN;
}

/* ---- checksums --------------------------------------------------------- */

/* What the card is to fill in; false: it lies outside the header. */
static bool
sum_of(const struct outgoing *o, struct nic_sum *sum)
{
    *sum = (struct nic_sum){0, 0};
    if (!(o->flags & EXO_TX_SUM))
        return true;
    uint16_t start = o->flags & EXO_TX_SUM_V6 ? 54 : 34;
    uint16_t offset = o->flags & EXO_TX_SUM_UDP ? 6 : 16;
    *sum = (struct nic_sum){start, offset};
    return start + offset + 2u <= o->frame.header_bytes;
}

/* Add bytes to a sum of 16-bit words in memory order [RFC1071]; *odd: an odd
 * number of them was added before. */
static uint64_t
sum_bytes(uint64_t sum, const uint8_t *at, uint32_t n, bool *odd)
{
    uint64_t part = 0, word;
    for (; n >= 8; at += 8, n -= 8) {
        __builtin_memcpy(&word, at, 8); /* no call */
        part += (word & 0xffffffff) + (word >> 32);
    }
    for (uint32_t k = 0; k < n; k++)
        part += (uint64_t)at[k] << 8 * (k & 1);
    while (part >> 16)
        part = (part & 0xffff) + (part >> 16);
    if (*odd)
        part = (part >> 8 | part << 8) & 0xffff;
    *odd ^= n & 1;
    return sum + part;
}

/* Fill the checksum into the header, which the card will send as it is. */
static void
fill_sum(const struct outgoing *o, struct nic_sum sum)
{
    bool odd = false;
    const struct frame *f = &o->frame;
    uint64_t total =
        sum_bytes(0, o->header + sum.start, f->header_bytes - sum.start, &odd);
    for (unsigned n = 0; n < f->pieces; n++)
        total = sum_bytes(total, pa_to_kva(f->piece[n].pa), f->piece[n].count,
                          &odd);
    while (total >> 16)
        total = (total & 0xffff) + (total >> 16);
    uint16_t field = (uint16_t)~total;
    if (!field && (o->flags & EXO_TX_SUM_UDP))
        field = 0xffff; /* zero means: none [RFC768] */
    memcpy(o->header + sum.start + sum.offset, &field, 2);
}

/* ---- sending ----------------------------------------------------------- */

enum where { TO_NOBODY = 0, TO_LOCAL = 1, TO_CARD = 2 };

/* Is this the machine's own address? */
static inline bool
is_own(const uint8_t mac[6])
{
    uint64_t to; /* the header has more than eight bytes */
    __builtin_memcpy(&to, mac, sizeof(to));
    return (to & 0xffffffffffff) == K.net.mac;
}

static inline unsigned
destination(const struct outgoing *o)
{
    unsigned where = nic.driver ? TO_CARD : TO_NOBODY;
    if (o->header[0] & 1)
        where |= TO_LOCAL;
    else if (is_own(o->header))
        where = TO_LOCAL;
    if (K.net.filter_info[o->filter].flags & EXO_FILTER_LOCAL)
        where &= TO_LOCAL;
    return where;
}

static bool
is_allowed(struct outgoing *o)
{
    o->filter = filter_match(EXO_NET_SEND, o->header, o->frame.header_bytes);
    if (!o->filter)
        return false;
    const struct exo_filter_info *info = &K.net.filter_info[o->filter];
    return info->iface == o->i->id ||
           (unlikely(info->flags & EXO_FILTER_SHARED) &&
            net_link_find(o->filter, o->i, EXO_ATTACH));
}

static void
refuse(struct outgoing *o)
{
    struct iface *i = o->i;
    for (uint32_t n = 0; n < o->entries; n++) {
        struct exo_net_entry *e =
            &i->tx->packet[(i->tx_tail + n) % EXO_NET_ENTRIES];
        __atomic_fetch_or(&e->flags, EXO_TX_REFUSED, __ATOMIC_RELAXED);
    }
    i->info->tx_refused++;
}

static void
to_card(struct outgoing *o, struct nic_sum sum)
{
    struct exo_net_info *info = K.net.info;
    const struct frame *f = &o->frame;
    if (sum.start && !nic.tx_sum) {
        fill_sum(o, sum);
        sum = (struct nic_sum){0, 0};
    }
    nic.driver->send(f->header_bytes, o->piece, f->pieces, sum, cookie_of(o));
    o->i->flying++;
    K.net.flying++;
    info->tx_frames++;
    info->tx_bytes += f->bytes;
}

static void
to_envs(struct outgoing *o, unsigned where)
{
    bool group = o->header[0] & 1;
    o->frame.flags =
        EXO_RX_LOCAL | (o->flags & EXO_TX_SUM ? EXO_RX_CHECKED : 0);
    K.net.info->local_frames += !(where & TO_CARD);
    net_deliver(&o->frame, group ? o->i : NULL);
}

/* Send a frame that is allowed; false: the card has no room. */
static bool
send(struct outgoing *o, struct nic_sum sum)
{
    unsigned where = destination(o);
    struct exo_filter_info *filter = &K.net.filter_info[o->filter];
    if ((where & TO_CARD) && o->header == o->own)
        return false;
    if ((where & TO_CARD) && sum.start && !nic.tx_sum)
        K.net.budget -= (int)(o->frame.bytes / SUM_BYTES);
    if (unlikely(K.net.taps)) {
        o->frame.flags = EXO_RX_SENT | EXO_RX_LOCAL |
                         (o->flags & EXO_TX_SUM ? EXO_RX_CHECKED : 0);
        net_tap(&o->frame, o->filter);
    }
    if (where & TO_LOCAL)
        to_envs(o, where);
    net_keep();
    if (where & TO_CARD)
        to_card(o, sum);
    filter->frames++;
    filter->bytes += o->frame.bytes;
    o->i->info->tx_frames++;
    o->i->info->tx_bytes += o->frame.bytes;
    trace(hw_this_cpu(), EXO_TRACE_PACKET, o->i->env,
          o->filter | (uint64_t)EXO_NET_SEND << 32, o->frame.bytes);
    return true;
}

enum taken { TAKEN, NOT_WHOLE, CARD_FULL };

/* Take the next frame out of `left` entries. */
static enum taken
send_next(struct iface *i, uint32_t left)
{
    struct outgoing o;
    struct nic_sum sum;
    o.i = i;
    o.header = nic.driver ? nic.driver->header() : NULL;
    if (!o.header)
        o.header = o.own;
    o.frame = (struct frame){.header = o.header, .piece = o.piece};
    bool good = gather(&o, left);
    if (!o.entries)
        return NOT_WHOLE;
    uint32_t flying = i->flying;
    if (unlikely(!good || !sum_of(&o, &sum) || !is_allowed(&o)))
        refuse(&o);
    else if (!send(&o, sum))
        return CARD_FULL;
    uint32_t first = i->tx_tail;
    i->tx_tail += o.entries;
    if (i->flying == flying)
        finish(i, first, o.entries);
    return TAKEN;
}

/* Send within the budget. What became of the last frame looked at. */
static enum taken
send_some(struct iface *i, uint32_t head)
{
    enum taken last = TAKEN;
    while (net_deliver_rest() && i->tx_tail != head && K.net.budget > 0 &&
           last == TAKEN) {
        K.net.budget--;
        last = send_next(i, head - i->tx_tail);
    }
    __atomic_store_n(&i->tx->tail, i->tx_tail, __ATOMIC_RELEASE);
    if (nic.driver)
        nic.driver->kick();
    return last;
}

int64_t
iface_send(struct iface *i)
{
    uint32_t before = i->tx_tail;
    unsigned collected = net_collect_sent(COLLECT_STEP);
    uint32_t head = __atomic_load_n(&i->tx->head, __ATOMIC_ACQUIRE);
    if (head - i->tx_done > EXO_NET_ENTRIES ||
        head - i->tx_tail > EXO_NET_ENTRIES)
        return -EXO_E_INVAL;
    K.net.budget = SEND_STEP - (int)(collected / COLLECT_COST);
    enum taken last = send_some(i, head);
    if (last == CARD_FULL)
        block(i);
    if (last == CARD_FULL && i->tx_tail == before)
        return -EXO_E_AGAIN;
    uint32_t left = last == NOT_WHOLE ? 0 : head - i->tx_tail;
    return K.net.rest->left && !left ? 1 : left;
}
