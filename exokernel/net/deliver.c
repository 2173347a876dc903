// SPDX-License-Identifier: MIT
/*
 * Receiving: from the card, and from envs on this machine, into the buffers of
 * whom a frame belongs to. See net.h and exo/net.h.
 *
 * A frame is copied once for each receiver. What the pages of a libOS say is
 * read once and believed only within NET-7; a buffer lies in one page.
 */
#include "debug/trace.h"
#include "env/env.h"
#include "lib/string.h"
#include "lock.h"
#include "net/filter.h"
#include "net/net.h"

#define POLL_FRAMES 6  /* taken from the card while the lock is held */
#define POLL_SENT   8  /* frames sent before that are looked for */
#define POLL_COPIES 8  /* and copies made of them */
#define POLL_BUDGET 64 /* frames in one interrupt; then the card is polled */

static inline uint32_t
word_of(const uint32_t *word)
{
    return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

/* An empty buffer: its offset in the area, a multiple of EXO_NET_BUFFER. */
static inline bool
buffer_take(struct iface *i, uint32_t *at)
{
    struct exo_net_rx *rx = i->rx;
    uint32_t filled = word_of(&rx->filled), tail = word_of(&rx->tail);
    if (likely(filled - i->taken <= EXO_NET_ENTRIES))
        i->filled = filled;
    if (likely(i->head - tail <= EXO_NET_ENTRIES))
        i->tail = tail;
    if (i->filled == i->taken || i->head - i->tail == EXO_NET_ENTRIES)
        return false;
    *at = word_of(&rx->fill[i->taken % EXO_NET_ENTRIES]);
    __atomic_store_n(&rx->taken, ++i->taken, __ATOMIC_RELAXED);
    return *at % EXO_NET_BUFFER == 0 && *at / EXO_PAGE_BYTES < i->count;
}

/* What was done for an env since the last stamp, if it was in an interrupt, is
 * its time; if another's slot was taken for it, it pays it back. */
static inline void
charge(struct env *e)
{
    if (!K.net.stamp)
        return;
    uint64_t now = hw_rdtsc(), spent = now - K.net.stamp;
    K.net.stamp = now;
    e->info->time_net += spent;
    if (hw_this_cpu()->slot_owner != e)
        e->info->time_penalty += spent;
}

/* The frame, and in front of it what the kernel says of it. */
static inline void
fill_buffer(const struct iface *i, uint32_t at, const struct frame *f,
            uint32_t filter)
{
    char *buffer =
        (char *)page_kva(i->area[at / EXO_PAGE_BYTES]) + at % EXO_PAGE_BYTES;
    *(struct exo_packet *)buffer = (struct exo_packet){
        .time = K.net.stamp ? K.net.stamp : hw_rdtsc(),
        .filter = (uint16_t)filter,
    };
    buffer += EXO_NET_AT;
    memcpy(buffer, f->header, f->header_bytes);
    buffer += f->header_bytes;
    for (unsigned n = 0; n < f->pieces; n++) { /* perhaps of this very buffer */
        memmove(buffer, pa_to_kva(f->piece[n].pa), f->piece[n].count);
        buffer += f->piece[n].count;
    }
}

static __attribute__((noinline)) void
drop(struct iface *i, uint32_t filter)
{
    i->info->rx_dropped++;
    K.net.filter_info[filter].dropped++;
}

/* A copy of the frame, which belongs to `filter`, to one interface. */
static __attribute__((noinline)) void
give(struct iface *i, const struct frame *f, uint32_t filter)
{
    uint32_t at;
    struct exo_net_rx *rx = i->rx;
    if (unlikely(!buffer_take(i, &at))) {
        drop(i, filter);
        return;
    }
    fill_buffer(i, at, f, filter);
    rx->packet[i->head % EXO_NET_ENTRIES] =
        (struct exo_net_entry){at, (uint16_t)f->bytes, f->flags};
    __atomic_store_n(&rx->head, ++i->head, __ATOMIC_RELEASE);
    i->info->rx_frames++;
    i->info->rx_bytes += f->bytes;
    trace(hw_this_cpu(), EXO_TRACE_PACKET, i->env,
          filter | (uint64_t)EXO_NET_RECEIVE << 32, f->bytes);
    if (!word_of(&rx->quiet))
        env_ring(i->env, EXO_EVENT_NET);
    charge(i->env);
}

/* Copies to whom the walk still has to go; false: the budget ended first. */
static bool
walk_on(struct frame *f, struct walk *w)
{
    f->flags = w->flags;
    for (;;) {
        while (w->link) {
            const struct link *l = &K.net.link[w->link];
            struct iface *i = K.net.iface[l->iface];
            if (i->index != w->from && !i->closing) {
                if (K.net.budget <= 0)
                    return false;
                K.net.budget--;
                give(i, f, w->filter);
            }
            w->link = l->next;
        }
        if (!w->tap)
            return true;
        w->link = K.net.filter[w->tap].taps;
        w->tap = K.net.filter[w->tap].parent;
    }
}

bool
net_go_on(void)
{
    struct rest *r = K.net.rest;
    while (r->left) {
        if (!walk_on(&r->frame, &r->walk[r->left - 1]))
            return false;
        r->left--;
    }
    return true;
}

/* Go that way with a frame, as far as the budget reaches; what is left becomes
 * the rest. */
static __attribute__((noinline)) void
begin_walk(const struct frame *f, struct walk w)
{
    struct rest *r = K.net.rest;
    struct frame copy = *f;
    if (walk_on(&copy, &w))
        return;
    r->frame = copy;
    r->walk[r->left++] = w;
}

void
net_keep_rest(void)
{
    struct rest *r = K.net.rest;
    struct frame *f = &r->frame;
    uint8_t *to = r->bytes + f->header_bytes;
    memcpy(r->bytes, f->header, f->header_bytes);
    for (unsigned n = 0; n < f->pieces; n++) {
        memcpy(to, pa_to_kva(f->piece[n].pa), f->piece[n].count);
        to += f->piece[n].count;
    }
    f->header = r->bytes;
    f->header_bytes = f->bytes;
    f->pieces = 0;
}

void
net_forget_link(uint32_t link)
{
    struct rest *r = K.net.rest;
    for (unsigned n = 0; n < r->left; n++)
        if (r->walk[n].link == link)
            r->walk[n].link = K.net.link[link].next;
}

void
net_forget_filter(uint32_t filter)
{
    struct rest *r = K.net.rest;
    for (unsigned n = 0; n < r->left; n++)
        if (r->walk[n].filter == filter)
            r->walk[n].link = r->walk[n].tap = 0;
}

void
net_tap(const struct frame *f, uint32_t filter)
{
    if (unlikely(K.net.taps))
        begin_walk(f, (struct walk){filter, 0, filter, f->flags, 0});
}

/* To all who share the filter; or there is nobody. */
static __attribute__((noinline)) void
give_all(const struct frame *f, uint32_t filter, const struct iface *from)
{
    uint32_t links = K.net.filter[filter].sharers;
    if (!links) {
        K.net.info->rx_unclaimed++;
        K.net.filter_info[filter].dropped++;
    }
    begin_walk(f, (struct walk){filter, links, K.net.taps ? filter : 0,
                                f->flags, from ? (uint16_t)from->index : 0});
}

void
net_deliver(const struct frame *f, const struct iface *from)
{
    uint32_t filter = filter_match(EXO_NET_RECEIVE, f->header, f->header_bytes);
    if (unlikely(!filter)) {
        K.net.info->rx_unclaimed++;
        return;
    }
    struct exo_filter_info *info = &K.net.filter_info[filter];
    info->frames++;
    info->bytes += f->bytes;
    struct iface *i = K.net.iface[K.net.link[filter].iface];
    if (unlikely(!i || i == from || i->closing)) {
        give_all(f, filter, from);
        return;
    }
    K.net.budget--;
    give(i, f, filter);
    net_tap(f, filter);
}

static void
receive(const struct nic_frame *nf)
{
    struct exo_net_info *info = K.net.info;
    struct frame f = {
        .header = nf->bytes,
        .header_bytes = nf->count,
        .bytes = nf->count,
        .flags = nf->summed ? EXO_RX_CHECKED : 0,
    };
    info->rx_polled += K.polling;
    if (unlikely(nf->count < EXO_FRAME_MIN || nf->count > EXO_FRAME_MAX)) {
        info->rx_malformed++;
        return;
    }
    info->rx_frames++;
    info->rx_bytes += nf->count;
    net_deliver(&f, NULL);
}

/* Serve the card for one hold of the lock. True: there may be more. */
static bool
poll_once(void)
{
    struct nic_frame frame;
    unsigned frames = 0;
    unsigned sent = net_collect_sent(POLL_SENT);
    K.net.budget = POLL_COPIES;
    K.net.stamp = hw_rdtsc();
    while (net_deliver_rest() && frames < POLL_FRAMES && K.net.budget > 0 &&
           nic.driver->receive(&frame)) {
        receive(&frame);
        net_keep(); /* a reset may come before the rest does */
        nic.driver->release();
        frames++;
    }
    K.net.stamp = 0;
    return sent == POLL_SENT || frames == POLL_FRAMES || K.net.budget <= 0 ||
           (K.net.blocked && !K.net.flying);
}

/* True: the budget ended first. */
static bool
poll(struct cpu *c)
{
    for (unsigned n = 0; n < POLL_BUDGET; n += POLL_FRAMES) {
        if (!poll_once())
            return false;
        uint64_t path = c->lock_path;
        kernel_unlock(c);
        kernel_lock(c, path);
    }
    return true;
}

/* Look at the card as each slot ends, or let it interrupt. */
static void
set_polling(bool on)
{
    K.polling = on;
    nic.driver->interrupts(!on);
}

bool
net_interrupt(struct cpu *c)
{
    if (!nic.driver)
        return false;
    K.net.info->interrupts += !K.polling;
    nic.driver->acknowledge();
    bool more = poll(c);
    if (!nic.has_irq)
        return more;
    if (!more && K.polling) {
        set_polling(false);
        more = poll(c); /* what came before they were on again */
    }
    if (more && !K.polling)
        set_polling(true);
    return more;
}
