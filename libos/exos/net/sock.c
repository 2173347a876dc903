// SPDX-License-Identifier: MIT
/* Sockets, what both kinds share: see sock.h. */
#include "exos/net/sock.h"

#include <lwip/tcp.h>
#include <lwip/udp.h>

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>

struct sock *
sock_make(int family, int type)
{
    struct sock *s = calloc(1, sizeof(*s));
    if (!s)
        return NULL;
    s->family = family;
    s->type = type;
    return s;
}

int
sock_open(int family, int type, int protocol, struct sock **sock)
{
    bool stream = type == SOCK_STREAM;
    if (family != AF_INET && family != AF_INET6)
        return -EAFNOSUPPORT;
    if (!stream && type != SOCK_DGRAM)
        return -ESOCKTNOSUPPORT;
    if (protocol && protocol != (stream ? IPPROTO_TCP : IPPROTO_UDP))
        return -EPROTONOSUPPORT;
    struct sock *s = sock_make(family, type);
    if (!s)
        return -ENOMEM;
    int error = stream ? sock_tcp_open(s) : sock_udp_open(s);
    if (error) {
        free(s);
        return error;
    }
    *sock = s;
    return 0;
}

void
sock_close(struct sock *s)
{
    if (s->type == SOCK_STREAM)
        sock_tcp_close(s);
    else
        sock_udp_close(s);
    free(s);
}

int
sock_error(struct sock *s)
{
    int error = s->error;
    s->error = 0;
    return error;
}

/* May a socket have this as its own address? */
static bool
is_own(const ip_addr_t *ip)
{
    struct netif *netif;
    if (ip_addr_isany(ip) || ip_addr_isloopback(ip) || ip_addr_ismulticast(ip))
        return true;
    NETIF_FOREACH(netif)
    if (IP_IS_V6(ip) ? netif_get_ip6_addr_match(netif, ip_2_ip6(ip)) >= 0
                     : ip4_addr_cmp(netif_ip4_addr(netif), ip_2_ip4(ip)))
        return true;
    return false;
}

int
sock_bind(struct sock *s, const struct sockaddr *address, socklen_t bytes)
{
    ip_addr_t ip;
    uint16_t port;
    int error = sock_read_address(s, address, bytes, &ip, &port);
    if (error)
        return error;
    if (s->bound || s->state != SOCK_NEW)
        return -EINVAL;
    if (!is_own(&ip))
        return -EADDRNOTAVAIL;
    if (s->type == SOCK_STREAM)
        error = sock_tcp_bind(s, &ip, port);
    else
        error = -sock_errno(udp_bind(s->udp, &ip, port));
    s->bound = !error;
    return error;
}

int
sock_connect(struct sock *s, const struct sockaddr *address, socklen_t bytes)
{
    ip_addr_t ip;
    uint16_t port;
    if (s->type == SOCK_DGRAM && address && bytes >= sizeof(sa_family_t) &&
        address->sa_family == AF_UNSPEC)
        return sock_udp_disconnect(s);
    int error = sock_read_address(s, address, bytes, &ip, &port);
    if (error)
        return error;
    return s->type == SOCK_STREAM ? sock_tcp_connect(s, &ip, port)
                                  : sock_udp_connect(s, &ip, port);
}

/* Do the parts of a message add up to something a call can return? */
static bool
is_sane(const struct iovec *iov, int count)
{
    size_t sum = 0;
    for (int i = 0; i < count; i++) {
        if (iov[i].iov_len > SSIZE_MAX - sum)
            return false;
        sum += iov[i].iov_len;
    }
    return count >= 0;
}

ssize_t
sock_send(struct sock *s, const struct iovec *iov, int count, int flags,
          const struct sockaddr *to, socklen_t to_bytes)
{
    ip_addr_t ip;
    uint16_t port = 0;
    if (!is_sane(iov, count))
        return -EINVAL;
    if (s->error)
        return -sock_error(s);
    if (s->type == SOCK_STREAM)
        return sock_tcp_send(s, iov, count, flags);
    int error = to ? sock_read_address(s, to, to_bytes, &ip, &port) : 0;
    return error ? error : sock_udp_send(s, iov, count, to ? &ip : NULL, port);
}

ssize_t
sock_receive(struct sock *s, const struct iovec *iov, int count, int *flags,
             struct sockaddr *from, socklen_t *from_bytes)
{
    ip_addr_t ip;
    uint16_t port;
    if (!is_sane(iov, count))
        return -EINVAL;
    if (s->type == SOCK_STREAM) {
        if (from_bytes)
            *from_bytes = 0;
        return sock_tcp_receive(s, iov, count, *flags);
    }
    if (s->error)
        return -sock_error(s);
    ssize_t got = sock_udp_receive(s, iov, count, flags, &ip, &port);
    if (got >= 0)
        sock_write_address(s, &ip, port, from, from_bytes);
    return got;
}

int
sock_shutdown(struct sock *s, int how)
{
    if (how != SHUT_RD && how != SHUT_WR && how != SHUT_RDWR)
        return -EINVAL;
    if (s->type == SOCK_STREAM)
        return sock_tcp_shutdown(s, how);
    if (!s->connected)
        return -ENOTCONN;
    s->read_shut = s->read_shut || how != SHUT_WR;
    s->write_shut = s->write_shut || how != SHUT_RD;
    return 0;
}

short
sock_poll(const struct sock *s)
{
    if (s->type == SOCK_STREAM)
        return sock_tcp_poll(s);
    short events = POLLOUT | POLLWRNORM;
    if (s->datagram || s->read_shut)
        events |= POLLIN | POLLRDNORM;
    return s->error ? events | POLLERR : events;
}

int
sock_name(const struct sock *s, struct sockaddr *to, socklen_t *bytes)
{
    ip_addr_t any = {0};
    if (s->type == SOCK_DGRAM)
        sock_write_address(s, &s->udp->local_ip, s->udp->local_port, to, bytes);
    else if (s->tcp)
        sock_write_address(s, &s->tcp->local_ip, s->tcp->local_port, to, bytes);
    else
        sock_write_address(s, &any, 0, to, bytes);
    return 0;
}

int
sock_peer(const struct sock *s, struct sockaddr *to, socklen_t *bytes)
{
    if (s->type == SOCK_DGRAM) {
        if (!s->connected)
            return -ENOTCONN;
        sock_write_address(s, &s->udp->remote_ip, s->udp->remote_port, to,
                           bytes);
        return 0;
    }
    if (s->state != SOCK_CONNECTED || !s->tcp)
        return -ENOTCONN;
    sock_write_address(s, &s->tcp->remote_ip, s->tcp->remote_port, to, bytes);
    return 0;
}
