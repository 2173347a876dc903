// SPDX-License-Identifier: MIT
/*
 * Interfaces: opening and closing them, what their pages are, frames from one
 * to another on this machine, taps, copies for many, events.
 *
 * Must be seen: a frame arrives whole at whom its filter names and nowhere
 * else; what may not be sent is not sent; what finds no buffer is counted; all
 * that an interface held is given back.
 */
#include "net.h"

#define HERE  SCRATCH
#define THERE (SCRATCH + 0x100000)
#define THIRD (SCRATCH + 0x200000)
#define PORT  4711

static struct port a, b, c;
static uint8_t reference[EXO_FRAME_MAX];

/* a may send from port 7, b receives what goes to PORT. */
static void
pair(uint32_t pages)
{
    port_new(&a, HERE, pages);
    port_new(&b, THERE, pages);
    udp_filter(EXO_NET_SEND, 7, a.id);
    udp_filter(EXO_NET_RECEIVE, PORT, b.id);
}

/* Queue a UDP frame at `at` of a's area. */
static void
queue_udp(struct port *p, uint32_t at, uint32_t bytes, uint64_t seed)
{
    udp_frame(p->area + at, TO_SELF, 7, PORT, bytes, seed);
    port_queue(p, at, bytes, 0);
}

static void
arrives(struct port *p, uint32_t bytes, uint64_t seed)
{
    const struct exo_net_entry *e = port_next(p);
    CHECK(e != NULL);
    EQ(e->bytes, bytes);
    CHECK(udp_is(port_frame(p, e), bytes, seed));
}

/* ---- opening ----------------------------------------------------------- */

TEST(net_info_describes_the_room)
{
    const struct exo_net_info *n = exo_net_info();
    CHECK(n->nfilters >= 8 && n->nifaces >= 4);
    CHECK(n->natoms >= n->nfilters);
    CHECK(!(n->mac[0] & 1));
    EQ(ME->account[EXO_KIND_RING].limit, n->nifaces - 1);
    EQ(ME->account[EXO_KIND_ATOM].limit, n->natoms);
}

TEST(net_open_holds_the_pages)
{
    port_pages(&a, 0, 0, HERE, 40);
    struct exo_account before = ME->account[EXO_KIND_PAGE];
    fill(a.rx, 0x5a5a5a5a5a5a5a5a, EXO_PAGE_BYTES);
    fill(a.tx, 0x5a5a5a5a5a5a5a5a, EXO_PAGE_BYTES);
    fill(a.area, 0x1122334455667788, EXO_PAGE_BYTES);
    a.spec.guard = 0x77;
    OK(port_open(&a, CAPS));
    EQ(exo_page_info(a.spec.state)->use, EXO_USE_SAVE);
    EQ(exo_page_info(a.spec.rx)->use, EXO_USE_NET);
    EQ(exo_page_info(a.spec.tx)->use, EXO_USE_NET);
    for (unsigned i = 0; i < 40; i++)
        EQ(exo_page_info(a.page[i])->use, EXO_USE_NET);
    EQ(ME->account[EXO_KIND_PAGE].pinned, before.pinned + 43);
    EQ(ME->account[EXO_KIND_RING].own, 1);
    const struct exo_iface_info *i = port_info(&a);
    EQ(i->id, a.id);
    EQ(i->guard, 0x77);
    EQ(i->env, EXO_ENV_INDEX(self()));
    EQ(i->area, 40);
    CHECK(is_filled(a.rx, 0, EXO_PAGE_BYTES));
    CHECK(is_filled(a.tx, 0, EXO_PAGE_BYTES));
    CHECK(is_filled(a.area, 0x1122334455667788, EXO_PAGE_BYTES));
    port_close(&a);
    EQ(i->id, 0);
    EQ(ME->account[EXO_KIND_PAGE].pinned, before.pinned);
    EQ(ME->account[EXO_KIND_RING].own, 0);
    EQ(exo_page_info(a.spec.state)->use, EXO_USE_DATA);
    EQ(exo_page_info(a.page[39])->use, EXO_USE_DATA);
    FAILS(exo_net_close(ROOT_CAP, a.id), STALE);
    FAILS(exo_net_send(ROOT_CAP, a.id), STALE);
}

TEST(net_open_takes_the_area_in_steps)
{
    port_pages(&a, 0, 0, HERE, 60);
    exo_iface id = (exo_iface)exo_net_open(CAPS, &a.spec);
    OK(id);
    uint32_t first = exo_iface_info(id)->area;
    CHECK(first > 0 && first < 60);
    exo_page page = a.page[first];
    a.page[first] = a.page[0]; // held already
    FAILS(exo_net_open(CAPS, &a.spec), STATE);
    EQ(exo_iface_info(id)->area, first);
    a.page[first] = page;
    EQ(port_open(&a, CAPS), id);
    FAILS(exo_net_open(CAPS, &a.spec), INVAL); // nothing is left to add
}

TEST(net_state_is_clean_when_it_is_given_back)
{
    port_new(&a, HERE, 2);
    port_close(&a);
    bind_here(THIRD, a.spec.state, R);
    CHECK(is_filled((void *)THIRD, 0, EXO_PAGE_BYTES));
}

TEST(net_open_refuses)
{
    port_pages(&a, 0, 0, HERE, 4);
    struct exo_iface_spec good = a.spec;
    FAILS(exo_net_open(EXO_CAPS(NO_CAP, ROOT_CAP), &a.spec), CAP);
    FAILS(exo_net_open(EXO_CAPS(ROOT_CAP, NO_CAP), &a.spec), CAP);
    FAILS(exo_net_open(CAPS, (void *)THIRD), FAULT);
    a.spec.count = 0;
    FAILS(exo_net_open(CAPS, &a.spec), INVAL);
    a.spec.count = EXO_NET_AREA_MAX + 1;
    FAILS(exo_net_open(CAPS, &a.spec), INVAL);
    a.spec = good;
    a.spec.area = (void *)THIRD;
    FAILS(exo_net_open(CAPS, &a.spec), FAULT);
    a.spec.area = (void *)(UINT64_MAX - 7);
    FAILS(exo_net_open(CAPS, &a.spec), FAULT);
    a.spec = good;
    a.spec.rx = a.spec.tx;
    FAILS(exo_net_open(CAPS, &a.spec), STATE);
    a.spec = good;
    a.spec.state = a.page[0]; // bound
    FAILS(exo_net_open(CAPS, &a.spec), STATE);
    a.spec = good;
    a.spec.rx = 0;
    FAILS(exo_net_open(CAPS, &a.spec), STATE);
    a.spec.rx = exo_machine()->npages;
    FAILS(exo_net_open(CAPS, &a.spec), STATE);
    a.spec.rx = table_of(0, HERE, 1); // a table
    FAILS(exo_net_open(CAPS, &a.spec), STATE);
    a.spec = good;
    exo_page x = page_new(0);
    bind_here(THIRD, x, RX);
    a.page[0] = x;
    FAILS(exo_net_open(CAPS, &a.spec), EXCL);
    EQ(ME->account[EXO_KIND_RING].own, 0);
}

TEST(net_open_stays_within_the_account)
{
    struct kid *k = kid_new(&(struct kid_plan){.rings = 1, .flags = KID_EMPTY},
                            sleep_forever, 0);
    port_pages(&a, k->id, k->guard, HERE, 2);
    FAILS(exo_net_open(CAPS, &a.spec), STATE); // not the caller's pages
    EQ(exo_page_info(a.page[0])->use, EXO_USE_DATA);
}

TEST(net_table_of_interfaces_can_be_full)
{
    static exo_page area[1];
    struct exo_iface_spec s = {.count = 1, .area = area};
    uint32_t n = 0;
    int64_t result;
    for (;; n++) {
        s.state = page_new(0), s.rx = page_new(0), s.tx = page_new(0);
        area[0] = page_new(0);
        result = exo_net_open(CAPS, &s);
        if (result < 0)
            break;
    }
    FAILS(result, LIMIT);
    EQ(n, exo_net_info()->nifaces - 1);
}

/* ---- pages ------------------------------------------------------------- */

TEST(net_pages_are_never_executable_and_stay)
{
    port_new(&a, HERE, 2);
    exo_page pages[] = {a.spec.rx, a.spec.tx, a.page[0]};
    for (unsigned i = 0; i < ARRAY_SIZE(pages); i++) {
        bind_here(THIRD, pages[i], RW);
        bind_here(THIRD, pages[i], R);
        FAILS(bind_one(0, THIRD, pages[i], RX), EXCL);
        FAILS(bind_one(0, THIRD, 0, EXO_BIND_SAME | RX), EXCL);
        FAILS(exo_page_free(ROOT_CAP, &pages[i], 1), BUSY);
        FAILS(exo_table_make(ROOT_CAP, pages[i], 1, THIRD), STATE);
        unbind_here(THIRD);
    }
    FAILS(bind_one(0, THIRD, a.spec.state, R), STATE);
    FAILS(exo_page_free(ROOT_CAP, &a.spec.state, 1), BUSY);
    FAILS(exo_net_open(CAPS, &a.spec), INVAL);
}

TEST(net_interface_has_a_guard)
{
    port_new(&a, HERE, 2);
    EQ(exo_reguard(CAPS, EXO_KIND_RING, a.id, 1, 0x4711), 1);
    EQ(port_info(&a)->guard, 0x4711);
    FAILS(exo_reguard(EXO_CAPS(NO_CAP, ROOT_CAP), EXO_KIND_RING, a.id, 1, 0),
          CAP);
    FAILS(exo_reguard(CAPS, EXO_KIND_RING, a.id + 0x10000, 1, 0), STALE);
    FAILS(exo_reguard(CAPS, EXO_KIND_RING, 0, 1, 0), STALE);
}

/* ---- from one to another ----------------------------------------------- */

TEST(net_frame_arrives_whole)
{
    pair(8);
    const uint32_t sizes[] = {UDP_HEADERS, 60, 127, 128, 129, 1000, 1514};
    exo_tsc from = now();
    for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
        queue_udp(&a, 100, sizes[i], i);
        EQ(port_send(&a), 0);
        EQ(a.tx->tail, i + 1);
        EQ(a.tx->done, i + 1);
        const struct exo_net_entry *e = port_next(&b);
        CHECK(e != NULL);
        EQ(e->bytes, sizes[i]);
        EQ(e->flags, EXO_RX_LOCAL);
        EQ(e->at % EXO_NET_BUFFER, 0);
        udp_frame(reference, TO_SELF, 7, PORT, sizes[i], i);
        for (uint32_t n = 0; n < sizes[i]; n++)
            EQ(port_frame(&b, e)[n], reference[n]);
        const struct exo_packet *p = port_packet(&b, e);
        CHECK(p->time >= from && p->time <= now());
        EQ(p->tag, 0);
        const struct exo_filter_info *f = exo_filter_info(p->filter);
        EQ(f->iface, b.id);
        EQ(f->frames, i + 1);
    }
    CHECK(port_next(&a) == NULL);
    EQ(port_info(&a)->tx_frames, ARRAY_SIZE(sizes));
    EQ(port_info(&b)->rx_frames, ARRAY_SIZE(sizes));
    EQ(port_info(&b)->rx_bytes, port_info(&a)->tx_bytes);
}

TEST(net_frame_is_gathered_from_pieces)
{
    pair(8);
    for (unsigned round = 0; round < 60; round++) {
        uint32_t bytes = UDP_HEADERS + random64() % (1514 - UDP_HEADERS + 1);
        unsigned pieces = 1 + random64() % 4;
        uint32_t done = 0;
        udp_frame(reference, TO_SELF, 7, PORT, bytes, round);
        for (unsigned i = 0; i < pieces; i++) {
            // each in a buffer of its own or across an edge of pages
            uint32_t at = 8192 * i + (random64() % 2 ? 4096 - random64() % 64
                                                     : random64() % 512);
            uint32_t n = i + 1 == pieces ? bytes - done
                                         : random64() % (bytes - done + 1);
            for (uint32_t k = 0; k < n; k++)
                a.area[at + k] = (char)reference[done + k];
            port_queue(&a, at, n, i + 1 == pieces ? 0 : EXO_TX_MORE);
            done += n;
        }
        EQ(port_send(&a), 0);
        const struct exo_net_entry *e = port_next(&b);
        CHECK(e != NULL);
        EQ(e->bytes, bytes);
        for (uint32_t n = 0; n < bytes; n++)
            EQ(port_frame(&b, e)[n], reference[n]);
    }
    EQ(a.tx->done, a.tx->head);
    EQ(port_info(&a)->tx_refused, 0);
}

TEST(net_frame_without_its_end_waits)
{
    pair(4);
    udp_frame(a.area, TO_SELF, 7, PORT, 200, 1);
    port_queue(&a, 0, 100, EXO_TX_MORE);
    EQ(exo_net_send(ROOT_CAP, a.id), 0);
    EQ(a.tx->tail, 0);
    port_queue(&a, 100, 100, 0);
    EQ(exo_net_send(ROOT_CAP, a.id), 0);
    arrives(&b, 200, 1);
}

static void
is_refused(unsigned entries)
{
    uint64_t before = port_info(&a)->tx_refused;
    uint32_t tail = a.tx->tail;
    EQ(port_send(&a), 0);
    EQ(port_info(&a)->tx_refused, before + 1);
    for (unsigned i = 0; i < entries; i++)
        CHECK(a.tx->packet[(tail + i) % EXO_NET_ENTRIES].flags &
              EXO_TX_REFUSED);
    EQ(a.tx->tail, tail + entries);
    EQ(a.tx->done, tail + entries);
    CHECK(port_next(&b) == NULL);
}

TEST(net_send_refuses_what_is_malformed)
{
    pair(4);
    udp_frame(a.area, TO_SELF, 7, PORT, 1514, 1);
    port_queue(&a, 0, EXO_FRAME_MIN - 1, 0);
    is_refused(1);
    port_queue(&a, 0, 0, 0);
    is_refused(1);
    port_queue(&a, 0, EXO_FRAME_MAX + 1, 0);
    is_refused(1);
    port_queue(&a, 4 * EXO_PAGE_BYTES - 59, 60, 0);
    is_refused(1);
    port_queue(&a, UINT32_MAX, 60, 0);
    is_refused(1);
    port_queue(&a, UINT32_MAX - 59, 60, 0);
    is_refused(1);
    port_queue(&a, 0, 800, EXO_TX_MORE);
    port_queue(&a, 800, 800, 0);
    is_refused(2);
    port_queue(&a, 0, 100, EXO_TX_MORE); // what a filter looks at is right
    port_queue(&a, 4 * EXO_PAGE_BYTES - 50, 100, 0);
    is_refused(2);
    for (unsigned i = 0; i < EXO_TX_PIECES_MAX; i++)
        port_queue(&a, 100 * i, 100, EXO_TX_MORE);
    port_queue(&a, 900, 100, 0);
    is_refused(EXO_TX_PIECES_MAX + 1);
    port_queue(&a, 0, 49, EXO_TX_SUM); // its checksum would lie outside
    is_refused(1);
    queue_udp(&a, 0, 100, 3);
    EQ(port_send(&a), 0);
    arrives(&b, 100, 3);
}

TEST(net_send_refuses_what_no_filter_allows)
{
    pair(4);
    udp_frame(a.area, TO_SELF, 8, PORT, 100, 1); // another's port
    port_queue(&a, 0, 100, 0);
    is_refused(1);
    port_queue(&b, 0, 100, 0); // b may send nothing
    EQ(port_send(&b), 0);
    EQ(port_info(&b)->tx_refused, 1);
    port_new(&c, THIRD, 4);
    udp_filter(EXO_NET_SEND, 8, c.id);
    port_queue(&a, 0, 100, 0);
    is_refused(1);
    udp_frame(c.area, TO_SELF, 8, PORT, 100, 1);
    port_queue(&c, 0, 100, 0);
    EQ(port_send(&c), 0);
    arrives(&b, 100, 1);
}

TEST(net_send_goes_on_behind_what_was_refused)
{
    pair(4);
    for (unsigned i = 0; i < 30; i++) {
        udp_frame(a.area + 100 * i, TO_SELF, i % 3 ? 7 : 8, PORT, 100, i);
        port_queue(&a, 100 * i, 100, 0);
    }
    port_fill(&b, 0, 4);
    int64_t left, before = 31;
    while ((left = exo_net_send(ROOT_CAP, a.id)) > 0) {
        CHECK(left < before);
        before = left;
    }
    EQ(left, 0);
    EQ(port_info(&a)->tx_refused, 10);
    EQ(port_info(&b)->rx_frames + port_info(&b)->rx_dropped, 20);
}

TEST(net_address_of_nobody_goes_nowhere)
{
    NEEDS(!(exo_net_info()->features & EXO_NET_CARD), "there is a card");
    pair(4);
    udp_frame(a.area, mac_other, 7, PORT, 100, 1);
    port_queue(&a, 0, 100, 0);
    EQ(port_send(&a), 0);
    EQ(a.tx->done, 1);
    CHECK(port_next(&b) == NULL);
}

TEST(net_frame_of_no_filter_is_counted)
{
    pair(4);
    uint64_t before = exo_net_info()->rx_unclaimed;
    udp_frame(a.area, TO_SELF, 7, PORT + 1, 100, 1);
    port_queue(&a, 0, 100, 0);
    EQ(port_send(&a), 0);
    EQ(exo_net_info()->rx_unclaimed, before + 1);
    CHECK(port_next(&b) == NULL);
}

/* ---- buffers ----------------------------------------------------------- */

TEST(net_frames_without_a_buffer_are_dropped)
{
    port_new(&a, HERE, 4);
    port_pages(&b, 0, 0, THERE, 4);
    OK(port_open(&b, CAPS));
    udp_filter(EXO_NET_SEND, 7, a.id);
    exo_filter f = udp_filter(EXO_NET_RECEIVE, PORT, b.id);
    port_fill(&b, 2, 3);
    for (unsigned i = 0; i < 5; i++) {
        queue_udp(&a, 0, 100, i);
        EQ(port_send(&a), 0);
    }
    EQ(b.rx->head, 3);
    EQ(b.rx->taken, 3);
    EQ(port_info(&b)->rx_frames, 3);
    EQ(port_info(&b)->rx_dropped, 2);
    EQ(exo_filter_info(f)->dropped, 2);
    EQ(exo_filter_info(f)->frames, 5);
    for (unsigned i = 0; i < 3; i++) {
        EQ(b.rx->packet[i].at, (2 + i) * EXO_NET_BUFFER);
        arrives(&b, 100, i);
    }
    queue_udp(&a, 0, 100, 9);
    EQ(port_send(&a), 0);
    arrives(&b, 100, 9);
}

TEST(net_ring_that_is_not_emptied_fills)
{
    pair(2);
    b.rx->filled = 0;
    for (unsigned i = 0; i < EXO_NET_ENTRIES; i++)
        b.rx->fill[i] = 0;
    b.rx->filled = EXO_NET_ENTRIES;
    for (unsigned i = 0; i < EXO_NET_ENTRIES; i++) {
        queue_udp(&a, 0, 60, i);
        EQ(port_send(&a), 0);
    }
    b.rx->filled = 2 * EXO_NET_ENTRIES;
    queue_udp(&a, 0, 60, 0);
    EQ(port_send(&a), 0);
    EQ(b.rx->head, EXO_NET_ENTRIES);
    EQ(port_info(&b)->rx_dropped, 1);
    b.rx->tail = 1;
    queue_udp(&a, 0, 60, 0);
    EQ(port_send(&a), 0);
    EQ(b.rx->head, EXO_NET_ENTRIES + 1);
}

TEST(net_writes_nothing_beside_the_frame)
{
    pair(4);
    for (unsigned i = 0; i < 8; i++)
        fill(b.area + i * EXO_NET_BUFFER, 0x3333333333333333, EXO_NET_BUFFER);
    queue_udp(&a, 0, 1514, 1);
    EQ(port_send(&a), 0);
    const struct exo_net_entry *e = port_next(&b);
    CHECK(e != NULL);
    for (unsigned i = 0; i < 8; i++) {
        char *buffer = b.area + i * EXO_NET_BUFFER;
        if (i * EXO_NET_BUFFER != e->at) {
            CHECK(is_filled(buffer, 0x3333333333333333, EXO_NET_BUFFER));
            continue;
        }
        EQ(buffer[16], 0x33);
        for (uint32_t n = EXO_NET_AT + 1514; n < EXO_NET_BUFFER; n++)
            EQ(buffer[n], 0x33);
    }
}

/* ---- many receivers ---------------------------------------------------- */

static exo_filter
all_filter(void)
{
    struct exo_filter_spec s = {
        .direction = EXO_NET_RECEIVE, .flags = EXO_FILTER_SHARED, .count = 1};
    udp_spec(&s, 0, EXO_NET_RECEIVE, PORT);
    s.flags = EXO_FILTER_SHARED;
    return filter_new(&s);
}

TEST(net_shared_filter_copies_to_all_but_the_sender)
{
    port_new(&a, HERE, 4);
    port_new(&b, THERE, 4);
    port_new(&c, THIRD, 4);
    udp_filter(EXO_NET_SEND, 7, a.id);
    exo_filter f = all_filter();
    uint32_t atoms = ME->account[EXO_KIND_ATOM].own;
    ATTACH(f, a.id);
    ATTACH(f, b.id);
    ATTACH(f, c.id);
    EQ(ME->account[EXO_KIND_ATOM].own, atoms + 3);
    EQ(exo_filter_info(f)->sharers, 3);
    udp_frame(a.area, mac_all, 7, PORT, 300, 5);
    port_queue(&a, 0, 300, 0);
    EQ(port_send(&a), 0);
    arrives(&b, 300, 5);
    arrives(&c, 300, 5);
    CHECK(port_next(&a) == NULL);
    port_close(&c);
    EQ(ME->account[EXO_KIND_ATOM].own, atoms + 2);
    port_queue(&a, 0, 300, 0);
    EQ(port_send(&a), 0);
    arrives(&b, 300, 5);
    EQ(exo_filter_info(f)->frames, 2);
}

TEST(net_group_frame_does_not_return_to_its_sender)
{
    port_new(&a, HERE, 4);
    udp_filter(EXO_NET_SEND, 7, a.id);
    udp_filter(EXO_NET_RECEIVE, PORT, a.id);
    udp_frame(a.area, mac_all, 7, PORT, 100, 5);
    port_queue(&a, 0, 100, 0);
    EQ(port_send(&a), 0);
    CHECK(port_next(&a) == NULL);
    queue_udp(&a, 0, 100, 6); // but what it sends to itself does
    EQ(port_send(&a), 0);
    arrives(&a, 100, 6);
}

TEST(net_tap_sees_what_its_filter_takes)
{
    pair(4);
    port_new(&c, THIRD, 4);
    exo_filter rx = 0, tx = 0;
    for (uint32_t i = 1; i < exo_net_info()->nfilters; i++) {
        if (exo_filter_info(i)->iface == b.id)
            rx = exo_filter_info(i)->id;
        if (exo_filter_info(i)->iface == a.id)
            tx = exo_filter_info(i)->id;
    }
    EQ(exo_filter_attach(CAPS, rx, c.id, EXO_ATTACH_TAP), 0);
    queue_udp(&a, 0, 400, 1);
    EQ(port_send(&a), 0);
    arrives(&b, 400, 1);
    const struct exo_net_entry *e = port_next(&c);
    CHECK(e != NULL && e->bytes == 400 && e->flags == EXO_RX_LOCAL);
    EQ(port_packet(&c, e)->filter, EXO_NET_INDEX(rx));
    EQ(exo_filter_attach(CAPS, tx, c.id, EXO_ATTACH_TAP), 0);
    queue_udp(&a, 0, 400, 2);
    EQ(port_send(&a), 0);
    arrives(&b, 400, 2);
    e = port_next(&c);
    CHECK(e != NULL && e->flags == (EXO_RX_LOCAL | EXO_RX_SENT));
    EQ(port_packet(&c, e)->filter, EXO_NET_INDEX(tx));
    arrives(&c, 400, 2);
    CHECK(port_next(&c) == NULL);
    port_close(&c);
    queue_udp(&a, 0, 400, 3);
    EQ(port_send(&a), 0);
    arrives(&b, 400, 3);
}

TEST(net_tap_sees_what_filters_below_take)
{
    pair(4);
    port_new(&c, THIRD, 4);
    exo_filter parent = 0;
    for (uint32_t i = 1; i < exo_net_info()->nfilters; i++)
        if (exo_filter_info(i)->iface == b.id)
            parent = exo_filter_info(i)->id;
    struct exo_filter_spec s;
    udp_spec(&s, 0, EXO_NET_RECEIVE, PORT);
    s.parent = parent;
    s.count = 1;
    s.atom[0] = (struct exo_atom){.op = EXO_ATOM_EQ,
                                  .width = 2,
                                  .offset = 34,
                                  .mask = 0xffff,
                                  .value = 7};
    exo_filter child = filter_new(&s);
    ATTACH(child, a.id);
    EQ(exo_filter_attach(CAPS, parent, c.id, EXO_ATTACH_TAP), 0);
    queue_udp(&a, 0, 90, 1);
    EQ(port_send(&a), 0);
    arrives(&a, 90, 1); // the child took it
    CHECK(port_next(&b) == NULL);
    const struct exo_net_entry *e = port_next(&c);
    CHECK(e != NULL);
    EQ(port_packet(&c, e)->filter, EXO_NET_INDEX(child));
}

/* ---- checksums, events, traces ------------------------------------------ */

TEST(net_local_checksum_need_not_be_filled_in)
{
    pair(4);
    udp_frame(a.area, TO_SELF, 7, PORT, 100, 1);
    port_queue(&a, 0, 100, EXO_TX_SUM | EXO_TX_SUM_UDP);
    EQ(port_send(&a), 0);
    const struct exo_net_entry *e = port_next(&b);
    CHECK(e != NULL);
    EQ(e->flags, EXO_RX_LOCAL | EXO_RX_CHECKED);
}

static uint64_t
events(void)
{
    return __atomic_exchange_n(&uarea()->events, 0, __ATOMIC_ACQ_REL);
}

TEST(net_packet_is_an_event_unless_quiet)
{
    pair(4);
    events();
    queue_udp(&a, 0, 100, 1);
    EQ(port_send(&a), 0);
    EQ(events(), EXO_EVENT_NET);
    b.rx->quiet = 1;
    queue_udp(&a, 0, 100, 1);
    EQ(port_send(&a), 0);
    EQ(events(), 0);
    a.tx->wake = 1;
    queue_udp(&a, 0, 100, 1);
    EQ(port_send(&a), 0);
    EQ(events(), EXO_EVENT_NET);
}

TEST(net_packets_are_traced)
{
    pair(4);
    EQ(exo_trace(ROOT_CAP, 1u << EXO_TRACE_PACKET), EXO_TRACE_DEFAULT);
    uint64_t before = exo_cpu_info(0)->trace_head;
    queue_udp(&a, 0, 100, 1);
    EQ(port_send(&a), 0);
    if (NCPUS == 1)
        EQ(exo_cpu_info(0)->trace_head, before + 2);
}

/* ---- ends -------------------------------------------------------------- */

TEST(net_close_leaves_filters_and_frames_alone)
{
    pair(4);
    queue_udp(&a, 0, 100, 1);
    EQ(port_send(&a), 0);
    queue_udp(&a, 0, 100, 2); // queued, never sent
    exo_filter f = 0;
    for (uint32_t i = 1; i < exo_net_info()->nfilters; i++)
        if (exo_filter_info(i)->iface == b.id)
            f = exo_filter_info(i)->id;
    port_close(&a);
    arrives(&b, 100, 1);
    port_close(&b);
    EQ(exo_filter_info(f)->iface, 0);
    EQ(exo_filter_info(f)->id, f);
    port_new(&c, THIRD, 4);
    ATTACH(f, c.id);
    EQ(exo_filter_info(f)->iface, c.id);
}

static volatile int64_t opened;
static volatile uint64_t rounds;

static void
open_and_sleep(uint64_t unused)
{
    (void)unused;
    opened = port_open(&b, 0);
    for (;;)
        exo_wait(1, EXO_NEVER, 0);
}

/* An env in this space with b as its interface. */
static struct kid *
owner_of_b(void (*entry)(uint64_t), uint32_t cpu1)
{
    struct kid *k = kid_new(
        &(struct kid_plan){
            .flags = KID_THREAD, .cpu1 = cpu1, .rings = 2, .atoms = 40},
        entry, 0);
    port_pages(&b, k->id, k->guard, THERE, 8);
    opened = rounds = 0;
    kid_go(k);
    UNTIL(opened);
    OK(opened);
    port_fill(&b, 8, 8);
    return k;
}

TEST(net_close_by_another_tells_the_owner)
{
    struct kid *k = owner_of_b(open_and_sleep, 0);
    EQ(kid_info(k)->account[EXO_KIND_RING].own, 1);
    FAILS(exo_net_close(NO_CAP, b.id), CAP);
    FAILS(exo_net_send(NO_CAP, b.id), CAP);
    EQ(exo_net_send(ROOT_CAP, b.id), 0);
    port_close(&b);
    EQ(k->u->taken.count, 1);
    EQ(k->u->taken.item[0].id, b.id);
    EQ(k->u->taken.item[0].kind, EXO_KIND_RING);
    EQ(kid_info(k)->account[EXO_KIND_RING].own, 0);
    EQ(exo_page_info(b.page[0])->use, EXO_USE_DATA);
}

TEST(net_death_of_the_owner_closes_it)
{
    struct kid *k = owner_of_b(open_and_sleep, 0);
    port_new(&a, HERE, 4);
    udp_filter(EXO_NET_SEND, 7, a.id);
    exo_filter f = udp_filter(EXO_NET_RECEIVE, PORT, b.id);
    queue_udp(&a, 0, 100, 1);
    EQ(port_send(&a), 0);
    EQ(b.rx->head, 1);
    kid_end(k);
    EQ(exo_filter_info(f)->iface, 0);
    EQ(exo_iface_info(b.id)->id, 0);
    queue_udp(&a, 0, 100, 1);
    EQ(port_send(&a), 0);
    EQ(exo_filter_info(f)->dropped, 1);
}

TEST(net_death_of_the_filters_payer_detaches)
{
    pair(4);
    struct kid *k = kid_new(&(struct kid_plan){.flags = KID_EMPTY, .atoms = 40},
                            sleep_forever, 0);
    struct exo_filter_spec s;
    udp_spec(&s, 0, EXO_NET_RECEIVE, PORT + 1);
    s.payer = k->id;
    exo_filter f = filter_new(&s);
    ATTACH(f, a.id);
    uint16_t filters = port_info(&a)->filters;
    kid_end(k);
    EQ(exo_filter_info(f)->id, 0);
    EQ(port_info(&a)->filters, filters - 1);
}

/* ---- two envs ----------------------------------------------------------- */

/* Checks that frames come in order, until 2000 came. */
static void
take_all(uint64_t unused)
{
    (void)unused;
    opened = port_open(&b, 0);
    while (rounds < 2000) {
        const struct exo_net_entry *e = port_next(&b);
        if (!e) {
            exo_wait(EXO_EVENT_NET, EXO_NEVER, 0);
            __atomic_fetch_and(&uarea()->events, ~EXO_EVENT_NET,
                               __ATOMIC_ACQ_REL);
            continue;
        }
        EQ(e->bytes, 100 + rounds % 1400);
        CHECK(udp_is(port_frame(&b, e), e->bytes, rounds));
        rounds++;
    }
    leave(0);
}

TEST(net_stream_between_envs_is_whole_and_in_order)
{
    struct kid *k = owner_of_b(take_all, NCPUS > 1 ? 2 : 0);
    port_new(&a, HERE, 32);
    udp_filter(EXO_NET_SEND, 7, a.id);
    udp_filter(EXO_NET_RECEIVE, PORT, b.id);
    exo_tsc limit = now() + 4 * patience();
    for (uint64_t sent = 0; sent < 2000;) {
        if (sent - rounds < 8) { // as many as b has buffers
            queue_udp(&a, (uint32_t)(sent % 32) * EXO_NET_BUFFER,
                      100 + (uint32_t)(sent % 1400), sent);
            EQ(port_send(&a), 0);
            sent++;
            continue;
        }
        pause_here();
        CHECK(now() < limit);
    }
    EQ(kid_join(k), 0);
    EQ(rounds, 2000);
}
