// SPDX-License-Identifier: MIT
/* Stream sockets: see sock.h. */
#include "exos/net/sock.h"

#include <lwip/priv/tcp_priv.h>
#include <lwip/tcp.h>

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "exos/net/memory.h"

#define RETRY_POLLS 1 // of 500 ms, when lwIP had no memory to close
#define SHARE       4 // times what a connection keeps must be left for others

/* What lwIP says of a connection ---------------------------------------------
 */

/* Bytes came, or with NULL the end of them. lwIP counts the pbuf as the
 * window's until sock_tcp_receive() has read it. */
static err_t
on_received(void *arg, struct tcp_pcb *pcb, struct pbuf *data, err_t error)
{
    struct sock *s = arg;
    (void)error;
    if (!data) {
        s->peer_closed = true;
        sock_changed(s);
        return ERR_OK;
    }
    if (s->read_shut) {
        tcp_recved(pcb, data->tot_len);
        pbuf_free(data);
        return ERR_OK;
    }
    s->received += data->tot_len;
    if (s->first)
        s->last->next = data;
    else
        s->first = data;
    while (data->next)
        data = data->next;
    s->last = data;
    sock_changed(s);
    return ERR_OK;
}

/* The connection is gone; lwIP has freed the pcb already. */
static void
on_error(void *arg, err_t error)
{
    struct sock *s = arg;
    bool connecting = s->state == SOCK_CONNECTING;
    s->tcp = NULL;
    s->state = SOCK_DEAD;
    s->peer_closed = true;
    if (connecting && error == ERR_RST)
        s->error = ECONNREFUSED;
    else if (error == ERR_ABRT) // it gave up sending
        s->error = ETIMEDOUT;
    else if (error != ERR_CLSD)
        s->error = sock_errno(error);
    sock_changed(s);
}

/* The peer has some: there is room to send. */
static err_t
on_sent(void *arg, struct tcp_pcb *pcb, u16_t bytes)
{
    (void)pcb, (void)bytes;
    sock_changed(arg);
    return ERR_OK;
}

static err_t
on_connected(void *arg, struct tcp_pcb *pcb, err_t error)
{
    struct sock *s = arg;
    (void)pcb, (void)error; // never an error, says lwIP
    s->state = SOCK_CONNECTED;
    sock_changed(s);
    return ERR_OK;
}

static void
adopt(struct sock *s, struct tcp_pcb *pcb)
{
    s->tcp = pcb;
    tcp_arg(pcb, s);
    tcp_recv(pcb, on_received);
    tcp_sent(pcb, on_sent);
    tcp_err(pcb, on_error);
}

/* A connection was made to a listener: it waits to be accepted. */
static err_t
on_accept(void *arg, struct tcp_pcb *pcb, err_t error)
{
    struct sock *listener = arg, *s;
    if (error != ERR_OK || !pcb)
        return ERR_VAL;
    s = sock_make(listener->family, SOCK_STREAM);
    if (!s)
        return ERR_MEM; // lwIP resets it
    s->state = SOCK_CONNECTED;
    s->v6_only = listener->v6_only;
    s->listener = listener;
    adopt(s, pcb);
    tcp_backlog_delayed(pcb);
    if (listener->waiting)
        listener->waiting_last->next = s;
    else
        listener->waiting = s;
    listener->waiting_last = s;
    sock_changed(listener);
    return ERR_OK;
}

/* Beginnings ------------------------------------------------------------------
 */

int
sock_tcp_open(struct sock *s)
{
    struct tcp_pcb *pcb = tcp_new_ip_type(
        s->family == AF_INET ? IPADDR_TYPE_V4 : IPADDR_TYPE_ANY);
    if (!pcb)
        return -ENOBUFS;
    adopt(s, pcb);
    return 0;
}

int
sock_tcp_bind(struct sock *s, const ip_addr_t *address, uint16_t port)
{
    return -sock_errno(tcp_bind(s->tcp, address, port));
}

int
sock_listen(struct sock *s, int backlog)
{
    struct tcp_pcb *pcb;
    err_t error;
    if (s->type != SOCK_STREAM)
        return -EOPNOTSUPP;
    if (backlog < 1)
        backlog = 1;
    if (backlog > 255)
        backlog = 255; // what lwIP can count to
    if (s->state == SOCK_LISTENING) {
        tcp_backlog_set(s->tcp, (u8_t)backlog);
        return 0;
    }
    if (s->state != SOCK_NEW)
        return -EINVAL;
    if (!s->bound) {
        int bound = sock_tcp_bind(
            s, s->family == AF_INET ? IP4_ADDR_ANY : IP_ANY_TYPE, 0);
        if (bound)
            return bound;
        s->bound = true;
    }
    pcb = tcp_listen_with_backlog_and_err(s->tcp, (u8_t)backlog, &error);
    if (!pcb)
        return -sock_errno(error);
    s->tcp = pcb;
    s->state = SOCK_LISTENING;
    tcp_arg(pcb, s);
    tcp_accept(pcb, on_accept);
    return 0;
}

/* The oldest of those that wait, which then no longer does. */
static struct sock *
take_waiting(struct sock *listener)
{
    struct sock *s = listener->waiting;
    listener->waiting = s->next;
    s->next = s->listener = NULL;
    if (s->tcp)
        tcp_backlog_accepted(s->tcp);
    return s;
}

int
sock_accept(struct sock *s, struct sock **connection)
{
    if (s->type != SOCK_STREAM)
        return -EOPNOTSUPP;
    if (s->state != SOCK_LISTENING)
        return -EINVAL;
    if (!s->waiting)
        return -EAGAIN;
    *connection = take_waiting(s);
    return 0;
}

int
sock_tcp_connect(struct sock *s, const ip_addr_t *address, uint16_t port)
{
    switch (s->state) {
    case SOCK_CONNECTING:
        return -EALREADY;
    case SOCK_CONNECTED:
        return -EISCONN;
    case SOCK_LISTENING:
        return -EOPNOTSUPP;
    case SOCK_DEAD:
        return s->error ? -sock_error(s) : -ECONNABORTED;
    case SOCK_NEW:
        break;
    }
    if (!port)
        return -ECONNREFUSED;
    err_t error = tcp_connect(s->tcp, address, port, on_connected);
    if (error != ERR_OK)
        return -sock_errno(error);
    s->state = SOCK_CONNECTING;
    return -EINPROGRESS;
}

/* Sending ---------------------------------------------------------------------
 */

/* Why nothing can be sent, 0: something can. */
static int
unsendable(const struct sock *s)
{
    if (s->write_shut || s->state == SOCK_DEAD)
        return -EPIPE;
    if (s->state == SOCK_CONNECTING)
        return -EAGAIN;
    return s->state == SOCK_CONNECTED ? 0 : -ENOTCONN;
}

/* Bytes that lwIP keeps until the peer has them. */
static size_t
kept_of(const struct sock *s)
{
    return TCP_SND_BUF - s->tcp->snd_buf;
}

/* Bytes that it may keep besides. A share of what is free [Choudhury98], so
 * that many whose peers take nothing leave something to one whose peer does. */
static size_t
room_of(const struct sock *s)
{
    size_t free = net_memory_room(), left = SHARE * kept_of(s);
    size_t room = free > left ? (free - left) / (SHARE + 1) : 0;
    return room < s->tcp->snd_buf ? room : s->tcp->snd_buf;
}

/* Hands bytes to lwIP, which copies them. Result: how many it took. */
static size_t
write_some(struct sock *s, const char *at, size_t bytes, bool more)
{
    size_t taken = 0;
    while (taken < bytes) {
        size_t n = bytes - taken, room = room_of(s);
        if (n > room)
            n = room;
        if (n > UINT16_MAX)
            n = UINT16_MAX;
        u8_t flags = TCP_WRITE_FLAG_COPY;
        if (more || taken + n < bytes)
            flags |= TCP_WRITE_FLAG_MORE;
        if (!n || tcp_write(s->tcp, at + taken, (u16_t)n, flags) != ERR_OK)
            break;
        taken += n;
    }
    return taken;
}

static bool
is_empty(const struct iovec *iov, int count)
{
    for (int i = 0; i < count; i++)
        if (iov[i].iov_len)
            return false;
    return true;
}

ssize_t
sock_tcp_send(struct sock *s, const struct iovec *iov, int count, int flags)
{
    size_t sent = 0;
    int error = unsendable(s);
    if (error)
        return error;
    for (int i = 0; i < count; i++) {
        bool more = (flags & MSG_MORE) || s->corked || i + 1 < count;
        size_t n = write_some(s, iov[i].iov_base, iov[i].iov_len, more);
        sent += n;
        if (n < iov[i].iov_len)
            break;
    }
    bool full = room_of(s) < TCP_MSS; // no use in holding it back
    if (full || !sent || (!(flags & MSG_MORE) && !s->corked))
        tcp_output(s->tcp);
    return sent || is_empty(iov, count) ? (ssize_t)sent : -EAGAIN;
}

void
sock_tcp_flush(struct sock *s)
{
    if (s->tcp && s->state == SOCK_CONNECTED)
        tcp_output(s->tcp);
}

/* Receiving -------------------------------------------------------------------
 */

/* The first pbuf was read to its end. */
static void
drop_first(struct sock *s)
{
    struct pbuf *p = s->first;
    s->first = p->next;
    s->offset = 0;
    p->next = NULL;
    p->tot_len = p->len;
    pbuf_free(p);
}

/* Copies from what was received, from `*p` on; with `take` it is gone then. */
static size_t
read_some(struct sock *s, char *to, size_t bytes, struct pbuf **p,
          uint32_t *offset, bool take)
{
    size_t got = 0;
    while (got < bytes && *p) {
        size_t n = (*p)->len - *offset;
        if (n > bytes - got)
            n = bytes - got;
        memcpy(to + got, (char *)(*p)->payload + *offset, n);
        got += n;
        *offset += (uint32_t)n;
        if (*offset < (*p)->len)
            break;
        *p = (*p)->next;
        *offset = 0;
        if (take)
            drop_first(s);
    }
    return got;
}

/* Tells lwIP that bytes were read: its window grows again. */
static void
acknowledge(struct sock *s, size_t bytes)
{
    s->received -= bytes;
    for (; s->tcp && bytes; bytes -= bytes < UINT16_MAX ? bytes : UINT16_MAX)
        tcp_recved(s->tcp, bytes < UINT16_MAX ? (u16_t)bytes : UINT16_MAX);
}

ssize_t
sock_tcp_receive(struct sock *s, const struct iovec *iov, int count, int flags)
{
    size_t got = 0;
    bool take = !(flags & MSG_PEEK);
    struct pbuf *p = s->first;
    uint32_t offset = s->offset;
    if (!p) {
        if (s->error)
            return -sock_error(s);
        if (s->peer_closed || s->read_shut)
            return 0;
        if (s->state == SOCK_CONNECTING || s->state == SOCK_CONNECTED)
            return -EAGAIN;
        return -ENOTCONN;
    }
    for (int i = 0; i < count && p; i++)
        got += read_some(s, iov[i].iov_base, iov[i].iov_len, &p, &offset, take);
    if (take) {
        s->offset = offset;
        acknowledge(s, got);
    }
    return (ssize_t)got;
}

static void
drop_received(struct sock *s)
{
    while (s->first)
        drop_first(s);
}

/* Ends ------------------------------------------------------------------------
 */

int
sock_tcp_shutdown(struct sock *s, int how)
{
    if (s->state != SOCK_CONNECTED)
        return -ENOTCONN;
    if (how != SHUT_WR && !s->read_shut) {
        s->read_shut = true;
        drop_received(s);
        acknowledge(s, s->received);
    }
    if (how != SHUT_RD && !s->write_shut) {
        err_t error = tcp_shutdown(s->tcp, 0, 1);
        if (error != ERR_OK)
            return -sock_errno(error);
        s->write_shut = true;
    }
    return 0;
}

/* lwIP had no memory for the last segment: again. */
static err_t
on_poll_close(void *arg, struct tcp_pcb *pcb)
{
    (void)arg;
    tcp_close(pcb);
    return ERR_OK;
}

/* The connection goes on without a sock until all is sent. Bytes that nobody
 * read make lwIP reset it, since its window is not whole. */
static void
release(struct tcp_pcb *pcb)
{
    tcp_arg(pcb, NULL);
    tcp_recv(pcb, NULL);
    tcp_sent(pcb, NULL);
    tcp_err(pcb, NULL);
    if (tcp_close(pcb) != ERR_OK)
        tcp_poll(pcb, on_poll_close, RETRY_POLLS);
}

static void
close_listener(struct sock *s)
{
    tcp_arg(s->tcp, NULL);
    tcp_accept(s->tcp, NULL);
    while (s->waiting) {
        struct sock *waiting = take_waiting(s);
        waiting->linger = true; // reset them
        sock_close(waiting);
    }
    tcp_close(s->tcp);
}

void
sock_tcp_close(struct sock *s)
{
    struct tcp_pcb *pcb = s->tcp;
    drop_received(s);
    if (!pcb)
        return;
    if (s->state == SOCK_LISTENING) {
        close_listener(s);
    } else if (s->linger && !s->linger_s && s->state != SOCK_NEW) {
        tcp_err(pcb, NULL);
        tcp_abort(pcb);
    } else {
        release(pcb);
    }
}

static bool
is_writable(const struct sock *s)
{
    if (s->write_shut || !kept_of(s))
        return true; // nothing is under way that would end its wait for room
    return room_of(s) >= TCP_SNDLOWAT &&
           tcp_sndqueuelen(s->tcp) < TCP_SNDQUEUELOWAT;
}

short
sock_tcp_poll(const struct sock *s)
{
    short events = s->error ? POLLERR : 0;
    switch (s->state) {
    case SOCK_NEW:
        return events | POLLOUT | POLLHUP;
    case SOCK_LISTENING:
        return s->waiting ? events | POLLIN | POLLRDNORM : events;
    case SOCK_CONNECTING:
        return events;
    case SOCK_DEAD:
        return events | POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM | POLLHUP |
               POLLRDHUP;
    case SOCK_CONNECTED:
        break;
    }
    bool ended = s->peer_closed || s->read_shut;
    if (s->first || ended)
        events |= POLLIN | POLLRDNORM;
    if (ended)
        events |= POLLRDHUP;
    if (is_writable(s))
        events |= POLLOUT | POLLWRNORM;
    return ended && s->write_shut ? events | POLLHUP : events;
}
