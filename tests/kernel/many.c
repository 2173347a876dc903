// SPDX-License-Identifier: MIT
/*
 * One frame for many receivers, which the kernel copies in steps, with other
 * calls in between.
 *
 * Must be seen: each receiver gets it once, as it was when it was sent, whoever
 * closes, leaves or sends meanwhile.
 */
#include "net.h"

#define HERE  SCRATCH
#define APART 0x10000
#define PORT  4711

#define STEP 8 // copies in one call

static struct port from, many[EXO_SHARERS_MAX], taps[2 * EXO_TAPS_MAX];
static unsigned receivers; // of `many`
static exo_filter all, sending;

/* `from` may send to all of `many`, as many as this machine has room for. */
static void
crowd(void)
{
    struct exo_filter_spec s;
    receivers = exo_net_info()->nifaces - ARRAY_SIZE(taps) - 3;
    if (receivers > ARRAY_SIZE(many))
        receivers = ARRAY_SIZE(many);
    CHECK(receivers > STEP);
    udp_spec(&s, 0, EXO_NET_RECEIVE, PORT);
    s.flags = EXO_FILTER_SHARED;
    all = filter_new(&s);
    for (unsigned i = 0; i < receivers; i++) {
        port_new(&many[i], HERE + (i + 1) * APART, 2);
        ATTACH(all, many[i].id);
    }
    port_new(&from, HERE, 4);
    sending = udp_filter(EXO_NET_SEND, 7, from.id);
}

static void
queue_group(uint32_t at, uint64_t seed)
{
    udp_frame(from.area + at, mac_all, 7, PORT, 1000, seed);
    port_queue(&from, at, 1000, 0);
}

/* The first step is done, and it was not all. */
static void
begin_frame(uint64_t seed)
{
    queue_group(0, seed);
    CHECK(exo_net_send(ROOT_CAP, from.id) > 0);
}

static unsigned
have(void)
{
    unsigned n = 0;
    for (unsigned i = 0; i < receivers; i++)
        n += many[i].rx->head != many[i].seen;
    return n;
}

static bool
got(struct port *p, uint64_t seed)
{
    const struct exo_net_entry *e = port_next(p);
    return e && e->bytes == 1000 && udp_is(port_frame(p, e), 1000, seed) &&
           !port_next(p);
}

TEST(many_receivers_get_a_frame_in_steps)
{
    crowd();
    begin_frame(1);
    unsigned before = have(), calls = 1;
    CHECK(before > 0 && before <= STEP);
    for (; exo_net_send(ROOT_CAP, from.id) > 0; calls++) {
        CHECK(have() - before <= STEP);
        before = have();
    }
    CHECK(calls >= receivers / STEP);
    for (unsigned i = 0; i < receivers; i++)
        CHECK(got(&many[i], 1));
    EQ(from.tx->done, from.tx->head);
}

TEST(many_receivers_get_what_was_sent_and_not_what_came_after)
{
    crowd();
    begin_frame(1);
    EQ(from.tx->done, 1); // so its bytes are the sender's again
    fill(from.area, 0x6666666666666666, 2048);
    EQ(port_send(&from), 0);
    for (unsigned i = 0; i < receivers; i++)
        CHECK(got(&many[i], 1));
}

TEST(many_receivers_get_frames_in_order)
{
    crowd();
    queue_group(0, 1);
    queue_group(1000, 2);
    EQ(port_send(&from), 0);
    for (unsigned i = 0; i < receivers; i++) {
        const struct exo_net_entry *e = port_next(&many[i]);
        CHECK(e && udp_is(port_frame(&many[i], e), 1000, 1));
        CHECK(got(&many[i], 2));
    }
}

TEST(many_receivers_may_close_while_a_frame_comes)
{
    crowd();
    begin_frame(3);
    unsigned closed = 0;
    for (unsigned i = 0; i < receivers; i += 2, closed++)
        port_close(&many[i]);
    EQ(port_send(&from), 0);
    for (unsigned i = 1; i < receivers; i += 2)
        CHECK(got(&many[i], 3));
}

TEST(many_receivers_all_may_close_while_a_frame_comes)
{
    crowd();
    begin_frame(4);
    for (unsigned i = 0; i < receivers; i++)
        port_close(&many[i]);
    EQ(port_send(&from), 0);
}

TEST(many_receivers_lose_a_frame_with_their_filter)
{
    crowd();
    begin_frame(5);
    unsigned before = have();
    filter_gone(all);
    struct exo_filter_spec s;
    udp_spec(&s, 0, EXO_NET_RECEIVE, PORT); // perhaps in the same place
    s.flags = EXO_FILTER_SHARED;
    all = filter_new(&s);
    for (unsigned i = 0; i < receivers; i++)
        ATTACH(all, many[i].id);
    EQ(exo_filter_attach(CAPS, all, many[0].id, EXO_ATTACH_TAP), 0);
    EQ(port_send(&from), 0);
    EQ(have(), before);
}

TEST(many_receivers_get_it_though_its_sender_is_gone)
{
    crowd();
    begin_frame(6);
    port_close(&from);
    port_new(&from, HERE + 40 * APART, 4);
    ATTACH(sending, from.id);
    EQ(port_send(&from), 0); // whoever sends next goes on with it
    for (unsigned i = 0; i < receivers; i++)
        CHECK(got(&many[i], 6));
}

TEST(many_receivers_and_taps_get_a_copy_each)
{
    crowd();
    for (unsigned i = 0; i < ARRAY_SIZE(taps); i++) {
        port_new(&taps[i], HERE + (40 + i) * APART, 2);
        EQ(exo_filter_attach(CAPS, i % 2 ? all : sending, taps[i].id,
                             EXO_ATTACH_TAP),
           0);
    }
    begin_frame(7);
    EQ(port_send(&from), 0);
    for (unsigned i = 0; i < receivers; i++)
        CHECK(got(&many[i], 7));
    for (unsigned i = 0; i < ARRAY_SIZE(taps); i++) {
        EQ(taps[i].rx->packet[0].flags & EXO_RX_SENT, i % 2 ? 0 : EXO_RX_SENT);
        CHECK(got(&taps[i], 7));
    }
}
