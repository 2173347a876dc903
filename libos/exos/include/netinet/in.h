/* SPDX-License-Identifier: MIT */
/* Addresses and options of the Internet protocols, with Linux's numbers. */
#ifndef EXOS_NETINET_IN_H
#define EXOS_NETINET_IN_H

#include <sys/cdefs.h>
#include <stdint.h>
#include <machine/endian.h>
#include <sys/socket.h>

#ifndef _IN_ADDR_T_DECLARED
#define _IN_ADDR_T_DECLARED
typedef __uint32_t in_addr_t;
#endif
#ifndef _IN_PORT_T_DECLARED
#define _IN_PORT_T_DECLARED
typedef __uint16_t in_port_t;
#endif

/* Addresses and ports are in network byte order. */
struct in_addr {
    in_addr_t s_addr;
};

struct in6_addr {
    union {
        __uint8_t __bytes[16];
        __uint16_t __halves[8];
        __uint32_t __words[4];
    } __u;
};

#define s6_addr __u.__bytes
#if __MISC_VISIBLE
#define s6_addr16 __u.__halves
#define s6_addr32 __u.__words
#endif

struct sockaddr_in {
    sa_family_t sin_family;
    in_port_t sin_port;
    struct in_addr sin_addr;
    unsigned char sin_zero[8];
};

struct sockaddr_in6 {
    sa_family_t sin6_family;
    in_port_t sin6_port;
    __uint32_t sin6_flowinfo;
    struct in6_addr sin6_addr;
    __uint32_t sin6_scope_id;
};

struct ip_mreq {
    struct in_addr imr_multiaddr;
    struct in_addr imr_interface;
};

struct ip_mreqn {
    struct in_addr imr_multiaddr;
    struct in_addr imr_address;
    int imr_ifindex;
};

struct ipv6_mreq {
    struct in6_addr ipv6mr_multiaddr;
    unsigned ipv6mr_interface;
};

struct in_pktinfo {
    int ipi_ifindex;
    struct in_addr ipi_spec_dst;
    struct in_addr ipi_addr;
};

struct in6_pktinfo {
    struct in6_addr ipi6_addr;
    unsigned ipi6_ifindex;
};

extern const struct in6_addr in6addr_any;
extern const struct in6_addr in6addr_loopback;

#define IN6ADDR_ANY_INIT                                                       \
    {                                                                          \
        {                                                                      \
            {                                                                  \
                0                                                              \
            }                                                                  \
        }                                                                      \
    }
#define IN6ADDR_LOOPBACK_INIT                                                  \
    {                                                                          \
        {                                                                      \
            {                                                                  \
                0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1                 \
            }                                                                  \
        }                                                                      \
    }

#define INADDR_ANY             ((in_addr_t)0)
#define INADDR_BROADCAST       ((in_addr_t)0xffffffff)
#define INADDR_NONE            ((in_addr_t)0xffffffff)
#define INADDR_LOOPBACK        ((in_addr_t)0x7f000001)
#define INADDR_UNSPEC_GROUP    ((in_addr_t)0xe0000000)
#define INADDR_ALLHOSTS_GROUP  ((in_addr_t)0xe0000001)
#define INADDR_MAX_LOCAL_GROUP ((in_addr_t)0xe00000ff)

#define INET_ADDRSTRLEN  16
#define INET6_ADDRSTRLEN 46

#define IN_CLASSA(a)    (((in_addr_t)(a)&0x80000000) == 0)
#define IN_CLASSB(a)    (((in_addr_t)(a)&0xc0000000) == 0x80000000)
#define IN_CLASSC(a)    (((in_addr_t)(a)&0xe0000000) == 0xc0000000)
#define IN_CLASSD(a)    (((in_addr_t)(a)&0xf0000000) == 0xe0000000)
#define IN_MULTICAST(a) IN_CLASSD(a)
#define IN_LOOPBACKNET  127
#define IN_CLASSA_NET   0xff000000
#define IN_CLASSB_NET   0xffff0000
#define IN_CLASSC_NET   0xffffff00

#define __IN6_WORD(a, i) ((a)->__u.__words[i])
#define __IN6_BYTE(a, i) ((a)->__u.__bytes[i])
#define __IN6_ZERO(a, n)                                                       \
    (__IN6_WORD(a, 0) == 0 && __IN6_WORD(a, 1) == 0 &&                         \
     ((n) < 3 || __IN6_WORD(a, 2) == 0))
#define IN6_IS_ADDR_UNSPECIFIED(a) (__IN6_ZERO(a, 3) && __IN6_WORD(a, 3) == 0)
#define IN6_IS_ADDR_LOOPBACK(a)                                                \
    (__IN6_ZERO(a, 3) && __IN6_WORD(a, 3) == __htonl(1))
#define IN6_IS_ADDR_MULTICAST(a) (__IN6_BYTE(a, 0) == 0xff)
#define IN6_IS_ADDR_LINKLOCAL(a)                                               \
    (__IN6_BYTE(a, 0) == 0xfe && (__IN6_BYTE(a, 1) & 0xc0) == 0x80)
#define IN6_IS_ADDR_SITELOCAL(a)                                               \
    (__IN6_BYTE(a, 0) == 0xfe && (__IN6_BYTE(a, 1) & 0xc0) == 0xc0)
#define IN6_IS_ADDR_V4MAPPED(a)                                                \
    (__IN6_ZERO(a, 2) && __IN6_WORD(a, 2) == __htonl(0xffff))
#define IN6_IS_ADDR_V4COMPAT(a)                                                \
    (__IN6_ZERO(a, 3) && __ntohl(__IN6_WORD(a, 3)) > 1)
#define __IN6_SCOPE(a, scope)                                                  \
    (IN6_IS_ADDR_MULTICAST(a) && (__IN6_BYTE(a, 1) & 0xf) == (scope))
#define IN6_IS_ADDR_MC_NODELOCAL(a) __IN6_SCOPE(a, 1)
#define IN6_IS_ADDR_MC_LINKLOCAL(a) __IN6_SCOPE(a, 2)
#define IN6_IS_ADDR_MC_SITELOCAL(a) __IN6_SCOPE(a, 5)
#define IN6_IS_ADDR_MC_ORGLOCAL(a)  __IN6_SCOPE(a, 8)
#define IN6_IS_ADDR_MC_GLOBAL(a)    __IN6_SCOPE(a, 14)
#if __MISC_VISIBLE
#define IN6_ARE_ADDR_EQUAL(a, b) (__builtin_memcmp((a), (b), 16) == 0)
#endif

#define IPPROTO_IP       0
#define IPPROTO_ICMP     1
#define IPPROTO_IGMP     2
#define IPPROTO_TCP      6
#define IPPROTO_UDP      17
#define IPPROTO_IPV6     41
#define IPPROTO_ROUTING  43
#define IPPROTO_FRAGMENT 44
#define IPPROTO_ICMPV6   58
#define IPPROTO_NONE     59
#define IPPROTO_RAW      255

#define IP_TOS             1
#define IP_TTL             2
#define IP_HDRINCL         3
#define IP_OPTIONS         4
#define IP_PKTINFO         8
#define IP_MTU_DISCOVER    10
#define IP_RECVERR         11
#define IP_RECVTTL         12
#define IP_RECVTOS         13
#define IP_MTU             14
#define IP_FREEBIND        15
#define IP_TRANSPARENT     19
#define IP_MULTICAST_IF    32
#define IP_MULTICAST_TTL   33
#define IP_MULTICAST_LOOP  34
#define IP_ADD_MEMBERSHIP  35
#define IP_DROP_MEMBERSHIP 36
#define IP_PMTUDISC_DONT   0
#define IP_PMTUDISC_WANT   1
#define IP_PMTUDISC_DO     2

#define IPV6_UNICAST_HOPS    16
#define IPV6_MULTICAST_IF    17
#define IPV6_MULTICAST_HOPS  18
#define IPV6_MULTICAST_LOOP  19
#define IPV6_JOIN_GROUP      20
#define IPV6_LEAVE_GROUP     21
#define IPV6_MTU_DISCOVER    23
#define IPV6_MTU             24
#define IPV6_V6ONLY          26
#define IPV6_RECVPKTINFO     49
#define IPV6_PKTINFO         50
#define IPV6_RECVHOPLIMIT    51
#define IPV6_HOPLIMIT        52
#define IPV6_RECVTCLASS      66
#define IPV6_TCLASS          67
#define IPV6_ADD_MEMBERSHIP  IPV6_JOIN_GROUP
#define IPV6_DROP_MEMBERSHIP IPV6_LEAVE_GROUP

#define IPPORT_RESERVED 1024

__BEGIN_DECLS
#undef htonl
#undef htons
#undef ntohl
#undef ntohs
__uint32_t htonl(__uint32_t);
__uint16_t htons(__uint16_t);
__uint32_t ntohl(__uint32_t);
__uint16_t ntohs(__uint16_t);
#define htonl(x) __htonl(x)
#define htons(x) __htons(x)
#define ntohl(x) __ntohl(x)
#define ntohs(x) __ntohs(x)
__END_DECLS

#endif
