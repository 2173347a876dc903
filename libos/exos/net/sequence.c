/* SPDX-License-Identifier: MIT */
/*
 * Initial sequence numbers of TCP as [RFC6528] wants them: a clock of 4 us plus
 * a keyed hash of the connection's addresses. The hash is [Aumasson12] with two
 * and four rounds; its key is drawn once per program.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lwip/ip_addr.h"
#include "lwip/sys.h"

struct sip {
    uint64_t v0, v1, v2, v3;
};

static uint64_t
rotate(uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

static void
sip_round(struct sip *s)
{
    s->v0 += s->v1;
    s->v2 += s->v3;
    s->v1 = rotate(s->v1, 13) ^ s->v0;
    s->v3 = rotate(s->v3, 16) ^ s->v2;
    s->v0 = rotate(s->v0, 32);
    s->v2 += s->v1;
    s->v0 += s->v3;
    s->v1 = rotate(s->v1, 17) ^ s->v2;
    s->v3 = rotate(s->v3, 21) ^ s->v0;
    s->v2 = rotate(s->v2, 32);
}

/* The hash of whole words; their number is the same for all callers. */
static uint64_t
sip_hash(const uint64_t key[2], const uint64_t *words, int n)
{
    struct sip s = {key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d,
                    key[0] ^ 0x6c7967656e657261, key[1] ^ 0x7465646279746573};
    for (int i = 0; i < n; i++) {
        s.v3 ^= words[i];
        sip_round(&s);
        sip_round(&s);
        s.v0 ^= words[i];
    }
    s.v2 ^= 0xff;
    for (int i = 0; i < 4; i++)
        sip_round(&s);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

static void
put_address(uint64_t words[2], const ip_addr_t *address)
{
    words[0] = words[1] = 0;
    if (IP_IS_V6(address))
        memcpy(words, ip_2_ip6(address)->addr, 16);
    else
        memcpy(words, &ip_2_ip4(address)->addr, 4);
}

unsigned
net_first_sequence(const ip_addr_t *local, unsigned short port,
                   const ip_addr_t *remote, unsigned short remote_port)
{
    static uint64_t key[2];
    uint64_t words[5];
    if (!key[0])
        arc4random_buf(key, sizeof key);
    put_address(words, local);
    put_address(words + 2, remote);
    words[4] = (uint64_t)port << 16 | remote_port;
    return (unsigned)sip_hash(key, words, 5) + 250 * sys_now();
}
