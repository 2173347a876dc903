// SPDX-License-Identifier: MIT
/* Datagram sockets: see sock.h. */
#include "exos/net/sock.h"

#include <lwip/udp.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RECEIVED_MAX (208u * 1024) // bytes that wait, as Linux's default
#define PAYLOAD_MAX  65507u

static void
on_datagram(void *arg, struct udp_pcb *pcb, struct pbuf *data,
            const ip_addr_t *from, u16_t port)
{
    struct sock *s = arg;
    struct sock_datagram *d;
    (void)pcb;
    if (s->read_shut || s->received + data->tot_len > RECEIVED_MAX ||
        (d = malloc(sizeof(*d))) == NULL) {
        pbuf_free(data);
        return;
    }
    *d = (struct sock_datagram){.data = data, .from = *from, .port = port};
    if (s->datagram)
        s->datagram_last->next = d;
    else
        s->datagram = d;
    s->datagram_last = d;
    s->received += data->tot_len;
    sock_changed(s);
}

int
sock_udp_open(struct sock *s)
{
    s->udp = udp_new_ip_type(s->family == AF_INET ? IPADDR_TYPE_V4
                                                  : IPADDR_TYPE_ANY);
    if (!s->udp)
        return -ENOBUFS;
    udp_recv(s->udp, on_datagram, s);
    return 0;
}

int
sock_udp_connect(struct sock *s, const ip_addr_t *address, uint16_t port)
{
    err_t error = udp_connect(s->udp, address, port);
    s->connected = error == ERR_OK;
    return -sock_errno(error);
}

int
sock_udp_disconnect(struct sock *s)
{
    udp_disconnect(s->udp);
    s->connected = false;
    return 0;
}

static size_t
length_of(const struct iovec *iov, int count)
{
    size_t sum = 0;
    for (int i = 0; i < count; i++)
        sum += iov[i].iov_len;
    return sum;
}

ssize_t
sock_udp_send(struct sock *s, const struct iovec *iov, int count,
              const ip_addr_t *to, uint16_t port)
{
    size_t bytes = length_of(iov, count), at = 0;
    if (s->write_shut)
        return -EPIPE;
    if (!to && !s->connected)
        return -EDESTADDRREQ;
    if (bytes > PAYLOAD_MAX)
        return -EMSGSIZE;
    struct pbuf *p = pbuf_alloc(PBUF_TRANSPORT, (u16_t)bytes, PBUF_RAM);
    if (!p)
        return -ENOBUFS;
    for (int i = 0; i < count; i++) {
        pbuf_take_at(p, iov[i].iov_base, (u16_t)iov[i].iov_len, (u16_t)at);
        at += iov[i].iov_len;
    }
    err_t error = to ? udp_sendto(s->udp, p, to, port) : udp_send(s->udp, p);
    pbuf_free(p);
    return error == ERR_OK ? (ssize_t)bytes : -sock_errno(error);
}

static void
drop_datagram(struct sock *s)
{
    struct sock_datagram *d = s->datagram;
    s->datagram = d->next;
    s->received -= d->data->tot_len;
    pbuf_free(d->data);
    free(d);
}

ssize_t
sock_udp_receive(struct sock *s, const struct iovec *iov, int count, int *flags,
                 ip_addr_t *from, uint16_t *port)
{
    struct sock_datagram *d = s->datagram;
    if (!d)
        return s->read_shut ? 0 : -EAGAIN;
    size_t all = d->data->tot_len, at = 0;
    for (int i = 0; i < count && at < all; i++) {
        size_t n = iov[i].iov_len < all - at ? iov[i].iov_len : all - at;
        pbuf_copy_partial(d->data, iov[i].iov_base, (u16_t)n, (u16_t)at);
        at += n;
    }
    *from = d->from;
    *port = d->port;
    bool whole = *flags & MSG_TRUNC, peek = *flags & MSG_PEEK;
    *flags = at < all ? MSG_TRUNC : 0;
    if (!peek)
        drop_datagram(s);
    return (ssize_t)(whole ? all : at);
}

void
sock_udp_close(struct sock *s)
{
    while (s->datagram)
        drop_datagram(s);
    udp_remove(s->udp);
}
