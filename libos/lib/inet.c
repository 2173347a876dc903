// SPDX-License-Identifier: MIT
/* The least of the Internet protocols: see inet.h. */
#include "lib/inet.h"

#include "lib/string.h"

enum {
    ETHER_IP4 = 0x0800,
    ETHER_ARP = 0x0806,
    ETHER_IP6 = 0x86dd,
    IP_ICMP = 1,
    IP_TCP = 6,
    IP_UDP = 17,
    IP_ICMP6 = 58,
    ARP_BYTES = 28,
    ARP_REQUEST = 1,
    ARP_REPLY = 2,
    ECHO4_REQUEST = 8,
    UNREACHABLE4 = 3,
    PORT4 = 3,
    ECHO6_REQUEST = 128,
    ECHO6_REPLY = 129,
    UNREACHABLE6 = 1,
    PORT6 = 4,
    NEIGHBOUR_SOLICIT = 135,
    NEIGHBOUR_ADVERT = 136,
    TTL = 64,
    QUOTE = 128, // bytes of a packet that an error message quotes, at most
    TCP_BYTES = 20,
    TCP_FIN = 1,
    TCP_SYN = 2,
    TCP_RST = 4,
    TCP_ACK = 16,
};

/* A packet for us, taken apart as far as the transport header. */
struct packet {
    const uint8_t *frame;
    bool v6;
    uint8_t protocol;
    const uint8_t *ip;   // header
    const uint8_t *data; // behind it
    uint32_t bytes;      // of data
    bool checked;        // its transport checksum is vouched for
};

/* Sums ----------------------------------------------------------------------
 */

uint64_t
inet_sum(const void *bytes, uint32_t count, uint64_t sum)
{
    const uint8_t *at = bytes;
    uint64_t words;
    uint32_t word;
    uint16_t half;
    for (; count >= 8; count -= 8, at += 8) {
        memcpy(&words, at, sizeof(words));
        sum += words;
        sum += sum < words; // the carry is worth one [RFC1071 2]
    }
    sum = (sum & 0xffffffff) + (sum >> 32); // what follows has room now
    if (count >= 4) {
        memcpy(&word, at, sizeof(word));
        sum += word;
        count -= 4;
        at += 4;
    }
    if (count >= 2) {
        memcpy(&half, at, sizeof(half));
        sum += half;
        at += 2;
    }
    return count & 1 ? sum + *at : sum;
}

uint16_t
inet_fold(uint64_t sum)
{
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum; // its bytes are in the order of memory
}

/* The pseudo header's [RFC 768, RFC 8200 8.1]. Both lengths and the protocol
 * add up the same in IPv4 and IPv6. */
static uint64_t
pseudo_sum(const uint8_t *addresses, bool v6, uint8_t protocol, uint32_t bytes)
{
    uint8_t tail[4] = {0, protocol, (uint8_t)(bytes >> 8), (uint8_t)bytes};
    return inet_sum(tail, 4, inet_sum(addresses, v6 ? 32 : 8, 0));
}

static const uint8_t *
addresses_of(const struct packet *p)
{
    return p->ip + (p->v6 ? 8 : 12);
}

static bool
sum_is_right(const struct packet *p)
{
    uint64_t sum = 0;
    if (p->checked)
        return true;
    if (p->protocol != IP_ICMP)
        sum = pseudo_sum(addresses_of(p), p->v6, p->protocol, p->bytes);
    return inet_fold(inet_sum(p->data, p->bytes, sum)) == 0xffff;
}

static void
store_sum(uint8_t *at, uint16_t folded)
{
    uint16_t value = (uint16_t)~folded;
    memcpy(at, &value, sizeof(value));
}

/* Taking frames apart --------------------------------------------------------
 */

static bool
is_ours4(const struct inet_self *self, const uint8_t *address)
{
    return self->net->prefix4 && memcmp(address, self->net->address4, 4) == 0;
}

static bool
is_ours6(const struct inet_self *self, const uint8_t *address)
{
    return self->net->prefix6 && memcmp(address, self->net->address6, 16) == 0;
}

static bool
parse4(const struct inet_self *self, struct packet *p, uint32_t bytes)
{
    const uint8_t *ip = p->ip;
    uint32_t header, total;
    if (bytes < 20 || ip[0] >> 4 != 4)
        return false;
    header = (ip[0] & 15) * 4u;
    total = inet_get16(ip + 2);
    if (header < 20 || total < header || total > bytes)
        return false;
    if (inet_fold(inet_sum(ip, header, 0)) != 0xffff)
        return false;
    if (inet_get16(ip + 6) & 0x3fff || !is_ours4(self, ip + 16))
        return false; // a fragment, or somebody else's
    p->protocol = ip[9];
    p->data = ip + header;
    p->bytes = total - header;
    return true;
}

static bool
parse6(struct packet *p, uint32_t bytes)
{
    const uint8_t *ip = p->ip;
    if (bytes < 40 || ip[0] >> 4 != 6 || inet_get16(ip + 4) > bytes - 40)
        return false;
    p->v6 = true;
    p->protocol = ip[6];
    p->data = ip + 40;
    p->bytes = inet_get16(ip + 4);
    return true;
}

static bool
parse(const struct inet_self *self, const uint8_t *frame, uint32_t bytes,
      uint16_t flags, struct packet *p)
{
    *p = (struct packet){.frame = frame,
                         .ip = frame + INET_ETHER,
                         .checked = flags & EXO_RX_CHECKED};
    if (bytes < INET_ETHER)
        return false;
    if (inet_get16(frame + 12) == ETHER_IP4)
        return parse4(self, p, bytes - INET_ETHER);
    return inet_get16(frame + 12) == ETHER_IP6 && parse6(p, bytes - INET_ETHER);
}

/* Putting frames together ----------------------------------------------------
 */

static void
put_ether(const struct inet_self *self, const uint8_t *to, uint32_t type,
          uint8_t *out)
{
    memcpy(out, to, 6);
    memcpy(out + 6, self->mac, 6);
    inet_put16(out + 12, type);
}

static void
put_ip4(const struct inet_self *self, const uint8_t *to, uint8_t protocol,
        uint32_t bytes, uint8_t *ip)
{
    static const uint8_t header[12] = {0x45, 0, 0, 0, 0, 0, 0x40, 0, TTL};
    memcpy(ip, header, sizeof(header));
    inet_put16(ip + 2, 20 + bytes);
    ip[9] = protocol;
    memcpy(ip + 12, self->net->address4, 4);
    memcpy(ip + 16, to, 4);
    store_sum(ip + 10, inet_fold(inet_sum(ip, 20, 0)));
}

static void
put_ip6(const struct inet_self *self, const uint8_t *to, uint8_t protocol,
        uint8_t hops, uint32_t bytes, uint8_t *ip)
{
    static const uint8_t header[8] = {0x60};
    memcpy(ip, header, sizeof(header));
    inet_put16(ip + 4, bytes);
    ip[6] = protocol;
    ip[7] = hops;
    memcpy(ip + 8, self->net->address6, 16);
    memcpy(ip + 24, to, 16);
}

/* Headers of an answer to the sender of `p`. Result: where its data goes. */
static uint8_t *
answer_to(const struct inet_self *self, const struct packet *p,
          uint8_t protocol, uint32_t bytes, uint8_t *out)
{
    put_ether(self, p->frame + 6, p->v6 ? ETHER_IP6 : ETHER_IP4, out);
    if (p->v6)
        put_ip6(self, p->ip + 8, protocol, TTL, bytes, out + INET_ETHER);
    else
        put_ip4(self, p->ip + 12, protocol, bytes, out + INET_ETHER);
    return out + (p->v6 ? INET_IP6 : INET_IP4);
}

/* The whole checksum of an answer's data, at `at` in it. */
static void
sum_answer(const uint8_t *out, bool v6, uint8_t protocol, uint8_t *data,
           uint32_t bytes, uint32_t at)
{
    uint64_t sum = 0;
    if (protocol != IP_ICMP)
        sum = pseudo_sum(out + INET_ETHER + (v6 ? 8 : 12), v6, protocol, bytes);
    memset(data + at, 0, 2);
    store_sum(data + at, inet_fold(inet_sum(data, bytes, sum)));
}

/* The checksum at `at` of what differs in one half word only [RFC1624 3]. */
static void
change_sum(uint8_t *at, const uint8_t *before, const uint8_t *after)
{
    uint16_t sum, was, is;
    memcpy(&sum, at, sizeof(sum));
    memcpy(&was, before, sizeof(was));
    memcpy(&is, after, sizeof(is));
    store_sum(at, inet_fold((uint64_t)(uint16_t)~sum + (uint16_t)~was + is));
}

/* UDP ------------------------------------------------------------------------
 */

static bool
parse_udp(const struct packet *p, struct inet_udp *udp)
{
    if (p->protocol != IP_UDP || p->bytes < INET_UDP ||
        inet_get16(p->data + 4) != p->bytes)
        return false;
    bool unsummed = !p->v6 && !inet_get16(p->data + 6);
    if (!unsummed && !sum_is_right(p))
        return false;
    *udp = (struct inet_udp){.v6 = p->v6,
                             .from = inet_get16(p->data),
                             .to = inet_get16(p->data + 2),
                             .payload = p->data + INET_UDP,
                             .bytes = p->bytes - INET_UDP};
    return true;
}

bool
inet_udp(const struct inet_self *self, const uint8_t *frame, uint32_t bytes,
         uint16_t flags, struct inet_udp *udp)
{
    struct packet p;
    return parse(self, frame, bytes, flags, &p) && parse_udp(&p, udp) &&
           (!p.v6 || is_ours6(self, p.ip + 24));
}

uint32_t
inet_udp_answer(const struct inet_self *self, const uint8_t *frame,
                const struct inet_udp *udp, uint8_t *out,
                uint32_t payload_bytes, uint16_t *flags)
{
    struct packet p = {.frame = frame, .v6 = udp->v6, .ip = frame + INET_ETHER};
    uint32_t bytes = INET_UDP + payload_bytes;
    uint8_t *data = answer_to(self, &p, IP_UDP, bytes, out);
    inet_put16(data, udp->to);
    inet_put16(data + 2, udp->from);
    inet_put16(data + 4, bytes);
    const uint8_t *addresses = out + INET_ETHER + (udp->v6 ? 8 : 12);
    uint16_t sum = inet_fold(pseudo_sum(addresses, udp->v6, IP_UDP, bytes));
    memcpy(data + 6, &sum, sizeof(sum));
    *flags = EXO_TX_SUM | EXO_TX_SUM_UDP | (udp->v6 ? EXO_TX_SUM_V6 : 0);
    return (uint32_t)(data - out) + bytes;
}

/* Neighbours -----------------------------------------------------------------
 */

static uint32_t
answer_arp(const struct inet_self *self, const uint8_t *frame, uint32_t bytes,
           uint8_t *out)
{
    static const uint8_t ether_ip4[6] = {0, 1, 8, 0, 6, 4};
    const uint8_t *arp = frame + INET_ETHER;
    if (bytes < INET_ETHER + ARP_BYTES || memcmp(arp, ether_ip4, 6) != 0 ||
        inet_get16(arp + 6) != ARP_REQUEST || !is_ours4(self, arp + 24))
        return 0;
    put_ether(self, arp + 8, ETHER_ARP, out);
    out += INET_ETHER;
    memcpy(out, ether_ip4, 6);
    inet_put16(out + 6, ARP_REPLY);
    memcpy(out + 8, self->mac, 6);
    memcpy(out + 14, self->net->address4, 4);
    memcpy(out + 18, arp + 8, 10);
    return INET_ETHER + ARP_BYTES;
}

static bool
is_unspecified(const uint8_t *address6)
{
    static const uint8_t none[16];
    return memcmp(address6, none, 16) == 0;
}

/* A solicitation [RFC 4861 7.1.1, 7.2.4]. Who checks for a duplicate asks from
 * no address, and is answered at all nodes. */
static uint32_t
answer_neighbour(const struct inet_self *self, const struct packet *p,
                 uint8_t *out)
{
    static const uint8_t all_nodes[16] = {0xff, 2, [15] = 1};
    static const uint8_t all_ether[6] = {0x33, 0x33, 0, 0, 0, 1};
    if (p->bytes < 24 || p->ip[7] != 255 || p->data[1] != 0 ||
        !is_ours6(self, p->data + 8))
        return 0;
    bool probe = is_unspecified(p->ip + 8);
    put_ether(self, probe ? all_ether : p->frame + 6, ETHER_IP6, out);
    put_ip6(self, probe ? all_nodes : p->ip + 8, IP_ICMP6, 255, 32,
            out + INET_ETHER);
    uint8_t *data = out + INET_IP6;
    memset(data, 0, 32);
    data[0] = NEIGHBOUR_ADVERT;
    data[4] = probe ? 0x20 : 0x60; // override, and solicited
    memcpy(data + 8, self->net->address6, 16);
    data[24] = 2; // option: target link-layer address
    data[25] = 1;
    memcpy(data + 26, self->mac, 6);
    sum_answer(out, true, IP_ICMP6, data, 32, 2);
    return INET_IP6 + 32;
}

/* Echo, and closed ports -----------------------------------------------------
 */

static uint32_t
answer_echo(const struct inet_self *self, const struct packet *p, uint8_t *out)
{
    if (p->bytes < 8 || p->data[1] != 0)
        return 0;
    uint8_t *data = answer_to(self, p, p->protocol, p->bytes, out);
    memcpy(data, p->data, p->bytes);
    data[0] = p->v6 ? ECHO6_REPLY : 0;
    change_sum(data + 2, p->data, data);
    return (uint32_t)(data - out) + p->bytes;
}

/* "Port unreachable", with the beginning of what came. */
static uint32_t
answer_closed_udp(const struct inet_self *self, const struct packet *p,
                  uint8_t *out)
{
    uint32_t whole = (uint32_t)(p->data - p->ip) + p->bytes;
    uint32_t quote = whole < QUOTE ? whole : QUOTE;
    uint8_t protocol = p->v6 ? IP_ICMP6 : IP_ICMP;
    uint8_t *data = answer_to(self, p, protocol, 8 + quote, out);
    memset(data, 0, 8);
    data[0] = p->v6 ? UNREACHABLE6 : UNREACHABLE4;
    data[1] = p->v6 ? PORT6 : PORT4;
    memcpy(data + 8, p->ip, quote);
    sum_answer(out, p->v6, protocol, data, 8 + quote, 2);
    return (uint32_t)(data - out) + 8 + quote;
}

static uint32_t
get32(const uint8_t *at)
{
    return (uint32_t)inet_get16(at) << 16 | inet_get16(at + 2);
}

static void
put32(uint8_t *at, uint32_t value)
{
    inet_put16(at, value >> 16);
    inet_put16(at + 2, value);
}

/* A reset, numbered as RFC 9293 3.10.7.1 says. */
static uint32_t
answer_closed_tcp(const struct inet_self *self, const struct packet *p,
                  uint8_t *out)
{
    const uint8_t *tcp = p->data;
    if (p->bytes < TCP_BYTES || tcp[12] >> 4 < 5 ||
        (tcp[12] >> 4) * 4u > p->bytes || (tcp[13] & TCP_RST) ||
        !sum_is_right(p))
        return 0;
    uint32_t length = p->bytes - (tcp[12] >> 4) * 4u + !!(tcp[13] & TCP_SYN) +
                      !!(tcp[13] & TCP_FIN);
    uint8_t *data = answer_to(self, p, IP_TCP, TCP_BYTES, out);
    memset(data, 0, TCP_BYTES);
    memcpy(data, tcp + 2, 2);
    memcpy(data + 2, tcp, 2);
    data[12] = TCP_BYTES / 4 << 4;
    if (tcp[13] & TCP_ACK) {
        memcpy(data + 4, tcp + 8, 4);
        data[13] = TCP_RST;
    } else {
        put32(data + 8, get32(tcp + 4) + length);
        data[13] = TCP_RST | TCP_ACK;
    }
    sum_answer(out, p->v6, IP_TCP, data, TCP_BYTES, 16);
    return (uint32_t)(data - out) + TCP_BYTES;
}

/* Errors are not sent to groups, or to nobody [RFC 1122 3.2.2, RFC 4443 2.4].
 */
static bool
may_be_told(const struct packet *p)
{
    const uint8_t *from = addresses_of(p);
    if (p->frame[0] & 1)
        return false;
    if (p->v6)
        return from[0] != 0xff && !is_unspecified(from);
    return from[0] < 224 && from[0] != 0 && from[0] != 127;
}

static uint32_t
answer_packet(const struct inet_self *self, const struct packet *p,
              uint8_t *out)
{
    struct inet_udp udp;
    bool icmp = p->protocol == (p->v6 ? IP_ICMP6 : IP_ICMP);
    if (icmp) {
        if (!p->bytes || !sum_is_right(p))
            return 0;
        if (p->v6 && p->data[0] == NEIGHBOUR_SOLICIT)
            return answer_neighbour(self, p, out);
    }
    if ((p->v6 && !is_ours6(self, p->ip + 24)) || !may_be_told(p))
        return 0;
    if (icmp)
        return p->data[0] == (p->v6 ? ECHO6_REQUEST : ECHO4_REQUEST)
                   ? answer_echo(self, p, out)
                   : 0;
    if (p->protocol == IP_TCP)
        return answer_closed_tcp(self, p, out);
    return parse_udp(p, &udp) ? answer_closed_udp(self, p, out) : 0;
}

uint32_t
inet_answer(const struct inet_self *self, const uint8_t *frame, uint32_t bytes,
            uint16_t flags, uint8_t *out, uint16_t *out_flags)
{
    struct packet p;
    *out_flags = 0;
    if (bytes < INET_ETHER || bytes > EXO_FRAME_MAX)
        return 0;
    if (inet_get16(frame + 12) == ETHER_ARP)
        return answer_arp(self, frame, bytes, out);
    return parse(self, frame, bytes, flags, &p) ? answer_packet(self, &p, out)
                                                : 0;
}
