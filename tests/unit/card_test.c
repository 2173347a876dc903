// SPDX-License-Identifier: MIT
/*
 * A card that stalls, and one without interrupts: what the net room does then.
 */
#include "libos.h"

#include <string.h>

#include "drv/apic.h"
#include "net/filter.h"
#include "net/net.h"

#define FRAME_BYTES 300u /* more than a header, so that pages fly */
#define MS          (1000u * 1000u)
#define AREA        2u

/* ---- the card -------------------------------------------------------------
 */

static struct {
    uint64_t cookie[16];
    unsigned flying, coming, resets;
    bool stalled, broken,
        interrupts; /* broken: a reset does not help at once */
    uint8_t header[NIC_HEADER], frame[64];
} card;

static bool
card_receive(struct nic_frame *frame)
{
    if (!card.coming)
        return false;
    card.coming--;
    memcpy(card.frame, K.net.info->mac, 6);
    *frame = (struct nic_frame){card.frame, 60, false};
    return true;
}

static uint8_t *
card_header(void)
{
    return card.flying < ARRAY_SIZE(card.cookie) ? card.header : NULL;
}

static void
card_send(uint32_t header_bytes, const struct nic_piece *pieces, unsigned count,
          struct nic_sum sum, uint64_t cookie)
{
    (void)header_bytes, (void)pieces, (void)sum;
    want(count > 0);
    card.cookie[card.flying++] = cookie;
}

static bool
card_sent(uint64_t *cookie)
{
    if (card.stalled || !card.flying)
        return false;
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
    card.interrupts = on;
}

static bool
card_link_up(void)
{
    return true;
}

static void
card_reset(void)
{
    card.resets++;
    card.stalled = card.broken;
}

static void
boot(bool has_irq)
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
        .reset = card_reset,
    };
    memset(&card, 0, sizeof(card));
    nic = (struct nic){.driver = &driver, .has_irq = has_irq, .mac = {2, 2, 2}};
    lib_boot(1, NULL);
}

/* ---- an interface ---------------------------------------------------------
 */

static struct iface *
open_iface(void)
{
    struct {
        struct exo_iface_spec spec;
        uint64_t area[AREA];
    } s = {.spec = {.count = AREA}};
    s.spec.state = lib_page();
    s.spec.rx = lib_page();
    s.spec.tx = lib_page();
    for (unsigned i = 0; i < AREA; i++)
        s.area[i] = lib_page();
    s.spec.area = lib_put(&s, sizeof(s)) + sizeof(s.spec);
    int64_t id = lib_call(EXO_SYS_net_open, 0, lib_put(&s, sizeof(s)), 0, 0, 0);
    want(id > 0);
    return iface_get((exo_iface)id);
}

/* Everything in that direction is the interface's. */
static void
attach(const struct iface *i, enum exo_direction direction, uint8_t first)
{
    struct exo_filter_spec s = {
        .direction = direction,
        .count = 1,
        .atom = {{.op = EXO_ATOM_EQ, .width = 1, .mask = 255, .value = first}}};
    int64_t filter =
        lib_call(EXO_SYS_filter_add, 0, lib_put(&s, sizeof(s)), 0, 0, 0);
    want(filter > 0);
    want_equal(lib_call(EXO_SYS_filter_attach, 0, (uint64_t)filter, i->id,
                        EXO_ATTACH, 0),
               0);
}

/* Frames to another machine, that the card takes and keeps. */
static struct iface *
send_some(unsigned n)
{
    struct iface *i = open_iface();
    attach(i, EXO_NET_SEND, 4);
    memset(page_kva(i->area[0]), 4, FRAME_BYTES);
    for (unsigned k = 0; k < n; k++)
        i->tx->packet[k] = (struct exo_net_entry){0, FRAME_BYTES, 0};
    i->tx->head = n;
    want_equal(lib_call(EXO_SYS_net_send, 0, i->id, 0, 0, 0), 0);
    want_equal(card.flying, n);
    return i;
}

static int64_t
close_iface(exo_iface id)
{
    return lib_call(EXO_SYS_net_close, 0, id, 0, 0, 0);
}

/* ---- claims ---------------------------------------------------------------
 */

CLAIM(a_card_that_stalls_is_reset_after_100_ms)
{
    boot(true);
    card.stalled = true;
    struct iface *i = send_some(5);
    exo_iface id = i->id;
    exo_page page = i->area[0];
    want_equal(close_iface(id), -EXO_E_AGAIN);
    host_clock += 90 * MS;
    want_equal(close_iface(id), -EXO_E_AGAIN);
    want_equal(card.resets, 0);
    want_equal(K.page_info[page].use, EXO_USE_NET); /* it may still be read */
    want_equal(lib_free(page), -EXO_E_BUSY);
    host_clock += 20 * MS;
    want_equal(close_iface(id), 0);
    want_equal(card.resets, 1);
    want_equal(K.net.info->resets, 1);
    want_equal(card.flying, 0);
    want_equal(K.page_info[page].use, EXO_USE_DATA);
    want_equal(lib_free(page), 1);
}

CLAIM(a_card_that_a_reset_does_not_help_at_once_is_reset_again)
{
    boot(true);
    card.stalled = card.broken = true;
    exo_iface id = send_some(3)->id;
    for (unsigned n = 0; n < 3; n++) {
        want_equal(close_iface(id), -EXO_E_AGAIN);
        want_equal(card.resets, n);
        host_clock += 101 * MS;
        want_equal(close_iface(id), -EXO_E_AGAIN);
    }
    card.broken = false;
    want_equal(close_iface(id), -EXO_E_AGAIN);
    host_clock += 101 * MS;
    want_equal(close_iface(id), 0);
}

CLAIM(a_card_that_finishes_in_time_is_not_reset)
{
    boot(true);
    card.stalled = true;
    exo_iface id = send_some(5)->id;
    want_equal(close_iface(id), -EXO_E_AGAIN);
    host_clock += 90 * MS;
    card.stalled = false;
    want_equal(close_iface(id), 0);
    want_equal(card.resets, 0);
}

CLAIM(a_card_that_stalls_does_not_keep_an_env_from_its_end)
{
    boot(true);
    struct env *e = lib_spawn(&(struct lib_spawn){0, 0, 100, 200, 0, 0, 0});
    uint64_t before = K.machine->pages_free;
    lib_call(EXO_SYS_cap_grant, 0, e->id, 0, 0, EXO_ALL << 8);
    lib_start(e);
    card.stalled = true;
    struct iface *i = send_some(2);
    want(i->env == e);
    lib_switch_to(K.first);
    exo_env id = e->id;
    int64_t result = -EXO_E_AGAIN;
    for (unsigned n = 0; n < 100 && result == -EXO_E_AGAIN; n++) {
        result = lib_call(EXO_SYS_env_control, 0, id, EXO_ENV_DESTROY, 0, 0);
        host_clock += 10 * MS;
    }
    want_equal(result, 0);
    want_equal(card.resets, 1);
    want_equal(card.flying, 0);
    want(K.machine->pages_free >= before);
}

CLAIM(a_card_without_interrupts_is_looked_at_as_slots_end)
{
    boot(false);
    struct iface *i = open_iface();
    attach(i, EXO_NET_RECEIVE, 2);
    i->rx->filled = 4;
    for (unsigned n = 0; n < 4; n++)
        i->rx->fill[n] = n * EXO_NET_BUFFER;
    want(!card.interrupts);
    card.coming = 3;
    for (unsigned n = 0; n < 4 && i->rx->head < 3; n++) {
        host_clock += 2 * MS;
        host_take_interrupts(lib_cpu);
    }
    want_equal(i->rx->head, 3);
    want_equal(K.net.info->rx_polled, 3);
    want_equal(K.net.info->interrupts, 0);
}

CLAIM(a_flood_is_polled_until_it_ends)
{
    boot(true);
    struct iface *i = open_iface();
    attach(i, EXO_NET_RECEIVE, 2);
    want(card.interrupts);
    card.coming = 200;
    host_interrupt(lib_cpu, VECTOR_DEVICE);
    want(!card.interrupts); /* more than one interrupt may take */
    want(card.coming > 100 && card.coming < 150);
    for (unsigned n = 0; n < 10 && !card.interrupts; n++) {
        host_clock += 2 * MS;
        host_take_interrupts(lib_cpu);
    }
    want(card.interrupts && card.coming == 0);
    want(K.net.info->rx_polled > 100);
    want_equal(K.net.info->rx_frames, 200);
    want_equal(i->info->rx_dropped, 200); /* it gave no buffers */
}
