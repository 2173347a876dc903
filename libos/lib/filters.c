// SPDX-License-Identifier: MIT
/* filters.c: the filters of net.h, field by field. */
#include "lib/net.h"

#include <exo/error.h>
#include <exo/info.h>
#include <exo/syscall.h>

#define ETHER_BYTES 14u
#define IPV6_BYTES  40u

int64_t
net_attach(const struct net *net, const exo_filter *filter, uint32_t count,
           const exo_cap caps[2], exo_cap own)
{
    for (uint32_t i = 0; i < count; i++) {
        int64_t error = -EXO_E_CAP;
        for (unsigned k = 0; k < 2 && error == -EXO_E_CAP; k++)
            error = exo_filter_attach(EXO_CAPS(caps[k], own), filter[i],
                                      net->id, EXO_ATTACH);
        if (error)
            return error;
    }
    return 0;
}

void
net_spec(struct exo_filter_spec *spec, enum exo_direction direction,
         exo_filter parent, exo_guard guard)
{
    *spec = (struct exo_filter_spec){
        .guard = guard, .parent = parent, .direction = direction};
}

static bool
is_receive(const struct exo_filter_spec *spec)
{
    return spec->direction == EXO_NET_RECEIVE;
}

static void
add(struct exo_filter_spec *spec, struct exo_atom atom)
{
    if (spec->count < EXO_ATOMS_MAX)
        spec->atom[spec->count] = atom;
    spec->count++; // one too many is refused by the kernel
}

static void
add_equal(struct exo_filter_spec *spec, uint32_t offset, uint8_t width,
          uint64_t mask, uint64_t value)
{
    add(spec, (struct exo_atom){.op = EXO_ATOM_EQ,
                                .width = width,
                                .offset = (uint16_t)offset,
                                .mask = mask,
                                .value = value});
}

static void
add_field(struct exo_filter_spec *spec, uint32_t offset, uint8_t width,
          uint64_t value)
{
    add_equal(spec, offset, width, ~UINT64_C(0) >> (64 - 8 * width), value);
}

/* One port is a value, which costs nothing however many there are; more are a
 * range. */
static void
add_port(struct exo_filter_spec *spec, uint32_t offset, uint16_t first,
         uint16_t last)
{
    if (first == last) {
        add_field(spec, offset, 2, first);
        return;
    }
    add(spec, (struct exo_atom){.op = EXO_ATOM_RANGE,
                                .width = 2,
                                .offset = (uint16_t)offset,
                                .last = last,
                                .value = first});
}

static uint64_t
number(const uint8_t *bytes, unsigned n)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < n; i++)
        value = value << 8 | bytes[i];
    return value;
}

void
net_own_mac(struct exo_filter_spec *spec, const uint8_t mac[6])
{
    uint32_t offset = is_receive(spec) ? 0 : 6;
    const uint64_t all = UINT64_C(0xffffffffffff);
    if (offset) // in the last six of eight bytes; the first six of a frame
        add_equal(spec, offset - 2, 8, all, number(mac, 6));
    else
        add_equal(spec, 0, 8, all << 16, number(mac, 6) << 16);
}

void
net_type(struct exo_filter_spec *spec, uint16_t ethertype)
{
    add_field(spec, 12, 2, ethertype);
}

void
net_ipv4_own(struct exo_filter_spec *spec, const uint8_t address[4])
{
    add_field(spec, ETHER_BYTES + (is_receive(spec) ? 16 : 12), 4,
              number(address, 4));
}

void
net_ipv4_protocol(struct exo_filter_spec *spec, uint8_t protocol)
{
    add_equal(spec, ETHER_BYTES + 6, 2, 0x3fff, 0); // offset 0, none follows
    add_field(spec, ETHER_BYTES + 9, 1, protocol);
    add(spec, (struct exo_atom){.op = EXO_ATOM_SHIFT,
                                .width = 1,
                                .shift = 2,
                                .offset = ETHER_BYTES,
                                .mask = 0x0f});
}

void
net_ipv4_own_port(struct exo_filter_spec *spec, uint16_t first, uint16_t last)
{
    add_port(spec, ETHER_BYTES + (is_receive(spec) ? 2 : 0), first, last);
}

void
net_ipv4_peer_port(struct exo_filter_spec *spec, uint16_t first, uint16_t last)
{
    add_port(spec, ETHER_BYTES + (is_receive(spec) ? 0 : 2), first, last);
}

void
net_arp_own(struct exo_filter_spec *spec, const uint8_t address[4])
{
    add_field(spec, ETHER_BYTES + (is_receive(spec) ? 24 : 14), 4,
              number(address, 4));
}

void
net_arp_own_mac(struct exo_filter_spec *spec, const uint8_t mac[6])
{
    uint32_t at = ETHER_BYTES + (is_receive(spec) ? 18 : 8);
    add_equal(spec, at - 2, 8, UINT64_C(0xffffffffffff), number(mac, 6));
}

void
net_arp_operation(struct exo_filter_spec *spec, uint16_t operation)
{
    add_field(spec, ETHER_BYTES + 6, 2, operation);
}

void
net_ipv6_own(struct exo_filter_spec *spec, const uint8_t address[16])
{
    uint32_t at = ETHER_BYTES + (is_receive(spec) ? 24 : 8);
    add_field(spec, at, 8, number(address, 8));
    add_field(spec, at + 8, 8, number(address + 8, 8));
}

void
net_ipv6_next(struct exo_filter_spec *spec, uint8_t next)
{
    add_field(spec, ETHER_BYTES + 6, 1, next);
}

void
net_ipv6_own_port(struct exo_filter_spec *spec, uint16_t first, uint16_t last)
{
    add_port(spec, ETHER_BYTES + IPV6_BYTES + (is_receive(spec) ? 2 : 0), first,
             last);
}

void
net_ipv6_peer_port(struct exo_filter_spec *spec, uint16_t first, uint16_t last)
{
    add_port(spec, ETHER_BYTES + IPV6_BYTES + (is_receive(spec) ? 0 : 2), first,
             last);
}

void
net_icmpv6_type(struct exo_filter_spec *spec, uint8_t type)
{
    add_field(spec, ETHER_BYTES + IPV6_BYTES, 1, type);
}

void
net_neighbour_target(struct exo_filter_spec *spec, const uint8_t address[16])
{
    uint32_t at = ETHER_BYTES + IPV6_BYTES + 8;
    add_field(spec, at, 8, number(address, 8));
    add_field(spec, at + 8, 8, number(address + 8, 8));
}
