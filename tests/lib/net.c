// SPDX-License-Identifier: MIT
/* Interfaces, filters and frames for tests: see net.h. */
#include "net.h"

#include "lib.h"

const uint8_t mac_all[6] = {255, 255, 255, 255, 255, 255};
const uint8_t mac_other[6] = {0x52, 0x54, 0, 0x12, 0x34, 0x56};

void
port_pages(struct port *p, exo_env payer, exo_guard guard, uint64_t va,
           uint32_t pages)
{
    exo_page first[3];
    *p = (struct port){.rx = (void *)va,
                       .tx = (void *)(va + EXO_PAGE_BYTES),
                       .area = (char *)va + 2 * EXO_PAGE_BYTES};
    CHECK(pages <= PORT_PAGES_MAX);
    pages_new(guard, payer, first, 3);
    pages_new(guard, payer, p->page, pages);
    bind_here(va, first[0], RW);
    bind_here(va + EXO_PAGE_BYTES, first[1], RW);
    for (uint32_t n = 0; n < pages; n++)
        bind_here((uint64_t)p->area + n * EXO_PAGE_BYTES, p->page[n], RW);
    p->spec = (struct exo_iface_spec){.guard = guard,
                                      .rx = first[0],
                                      .tx = first[1],
                                      .state = first[2],
                                      .count = pages,
                                      .area = p->page};
}

int64_t
port_open(struct port *p, uint32_t caps)
{
    int64_t id;
    do {
        id = exo_net_open(caps, &p->spec);
        if (id < 0)
            return id;
        p->id = (exo_iface)id;
    } while (port_info(p)->area < p->spec.count);
    return id;
}

void
port_new(struct port *p, uint64_t va, uint32_t pages)
{
    port_pages(p, 0, 0, va, pages);
    OK(port_open(p, CAPS));
    uint32_t buffers = pages; // half of the area, two to a page
    port_fill(p, pages, buffers < EXO_NET_ENTRIES ? buffers : EXO_NET_ENTRIES);
}

void
port_fill(struct port *p, uint32_t first, uint32_t n)
{
    uint32_t filled = p->rx->filled;
    for (uint32_t i = 0; i < n; i++)
        p->rx->fill[filled++ % EXO_NET_ENTRIES] = (first + i) * EXO_NET_BUFFER;
    __atomic_store_n(&p->rx->filled, filled, __ATOMIC_RELEASE);
}

void
port_queue(struct port *p, uint32_t at, uint32_t bytes, uint32_t flags)
{
    uint32_t head = p->tx->head;
    p->tx->packet[head % EXO_NET_ENTRIES] =
        (struct exo_net_entry){at, (uint16_t)bytes, (uint16_t)flags};
    __atomic_store_n(&p->tx->head, head + 1, __ATOMIC_RELEASE);
}

int64_t
port_send(struct port *p)
{
    int64_t left;
    do
        left = exo_net_send(ROOT_CAP, p->id);
    while (left > 0);
    return left;
}

const struct exo_net_entry *
port_next(struct port *p)
{
    struct exo_net_rx *rx = p->rx;
    if (p->seen == __atomic_load_n(&rx->head, __ATOMIC_ACQUIRE))
        return NULL;
    const struct exo_net_entry *e = &rx->packet[p->seen++ % EXO_NET_ENTRIES];
    __atomic_store_n(&rx->tail, p->seen, __ATOMIC_RELEASE);
    port_fill(p, e->at / EXO_NET_BUFFER, 1);
    return e;
}

void
port_close(struct port *p)
{
    int64_t result;
    while ((result = exo_net_close(ROOT_CAP, p->id)) == -EXO_E_AGAIN)
        pause_here();
    EQ(result, 0);
}

/* ---- filters ----------------------------------------------------------- */

void
udp_spec(struct exo_filter_spec *s, exo_guard guard, unsigned direction,
         uint16_t port)
{
    const struct {
        uint16_t offset;
        uint8_t width;
        uint64_t value;
    } field[] = {
        {12, 2, 0x0800},
        {23, 1, 17},
        {direction == EXO_NET_RECEIVE ? 36 : 34, 2, port},
    };
    *s = (struct exo_filter_spec){
        .guard = guard, .direction = direction, .count = ARRAY_SIZE(field)};
    for (unsigned i = 0; i < ARRAY_SIZE(field); i++)
        s->atom[i] = (struct exo_atom){
            .op = EXO_ATOM_EQ,
            .width = field[i].width,
            .offset = field[i].offset,
            .mask = ~UINT64_C(0) >> (64 - 8 * field[i].width),
            .value = field[i].value,
        };
}

exo_filter
filter_new(const struct exo_filter_spec *s)
{
    int64_t id = exo_filter_add(CAPS, s);
    OK(id);
    return (exo_filter)id;
}

exo_filter
udp_filter(unsigned direction, uint16_t port, exo_iface iface)
{
    struct exo_filter_spec s;
    udp_spec(&s, 0, direction, port);
    exo_filter f = filter_new(&s);
    if (iface)
        ATTACH(f, iface);
    return f;
}

void
filter_gone(exo_filter filter)
{
    int64_t result;
    while ((result = exo_filter_remove(ROOT_CAP, filter)) == -EXO_E_AGAIN)
        ;
    EQ(result, 0);
}

/* ---- frames ------------------------------------------------------------ */

static void
put16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static uint8_t
pattern(uint64_t seed, uint32_t n)
{
    return (uint8_t)((seed + n) * 167 + (n >> 8));
}

void
udp_frame(void *frame, const uint8_t to[6], uint16_t from_port,
          uint16_t to_port, uint32_t bytes, uint64_t seed)
{
    uint8_t *at = frame;
    memset(at, 0, UDP_HEADERS);
    memcpy(at, to, 6);
    memcpy(at + 6, exo_net_info()->mac, 6);
    put16(at + 12, 0x0800);
    at[14] = 0x45;
    put16(at + 16, bytes - 14);
    at[22] = 64;
    at[23] = 17;
    memcpy(at + 26, (const uint8_t[]){10, 0, 2, 15, 10, 0, 2, 2}, 8);
    put16(at + 34, from_port);
    put16(at + 36, to_port);
    put16(at + 38, bytes - 34);
    for (uint32_t n = UDP_HEADERS; n < bytes; n++)
        at[n] = pattern(seed, n);
}

bool
udp_is(const uint8_t *frame, uint32_t bytes, uint64_t seed)
{
    for (uint32_t n = UDP_HEADERS; n < bytes; n++)
        if (frame[n] != pattern(seed, n))
            return false;
    return true;
}
