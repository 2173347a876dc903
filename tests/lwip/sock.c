// SPDX-License-Identifier: MIT
//
// sock: sockets over lwIP's loop interface, in an ordinary process: every
// state, errors with their numbers, and streams in random pieces that must come
// out as they went in. Run on the host under ASan and UBSan, lwIP included.
// Sources: libos/exos/net/sock*.c, lwIP
#include "exos/net/memory.h"
#include "exos/net/sock.h"

#include <lwip/init.h>
#include <lwip/netif.h>
#include <lwip/tcp.h>
#include <lwip/timeouts.h>

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint32_t now_ms = 1000;
static unsigned long seed = 1;

u32_t
sys_now(void)
{
    return now_ms;
}

static uint64_t changes;

void
sock_changed(struct sock *s)
{
    (void)s;
    changes++;
}

static uint32_t
rnd(uint32_t below)
{
    seed = seed * 6364136223846793005ul + 1442695040888963407ul;
    return (uint32_t)(seed >> 33) % below;
}

// Lets everything arrive.
static void
run(void)
{
    for (int i = 0; i < 20; i++) {
        netif_poll_all();
        net_connections_tidy();
        sys_check_timeouts();
    }
}

static void
pass(uint32_t ms)
{
    for (uint32_t end = now_ms + ms; now_ms < end; now_ms += 100)
        run();
}

static struct sockaddr_in
home(uint16_t port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons(port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static struct sockaddr_in6
home6(uint16_t port)
{
    return (struct sockaddr_in6){.sin6_family = AF_INET6,
                                 .sin6_port = htons(port),
                                 .sin6_addr = IN6ADDR_LOOPBACK_INIT};
}

#define ADDRESS(a) (struct sockaddr *)&(a), sizeof(a)

static struct sock *
opened(int family, int type)
{
    struct sock *s = NULL;
    assert(sock_open(family, type, 0, &s) == 0 && s);
    return s;
}

static struct sock *
listening(uint16_t port, int backlog)
{
    struct sockaddr_in a = home(port);
    struct sock *s = opened(AF_INET, SOCK_STREAM);
    int on = 1;
    assert(sock_set_option(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0);
    assert(sock_bind(s, ADDRESS(a)) == 0);
    assert(sock_listen(s, backlog) == 0);
    return s;
}

static ssize_t
put(struct sock *s, const void *bytes, size_t n)
{
    struct iovec v = {(void *)bytes, n};
    return sock_send(s, &v, 1, 0, NULL, 0);
}

static ssize_t
get(struct sock *s, void *bytes, size_t n)
{
    struct iovec v = {bytes, n};
    int flags = 0;
    return sock_receive(s, &v, 1, &flags, NULL, NULL);
}

// Two ends of a connection.
static void
pair(uint16_t port, struct sock **client, struct sock **server)
{
    struct sockaddr_in a = home(port);
    struct sock *l = listening(port, 5);
    *client = opened(AF_INET, SOCK_STREAM);
    assert(sock_connect(*client, ADDRESS(a)) == -EINPROGRESS);
    assert(sock_poll(*client) == 0);
    assert(sock_connect(*client, ADDRESS(a)) == -EALREADY);
    run();
    assert(sock_poll(l) & POLLIN);
    assert(sock_accept(l, server) == 0);
    assert(sock_poll(*client) == (POLLOUT | POLLWRNORM));
    assert(sock_error(*client) == 0);
    sock_close(l);
}

static void
test_open(void)
{
    struct sock *s;
    assert(sock_open(AF_UNIX, SOCK_STREAM, 0, &s) == -EAFNOSUPPORT);
    assert(sock_open(AF_INET, SOCK_RAW, 0, &s) == -ESOCKTNOSUPPORT);
    assert(sock_open(AF_INET, SOCK_STREAM, IPPROTO_UDP, &s) ==
           -EPROTONOSUPPORT);
    s = opened(AF_INET, SOCK_STREAM);
    char byte;
    assert(put(s, "x", 1) == -ENOTCONN && get(s, &byte, 1) == -ENOTCONN);
    assert(sock_accept(s, &s) == -EINVAL);
    assert(sock_shutdown(s, SHUT_WR) == -ENOTCONN);
    assert(sock_shutdown(s, 9) == -EINVAL);
    assert(sock_poll(s) == (POLLOUT | POLLHUP));
    sock_close(s);
}

static void
test_names(void)
{
    struct sock *a, *b;
    struct sockaddr_in n, p;
    socklen_t bytes = sizeof(n);
    pair(80, &a, &b);
    assert(sock_peer(a, (struct sockaddr *)&p, &bytes) == 0);
    assert(bytes == sizeof(n) && ntohs(p.sin_port) == 80);
    assert(sock_name(a, (struct sockaddr *)&n, &bytes) == 0);
    assert(sock_peer(b, (struct sockaddr *)&p, &bytes) == 0);
    assert(memcmp(&n, &p, sizeof(n)) == 0);
    char small[4] = "zzz";
    bytes = 2;
    assert(sock_name(a, (struct sockaddr *)small, &bytes) == 0);
    assert(bytes == sizeof(n) && small[2] == 'z');
    sock_close(a);
    sock_close(b);
    pass(10000);
}

static void
test_stream(void)
{
    static uint8_t out[300000], in[300000];
    struct sock *a, *b;
    size_t sent = 0, got = 0;
    pair(80, &a, &b);
    for (size_t i = 0; i < sizeof(out); i++)
        out[i] = (uint8_t)rnd(256);
    while (got < sizeof(in)) {
        size_t n = 1 + rnd(20000);
        ssize_t r;
        if (sent < sizeof(out)) {
            if (n > sizeof(out) - sent)
                n = sizeof(out) - sent;
            r = put(a, out + sent, n);
            assert(r > 0 || r == -EAGAIN);
            sent += r > 0 ? (size_t)r : 0;
        }
        if (rnd(3))
            run();
        n = 1 + rnd(20000);
        r = get(b, in + got, n < sizeof(in) - got ? n : sizeof(in) - got);
        assert(r > 0 || r == -EAGAIN);
        got += r > 0 ? (size_t)r : 0;
        if (rnd(50) == 0)
            pass(300);
    }
    assert(memcmp(in, out, sizeof(in)) == 0);
    assert(b->received == 0 && !b->first);
    sock_close(a);
    run();
    assert(get(b, in, 1) == 0);
    sock_close(b);
    pass(10000);
}

static void
test_peek_and_parts(void)
{
    struct sock *a, *b;
    char x[4] = "", y[4] = "";
    pair(80, &a, &b);
    struct iovec out[3] = {{"ab", 2}, {"", 0}, {"cde", 3}};
    assert(sock_send(a, out, 3, 0, NULL, 0) == 5);
    run();
    int flags = MSG_PEEK;
    struct iovec in[2] = {{x, 2}, {y, 3}};
    assert(sock_receive(b, in, 2, &flags, NULL, NULL) == 5);
    assert(memcmp(x, "ab", 2) == 0 && memcmp(y, "cde", 3) == 0);
    memset(x, 0, sizeof(x));
    assert(get(b, x, 3) == 3 && memcmp(x, "abc", 3) == 0);
    assert(get(b, x, 4) == 2 && memcmp(x, "de", 2) == 0);
    assert(get(b, x, 4) == -EAGAIN);
    sock_close(a);
    sock_close(b);
    pass(10000);
}

// A sender that is not read from stops, and goes on.
static void
test_back_pressure(void)
{
    static char bytes[65536];
    struct sock *a, *b;
    size_t sent = 0, got = 0;
    ssize_t r;
    pair(80, &a, &b);
    for (int i = 0; i < 100; i++) {
        while ((r = put(a, bytes, sizeof(bytes))) > 0)
            sent += (size_t)r;
        assert(r == -EAGAIN);
        run();
    }
    assert(!(sock_poll(a) & POLLOUT) && (sock_poll(b) & POLLIN));
    assert(b->received <= TCP_WND);
    while (got < sent) {
        while ((r = get(b, bytes, sizeof(bytes))) > 0)
            got += (size_t)r;
        assert(r == -EAGAIN);
        pass(500);
    }
    assert(got == sent && (sock_poll(a) & POLLOUT));
    sock_close(a);
    sock_close(b);
    pass(10000);
}

// Fills what a connection may send until it takes no more.
static size_t
fill(struct sock *s)
{
    static char bytes[4096];
    size_t sent = 0;
    for (ssize_t n; (n = put(s, bytes, sizeof(bytes))) > 0;)
        sent += (size_t)n;
    return sent;
}

// Many peers that take nothing leave room for one that does.
static void
test_room_for_others(void)
{
    struct sock *a[10], *b[10];
    char bytes[1000];
    size_t got = 0;
    for (int i = 0; i < 10; i++)
        pair(80, &a[i], &b[i]);
    net_memory_set_limit(1 << 20);
    for (int i = 0; i < 9; i++) {
        a[i]->tcp->snd_wnd = 0;
        assert(fill(a[i]) > 0 && !(sock_poll(a[i]) & POLLOUT));
    }
    assert(sock_poll(a[9]) & POLLOUT);
    for (int i = 0; i < 100; i++) {
        assert(put(a[9], bytes, sizeof(bytes)) == sizeof(bytes));
        pass(300); // acknowledgements may be late
        for (ssize_t n; (n = get(b[9], bytes, sizeof(bytes))) > 0;)
            got += (size_t)n;
    }
    assert(got == 100 * sizeof(bytes));
    net_memory_set_limit(0);
    for (int i = 0; i < 10; i++) {
        sock_close(a[i]);
        sock_close(b[i]);
    }
    pass(10000);
}

// Connections that only wait for their end give way, however many there were.
static void
test_room_of_the_ended(void)
{
    struct sock *a, *b;
    char bytes[1000] = {0};
    size_t limit = 512 << 10;
    net_memory_set_limit(limit);
    for (int i = 0; i < 5000; i++) {
        pair(80, &a, &b);
        assert(put(a, bytes, sizeof(bytes)) == sizeof(bytes));
        run();
        assert(get(b, bytes, sizeof(bytes)) == sizeof(bytes));
        sock_close(a);
        run();
        sock_close(b);
        run();
        assert(net_memory_used() < limit * 15 / 16); // long before lwIP looks
    }
    net_memory_set_limit(0);
    pass(10000);
}

static void
test_half_close(void)
{
    struct sock *a, *b;
    char x[8];
    pair(80, &a, &b);
    assert(put(a, "last", 4) == 4);
    assert(sock_shutdown(a, SHUT_WR) == 0);
    assert(put(a, "x", 1) == -EPIPE);
    run();
    assert(sock_poll(b) & POLLRDHUP);
    assert(get(b, x, 8) == 4 && get(b, x, 8) == 0 && get(b, x, 8) == 0);
    assert(put(b, "answer", 6) == 6);
    run();
    assert(get(a, x, 8) == 6);
    assert(sock_shutdown(b, SHUT_RDWR) == 0);
    run();
    assert(get(a, x, 8) == 0 && (sock_poll(a) & POLLHUP));
    sock_close(a);
    sock_close(b);
    pass(10000);
}

static void
test_refused_and_reset(void)
{
    struct sockaddr_in nobody = home(81);
    struct sock *a = opened(AF_INET, SOCK_STREAM), *b;
    char x;
    assert(sock_connect(a, ADDRESS(nobody)) == -EINPROGRESS);
    run();
    assert(sock_poll(a) & POLLERR);
    assert(sock_error(a) == ECONNREFUSED && sock_error(a) == 0);
    assert(get(a, &x, 1) == 0 && put(a, "x", 1) == -EPIPE);
    sock_close(a);

    pair(80, &a, &b);
    struct linger hard = {1, 0};
    assert(sock_set_option(a, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard)) == 0);
    sock_close(a);
    run();
    assert((sock_poll(b) & (POLLERR | POLLHUP)) == (POLLERR | POLLHUP));
    assert(get(b, &x, 1) == -ECONNRESET && get(b, &x, 1) == 0);
    sock_close(b);

    pair(80, &a, &b); // closed with something unread: a reset, too
    assert(put(a, "unread", 6) == 6);
    run();
    sock_close(b);
    run();
    assert(get(a, &x, 1) == -ECONNRESET);
    sock_close(a);
}

static void
test_listener(void)
{
    struct sockaddr_in a = home(80);
    struct sock *l = listening(80, 3), *c[6], *s;
    struct sock *second = opened(AF_INET, SOCK_STREAM);
    assert(sock_bind(second, ADDRESS(a)) == -EADDRINUSE);
    sock_close(second);
    char x;
    assert(get(l, &x, 1) == -ENOTCONN && sock_connect(l, ADDRESS(a)) < 0);
    for (int i = 0; i < 6; i++) {
        c[i] = opened(AF_INET, SOCK_STREAM);
        assert(sock_connect(c[i], ADDRESS(a)) == -EINPROGRESS);
    }
    run();
    int connected = 0;
    for (int i = 0; i < 6; i++)
        connected += c[i]->state == SOCK_CONNECTED;
    assert(connected == 3); // the backlog
    for (int i = 0; i < 6; i++) {
        while (sock_accept(l, &s) == -EAGAIN)
            pass(500); // those refused try again
        sock_close(s);
    }
    s = opened(AF_INET, SOCK_STREAM);
    assert(sock_connect(s, ADDRESS(a)) == -EINPROGRESS);
    run();
    sock_close(l); // with one that waits: it is reset
    run();
    assert(sock_poll(s) & POLLERR);
    sock_close(s);
    for (int i = 0; i < 6; i++)
        sock_close(c[i]);
    pass(20000);
}

static void
test_udp(void)
{
    struct sock *a = opened(AF_INET, SOCK_DGRAM);
    struct sock *b = opened(AF_INET, SOCK_DGRAM);
    struct sockaddr_in to = home(53), from;
    socklen_t bytes = sizeof(from);
    char x[8];
    struct iovec out[2] = {{"he", 2}, {"llo", 3}}, in = {x, 8}, tiny = {x, 2};
    int flags = 0;
    assert(sock_bind(b, ADDRESS(to)) == 0);
    assert(sock_bind(b, ADDRESS(to)) == -EINVAL);
    assert(sock_receive(b, &in, 1, &flags, NULL, NULL) == -EAGAIN);
    assert(sock_send(a, out, 2, 0, NULL, 0) == -EDESTADDRREQ);
    assert(sock_send(a, out, 2, 0, ADDRESS(to)) == 5);
    run();
    assert(sock_poll(b) & POLLIN);
    flags = MSG_PEEK;
    assert(sock_receive(b, &tiny, 1, &flags, NULL, NULL) == 2);
    assert(flags == MSG_TRUNC);
    flags = 0;
    assert(sock_receive(b, &in, 1, &flags, (struct sockaddr *)&from, &bytes) ==
           5);
    assert(memcmp(x, "hello", 5) == 0 && flags == 0);
    assert(sock_connect(b, ADDRESS(from)) == 0);
    assert(sock_send(b, out, 1, 0, NULL, 0) == 2);
    run();
    flags = MSG_TRUNC;
    struct iovec one = {x, 1};
    assert(sock_receive(a, &one, 1, &flags, NULL, NULL) == 2);
    struct iovec none = {NULL, 0};
    assert(sock_send(b, &none, 1, 0, NULL, 0) == 0); // an empty datagram
    run();
    flags = 0;
    assert(sock_receive(a, &in, 1, &flags, NULL, NULL) == 0);
    assert(sock_poll(a) == (POLLOUT | POLLWRNORM));
    static char big[65508];
    struct iovec huge = {big, sizeof(big)};
    assert(sock_send(b, &huge, 1, 0, NULL, 0) == -EMSGSIZE);
    sock_close(a);
    sock_close(b);
}

// Who does not read loses datagrams, and nobody loses memory.
static void
test_udp_flood(void)
{
    struct sock *a = opened(AF_INET, SOCK_DGRAM);
    struct sock *b = opened(AF_INET, SOCK_DGRAM);
    struct sockaddr_in to = home(53);
    static char bytes[1000];
    struct iovec out = {bytes, sizeof(bytes)};
    assert(sock_bind(b, ADDRESS(to)) == 0);
    for (int i = 0; i < 1000; i++) {
        assert(sock_send(a, &out, 1, 0, ADDRESS(to)) == 1000);
        run();
    }
    assert(b->received == 212 * 1000);
    sock_close(a);
    sock_close(b);
}

static void
test_v6_and_both(void)
{
    struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(80)};
    struct sockaddr_in6 to6 = home6(80), peer;
    struct sockaddr_in to4 = home(80);
    struct sock *l = opened(AF_INET6, SOCK_STREAM), *s;
    struct sock *c4 = opened(AF_INET, SOCK_STREAM);
    struct sock *c6 = opened(AF_INET6, SOCK_STREAM);
    socklen_t bytes = sizeof(peer);
    int on = 1;
    assert(sock_set_option(l, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0);
    assert(sock_bind(l, ADDRESS(any)) == 0 && sock_listen(l, 5) == 0);
    assert(sock_connect(c4, ADDRESS(to6)) == -EAFNOSUPPORT);
    assert(sock_connect(c6, ADDRESS(to6)) == -EINPROGRESS);
    run();
    assert(sock_accept(l, &s) == 0);
    assert(sock_peer(s, (struct sockaddr *)&peer, &bytes) == 0);
    assert(IN6_IS_ADDR_LOOPBACK(&peer.sin6_addr));
    sock_close(s);
    assert(sock_connect(c4, ADDRESS(to4)) == -EINPROGRESS);
    run();
    assert(sock_accept(l, &s) == 0);
    assert(sock_peer(s, (struct sockaddr *)&peer, &bytes) == 0);
    assert(IN6_IS_ADDR_V4MAPPED(&peer.sin6_addr));
    sock_close(s);
    sock_close(c4);
    sock_close(c6);
    sock_close(l);
    pass(20000);
}

static void
test_options(void)
{
    struct sock *a, *b;
    int value = 1;
    socklen_t bytes = sizeof(value);
    pair(80, &a, &b);
    assert(sock_set_option(a, IPPROTO_TCP, TCP_NODELAY, &value, bytes) == 0);
    value = 0;
    assert(sock_get_option(a, IPPROTO_TCP, TCP_NODELAY, &value, &bytes) == 0);
    assert(value == 1);
    value = 77;
    assert(sock_set_option(a, IPPROTO_TCP, TCP_KEEPIDLE, &value, bytes) == 0);
    assert(sock_get_option(a, IPPROTO_TCP, TCP_KEEPIDLE, &value, &bytes) == 0);
    assert(value == 77);
    assert(sock_get_option(a, SOL_SOCKET, SO_TYPE, &value, &bytes) == 0);
    assert(value == SOCK_STREAM);
    assert(sock_get_option(a, SOL_SOCKET, 999, &value, &bytes) == -ENOPROTOOPT);
    assert(sock_set_option(a, SOL_SOCKET, SO_TYPE, &value, bytes) ==
           -ENOPROTOOPT);
    assert(sock_set_option(a, SOL_SOCKET, SO_KEEPALIVE, &value, 2) == -EINVAL);
    assert(sock_set_option(a, IPPROTO_IP, IP_TTL, &value, bytes) == 0);
    struct timeval t = {3, 500000}, u;
    bytes = sizeof(t);
    assert(sock_set_option(a, SOL_SOCKET, SO_RCVTIMEO, &t, bytes) == 0);
    assert(sock_get_option(a, SOL_SOCKET, SO_RCVTIMEO, &u, &bytes) == 0);
    assert(u.tv_sec == 3 && u.tv_usec == 500000);
    value = 1;
    assert(sock_set_option(a, IPPROTO_TCP, TCP_CORK, &value, 4) == 0);
    assert(put(a, "held", 4) == 4);
    run();
    assert(get(b, &value, 4) == -EAGAIN);
    value = 0;
    assert(sock_set_option(a, IPPROTO_TCP, TCP_CORK, &value, 4) == 0);
    run();
    assert(get(b, &value, 4) == 4);
    sock_close(a);
    sock_close(b);
    pass(10000);
}

static void
test_bad_addresses(void)
{
    struct sock *s = opened(AF_INET, SOCK_STREAM);
    struct sockaddr_in a = home(80);
    assert(sock_bind(s, NULL, 0) == -EINVAL);
    assert(sock_bind(s, (struct sockaddr *)&a, 3) == -EINVAL);
    a.sin_family = AF_UNIX;
    assert(sock_bind(s, ADDRESS(a)) == -EAFNOSUPPORT);
    struct iovec v[2] = {{&a, SIZE_MAX}, {&a, SIZE_MAX}};
    assert(sock_send(s, v, 2, 0, NULL, 0) == -EINVAL);
    sock_close(s);
}

int
main(void)
{
    lwip_init();
    test_open();
    test_bad_addresses();
    test_names();
    test_stream();
    test_peek_and_parts();
    test_back_pressure();
    test_room_for_others();
    test_room_of_the_ended();
    test_half_close();
    test_refused_and_reset();
    test_listener();
    test_udp();
    test_udp_flood();
    test_v6_and_both();
    test_options();
    return 0;
}
