// SPDX-License-Identifier: MIT
/*
 * tap.c: what one application receives and sends, for a capture.
 *
 * init made the application's filters, so its capability covers them with
 * CONTROL and it may attach an interface of its own as a tap: the kernel then
 * copies every frame of such a filter, and of those below it, to that
 * interface. The application notices nothing. There is one capture at a time;
 * its pages are init's, and taken only while it runs.
 */
#include "init.h"

#include "lib/net.h"

#define TAP_PAGES (TAP_FRAMES / 2)

static struct {
    struct net net;
    exo_page page[3 + TAP_PAGES];
    uint32_t marked; // packets that were there when tap_mark() was called
    uint32_t at;     // of the buffer that was handed out
    bool out;
    uint64_t asked_ns;
    exo_tsc began; // and the same on the wall clock: one for all frames, so
    uint64_t began_wall_ns; // that their times keep their order
} tap;

bool
tap_runs(void)
{
    return tap.net.id != 0;
}

void
tap_off(void)
{
    if (tap_runs())
        net_close(&tap.net, &page_map);
    tap.net.id = 0;
    tap.out = false;
}

/* Is a filter above it tapped already? Then its frames come from there. */
static bool
covered(const struct start_net *own, exo_filter filter)
{
    for (exo_filter up = exo_filter_info(filter)->parent; up;
         up = exo_filter_info(up)->parent)
        for (uint32_t i = 0; i < own->nfilters; i++)
            if (own->filter[i] == up)
                return true;
    return false;
}

static int64_t
attach_all(const struct start_net *own)
{
    int64_t error = 0;
    for (uint32_t i = 0; i < own->nfilters && !error; i++)
        if (!covered(own, own->filter[i]))
            error =
                exo_filter_attach(EXO_CAPS(ROOT_CAP, ROOT_CAP), own->filter[i],
                                  tap.net.id, EXO_ATTACH_TAP);
    return error;
}

int64_t
tap_on(const struct app *app)
{
    const struct start_net *own = &app->spec.net;
    const struct net_plan plan = {.cap = ROOT_CAP,
                                  .guard = self.prefix,
                                  .va = INIT_TAP,
                                  .receive = TAP_PAGES,
                                  .page = tap.page};
    tap_off();
    if (!own->nfilters)
        return -EXO_E_NONE;
    int64_t error = net_open(&tap.net, &page_map, &plan);
    if (error) {
        tap.net.id = 0;
        return error;
    }
    tap.net.rx->quiet = 1; // the operator's tool asks often enough
    tap.began = clock_tsc();
    tap.began_wall_ns = clock_wall_ns();
    error = attach_all(own);
    if (error)
        tap_off();
    tap.asked_ns = clock_uptime_ns();
    return error;
}

uint64_t
tap_lost(void)
{
    return tap_runs() ? exo_iface_info(tap.net.id)->rx_dropped : 0;
}

void
tap_mark(void)
{
    tap.marked = __atomic_load_n(&tap.net.rx->head, __ATOMIC_ACQUIRE);
    tap.asked_ns = clock_uptime_ns();
}

bool
tap_next(struct tap_frame *frame)
{
    struct net_packet packet;
    if (tap.out)
        net_give(&tap.net, tap.at);
    tap.out = false;
    if (!tap_runs() || tap.net.taken == tap.marked ||
        !net_take(&tap.net, &packet))
        return false;
    *frame = (struct tap_frame){
        .wall_ns = tap.began_wall_ns +
                   clock_ns(net_info(&tap.net, packet.at)->time - tap.began),
        .sent = packet.flags & EXO_RX_SENT,
        .bytes = packet.bytes,
        .frame = packet.frame,
    };
    tap.at = packet.at;
    tap.out = true;
    return true;
}

void
tap_tend(void)
{
    if (tap_runs() &&
        clock_uptime_ns() - tap.asked_ns > TAP_PATIENCE_S * CLOCK_S)
        tap_off();
}
