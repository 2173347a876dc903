/* SPDX-License-Identifier: MIT */
/* The header of an IPv4 packet. */
#ifndef EXOS_NETINET_IP_H
#define EXOS_NETINET_IP_H

#include <sys/cdefs.h>
#include <netinet/in.h>

struct iphdr {
    unsigned ihl : 4;
    unsigned version : 4;
    __uint8_t tos;
    __uint16_t tot_len;
    __uint16_t id;
    __uint16_t frag_off;
    __uint8_t ttl;
    __uint8_t protocol;
    __uint16_t check;
    __uint32_t saddr;
    __uint32_t daddr;
};

#define IPVERSION         4
#define IPDEFTTL          64
#define MAXTTL            255
#define IPTOS_LOWDELAY    0x10
#define IPTOS_THROUGHPUT  0x08
#define IPTOS_RELIABILITY 0x04
#define IPTOS_MINCOST     0x02

#endif
