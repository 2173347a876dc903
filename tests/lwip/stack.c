// SPDX-License-Identifier: MIT
//
// stack: what lwIP asks of libos/exos/net/stack.c, for tests without an
// interface: no gateway, and the Internet checksum by its definition.
#include <lwip/ip6_addr.h>
#include <lwip/netif.h>

const ip6_addr_t *
stack_gateway6(const ip6_addr_t *to)
{
    (void)to;
    return NULL;
}

// In the order of memory [RFC1071].
unsigned short
stack_checksum(const void *bytes, int count)
{
    const unsigned char *at = bytes;
    uint32_t sum = 0;
    for (int i = 0; i < count; i++)
        sum += (uint32_t)at[i] << 8 * (i & 1);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (unsigned short)sum;
}
