// SPDX-License-Identifier: MIT
/* Socket addresses to and from lwIP's: see sock.h. */
#include "exos/net/sock.h"

#include <lwip/ip.h>
#include <lwip/sys.h>

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

int
sock_errno(err_t error)
{
    switch (error) {
    case ERR_OK:
        return 0;
    case ERR_MEM:
    case ERR_BUF:
        return ENOBUFS;
    case ERR_TIMEOUT:
        return ETIMEDOUT;
    case ERR_RTE:
        return ENETUNREACH;
    case ERR_INPROGRESS:
        return EINPROGRESS;
    case ERR_WOULDBLOCK:
        return EAGAIN;
    case ERR_USE:
        return EADDRINUSE;
    case ERR_ALREADY:
        return EALREADY;
    case ERR_ISCONN:
        return EISCONN;
    case ERR_CONN:
        return ENOTCONN;
    case ERR_IF:
        return ENETDOWN;
    case ERR_ABRT:
        return ECONNABORTED;
    case ERR_RST:
    case ERR_CLSD:
        return ECONNRESET;
    default:
        return EINVAL;
    }
}

static int
read4(const struct sock *s, const struct sockaddr *from, ip_addr_t *address,
      uint16_t *port)
{
    struct sockaddr_in in;
    if (s->family == AF_INET6 && s->v6_only)
        return -EINVAL;
    memcpy(&in, from, sizeof(in));
    ip_addr_set_zero_ip4(address);
    ip4_addr_set_u32(ip_2_ip4(address), in.sin_addr.s_addr);
    *port = lwip_ntohs(in.sin_port);
    return 0;
}

/* An IPv6 address, or an IPv4 address mapped into one [RFC 4291 2.5.5.2]. */
static int
read6(const struct sock *s, const struct sockaddr *from, ip_addr_t *address,
      uint16_t *port)
{
    struct sockaddr_in6 in;
    uint32_t word[4];
    memcpy(&in, from, sizeof(in));
    memcpy(word, &in.sin6_addr, sizeof(word));
    *port = lwip_ntohs(in.sin6_port);
    if (IN6_IS_ADDR_V4MAPPED(&in.sin6_addr)) {
        if (s->v6_only)
            return -ENETUNREACH;
        ip_addr_set_zero_ip4(address);
        ip4_addr_set_u32(ip_2_ip4(address), word[3]);
        return 0;
    }
    IP_ADDR6(address, word[0], word[1], word[2], word[3]);
    if (IN6_IS_ADDR_UNSPECIFIED(&in.sin6_addr) && !s->v6_only)
        *address = *IP_ANY_TYPE;
    return 0;
}

int
sock_read_address(const struct sock *s, const struct sockaddr *from,
                  socklen_t bytes, ip_addr_t *address, uint16_t *port)
{
    sa_family_t family;
    if (!from || bytes < sizeof(family))
        return -EINVAL;
    memcpy(&family, &from->sa_family, sizeof(family));
    if (family == AF_INET && bytes >= sizeof(struct sockaddr_in))
        return read4(s, from, address, port);
    if (family == AF_INET6 && bytes >= sizeof(struct sockaddr_in6))
        return s->family == AF_INET6 ? read6(s, from, address, port)
                                     : -EAFNOSUPPORT;
    return family == AF_INET || family == AF_INET6 ? -EINVAL : -EAFNOSUPPORT;
}

static socklen_t
as4(const ip_addr_t *address, uint16_t port, void *to)
{
    struct sockaddr_in in = {.sin_family = AF_INET,
                             .sin_port = lwip_htons(port)};
    if (IP_IS_V4(address))
        in.sin_addr.s_addr = ip4_addr_get_u32(ip_2_ip4(address));
    memcpy(to, &in, sizeof(in));
    return sizeof(in);
}

static socklen_t
as6(const ip_addr_t *address, uint16_t port, void *to)
{
    struct sockaddr_in6 in = {.sin6_family = AF_INET6,
                              .sin6_port = lwip_htons(port)};
    uint32_t word[4] = {0, 0, lwip_htonl(0xffff), 0};
    if (IP_IS_V4_VAL(*address))
        word[3] = ip4_addr_get_u32(ip_2_ip4(address));
    else
        memcpy(word, ip_2_ip6(address)->addr, sizeof(word));
    memcpy(&in.sin6_addr, word, sizeof(word));
    memcpy(to, &in, sizeof(in));
    return sizeof(in);
}

void
sock_write_address(const struct sock *s, const ip_addr_t *address,
                   uint16_t port, struct sockaddr *to, socklen_t *bytes)
{
    struct sockaddr_storage all;
    if (!to || !bytes)
        return;
    socklen_t length = s->family == AF_INET6 ? as6(address, port, &all)
                                             : as4(address, port, &all);
    memcpy(to, &all, *bytes < length ? *bytes : length);
    *bytes = length;
}
