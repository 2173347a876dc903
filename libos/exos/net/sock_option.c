// SPDX-License-Identifier: MIT
/* Socket options: see sock.h. Each row of the table reads one and, if it can be
 * set, writes it. */
#include "exos/net/sock.h"

#include <lwip/priv/tcp_priv.h>
#include <lwip/tcp.h>
#include <lwip/udp.h>

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/time.h>

#define NS_PER_S  1000000000u
#define NS_PER_US 1000u

/* lwIP's own bits, which both kinds of pcb begin with. */
static struct ip_pcb *
pcb_of(const struct sock *s)
{
    return s->type == SOCK_STREAM ? (struct ip_pcb *)s->tcp
                                  : (struct ip_pcb *)s->udp;
}

/* A connection whose pcb has TCP's fields (a listener's has not). */
static struct tcp_pcb *
tcp_of(const struct sock *s)
{
    bool has = s->type == SOCK_STREAM && s->state != SOCK_LISTENING;
    return has ? s->tcp : NULL;
}

static int
get_bit(const struct sock *s, unsigned bit)
{
    return pcb_of(s) && (pcb_of(s)->so_options & bit) != 0;
}

static int
set_bit(struct sock *s, unsigned bit, int on)
{
    struct ip_pcb *pcb = pcb_of(s);
    if (!pcb)
        return -EINVAL;
    if (on)
        ip_set_option(pcb, bit);
    else
        ip_reset_option(pcb, bit);
    return 0;
}

/* SOL_SOCKET ------------------------------------------------------------------
 */

static int
get_type(struct sock *s)
{
    return s->type;
}

static int
get_domain(struct sock *s)
{
    return s->family;
}

static int
get_protocol(struct sock *s)
{
    return s->type == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP;
}

static int
get_listening(struct sock *s)
{
    return s->state == SOCK_LISTENING;
}

static int
get_reuse(struct sock *s)
{
    return get_bit(s, SOF_REUSEADDR);
}

static int
set_reuse(struct sock *s, int on)
{
    return set_bit(s, SOF_REUSEADDR, on);
}

static int
get_keepalive(struct sock *s)
{
    return get_bit(s, SOF_KEEPALIVE);
}

static int
set_keepalive(struct sock *s, int on)
{
    return set_bit(s, SOF_KEEPALIVE, on);
}

static int
get_broadcast(struct sock *s)
{
    return get_bit(s, SOF_BROADCAST);
}

static int
set_broadcast(struct sock *s, int on)
{
    return set_bit(s, SOF_BROADCAST, on);
}

/* Buffers are lwIP's to size, for all sockets alike. */
static int
get_send_buffer(struct sock *s)
{
    return s->type == SOCK_STREAM ? TCP_SND_BUF : UINT16_MAX;
}

static int
get_receive_buffer(struct sock *s)
{
    return s->type == SOCK_STREAM ? TCP_WND : 208 * 1024;
}

static int
take_hint(struct sock *s, int value)
{
    (void)s;
    return value < 0 ? -EINVAL : 0;
}

/* IPPROTO_TCP -----------------------------------------------------------------
 */

static int
get_nodelay(struct sock *s)
{
    return tcp_of(s) && tcp_nagle_disabled(tcp_of(s));
}

static int
set_nodelay(struct sock *s, int on)
{
    if (!s->tcp)
        return -EINVAL;
    if (s->state == SOCK_LISTENING)
        return 0; // connections begin without Nagle's delay anyway
    if (on)
        tcp_nagle_disable(s->tcp);
    else
        tcp_nagle_enable(s->tcp);
    sock_tcp_flush(s);
    return 0;
}

static int
get_cork(struct sock *s)
{
    return s->corked;
}

static int
set_cork(struct sock *s, int on)
{
    s->corked = on != 0;
    if (!on)
        sock_tcp_flush(s);
    return 0;
}

static int
get_maxseg(struct sock *s)
{
    return tcp_of(s) ? tcp_mss(tcp_of(s)) : TCP_MSS;
}

#define KEEP(name, field, unit)                                                \
    static int get_##name(struct sock *s)                                      \
    {                                                                          \
        return tcp_of(s) ? (int)(tcp_of(s)->field / (unit)) : 0;               \
    }                                                                          \
    static int set_##name(struct sock *s, int value)                           \
    {                                                                          \
        if (!tcp_of(s) || value < 1 || value > 32767)                          \
            return -EINVAL;                                                    \
        tcp_of(s)->field = (u32_t)value * (unit);                              \
        return 0;                                                              \
    }

KEEP(keep_idle, keep_idle, 1000u)
KEEP(keep_interval, keep_intvl, 1000u)
KEEP(keep_count, keep_cnt, 1u)

/* IPPROTO_IP, IPPROTO_IPV6 ----------------------------------------------------
 */

static int
get_ttl(struct sock *s)
{
    return pcb_of(s) ? pcb_of(s)->ttl : 0;
}

static int
set_ttl(struct sock *s, int value)
{
    if (!pcb_of(s) || value < 1 || value > 255)
        return -EINVAL;
    pcb_of(s)->ttl = (u8_t)value;
    return 0;
}

static int
get_tos(struct sock *s)
{
    return pcb_of(s) ? pcb_of(s)->tos : 0;
}

static int
set_tos(struct sock *s, int value)
{
    if (!pcb_of(s) || value < 0 || value > 255)
        return -EINVAL;
    pcb_of(s)->tos = (u8_t)value;
    return 0;
}

static int
get_v6_only(struct sock *s)
{
    return s->v6_only;
}

static int
set_v6_only(struct sock *s, int on)
{
    if (s->family != AF_INET6 || s->bound || s->state != SOCK_NEW)
        return -EINVAL;
    s->v6_only = on != 0;
    IP_SET_TYPE_VAL(pcb_of(s)->local_ip, on ? IPADDR_TYPE_V6 : IPADDR_TYPE_ANY);
    return 0;
}

static const struct option {
    int level, name;
    int (*get)(struct sock *s);
    int (*set)(struct sock *s, int value); // NULL: it cannot be set
} options[] = {
    {SOL_SOCKET, SO_TYPE, get_type, NULL},
    {SOL_SOCKET, SO_DOMAIN, get_domain, NULL},
    {SOL_SOCKET, SO_PROTOCOL, get_protocol, NULL},
    {SOL_SOCKET, SO_ERROR, sock_error, NULL},
    {SOL_SOCKET, SO_ACCEPTCONN, get_listening, NULL},
    {SOL_SOCKET, SO_REUSEADDR, get_reuse, set_reuse},
    {SOL_SOCKET, SO_REUSEPORT, get_reuse, set_reuse},
    {SOL_SOCKET, SO_KEEPALIVE, get_keepalive, set_keepalive},
    {SOL_SOCKET, SO_BROADCAST, get_broadcast, set_broadcast},
    {SOL_SOCKET, SO_SNDBUF, get_send_buffer, take_hint},
    {SOL_SOCKET, SO_RCVBUF, get_receive_buffer, take_hint},
    {IPPROTO_TCP, TCP_NODELAY, get_nodelay, set_nodelay},
    {IPPROTO_TCP, TCP_CORK, get_cork, set_cork},
    {IPPROTO_TCP, TCP_MAXSEG, get_maxseg, take_hint},
    {IPPROTO_TCP, TCP_KEEPIDLE, get_keep_idle, set_keep_idle},
    {IPPROTO_TCP, TCP_KEEPINTVL, get_keep_interval, set_keep_interval},
    {IPPROTO_TCP, TCP_KEEPCNT, get_keep_count, set_keep_count},
    {IPPROTO_IP, IP_TTL, get_ttl, set_ttl},
    {IPPROTO_IP, IP_TOS, get_tos, set_tos},
    {IPPROTO_IPV6, IPV6_UNICAST_HOPS, get_ttl, set_ttl},
    {IPPROTO_IPV6, IPV6_V6ONLY, get_v6_only, set_v6_only},
};

static const struct option *
find(const struct sock *s, int level, int name)
{
    if (level == IPPROTO_TCP && s->type != SOCK_STREAM)
        return NULL;
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
        if (options[i].level == level && options[i].name == name)
            return &options[i];
    return NULL;
}

static int
give(const void *from, size_t length, void *value, socklen_t *bytes)
{
    if (*bytes > length)
        *bytes = (socklen_t)length;
    memcpy(value, from, *bytes);
    return 0;
}

static struct timeval
timeval_of(uint64_t ns)
{
    return (struct timeval){.tv_sec = (time_t)(ns / NS_PER_S),
                            .tv_usec =
                                (suseconds_t)(ns % NS_PER_S / NS_PER_US)};
}

int
sock_get_option(struct sock *s, int level, int name, void *value,
                socklen_t *bytes)
{
    if (level == SOL_SOCKET && name == SO_LINGER) {
        struct linger l = {s->linger, (int)s->linger_s};
        return give(&l, sizeof(l), value, bytes);
    }
    if (level == SOL_SOCKET && (name == SO_RCVTIMEO || name == SO_SNDTIMEO)) {
        struct timeval t =
            timeval_of(name == SO_RCVTIMEO ? s->receive_ns : s->send_ns);
        return give(&t, sizeof(t), value, bytes);
    }
    const struct option *o = find(s, level, name);
    if (!o)
        return -ENOPROTOOPT;
    int number = o->get(s);
    return give(&number, sizeof(number), value, bytes);
}

static int
set_linger(struct sock *s, const void *value, socklen_t bytes)
{
    struct linger l;
    if (bytes < sizeof(l))
        return -EINVAL;
    memcpy(&l, value, sizeof(l));
    s->linger = l.l_onoff != 0;
    s->linger_s = l.l_linger > 0 ? (uint32_t)l.l_linger : 0;
    return 0;
}

static int
set_timeout(uint64_t *ns, const void *value, socklen_t bytes)
{
    struct timeval t;
    if (bytes < sizeof(t))
        return -EINVAL;
    memcpy(&t, value, sizeof(t));
    if (t.tv_usec < 0 || t.tv_usec >= 1000000)
        return -EDOM;
    *ns = t.tv_sec < 0
              ? 0
              : (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_usec * NS_PER_US;
    return 0;
}

int
sock_set_option(struct sock *s, int level, int name, const void *value,
                socklen_t bytes)
{
    int number;
    if (level == SOL_SOCKET && name == SO_LINGER)
        return set_linger(s, value, bytes);
    if (level == SOL_SOCKET && name == SO_RCVTIMEO)
        return set_timeout(&s->receive_ns, value, bytes);
    if (level == SOL_SOCKET && name == SO_SNDTIMEO)
        return set_timeout(&s->send_ns, value, bytes);
    const struct option *o = find(s, level, name);
    if (!o || !o->set)
        return -ENOPROTOOPT;
    if (bytes < sizeof(number))
        return -EINVAL;
    memcpy(&number, value, sizeof(number));
    return o->set(s, number);
}
