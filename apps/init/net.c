// SPDX-License-Identifier: MIT
/*
 * net.c: addresses. For each application that has one, filters say which frames
 * are its own and which it may send; the kernel enforces them. They belong to
 * init and carry a guard of their own, so that they outlive restarts.
 *
 * Who has an address alone:
 *
 *   receive  IPv4 to it; ARP about it; IPv6 to it and to its solicited node
 *   send     IPv4 from it; ARP that says it has it, with the machine's MAC;
 *            IPv6 from it, but neighbour advertisements of it only, and no
 *            router advertisements, redirects or extension headers: those
 *            have filters below to which nobody is attached
 *
 * When others have ports of it, each gets filters below the owner's for these
 * ports in both directions. What all of them need to find their neighbours is
 * in filters they share: answers of ARP and questions to ask with it, and
 * likewise ICMPv6; the questions of others only the owner gets.
 */
#include "init.h"

#include "lib/errors.h"
#include "lib/net.h"

enum {
    ARP_ASK = 1,
    ARP_ANSWER = 2,
    HOP_BY_HOP = 0,
    ROUTING = 43,
    AUTHENTICATION = 51,
    DESTINATION = 60,
    ROUTER_ADVERT = 134,
    NEIGHBOUR_ASK = 135,
    NEIGHBOUR_ADVERT = 136,
    REDIRECT = 137,
};

/* Filters are made one after the other; the first error ends it. */
struct maker {
    struct app *app;
    struct exo_filter_spec spec;
    int64_t error;
};

static const uint8_t *
machine_mac(void)
{
    return exo_net_info()->mac;
}

static void
begin(struct maker *m, enum exo_direction direction, exo_filter parent,
      exo_guard guard)
{
    net_spec(&m->spec, direction, parent, guard);
}

/* Makes the filter that was begun. Result: its id, 0 after an error. */
static exo_filter
make(struct maker *m)
{
    int64_t id = m->error
                     ? m->error
                     : exo_filter_add(EXO_CAPS(ROOT_CAP, ROOT_CAP), &m->spec);
    if (id < 0)
        m->error = id;
    return id < 0 ? 0 : (exo_filter)id;
}

/* The application will attach to it. */
static exo_filter
give(struct maker *m, exo_filter filter)
{
    struct start_net *net = &m->app->spec.net;
    if (net->nfilters < START_FILTERS_MAX)
        net->filter[net->nfilters++] = filter;
    else if (!m->error)
        m->error = -EXO_E_LIMIT;
    return filter;
}

/* Makes it, for several to attach to. */
static void
make_shared(struct maker *m)
{
    m->spec.flags = EXO_FILTER_SHARED;
    give(m, make(m));
}

/* IPv4 and ARP
 * ----------------------------------------------------------------- */

static void
begin_arp(struct maker *m, enum exo_direction direction, exo_guard guard)
{
    const struct start_net *net = &m->app->spec.net;
    begin(m, direction, 0, guard);
    if (direction == EXO_NET_SEND)
        net_own_mac(&m->spec, machine_mac());
    net_type(&m->spec, NET_TYPE_ARP);
    net_arp_own(&m->spec, net->address4);
    if (direction == EXO_NET_SEND)
        net_arp_own_mac(&m->spec, machine_mac());
}

/* All of ARP, for who has the address alone. */
static void
own_arp(struct maker *m)
{
    begin_arp(m, EXO_NET_RECEIVE, m->app->net.guard);
    give(m, make(m));
    begin_arp(m, EXO_NET_SEND, m->app->net.guard);
    give(m, make(m));
}

/* Who owns a shared address answers; all of them ask. */
static void
share_arp(struct maker *m)
{
    const struct net_place *place = &m->app->net;
    begin_arp(m, EXO_NET_RECEIVE, place->guard);
    net_arp_operation(&m->spec, ARP_ASK);
    give(m, make(m));
    begin_arp(m, EXO_NET_SEND, place->guard);
    net_arp_operation(&m->spec, ARP_ANSWER);
    give(m, make(m));
    begin_arp(m, EXO_NET_RECEIVE, place->group);
    net_arp_operation(&m->spec, ARP_ANSWER);
    make_shared(m);
    begin_arp(m, EXO_NET_SEND, place->group);
    net_arp_operation(&m->spec, ARP_ASK);
    make_shared(m);
}

static void
own_ipv4(struct maker *m)
{
    struct net_place *place = &m->app->net;
    const uint8_t *address = m->app->spec.net.address4;
    begin(m, EXO_NET_RECEIVE, 0, place->guard);
    net_type(&m->spec, NET_TYPE_IPV4);
    net_ipv4_own(&m->spec, address);
    place->receive[0] = give(m, make(m));
    begin(m, EXO_NET_SEND, 0, place->guard);
    net_own_mac(&m->spec, machine_mac());
    net_type(&m->spec, NET_TYPE_IPV4);
    net_ipv4_own(&m->spec, address);
    place->send[0] = give(m, make(m));
    if (place->group)
        share_arp(m);
    else
        own_arp(m);
}

/* IPv6 and its neighbours
 * ------------------------------------------------------ */

/* The group that questions about an address go to [RFC 4291 2.7.1]. */
static void
solicited_node(const uint8_t address[16], uint8_t group[16])
{
    static const uint8_t prefix[13] = {0xff, 2, [11] = 1, [12] = 0xff};
    memcpy(group, prefix, sizeof(prefix));
    memcpy(group + 13, address + 13, 3);
}

/* Of one type of ICMPv6, sent from the address. */
static void
begin_icmpv6(struct maker *m, uint8_t type, exo_guard guard)
{
    begin(m, EXO_NET_SEND, m->app->net.send[1], guard);
    net_ipv6_next(&m->spec, NET_ICMPV6);
    net_icmpv6_type(&m->spec, type);
}

/* What nobody here may say: no interface is ever attached to these. Extension
 * headers could hide it from the filters (a fragment cannot: neighbours ignore
 * it [RFC 6980]). */
static void
forbid(struct maker *m)
{
    static const uint8_t headers[] = {HOP_BY_HOP, ROUTING, AUTHENTICATION,
                                      DESTINATION};
    exo_filter all;
    for (unsigned i = 0; i < sizeof(headers); i++) {
        begin(m, EXO_NET_SEND, m->app->net.send[1], self.prefix);
        net_ipv6_next(&m->spec, headers[i]);
        make(m);
    }
    begin_icmpv6(m, ROUTER_ADVERT, self.prefix);
    make(m);
    begin_icmpv6(m, REDIRECT, self.prefix);
    make(m);
    begin_icmpv6(m, NEIGHBOUR_ADVERT, self.prefix);
    all = make(m);
    begin(m, EXO_NET_SEND, all, m->app->net.guard);
    net_neighbour_target(&m->spec, m->app->spec.net.address6);
    give(m, make(m));
}

static void
share_icmpv6(struct maker *m)
{
    const struct net_place *place = &m->app->net;
    begin(m, EXO_NET_RECEIVE, place->receive[1], place->group);
    net_ipv6_next(&m->spec, NET_ICMPV6);
    make_shared(m);
    begin_icmpv6(m, NEIGHBOUR_ASK, place->group);
    make_shared(m);
}

static void
own_ipv6(struct maker *m)
{
    struct net_place *place = &m->app->net;
    const uint8_t *address = m->app->spec.net.address6;
    uint8_t group[16];
    begin(m, EXO_NET_RECEIVE, 0, place->guard);
    net_type(&m->spec, NET_TYPE_IPV6);
    net_ipv6_own(&m->spec, address);
    place->receive[1] = give(m, make(m));
    solicited_node(address, group);
    begin(m, EXO_NET_RECEIVE, 0, place->guard);
    net_type(&m->spec, NET_TYPE_IPV6);
    net_ipv6_own(&m->spec, group);
    give(m, make(m));
    begin(m, EXO_NET_SEND, 0, place->guard);
    net_own_mac(&m->spec, machine_mac());
    net_type(&m->spec, NET_TYPE_IPV6);
    net_ipv6_own(&m->spec, address);
    place->send[1] = give(m, make(m));
    forbid(m);
    if (place->group)
        share_icmpv6(m);
}

/* Ports
 * ------------------------------------------------------------------------- */

static void
own_port(struct maker *m, enum exo_direction direction, bool v6,
         uint8_t protocol, const struct start_ports *ports)
{
    const struct net_place *owner = m->app->net.owner;
    exo_filter parent =
        direction == EXO_NET_RECEIVE ? owner->receive[v6] : owner->send[v6];
    begin(m, direction, parent, m->app->net.guard);
    if (v6) {
        net_ipv6_next(&m->spec, protocol);
        net_ipv6_own_port(&m->spec, ports->first, ports->last);
    } else {
        net_ipv4_protocol(&m->spec, protocol);
        net_ipv4_own_port(&m->spec, ports->first, ports->last);
    }
    give(m, make(m));
}

static void
own_ports(struct maker *m, bool v6)
{
    const struct start_net *net = &m->app->spec.net;
    for (unsigned i = 0; i < net->nports; i++) {
        const struct start_ports *p = &net->ports[i];
        static const uint8_t protocols[] = {NET_TCP, NET_UDP};
        for (unsigned k = 0; k < 2; k++) {
            if (p->protocol && p->protocol != protocols[k])
                continue;
            own_port(m, EXO_NET_RECEIVE, v6, protocols[k], p);
            own_port(m, EXO_NET_SEND, v6, protocols[k], p);
        }
    }
}

/* Attaches to what its owner made for all. */
static void
join_groups(struct maker *m, const struct start_net *owner)
{
    for (unsigned i = 0; i < owner->nfilters; i++)
        if (exo_filter_info(owner->filter[i])->guard == m->app->net.group)
            give(m, owner->filter[i]);
}

/* Applications
 * ------------------------------------------------------------------ */

static bool
has_address(const struct app *a)
{
    return a->spec.net.prefix4 || a->spec.net.prefix6;
}

/* Do two applications have one address? */
static bool
same_address(const struct start_net *a, const struct start_net *b)
{
    return (a->prefix4 && b->prefix4 &&
            memcmp(a->address4, b->address4, sizeof(a->address4)) == 0) ||
           (a->prefix6 && b->prefix6 &&
            memcmp(a->address6, b->address6, sizeof(a->address6)) == 0);
}

/* Who owns the address that `a` has ports of; null: nobody. */
static struct app *
owner_of(const struct app *a)
{
    const struct start_net *net = &a->spec.net;
    for (uint32_t i = 0; i < napps; i++) {
        const struct start_net *other = &app[i]->spec.net;
        if (!other->nports && same_address(net, other) &&
            net->prefix4 <= other->prefix4 && net->prefix6 <= other->prefix6)
            return app[i];
    }
    return NULL;
}

static int64_t
open_owner(struct app *a)
{
    struct maker m = {.app = a};
    m.error = prefixes_issue(&self.children, &a->net.guard);
    for (uint32_t i = 0; i < napps && !m.error && !a->net.group; i++)
        if (app[i]->spec.net.nports && owner_of(app[i]) == a)
            m.error = prefixes_issue(&self.children, &a->net.group);
    if (!m.error && a->spec.net.prefix4)
        own_ipv4(&m);
    if (!m.error && a->spec.net.prefix6)
        own_ipv6(&m);
    return m.error;
}

static int64_t
open_sharer(struct app *a, const struct app *owner)
{
    struct maker m = {.app = a};
    m.error = prefixes_issue(&self.children, &a->net.guard);
    a->net.owner = &owner->net;
    a->net.group = owner->net.group;
    join_groups(&m, &owner->spec.net);
    if (a->spec.net.prefix4)
        own_ports(&m, false);
    if (a->spec.net.prefix6)
        own_ports(&m, true);
    return m.error;
}

static bool
sorry(const struct app *a, int64_t error)
{
    if (error == -EXO_E_BUSY || error == -EXO_E_EXCL)
        say("manifest: %s has an address, or ports of one, that another "
            "application has",
            a->spec.name);
    else
        say("manifest: %s cannot have its address: %s", a->spec.name,
            error_text(error));
    return false;
}

bool
net_open_all(void)
{
    for (uint32_t i = 0; i < napps; i++) {
        struct app *a = app[i];
        int64_t error =
            has_address(a) && !a->spec.net.nports ? open_owner(a) : 0;
        if (error)
            return sorry(a, error);
    }
    for (uint32_t i = 0; i < napps; i++) {
        struct app *a = app[i];
        if (!a->spec.net.nports)
            continue;
        const struct app *owner = owner_of(a);
        if (!owner) {
            say("manifest: %s has ports of an address that no application has",
                a->spec.name);
            return false;
        }
        int64_t error = open_sharer(a, owner);
        if (error)
            return sorry(a, error);
    }
    return true;
}

int64_t
net_grant(const struct app *a)
{
    uint32_t length = self.children.child;
    if (!a->net.guard)
        return 0;
    int64_t error =
        cap_give(ROOT_CAP, ROOT_CAP, a->env, START_CAP_NET, a->net.guard,
                 length, EXO_READ | EXO_WRITE | EXO_GRANT);
    if (!error && a->net.group) // no GRANT: a filter below takes from all
        error = cap_give(ROOT_CAP, ROOT_CAP, a->env, START_CAP_GROUP,
                         a->net.group, length, EXO_READ | EXO_WRITE);
    return error;
}
