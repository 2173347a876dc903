// SPDX-License-Identifier: MIT
/*
 * Sends frames that speak for it and frames that speak for others, and says of
 * each whether it may. test_spoofer.py knows which are right.
 */
#include "minimal/minimal.h"

#include "lib/net.h"

#define NET_VA UINT64_C(0x0c000000)
#define PORT   7000u
#define BYTES  100u

static struct net net;
static uint8_t *frame;
static const struct start_net *own;

static const uint8_t other_mac[6] = {2, 9, 9, 9, 9, 9};
static const uint8_t other4[4] = {10, 0, 2, 99};
static const uint8_t other6[16] = {0xfe, 0xc0, [15] = 0x99};

enum icmpv6 {
    ROUTER_ADVERT = 134,
    NEIGHBOUR_ASK = 135,
    NEIGHBOUR_ADVERT = 136,
    REDIRECT = 137,
};

static void
put16(uint32_t at, uint32_t value)
{
    frame[at] = (uint8_t)(value >> 8);
    frame[at + 1] = (uint8_t)value;
}

static void
begin(uint16_t type)
{
    while ((frame = net_reserve(&net)) == NULL)
        net_kick(&net); // the card still reads those before
    memset(frame, 0, BYTES);
    memset(frame, 0xff, 6);
    memcpy(frame + 6, exo_net_info()->mac, 6);
    put16(12, type);
}

static void
end(const char *name)
{
    const struct exo_iface_info *info = exo_iface_info(net.id);
    uint64_t refused = info->tx_refused;
    net_commit(&net, BYTES, 0);
    while (net_kick(&net) == -EXO_E_AGAIN)
        event_wait(EXO_EVENT_NET, EXO_NEVER);
    print("spoofer: %s %s\n", name,
          info->tx_refused == refused ? "sent" : "refused");
}

static void
arp(const char *name, uint16_t operation, const uint8_t mac[6],
    const uint8_t address[4])
{
    begin(NET_TYPE_ARP);
    put16(14, 1), put16(16, NET_TYPE_IPV4), put16(18, 0x0604);
    put16(20, operation);
    memcpy(frame + 22, mac, 6);
    memcpy(frame + 28, address, 4);
    memcpy(frame + 38, other4, 4);
    end(name);
}

static void
udp4(const char *name, const uint8_t address[4], uint32_t port)
{
    begin(NET_TYPE_IPV4);
    frame[14] = 0x45;
    put16(16, BYTES - 14);
    frame[22] = 64, frame[23] = NET_UDP;
    memcpy(frame + 26, address, 4);
    memcpy(frame + 30, other4, 4);
    put16(34, port), put16(36, 9), put16(38, BYTES - 34);
    end(name);
}

static void
begin_ipv6(uint8_t next, const uint8_t address[16])
{
    begin(NET_TYPE_IPV6);
    frame[14] = 0x60;
    put16(18, BYTES - 54);
    frame[20] = next, frame[21] = 255;
    memcpy(frame + 22, address, 16);
    memcpy(frame + 38, other6, 16);
}

static void
udp6(const char *name, const uint8_t address[16], uint32_t port)
{
    begin_ipv6(NET_UDP, address);
    put16(54, port), put16(56, 9), put16(58, BYTES - 54);
    end(name);
}

static void
icmpv6(const char *name, uint8_t type, const uint8_t target[16])
{
    begin_ipv6(NET_ICMPV6, own->address6);
    frame[54] = type;
    memcpy(frame + 62, target, 16);
    end(name);
}

/* An advertisement of somebody else's address behind an extension header of
 * eight bytes. */
static void
hidden(const char *name, uint8_t header)
{
    begin_ipv6(header, own->address6);
    frame[54] = NET_ICMPV6;
    frame[62] = NEIGHBOUR_ADVERT;
    memcpy(frame + 70, other6, 16);
    end(name);
}

static void
try_all(const uint8_t mac[6])
{
    arp("arp-ask", 1, mac, own->address4);
    arp("arp-answer", 2, mac, own->address4);
    arp("arp-answer-for-another-card", 2, other_mac, own->address4);
    arp("arp-ask-from-another-card", 1, other_mac, own->address4);
    arp("arp-answer-for-another-address", 2, mac, other4);
    udp4("ipv4", own->address4, PORT);
    udp4("ipv4-of-another-port", own->address4, PORT + 1);
    udp4("ipv4-of-another-address", other4, PORT);
    udp6("ipv6", own->address6, PORT);
    udp6("ipv6-of-another-port", own->address6, PORT + 1);
    udp6("ipv6-of-another-address", other6, PORT);
    icmpv6("neighbour-ask", NEIGHBOUR_ASK, other6);
    icmpv6("neighbour-advert", NEIGHBOUR_ADVERT, own->address6);
    icmpv6("neighbour-advert-for-another", NEIGHBOUR_ADVERT, other6);
    icmpv6("router-advert", ROUTER_ADVERT, own->address6);
    icmpv6("redirect", REDIRECT, own->address6);
    hidden("advert-behind-hop-by-hop", 0);
    hidden("advert-behind-routing", 43);
    hidden("advert-behind-destination", 60);
    begin(NET_TYPE_IPV4);
    memcpy(frame + 6, other_mac, 6);
    frame[14] = 0x45;
    memcpy(frame + 26, own->address4, 4);
    end("frame-from-another-card");
    begin(0x88b5);
    end("frame-of-another-type");
}

int
main(int argc, char **argv)
{
    static exo_page pages[3 + 2];
    const struct net_plan plan = {.cap = START_CAP_SELF,
                                  .guard = self.prefix,
                                  .va = NET_VA,
                                  .send = 1,
                                  .receive = 1,
                                  .page = pages};
    (void)argc, (void)argv;
    own = &self.start->net;
    int64_t error = net_open_own(&net, &page_map, &plan, own);
    if (error) {
        print("spoofer: no network, error %ld\n", -error);
        return 1;
    }
    try_all(exo_net_info()->mac);
    return 0;
}
