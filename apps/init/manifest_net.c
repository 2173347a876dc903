// SPDX-License-Identifier: MIT
/*
 * manifest_net.c: the flat manifest's words about the network: addresses, ports
 * and the subnet. IPv4 addresses are written with dots, IPv6 addresses as 32
 * hexadecimal digits, which need no parser worth the name.
 */
#include "manifest_read.h"

#include "lib/string.h"

#define TCP 6
#define UDP 17

/* "10.0.2.15" */
static bool
read_dotted(struct span s, uint8_t to[4])
{
    for (unsigned i = 0; i < 4; i++) {
        struct span part = {s.at, 0};
        uint64_t value;
        while (part.length < s.length && part.at[part.length] != '.')
            part.length++;
        bool last = part.length == s.length;
        if (last != (i == 3) || !read_number(part, 0, 255, &value))
            return false;
        to[i] = (uint8_t)value;
        s.at += part.length + !last;
        s.length -= part.length + !last;
    }
    return true;
}

static int
digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* 32 hexadecimal digits, in lower case */
static bool
read_hex(struct span s, uint8_t to[16])
{
    if (s.length != 32)
        return false;
    for (unsigned i = 0; i < 16; i++) {
        int high = digit(s.at[2 * i]), low = digit(s.at[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        to[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

const char *
manifest_read_address4(struct manifest_app *app, struct span value)
{
    app->net.prefix4 = 32; // the network block knows the true one
    return read_dotted(value, app->net.address4)
               ? NULL
               : "address4 is an IPv4 address, not";
}

const char *
manifest_read_address6(struct manifest_app *app, struct span value)
{
    app->net.prefix6 = 128;
    return read_hex(value, app->net.address6)
               ? NULL
               : "address6 is an IPv6 address of 32 digits, not";
}

/* Has the application one of these ports already? */
static bool
overlaps(const struct start_net *net, const struct start_ports *ports)
{
    for (unsigned i = 0; i < net->nports; i++)
        if (net->ports[i].protocol == ports->protocol &&
            net->ports[i].first <= ports->last &&
            ports->first <= net->ports[i].last)
            return true;
    return false;
}

/* "tcp 80 80": a protocol, the first port and the last. */
const char *
manifest_read_port(struct manifest_app *app, struct span value)
{
    struct span protocol, first, last;
    struct start_ports ports;
    uint64_t from, to;
    split(value, &protocol, &value);
    split(value, &first, &last);
    bool udp = span_is(protocol, "udp");
    if (!udp && !span_is(protocol, "tcp"))
        return "port is tcp or udp and two numbers, not";
    if (!read_number(first, 1, 65535, &from) ||
        !read_number(last, from, 65535, &to))
        return "port is a protocol, a first and a last port, not";
    ports = (struct start_ports){(uint16_t)from, (uint16_t)to, udp ? UDP : TCP};
    if (overlaps(&app->net, &ports))
        return "ports are named twice:";
    if (app->net.nports == START_PORTS_MAX - 1)
        return "more than 8 ranges of ports, they end at";
    app->net.ports[app->net.nports++] = ports;
    return NULL;
}

/* "ADDRESS LENGTH" */
static bool
read_subnet4(struct span value, struct start_net *net)
{
    uint8_t address[4];
    struct span at, length;
    uint64_t bits;
    split(value, &at, &length);
    if (!read_dotted(at, address) || !read_number(length, 8, 28, &bits))
        return false;
    net->prefix4 = (uint8_t)bits;
    memcpy(net->address4, address, sizeof(address));
    return true;
}

static bool
read_subnet6(struct span value, struct start_net *net)
{
    uint8_t address[16];
    struct span at, length;
    uint64_t bits;
    split(value, &at, &length);
    if (!read_hex(at, address) || !read_number(length, 64, 64, &bits))
        return false;
    net->prefix6 = (uint8_t)bits;
    memcpy(net->address6, address, sizeof(address));
    return true;
}

static bool
read_gateway4(struct span value, struct start_net *net)
{
    return read_dotted(value, net->gateway4);
}

static bool
read_dns4(struct span value, struct start_net *net)
{
    return read_dotted(value, net->dns4);
}

static bool
read_gateway6(struct span value, struct start_net *net)
{
    return read_hex(value, net->gateway6);
}

static bool
read_dns6(struct span value, struct start_net *net)
{
    return read_hex(value, net->dns6);
}

const char *
manifest_read_network(struct manifest *m, struct span key, struct span value,
                      uint32_t *seen)
{
    static const struct {
        const char *name;
        bool (*read)(struct span value, struct start_net *net);
    } keys[] = {
        {"subnet4", read_subnet4},   {"gateway4", read_gateway4},
        {"dns4", read_dns4},         {"subnet6", read_subnet6},
        {"gateway6", read_gateway6}, {"dns6", read_dns6},
    };
    for (unsigned i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (!span_is(key, keys[i].name))
            continue;
        if (*seen & 1u << i)
            return "given twice:";
        *seen |= 1u << i;
        return keys[i].read(value, &m->net) ? NULL : "no such address:";
    }
    return "unknown key of the network:";
}

/* Do the first `bits` bits agree? */
static bool
is_inside(const uint8_t *address, const uint8_t *subnet, unsigned bits)
{
    for (unsigned i = 0; i < bits; i++)
        if ((address[i / 8] ^ subnet[i / 8]) & 0x80 >> i % 8)
            return false;
    return true;
}

/* An application that shares its address connects from ports of its own. */
static void
add_ephemeral(const struct manifest *m, struct start_net *net)
{
    uint32_t first = MANIFEST_EPHEMERAL + m->count * MANIFEST_EPHEMERAL_PORTS;
    if (net->nports)
        net->ports[net->nports++] = (struct start_ports){
            (uint16_t)first, (uint16_t)(first + MANIFEST_EPHEMERAL_PORTS - 1),
            0};
}

_Static_assert(MANIFEST_EPHEMERAL +
                       MANIFEST_APPS_MAX * MANIFEST_EPHEMERAL_PORTS <=
                   65536,
               "ports are enough");

const char *
manifest_complete_net(const struct manifest *m, struct manifest_app *app)
{
    struct start_net *net = &app->net;
    if (net->nports && !net->prefix4 && !net->prefix6)
        return "ports without an address for";
    if ((net->prefix4 && !m->net.prefix4) || (net->prefix6 && !m->net.prefix6))
        return "an address, but no network before it, for";
    if (net->prefix4 &&
        !is_inside(net->address4, m->net.address4, m->net.prefix4))
        return "address4 is outside the network for";
    if (net->prefix6 &&
        !is_inside(net->address6, m->net.address6, m->net.prefix6))
        return "address6 is outside the network for";
    if (net->prefix4)
        net->prefix4 = m->net.prefix4;
    if (net->prefix6)
        net->prefix6 = m->net.prefix6;
    memcpy(net->gateway4, m->net.gateway4, sizeof(net->gateway4));
    memcpy(net->dns4, m->net.dns4, sizeof(net->dns4));
    memcpy(net->gateway6, m->net.gateway6, sizeof(net->gateway6));
    memcpy(net->dns6, m->net.dns6, sizeof(net->dns6));
    add_ephemeral(m, net);
    return NULL;
}
