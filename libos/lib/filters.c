// SPDX-License-Identifier: MIT
/* filters.c: the filters of net.h, field by field. */
#include "lib/net.h"

#include <exo/error.h>
#include <exo/info.h>
#include <exo/syscall.h>

#define ETHER_BYTES 14u
#define IPV6_BYTES  40u

exo_filter
net_filter_of(exo_env env, enum exo_direction direction, exo_filter after)
{
    const uint32_t n = exo_net_info()->nfilters;
    for (uint32_t i = EXO_NET_INDEX(after) + 1; i < n; i++) {
        const volatile struct exo_filter_info *f = exo_filter_info(i);
        exo_filter id = f->id;
        if (id && f->payer == EXO_ENV_INDEX(env) && f->direction == direction)
            return id;
    }
    return 0;
}

int64_t
net_attach(const struct net *net, exo_cap filters, exo_cap own)
{
    int64_t attached = 0;
    const exo_env env = exo_iface_info(net->id)->env;
    for (unsigned direction = EXO_NET_RECEIVE; direction <= EXO_NET_SEND;
         direction++) {
        exo_filter f = 0;
        while ((f = net_filter_of(env, direction, f))) {
            int64_t error = exo_filter_attach(EXO_CAPS(filters, own), f,
                                              net->id, EXO_ATTACH);
            if (error && error != -EXO_E_BUSY && error != -EXO_E_STATE)
                return error;
            attached += !error;
        }
    }
    return attached;
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
