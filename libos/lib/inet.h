// SPDX-License-Identifier: MIT
/*
 * inet.h: the least of the Internet protocols, for programs that answer from
 * raw packets: who has this address, echo, closed ports, and datagrams of UDP.
 * No connections, no state, nothing that waits; a frame goes in and a frame
 * comes out. For more there is lwIP (libos/exos).
 *
 * Pure: frames are bytes in memory. What comes in is believed only after every
 * length and checksum was checked.
 *
 * Sources: RFC 826 (ARP), 791, 792 (IPv4, ICMP), 768 (UDP), 9293 3.5.2 (reset),
 * 8200, 4443, 4861 (IPv6, ICMPv6, neighbours), 1624 and 1071 (checksums).
 */
#ifndef LIB_INET_H
#define LIB_INET_H

#include "lib/start.h"

#include <exo/net.h>

/* Who answers. */
struct inet_self {
    uint8_t mac[6];
    const struct start_net *net;
};

/* Where things stand in a frame without IPv4 options or IPv6 extensions, which
 * is how frames are sent here. */
enum {
    INET_ETHER = 14,
    INET_IP4 = INET_ETHER + 20,
    INET_IP6 = INET_ETHER + 40,
    INET_UDP = 8,
    INET_UDP4 = INET_IP4 + INET_UDP, // payload of UDP over IPv4
    INET_UDP6 = INET_IP6 + INET_UDP,
};

/* A datagram that came for us. */
struct inet_udp {
    bool v6;
    uint16_t from, to; // ports
    const uint8_t *payload;
    uint32_t bytes;
};

/* Is the frame a whole UDP datagram for this address, its checksums right?
 * flags: those it was received with (EXO_RX_CHECKED saves a sum). */
bool inet_udp(const struct inet_self *self, const uint8_t *frame,
              uint32_t bytes, uint16_t flags, struct inet_udp *udp);

/* Writes the headers of an answer to a datagram in front of its payload, which
 * stands at INET_UDP4 or INET_UDP6 of `out` already. Result: bytes of the
 * frame, to be sent with *flags. */
uint32_t inet_udp_answer(const struct inet_self *self, const uint8_t *frame,
                         const struct inet_udp *udp, uint8_t *out,
                         uint32_t payload_bytes, uint16_t *flags);

/* The answer to whatever is no datagram of ours, EXO_FRAME_MAX bytes of room:
 * to ARP and neighbour requests, to echo requests, to ports where nobody
 * listens. Result: bytes of the frame, to be sent with *flags; 0: none. */
uint32_t inet_answer(const struct inet_self *self, const uint8_t *frame,
                     uint32_t bytes, uint16_t flags, uint8_t *out,
                     uint16_t *out_flags);

/* One's complement sum of bytes [RFC 1071], added to `sum`. The bytes before
 * are of even number. */
uint64_t inet_sum(const void *bytes, uint32_t count, uint64_t sum);

/* Folds a sum to 16 bits, in network byte order. */
uint16_t inet_fold(uint64_t sum);

static inline uint16_t
inet_get16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static inline void
inet_put16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

#endif
