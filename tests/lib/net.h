// SPDX-License-Identifier: MIT
/*
 * net.h: interfaces, filters and frames for tests.
 *
 * A port is an interface whose pages are bound at an address of this space, so
 * that an env with the same space (KID_THREAD), which opens it with net_open(),
 * can be watched. Its buffers are the second half of its area; frames are sent
 * from the first.
 */
#ifndef TEST_NET_H
#define TEST_NET_H

#include "test.h"

#define PORT_PAGES_MAX 64

struct port {
    exo_iface id;
    struct exo_net_rx *rx;
    struct exo_net_tx *tx;
    char *area;
    exo_page page[PORT_PAGES_MAX];
    struct exo_iface_spec spec;
    uint32_t seen; // packets taken with port_next()
};

static inline const struct exo_iface_info *
port_info(const struct port *p)
{
    return exo_iface_info(p->id);
}

/* Pages for a port, `pages` of them area, paid for by `payer` (0: self), bound
 * from va on. */
void port_pages(struct port *p, exo_env payer, exo_guard guard, uint64_t va,
                uint32_t pages);

/* Open it, as the env that calls; result of the last net_open. */
int64_t port_open(struct port *p, uint32_t caps);

/* Pages and all, for this env, with buffers filled. */
void port_new(struct port *p, uint64_t va, uint32_t pages);

/* Give the kernel n buffers, from buffer `first` of the area on. */
void port_fill(struct port *p, uint32_t first, uint32_t n);

/* Queue an entry. */
void port_queue(struct port *p, uint32_t at, uint32_t bytes, uint32_t flags);

/* Send all that is queued; the last result. */
int64_t port_send(struct port *p);

/* The next packet received, or NULL; the buffer is given back at once. */
const struct exo_net_entry *port_next(struct port *p);

static inline const struct exo_packet *
port_packet(const struct port *p, const struct exo_net_entry *e)
{
    return (const struct exo_packet *)(p->area + e->at);
}

static inline const uint8_t *
port_frame(const struct port *p, const struct exo_net_entry *e)
{
    return (const uint8_t *)p->area + e->at + EXO_NET_AT;
}

void port_close(struct port *p);

/* ---- filters ----------------------------------------------------------- */

/* UDP over IPv4 to a port (receive), or from it (send); `parent` 0. */
void udp_spec(struct exo_filter_spec *s, exo_guard guard, unsigned direction,
              uint16_t port);

/* Make such a filter and attach an interface of this env to it (0: none). */
exo_filter udp_filter(unsigned direction, uint16_t port, exo_iface iface);

/* Any spec; fails the test if it is refused. */
exo_filter filter_new(const struct exo_filter_spec *s);
void filter_gone(exo_filter filter);

#define ATTACH(filter, iface)                                                  \
    EQ(exo_filter_attach(CAPS, filter, iface, EXO_ATTACH), 0)

/* ---- frames ------------------------------------------------------------ */

#define UDP_HEADERS 42u
#define TO_SELF     exo_net_info()->mac

/* Write a UDP frame of `bytes` in all (at least 42): its payload is a pattern
 * of `seed`. */
void udp_frame(void *at, const uint8_t to[6], uint16_t from_port,
               uint16_t to_port, uint32_t bytes, uint64_t seed);

/* Is this the payload of such a frame? */
bool udp_is(const uint8_t *frame, uint32_t bytes, uint64_t seed);

extern const uint8_t mac_all[6], mac_other[6];

#endif
