// SPDX-License-Identifier: MIT
/*
 * Sends back what comes, on the bare ABI: frames of EtherType 88b5, which is
 * for experiments, go back to where they came from, unchanged but for the
 * addresses. A neighbour that no packet is for counts meanwhile. What is asked
 * for with a frame of EtherType 88b6 is said on the console:
 *
 *   # counters QUESTION frames N malformed N unclaimed N dropped N ...
 *
 * with the number of the question; `q` instead ends it.
 *
 * Driven by test_card.py through a cable of its own (injector.py).
 */
#include "net.h"

#define TYPE_ECHO 0x88b5
#define TYPE_ASK  0x88b6
#define BUFFERS   64u /* pages, half of their buffers for each direction */

static struct port a;
static volatile uint64_t rounds;

static void
count(uint64_t unused)
{
    (void)unused;
    for (;;)
        rounds++;
}

static void
attach_type(unsigned direction, uint16_t type)
{
    struct exo_filter_spec s = {.direction = direction, .count = 1};
    s.atom[0] = (struct exo_atom){.op = EXO_ATOM_EQ,
                                  .width = 2,
                                  .offset = 12,
                                  .mask = 0xffff,
                                  .value = type};
    ATTACH(filter_new(&s), a.id);
}

static void
say_counters(unsigned question)
{
    const struct exo_net_info *n = exo_net_info();
    say("# counters %u frames %lu malformed %lu unclaimed %lu dropped %lu "
        "polled %lu rounds %lu\n",
        question, n->rx_frames, n->rx_malformed, n->rx_unclaimed,
        port_info(&a)->rx_dropped, n->rx_polled, rounds);
}

static void
echo(const uint8_t *frame, uint32_t bytes)
{
    if (a.tx->head - a.tx->done >= BUFFERS)
        return; // more than there are buffers are on their way
    uint32_t at = a.tx->head % BUFFERS * EXO_NET_BUFFER;
    uint8_t *to = (uint8_t *)a.area + at;
    for (uint32_t i = 0; i < bytes; i++)
        to[i] = frame[i];
    for (uint32_t i = 0; i < 6; i++)
        to[i] = frame[6 + i], to[6 + i] = exo_net_info()->mac[i];
    port_queue(&a, at, bytes, 0);
}

/* True: this was the last. */
static bool
answer(const struct exo_net_entry *e)
{
    const uint8_t *frame = port_frame(&a, e);
    if (frame[13] == (TYPE_ECHO & 0xff)) {
        echo(frame, e->bytes);
        return false;
    }
    if (frame[14] == 'q')
        return true;
    say_counters(frame[15]);
    return false;
}

TEST(echo_until_asked_to_stop)
{
    NEEDS(exo_net_info()->features & EXO_NET_CARD, "needs a card");
    port_new(&a, SCRATCH, BUFFERS);
    attach_type(EXO_NET_RECEIVE, TYPE_ECHO);
    attach_type(EXO_NET_RECEIVE, TYPE_ASK);
    attach_type(EXO_NET_SEND, TYPE_ECHO);
    kid_start(0, count, 0);
    say("# ready\n");
    for (bool last = false; !last;) {
        const struct exo_net_entry *e = port_next(&a);
        if (e) {
            last = answer(e);
            continue;
        }
        int64_t left = port_send(&a);
        CHECK(left == 0 || left == -EXO_E_AGAIN); // an event says when
        exo_wait(EXO_EVENT_NET, now() + seconds(1), 0);
        __atomic_fetch_and(&uarea()->events, ~EXO_EVENT_NET, __ATOMIC_ACQ_REL);
    }
    say("# bye\n");
}
