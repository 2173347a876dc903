// SPDX-License-Identifier: MIT
//
// inet_test: frames in, frames out. Requests are put together here with a
// checksum routine of their own; answers are taken apart the same way. Then
// every request is cut short and damaged in every byte.
// Run on the host under ASan and UBSan.
// Sources: libos/lib/inet.c
#include "lib/inet.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t PEER[6] = {2, 0, 0, 0, 0, 9};
static const struct start_net NET = {
    .address4 = {10, 0, 2, 15},
    .address6 = {0xfe, 0xc0, [15] = 15},
    .prefix4 = 24,
    .prefix6 = 64,
};
static const struct inet_self SELF = {{2, 0, 0, 0, 0, 1}, &NET};

static uint8_t in[EXO_FRAME_MAX], out[EXO_FRAME_MAX];
static uint32_t in_bytes, out_bytes;
static uint16_t flags;

static uint32_t
plain_sum(const uint8_t *at, uint32_t count, uint32_t sum)
{
    for (uint32_t i = 0; i < count; i++)
        sum += i & 1 ? at[i] : (uint32_t)at[i] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

static uint32_t
transport_sum(const uint8_t *frame, bool v6, uint8_t protocol, uint32_t bytes)
{
    const uint8_t *ip = frame + 14;
    uint32_t sum = protocol == 1 ? 0 : protocol + bytes;
    if (protocol != 1)
        sum = plain_sum(ip + (v6 ? 8 : 12), v6 ? 32 : 8, sum);
    return plain_sum(ip + (v6 ? 40 : 20), bytes, sum);
}

// A packet from the peer; `sum_at` is where its checksum goes.
static void
make(bool v6, uint8_t protocol, const void *data, uint32_t bytes,
     uint32_t sum_at)
{
    uint8_t *ip = in + 14, *at = ip + (v6 ? 40 : 20);
    memset(in, 0, sizeof(in));
    memcpy(in, SELF.mac, 6);
    memcpy(in + 6, PEER, 6);
    inet_put16(in + 12, v6 ? 0x86dd : 0x0800);
    if (v6) {
        ip[0] = 0x60;
        inet_put16(ip + 4, bytes);
        ip[6] = protocol;
        ip[7] = 255;
        memcpy(ip + 8, NET.address6, 16);
        ip[23] = 2;
        memcpy(ip + 24, NET.address6, 16);
    } else {
        ip[0] = 0x45;
        inet_put16(ip + 2, 20 + bytes);
        ip[8] = 64;
        ip[9] = protocol;
        memcpy(ip + 12, "\x0a\x00\x02\x02\x0a\x00\x02\x0f", 8);
        inet_put16(ip + 10, ~plain_sum(ip, 20, 0));
    }
    memcpy(at, data, bytes);
    inet_put16(at + sum_at, 0);
    inet_put16(at + sum_at, ~transport_sum(in, v6, protocol, bytes));
    in_bytes = (uint32_t)(at - in) + bytes;
}

static uint32_t
answer(void)
{
    uint8_t *copy = malloc(in_bytes ? in_bytes : 1);
    memcpy(copy, in, in_bytes);
    memset(out, 0xee, sizeof(out));
    out_bytes = inet_answer(&SELF, copy, in_bytes, 0, out, &flags);
    free(copy);
    return out_bytes;
}

// The answer is a good packet to the peer.
static const uint8_t *
taken_apart(bool v6, uint8_t protocol, uint32_t bytes)
{
    const uint8_t *ip = out + 14;
    assert(out_bytes == 14u + (v6 ? 40 : 20) + bytes);
    assert(memcmp(out, PEER, 6) == 0 && memcmp(out + 6, SELF.mac, 6) == 0);
    if (v6) {
        assert(ip[0] == 0x60 && ip[6] == protocol);
        assert(inet_get16(ip + 4) == bytes);
        assert(ip[23] == 15 && ip[39] == 2);
    } else {
        assert(ip[0] == 0x45 && ip[9] == protocol);
        assert(inet_get16(ip + 2) == 20 + bytes);
        assert(plain_sum(ip, 20, 0) == 0xffff);
        assert(memcmp(ip + 12, "\x0a\x00\x02\x0f\x0a\x00\x02\x02", 8) == 0);
    }
    assert(transport_sum(out, v6, protocol, bytes) == 0xffff);
    return ip + (v6 ? 40 : 20);
}

static const uint8_t ARP[42] = {
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0,  9, 8, 6,
    0,    1,    8,    0,    6,    4,    0, 1, 2, 0, 0,  0, 0, 9,
    10,   0,    2,    2,    0,    0,    0, 0, 0, 0, 10, 0, 2, 15};

static void
test_arp(void)
{
    static const uint8_t reply[42] = {
        2, 0, 0, 0, 0, 9, 2, 0,  0, 0, 0,  1, 8, 6, 0, 1, 8, 0,  6, 4, 0,
        2, 2, 0, 0, 0, 0, 1, 10, 0, 2, 15, 2, 0, 0, 0, 0, 9, 10, 0, 2, 2};
    memcpy(in, ARP, in_bytes = sizeof(ARP));
    assert(answer() == 42 && memcmp(out, reply, 42) == 0);
    in[41] = 16; // somebody else
    assert(!answer());
    in[41] = 15;
    in[21] = 2; // a reply
    assert(!answer());
}

static void
test_echo(void)
{
    uint8_t ping[1000] = {8, 0, 0, 0, 0x12, 0x34, 0, 1, 'h', 'i'};
    for (uint32_t bytes = 8; bytes <= sizeof(ping); bytes += 31) {
        make(false, 1, ping, bytes, 2);
        assert(answer());
        const uint8_t *data = taken_apart(false, 1, bytes);
        assert(data[0] == 0 && memcmp(data + 4, ping + 4, bytes - 4) == 0);
        ping[0] = 128;
        make(true, 58, ping, bytes, 2);
        assert(answer());
        data = taken_apart(true, 58, bytes);
        assert(data[0] == 129 && memcmp(data + 4, ping + 4, bytes - 4) == 0);
        ping[0] = 8;
    }
}

static void
make_solicit(void)
{
    uint8_t data[32] = {135};
    memcpy(data + 8, NET.address6, 16);
    data[24] = 1, data[25] = 1;
    memcpy(data + 26, PEER, 6);
    make(true, 58, data, sizeof(data), 2);
}

static void
test_neighbour(void)
{
    make_solicit();
    assert(answer());
    const uint8_t *data = taken_apart(true, 58, 32);
    assert(data[0] == 136 && data[4] == 0x60 && out[14 + 7] == 255);
    assert(memcmp(data + 8, NET.address6, 16) == 0);
    assert(data[24] == 2 && memcmp(data + 26, SELF.mac, 6) == 0);
    in[14 + 7] = 254; // came through a router
    assert(!answer());
}

static void
test_closed_ports(void)
{
    const uint8_t udp[30] = {0x10, 0, 0, 9, 0, 30};
    make(false, 17, udp, sizeof(udp), 6);
    assert(answer());
    const uint8_t *data = taken_apart(false, 1, 8 + 20 + 30);
    assert(data[0] == 3 && data[1] == 3 && memcmp(data + 8, in + 14, 50) == 0);
    make(true, 17, udp, sizeof(udp), 6);
    assert(answer());
    data = taken_apart(true, 58, 8 + 40 + 30);
    assert(data[0] == 1 && data[1] == 4);

    uint8_t syn[24] = {0x10, 0, 0, 80, 0, 0, 1, 0, 0, 0, 0, 7, 6 << 4, 2};
    make(false, 6, syn, sizeof(syn), 16);
    assert(answer());
    data = taken_apart(false, 6, 20);
    assert(inet_get16(data) == 80 && inet_get16(data + 2) == 0x1000);
    assert(data[13] == 0x14 && inet_get16(data + 10) == 0x101);
    syn[13] = 0x10; // a segment out of the blue: its acknowledgement is used
    make(true, 6, syn, sizeof(syn), 16);
    assert(answer());
    data = taken_apart(true, 6, 20);
    assert(data[13] == 4 && data[7] == 7);
    syn[13] = 4; // resets are not answered
    make(false, 6, syn, sizeof(syn), 16);
    assert(!answer());
}

static void
test_groups_get_no_errors(void)
{
    const uint8_t udp[30] = {0x10, 0, 0, 9, 0, 30};
    make(false, 17, udp, sizeof(udp), 6);
    in[0] = 0xff;
    assert(!answer());
    make(false, 17, udp, sizeof(udp), 6);
    in[14 + 12] = 224;
    inet_put16(in + 14 + 10, 0);
    inet_put16(in + 14 + 10, ~plain_sum(in + 14, 20, 0));
    assert(!answer());
}

static void
test_udp(void)
{
    uint8_t request[40] = {0x10, 0, 0x2b, 0xcb, 0, 40, 0, 0, 'g', 'e', 't'};
    for (unsigned v6 = 0; v6 < 2; v6++) {
        struct inet_udp udp;
        make(v6, 17, request, sizeof(request), 6);
        assert(inet_udp(&SELF, in, in_bytes, 0, &udp));
        assert(udp.v6 == v6 && udp.from == 0x1000 && udp.to == 11211);
        assert(udp.bytes == 32 && memcmp(udp.payload, "get", 3) == 0);
        uint32_t at = v6 ? INET_UDP6 : INET_UDP4;
        memcpy(out + at, "hello", 5);
        out_bytes = inet_udp_answer(&SELF, in, &udp, out, 5, &flags);
        assert(flags ==
               (EXO_TX_SUM | EXO_TX_SUM_UDP | (v6 ? EXO_TX_SUM_V6 : 0)));
        uint8_t *sum = out + at - 2; // what the card does
        uint32_t folded = plain_sum(out + at - 8, 13, 0);
        inet_put16(sum, ~folded);
        const uint8_t *data = taken_apart(v6, 17, 13);
        assert(inet_get16(data) == 11211 && inet_get16(data + 2) == 0x1000);
        in[in_bytes - 1] ^= 1; // damaged
        assert(!inet_udp(&SELF, in, in_bytes, 0, &udp));
        assert(inet_udp(&SELF, in, in_bytes, EXO_RX_CHECKED, &udp));
        assert(!answer());
    }
    make(false, 17, request, sizeof(request), 6);
    inet_put16(in + 14 + 20 + 6, 0); // IPv4 without a checksum
    struct inet_udp udp;
    assert(inet_udp(&SELF, in, in_bytes, 0, &udp));
    make(true, 17, request, sizeof(request), 6);
    inet_put16(in + 14 + 40 + 6, 0); // not allowed in IPv6
    assert(!inet_udp(&SELF, in, in_bytes, 0, &udp));
}

// An address that is not there is nobody's.
static void
test_without_addresses(void)
{
    static const struct start_net none;
    const struct inet_self nobody = {{2, 0, 0, 0, 0, 1}, &none};
    static uint8_t arp[42];
    memcpy(arp, ARP, sizeof(arp));
    memset(arp + 38, 0, 4);
    assert(!inet_answer(&nobody, arp, sizeof(arp), 0, out, &flags));
}

// Cut off anywhere, or with any byte changed: no read beyond it, no answer that
// is longer than a frame.
static void
damage(void)
{
    static uint8_t whole[EXO_FRAME_MAX];
    uint32_t bytes = in_bytes;
    memcpy(whole, in, bytes);
    for (in_bytes = 0; in_bytes < bytes; in_bytes++)
        assert(!answer());
    for (uint32_t at = 0; at < bytes; at++)
        for (unsigned bit = 0; bit < 8; bit++) {
            memcpy(in, whole, bytes);
            in[at] ^= 1 << bit;
            assert(answer() <= EXO_FRAME_MAX);
        }
}

static void
test_damage(void)
{
    const uint8_t ping[20] = {8}, ping6[20] = {128};
    const uint8_t udp[30] = {0x10, 0, 0, 9, 0, 30};
    const uint8_t syn[24] = {0x10, 0, 0, 80, [12] = 6 << 4, [13] = 2};
    memcpy(in, ARP, in_bytes = sizeof(ARP));
    damage();
    make(false, 1, ping, sizeof(ping), 2), damage();
    make(true, 58, ping6, sizeof(ping6), 2), damage();
    make_solicit(), damage();
    make(false, 17, udp, sizeof(udp), 6), damage();
    make(true, 17, udp, sizeof(udp), 6), damage();
    make(false, 6, syn, sizeof(syn), 16), damage();
    make(true, 6, syn, sizeof(syn), 16), damage();
}

static void
test_sums(void)
{
    uint8_t bytes[64];
    for (unsigned i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 37 + 11);
    for (uint32_t n = 0; n <= sizeof(bytes); n++) {
        uint16_t folded = inet_fold(inet_sum(bytes, n, 0));
        uint8_t at[2];
        memcpy(at, &folded, 2);
        assert(inet_get16(at) == plain_sum(bytes, n, 0));
    }
    assert(inet_fold(UINT64_MAX) == 0xffff);
}

int
main(void)
{
    test_sums();
    test_arp();
    test_echo();
    test_neighbour();
    test_closed_ports();
    test_groups_get_no_errors();
    test_udp();
    test_without_addresses();
    test_damage();
    return 0;
}
