// SPDX-License-Identifier: MIT
/*
 * The net room with a card that does what a claim says: when it is full, when
 * it is done with a frame, and what comes while nobody looks.
 */
#include "libos.h"

#include <string.h>

#include "drv/apic.h"
#include "net/net.h"

#define ROOM 4 /* frames that the card takes */

static struct {
    uint8_t header[NIC_HEADER], frame[60];
    uint64_t cookie[ROOM];
    unsigned flying, done; /* frames it has; of them, those it has read */
    unsigned waiting;      /* frames that came */
    bool reset;            /* it is reset when it is asked what was sent */
    unsigned burst;        /* that come as interrupts are switched on */
    unsigned type_at;  /* with so many still waiting, a key is pressed ... */
    unsigned typed_at; /* ... and with so many, its interrupt was served */
} card;

static bool
card_receive(struct nic_frame *frame)
{
    if (!card.waiting)
        return false;
    card.waiting--;
    if (card.type_at && card.waiting == card.type_at)
        lib_cpu->irq |= 1u << (VECTOR_COM1 - 32);
    if (card.type_at > card.waiting && !card.typed_at &&
        !(lib_cpu->irq & 1u << (VECTOR_COM1 - 32)))
        card.typed_at = card.waiting;
    *frame = (struct nic_frame){card.frame, sizeof(card.frame), false};
    return true;
}

static uint8_t *
card_header(void)
{
    return card.flying < ROOM ? card.header : NULL;
}

static void
card_send(uint32_t header_bytes, const struct nic_piece *pieces, unsigned count,
          struct nic_sum sum, uint64_t cookie)
{
    (void)header_bytes, (void)pieces, (void)count, (void)sum;
    card.cookie[card.flying++] = cookie;
}

static bool
card_sent(uint64_t *cookie)
{
    if (card.reset && !card.waiting) /* as virtio and e1000 may do here: buffers
                                        are its again */
        memset(card.frame, 0xee, sizeof(card.frame));
    if (!card.done)
        return false;
    card.done--;
    *cookie = card.cookie[--card.flying];
    return true;
}

static void
card_nothing(void)
{
}

static void
card_interrupts(bool on)
{
    if (on)
        card.waiting += card.burst;
    card.burst = 0;
}

static bool
card_link_up(void)
{
    return true;
}

static void
boot(void)
{
    static const struct nic_driver driver = {
        .name = "test",
        .receive = card_receive,
        .release = card_nothing,
        .header = card_header,
        .send = card_send,
        .kick = card_nothing,
        .sent = card_sent,
        .acknowledge = card_nothing,
        .interrupts = card_interrupts,
        .link_up = card_link_up,
        .reset = card_nothing,
    };
    nic = (struct nic){.driver = &driver, .has_irq = true, .mac = {2, 2, 2}};
    lib_boot(1, NULL);
}

static void
interrupt(void)
{
    lib_cpu->irq |= 1u << (VECTOR_DEVICE - 32);
    host_take_interrupts(lib_cpu);
    host_check();
}

/* An interface with one page of area. */
static struct iface *
open_one(void)
{
    struct {
        struct exo_iface_spec spec;
        exo_page area;
    } s = {{.state = lib_page(), .rx = lib_page(), .tx = lib_page()},
           lib_page()};
    s.spec.count = 1;
    uint64_t va = lib_put(&s, sizeof(s));
    s.spec.area = va + offsetof(typeof(s), area);
    int64_t id = lib_call(EXO_SYS_net_open, 0, lib_put(&s, sizeof(s)), 0, 0, 0);
    want(id > 0);
    return iface_get((exo_iface)id);
}

/* Who is attached may send (or gets) everything of ethertype 0. */
static exo_filter
shared_filter(enum exo_direction direction)
{
    struct exo_filter_spec s = {
        .direction = direction, .flags = EXO_FILTER_SHARED, .count = 1};
    s.atom[0] = (struct exo_atom){
        .op = EXO_ATOM_EQ, .width = 2, .offset = 12, .mask = 0xffff};
    int64_t f =
        lib_call(EXO_SYS_filter_add, 0, lib_put(&s, sizeof(s)), 0, 0, 0);
    want(f > 0);
    return (exo_filter)f;
}

static int64_t
send_one(struct iface *i)
{
    struct exo_net_tx *tx = i->tx;
    if (tx->head == tx->tail)
        tx->packet[tx->head++ % EXO_NET_ENTRIES] =
            (struct exo_net_entry){0, 60, 0};
    return lib_call(EXO_SYS_net_send, 0, i->id, 0, 0, 0);
}

CLAIM(all_who_wait_for_the_card_are_told_though_the_first_do_not_send)
{
    enum { N = 3 * ROOM };
    struct iface *i[N];
    boot();
    exo_filter f = shared_filter(EXO_NET_SEND);
    for (unsigned n = 0; n < N; n++) {
        i[n] = open_one();
        want_equal(
            lib_call(EXO_SYS_filter_attach, 0, f, i[n]->id, EXO_ATTACH, 0), 0);
    }
    for (unsigned n = 0; n < ROOM; n++)
        want_equal(send_one(i[n]), 0);
    for (unsigned n = 0; n < N; n++) {
        want_equal(send_one(i[n]), -EXO_E_AGAIN);
        want(i[n]->blocked);
    }
    card.done = 1;
    interrupt();
    want(!i[0]->blocked && i[1]->blocked); /* who waited longest */
    card.done = ROOM - 1;
    interrupt();
    for (unsigned n = 0; n < N; n++)
        want(!i[n]->blocked);
}

CLAIM(a_card_that_is_busy_again_as_its_interrupts_come_back_is_polled)
{
    boot();
    card.waiting = 1000;
    interrupt();
    want(K.polling && card.waiting);
    card.waiting = 3;
    card.burst = 100;
    interrupt();
    want(card.waiting); /* more than one look takes, and nothing more comes */
    want(K.polling);
    interrupt();
    interrupt();
    want(!card.waiting && !K.polling);
}

CLAIM(an_idle_cpu_under_a_flood_takes_other_interrupts)
{
    boot();
    lib_call(EXO_SYS_wait, EXO_EVENT_CHAN, EXO_NEVER, 0, 0, 0);
    want(lib_cpu->way == HOST_IDLE);
    card.waiting = 2000;
    card.type_at = 1900;
    interrupt();
    want_equal(card.waiting, 0);
    want(card.typed_at > 1500); /* long before the flood ended */
}

CLAIM(a_frame_for_many_stays_whole_though_the_card_is_reset_meanwhile)
{
    enum { N = 14 };
    struct iface *i[N];
    boot();
    exo_filter f = shared_filter(EXO_NET_RECEIVE);
    for (unsigned n = 0; n < N; n++) {
        i[n] = open_one();
        i[n]->rx->filled = 1;
        want_equal(
            lib_call(EXO_SYS_filter_attach, 0, f, i[n]->id, EXO_ATTACH, 0), 0);
    }
    memset(card.frame + 14, 0x11, sizeof(card.frame) - 14);
    card.waiting = 1;
    card.reset = true;
    interrupt();
    for (unsigned n = 0; n < N; n++) {
        const char *got = page_kva(i[n]->area[0]);
        want_equal(i[n]->rx->head, 1);
        want_equal(got[EXO_NET_AT + 20], 0x11);
    }
}
