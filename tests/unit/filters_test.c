// SPDX-License-Identifier: MIT
/*
 * The filters that all programs agree on (libos/lib/filters.c), in the kernel's
 * trees: each is asked about a frame it is for, and about that frame with every
 * byte changed in turn; the bytes that matter must be those of its fields.
 */
#include "libos.h"

#include "lib/net.h"
#include "net/filter.h"

#include <string.h>

#define FRAME_BYTES 100u
#define RECEIVE     EXO_NET_RECEIVE
#define SEND        EXO_NET_SEND

static const uint8_t mac[6] = {2, 0x11, 0x22, 0x33, 0x44, 0x55};
static const uint8_t four[4] = {10, 0, 2, 15};
static const uint8_t six[16] = {0xfe, 0x80, 1, 2,  3,  4,  5,  6,
                                7,    8,    9, 10, 11, 12, 13, 14};

static uint8_t frame[FRAME_BYTES];
static uint32_t filters; /* in the trees */

static void
begin(void)
{
    host_boot(&(struct host_setup){.pages = 8192, .cpus = 1});
    filter_init(256, 2048);
    for (unsigned i = 0; i < FRAME_BYTES; i++)
        frame[i] = (uint8_t)(0x80 + i);
    filters = 0;
}

static void
put(unsigned at, const void *bytes, size_t n)
{
    memcpy(frame + at, bytes, n);
}

static void
put16(unsigned at, uint16_t value)
{
    frame[at] = (uint8_t)(value >> 8);
    frame[at + 1] = (uint8_t)value;
}

static int64_t
try(const struct exo_filter_spec *s)
{
    return filter_check(s->direction, s->parent, s->atom, s->count);
}

/* Put it into its tree; its index. */
static uint32_t
place(const struct exo_filter_spec *s)
{
    want(s->count > 0 && s->count <= EXO_ATOMS_MAX);
    want_equal(try(s), 0);
    filter_insert(s->direction, ++filters, s->parent, s->atom, s->count);
    return filters;
}

static uint32_t
ask(enum exo_direction direction)
{
    return filter_match(direction, frame, FRAME_BYTES);
}

/* The bytes that matter to a filter that takes the frame as it is. */
struct fields {
    unsigned at, count;
};

static void
matters(enum exo_direction direction, uint32_t index,
        const struct fields *fields)
{
    want_equal(ask(direction), index);
    for (unsigned i = 0; i < FRAME_BYTES; i++) {
        bool in = false;
        for (const struct fields *f = fields; f->count; f++)
            in |= i >= f->at && i < f->at + f->count;
        frame[i] ^= 0xff;
        if ((ask(direction) != index) != in)
            want_equal(i, in ? 1000u : 2000u); /* which byte is said */
        frame[i] ^= 0xff;
    }
}

#define MATTERS(direction, index, ...)                                         \
    matters(direction, index, (const struct fields[]){__VA_ARGS__, {0, 0}})

static struct exo_filter_spec
spec_of(enum exo_direction direction, uint16_t type)
{
    struct exo_filter_spec s;
    net_spec(&s, direction, 0, 0);
    if (direction == SEND) {
        net_own_mac(&s, mac);
        put(6, mac, 6);
    }
    net_type(&s, type);
    put16(12, type);
    return s;
}

static struct exo_filter_spec
ipv4_of(enum exo_direction direction)
{
    struct exo_filter_spec s = spec_of(direction, NET_TYPE_IPV4);
    net_ipv4_own(&s, four);
    put(direction == SEND ? 26 : 30, four, 4);
    return s;
}

static struct exo_filter_spec
ipv4_port_of(enum exo_direction direction, uint8_t protocol)
{
    struct exo_filter_spec s = ipv4_of(direction);
    net_ipv4_protocol(&s, protocol);
    frame[14] = 0x45;
    put16(20, 0x4000); /* do not fragment */
    frame[23] = protocol;
    return s;
}

static struct exo_filter_spec
arp_of(enum exo_direction direction)
{
    struct exo_filter_spec s = spec_of(direction, NET_TYPE_ARP);
    net_arp_own(&s, four);
    put(direction == SEND ? 28 : 38, four, 4);
    return s;
}

static struct exo_filter_spec
ipv6_of(enum exo_direction direction)
{
    struct exo_filter_spec s = spec_of(direction, NET_TYPE_IPV6);
    net_ipv6_own(&s, six);
    put(direction == SEND ? 22 : 38, six, 16);
    return s;
}

static struct exo_filter_spec
icmpv6_of(enum exo_direction direction, uint8_t type)
{
    struct exo_filter_spec s = ipv6_of(direction);
    net_ipv6_next(&s, NET_ICMPV6);
    net_icmpv6_type(&s, type);
    frame[20] = NET_ICMPV6;
    frame[54] = type;
    return s;
}

/* ---- one by one ------------------------------------------------------------
 */

CLAIM(own_mac_is_where_the_direction_has_it)
{
    struct exo_filter_spec s;
    begin();
    put(0, mac, 6);
    put(6, mac, 6);
    net_spec(&s, RECEIVE, 0, 0);
    net_own_mac(&s, mac);
    MATTERS(RECEIVE, place(&s), {0, 6});
    net_spec(&s, SEND, 0, 0);
    net_own_mac(&s, mac);
    MATTERS(SEND, place(&s), {6, 6});
}

CLAIM(an_ipv4_address_is_the_destination_or_the_source)
{
    begin();
    struct exo_filter_spec s = ipv4_of(RECEIVE);
    MATTERS(RECEIVE, place(&s), {12, 2}, {30, 4});
    s = ipv4_of(SEND);
    MATTERS(SEND, place(&s), {6, 8}, {26, 4});
}

CLAIM(an_ipv4_port_needs_a_whole_packet_of_its_protocol)
{
    static const uint8_t protocols[] = {NET_TCP, NET_UDP};
    for (unsigned i = 0; i < 2; i++) {
        begin();
        struct exo_filter_spec s = ipv4_port_of(RECEIVE, protocols[i]);
        net_ipv4_own_port(&s, 8080, 8080);
        put16(36, 8080);
        MATTERS(RECEIVE, place(&s), {12, 3}, {20, 2}, {23, 1}, {30, 4},
                {36, 2});
        s = ipv4_port_of(SEND, protocols[i]);
        net_ipv4_own_port(&s, 8080, 8080);
        put16(34, 8080);
        MATTERS(SEND, place(&s), {6, 9}, {20, 2}, {23, 1}, {26, 4}, {34, 2});
    }
}

CLAIM(fragments_are_of_no_port)
{
    static const uint16_t bad[] = {0x2000, 0x0001, 0x1fff, 0x2001, 0x6000};
    begin();
    struct exo_filter_spec s = ipv4_port_of(RECEIVE, NET_UDP);
    net_ipv4_own_port(&s, 53, 53);
    put16(36, 53);
    uint32_t index = place(&s);
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        put16(20, bad[i]);
        want_equal(ask(RECEIVE), 0);
    }
    put16(20, 0);
    want_equal(ask(RECEIVE), index);
    put16(20, 0x4000);
    want_equal(ask(RECEIVE), index);
}

CLAIM(a_port_is_found_behind_options)
{
    begin();
    struct exo_filter_spec s = ipv4_port_of(RECEIVE, NET_TCP);
    net_ipv4_own_port(&s, 80, 80);
    uint32_t index = place(&s);
    for (unsigned words = 5; words <= 15; words++) {
        memset(frame + 34, 0x77, FRAME_BYTES - 34);
        frame[14] = (uint8_t)(0x40 | words);
        put16(14 + 4 * words + 2, 80);
        want_equal(ask(RECEIVE), index);
        frame[14 + 4 * words + 3]++;
        want_equal(ask(RECEIVE), 0);
    }
}

CLAIM(a_range_of_ports_ends_where_it_says)
{
    begin();
    struct exo_filter_spec s = ipv4_port_of(RECEIVE, NET_UDP);
    net_ipv4_own_port(&s, 1000, 1999);
    uint32_t first = place(&s);
    s = ipv4_port_of(RECEIVE, NET_UDP);
    net_ipv4_own_port(&s, 2000, 65535);
    uint32_t second = place(&s);
    for (uint32_t port = 0; port < 65536; port++) {
        put16(36, (uint16_t)port);
        want_equal(ask(RECEIVE), port < 1000   ? 0
                                 : port < 2000 ? first
                                               : second);
    }
    s = ipv4_port_of(RECEIVE, NET_UDP);
    net_ipv4_own_port(&s, 1500, 1500);
    want_equal(try(&s), -EXO_E_EXCL);
}

CLAIM(a_peer_port_comes_behind_the_own)
{
    begin();
    struct exo_filter_spec s = ipv4_port_of(RECEIVE, NET_TCP);
    net_ipv4_own_port(&s, 80, 80);
    net_ipv4_peer_port(&s, 4000, 4000);
    put16(34, 4000);
    put16(36, 80);
    MATTERS(RECEIVE, place(&s), {12, 3}, {20, 2}, {23, 1}, {30, 4}, {34, 4});
    s = ipv4_port_of(SEND, NET_TCP);
    net_ipv4_own_port(&s, 80, 80);
    net_ipv4_peer_port(&s, 4000, 4000);
    put16(34, 80);
    put16(36, 4000);
    MATTERS(SEND, place(&s), {6, 9}, {20, 2}, {23, 1}, {26, 4}, {34, 4});
}

CLAIM(arp_is_for_the_target_and_from_the_sender)
{
    begin();
    struct exo_filter_spec s = arp_of(RECEIVE);
    net_arp_operation(&s, 2);
    put16(20, 2);
    MATTERS(RECEIVE, place(&s), {12, 2}, {20, 2}, {38, 4});
    s = arp_of(SEND);
    net_arp_own_mac(&s, mac);
    put(22, mac, 6);
    net_arp_operation(&s, 1);
    put16(20, 1);
    MATTERS(SEND, place(&s), {6, 8}, {20, 8}, {28, 4});
    begin();
    s = arp_of(RECEIVE);
    net_arp_own_mac(&s, mac);
    put(32, mac, 6);
    MATTERS(RECEIVE, place(&s), {12, 2}, {32, 10});
}

CLAIM(an_ipv6_address_is_the_destination_or_the_source)
{
    begin();
    struct exo_filter_spec s = ipv6_of(RECEIVE);
    MATTERS(RECEIVE, place(&s), {12, 2}, {38, 16});
    s = ipv6_of(SEND);
    MATTERS(SEND, place(&s), {6, 8}, {22, 16});
}

CLAIM(ipv6_ports_are_behind_the_fixed_header)
{
    begin();
    struct exo_filter_spec s = ipv6_of(RECEIVE);
    net_ipv6_next(&s, NET_TCP);
    net_ipv6_own_port(&s, 443, 443);
    net_ipv6_peer_port(&s, 5000, 5000);
    frame[20] = NET_TCP;
    put16(54, 5000);
    put16(56, 443);
    MATTERS(RECEIVE, place(&s), {12, 2}, {20, 1}, {38, 16}, {54, 4});
    s = ipv6_of(SEND);
    net_ipv6_next(&s, NET_TCP);
    net_ipv6_own_port(&s, 443, 443);
    net_ipv6_peer_port(&s, 5000, 5000);
    put16(54, 443);
    put16(56, 5000);
    MATTERS(SEND, place(&s), {6, 8}, {20, 1}, {22, 16}, {54, 4});
}

CLAIM(icmpv6_has_a_type_and_neighbours_a_target)
{
    begin();
    struct exo_filter_spec s = icmpv6_of(RECEIVE, 135);
    MATTERS(RECEIVE, place(&s), {12, 2}, {20, 1}, {38, 16}, {54, 1});
    s = icmpv6_of(SEND, 136);
    net_neighbour_target(&s, six);
    put(62, six, 16);
    MATTERS(SEND, place(&s), {6, 8}, {20, 1}, {22, 16}, {54, 1}, {62, 16});
}

/* ---- together --------------------------------------------------------------
 */

/* A port of an address, below the address's own filter. */
static void
place_port(enum exo_direction direction, uint32_t address, bool v6,
           uint8_t protocol, uint16_t first, uint16_t last)
{
    struct exo_filter_spec s;
    net_spec(&s, direction, address, 0);
    if (v6) {
        net_ipv6_next(&s, protocol);
        net_ipv6_own_port(&s, first, last);
    } else {
        net_ipv4_protocol(&s, protocol);
        net_ipv4_own_port(&s, first, last);
    }
    place(&s);
}

/* All that one address may have, in one tree. */
static void
place_all(enum exo_direction direction)
{
    struct exo_filter_spec s = arp_of(direction);
    place(&s);
    s = ipv4_of(direction);
    uint32_t v4 = place(&s);
    s = ipv6_of(direction);
    uint32_t v6 = place(&s);
    for (unsigned i = 0; i < 2; i++) {
        uint8_t protocol = i ? NET_TCP : NET_UDP;
        place_port(direction, v4, false, protocol, 80, 80);
        place_port(direction, v4, false, protocol, 1000, 2000);
        place_port(direction, v6, true, protocol, 80, 80);
        place_port(direction, v6, true, protocol, 1000, 2000);
    }
    net_spec(&s, direction, v6, 0);
    net_ipv6_next(&s, NET_ICMPV6);
    net_icmpv6_type(&s, 135);
    place(&s);
}

CLAIM(filters_in_the_documented_order_fit_together)
{
    begin();
    place_all(RECEIVE);
    place_all(SEND);
    check_filters();
}

CLAIM(filters_in_another_order_are_refused)
{
    struct exo_filter_spec s;
    begin();
    place_all(RECEIVE);
    net_spec(&s, RECEIVE, 0, 0);
    net_ipv4_own(&s, four);
    net_type(&s, NET_TYPE_IPV4);
    want_equal(try(&s), -EXO_E_EXCL);
    s = ipv4_of(RECEIVE);
    net_ipv4_own_port(&s, 80, 80);
    net_ipv4_protocol(&s, NET_TCP);
    want_equal(try(&s), -EXO_E_EXCL);
}

CLAIM(one_atom_too_many_is_refused_and_not_forgotten)
{
    struct exo_filter_spec s;
    begin();
    net_spec(&s, RECEIVE, 0, 0);
    for (unsigned i = 0; i <= EXO_ATOMS_MAX; i++)
        net_type(&s, NET_TYPE_IPV4);
    want_equal(s.count, EXO_ATOMS_MAX + 1);
}
