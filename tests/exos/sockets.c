// SPDX-License-Identifier: MIT
/* Sockets, over the loopback interface: streams and datagrams arrive whole, in
 * order and where they should, and what cannot be done is said. */
#define _GNU_SOURCE
#include "test.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

#define MUCH 300000u // bytes, more than all buffers on the way hold

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static const int FAMILIES[] = {AF_INET, AF_INET6};

static socklen_t
length_of(const union address *a)
{
    return a->any.sa_family == AF_INET ? sizeof(a->v4) : sizeof(a->v6);
}

static union address
loopback(int family, uint16_t port)
{
    union address a = {0};
    if (family == AF_INET) {
        a.v4 = (struct sockaddr_in){.sin_family = AF_INET,
                                    .sin_port = htons(port)};
        a.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    } else {
        a.v6 = (struct sockaddr_in6){.sin6_family = AF_INET6,
                                     .sin6_port = htons(port),
                                     .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    }
    return a;
}

static union address
name_of(int fd)
{
    union address a;
    socklen_t length = sizeof(a);
    EQ(getsockname(fd, &a.any, &length), 0);
    EQ(length, length_of(&a));
    return a;
}

static int
bound(int family, int type)
{
    union address a = loopback(family, 0);
    int fd = socket(family, type, 0);
    WANT(fd >= 0);
    EQ(bind(fd, &a.any, length_of(&a)), 0);
    return fd;
}

static int
listener(int family)
{
    int fd = bound(family, SOCK_STREAM);
    EQ(listen(fd, 4), 0);
    return fd;
}

static void
set_flag(int fd, int flag)
{
    int flags = fcntl(fd, F_GETFL);
    WANT(flags >= 0);
    EQ(fcntl(fd, F_SETFL, flags | flag), 0);
}

static int
option(int fd, int level, int name)
{
    int value = -1;
    socklen_t length = sizeof(value);
    EQ(getsockopt(fd, level, name, &value, &length), 0);
    EQ(length, sizeof(value));
    return value;
}

static void
wait_until(int fd, short events)
{
    struct pollfd set = {fd, events, 0};
    EQ(poll(&set, 1, 5000), 1);
    WANT(set.revents & events);
}

/* Two ends of a connection. */
static void
connected(int family, int ends[2])
{
    int l = listener(family);
    union address a = name_of(l);
    ends[0] = socket(family, SOCK_STREAM, 0);
    WANT(ends[0] >= 0);
    EQ(connect(ends[0], &a.any, length_of(&a)), 0);
    ends[1] = accept(l, NULL, NULL);
    WANT(ends[1] >= 0);
    EQ(close(l), 0);
}

static void
close_both(const int ends[2])
{
    EQ(close(ends[0]), 0);
    EQ(close(ends[1]), 0);
}

/* ---- streams ---------------------------------------------------------------
 */

TEST(a_stream_has_two_named_ends)
{
    for (int i = 0; i < 2; i++) {
        int l = listener(FAMILIES[i]), c = socket(FAMILIES[i], SOCK_STREAM, 0);
        union address there = name_of(l), from, peer;
        socklen_t length = sizeof(from);
        EQ(connect(c, &there.any, length_of(&there)), 0);
        int s = accept(l, &from.any, &length);
        WANT(s >= 0);
        EQ(length, length_of(&there));
        union address mine = name_of(c), its = name_of(s);
        EQ(memcmp(&from, &mine, length), 0);
        EQ(memcmp(&there, &its, length), 0);
        length = sizeof(peer);
        EQ(getpeername(c, &peer.any, &length), 0);
        EQ(memcmp(&peer, &there, length), 0);
        close_both((int[]){c, s});
        EQ(close(l), 0);
    }
}

/* Both ways at once, more than fits anywhere. */
static void
pump(int out, int in, size_t *sent, size_t *got)
{
    static unsigned char data[8192];
    if (*sent < MUCH) {
        size_t n = MUCH - *sent < sizeof(data) ? MUCH - *sent : sizeof(data);
        for (size_t i = 0; i < n; i++)
            data[i] = (unsigned char)((*sent + i) * 7 >> 3);
        ssize_t done = send(out, data, n, MSG_NOSIGNAL);
        WANT(done > 0 || errno == EAGAIN);
        *sent += done > 0 ? (size_t)done : 0;
    }
    ssize_t n = recv(in, data, sizeof(data), 0);
    WANT(n > 0 || (n < 0 && errno == EAGAIN));
    for (ssize_t i = 0; i < n; i++)
        EQ(data[i], (unsigned char)((*got + (size_t)i) * 7 >> 3));
    *got += n > 0 ? (size_t)n : 0;
}

TEST(every_byte_arrives_in_order_both_ways)
{
    for (int i = 0; i < 2; i++) {
        int ends[2];
        size_t sent[2] = {0}, got[2] = {0};
        connected(FAMILIES[i], ends);
        set_flag(ends[0], O_NONBLOCK);
        set_flag(ends[1], O_NONBLOCK);
        while (got[0] < MUCH || got[1] < MUCH) {
            pump(ends[0], ends[1], &sent[0], &got[0]);
            pump(ends[1], ends[0], &sent[1], &got[1]);
            struct pollfd set[2] = {{ends[0], POLLIN | POLLOUT, 0},
                                    {ends[1], POLLIN | POLLOUT, 0}};
            for (int k = 0; k < 2; k++)
                if (sent[k] == MUCH)
                    set[k].events = POLLIN;
            if (got[0] < MUCH || got[1] < MUCH)
                WANT(poll(set, 2, 5000) > 0);
        }
        close_both(ends);
    }
}

TEST(a_full_stream_says_so)
{
    int ends[2];
    static char data[65536];
    connected(AF_INET, ends);
    ssize_t n;
    size_t sum = 0;
    while ((n = send(ends[0], data, sizeof(data), MSG_DONTWAIT)) > 0)
        sum += (size_t)n;
    EQ(errno, EAGAIN);
    WANT(sum > 1000);
    struct pollfd set = {ends[0], POLLOUT, 0};
    while (sum) {
        n = read(ends[1], data, sizeof(data));
        WANT(n > 0);
        sum -= (size_t)n;
    }
    EQ(poll(&set, 1, 5000), 1);
    close_both(ends);
}

TEST(one_end_can_stop_sending_and_still_receive)
{
    int ends[2];
    char data[8];
    connected(AF_INET, ends);
    EQ(send(ends[0], "last", 4, 0), 4);
    EQ(shutdown(ends[0], SHUT_WR), 0);
    EQ(recv(ends[1], data, sizeof(data), MSG_WAITALL), 4);
    EQ(recv(ends[1], data, sizeof(data), 0), 0);
    struct pollfd set = {ends[1], POLLIN | POLLRDHUP, 0};
    EQ(poll(&set, 1, 5000), 1);
    EQ(set.revents, POLLIN | POLLRDHUP);
    EQ(send(ends[1], "answer", 6, 0), 6);
    EQ(recv(ends[0], data, 6, MSG_WAITALL), 6);
    EQ(memcmp(data, "answer", 6), 0);
    close_both(ends);
}

static int caught;

static void
note_signal(int number)
{
    caught = number;
}

TEST(sending_after_the_end_raises_a_signal_unless_told_not_to)
{
    int ends[2];
    struct sigaction action = {.sa_handler = note_signal}, old;
    connected(AF_INET, ends);
    EQ(sigaction(SIGPIPE, &action, &old), 0);
    EQ(shutdown(ends[0], SHUT_WR), 0);
    caught = 0;
    FAILS(send(ends[0], "x", 1, MSG_NOSIGNAL), EPIPE);
    EQ(caught, 0);
    FAILS(send(ends[0], "x", 1, 0), EPIPE);
    EQ(caught, SIGPIPE);
    caught = 0;
    FAILS(write(ends[0], "x", 1), EPIPE);
    EQ(caught, SIGPIPE);
    struct msghdr m = {.msg_iov = &(struct iovec){"x", 1}, .msg_iovlen = 1};
    caught = 0;
    FAILS(sendmsg(ends[0], &m, 0), EPIPE);
    EQ(caught, SIGPIPE);
    EQ(sigaction(SIGPIPE, &old, NULL), 0);
    close_both(ends);
}

TEST(an_end_that_is_dropped_resets_the_other)
{
    int ends[2];
    char data[8];
    struct linger now = {1, 0};
    connected(AF_INET, ends);
    EQ(setsockopt(ends[1], SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
    EQ(close(ends[1]), 0);
    wait_until(ends[0], POLLIN);
    FAILS(recv(ends[0], data, sizeof(data), 0), ECONNRESET);
    EQ(recv(ends[0], data, sizeof(data), 0), 0);
    FAILS(send(ends[0], "x", 1, MSG_NOSIGNAL), EPIPE);
    EQ(close(ends[0]), 0);
}

TEST(what_was_sent_before_the_close_arrives)
{
    int ends[2];
    char data[8];
    connected(AF_INET6, ends);
    EQ(send(ends[0], "bye", 3, 0), 3);
    EQ(close(ends[0]), 0);
    EQ(recv(ends[1], data, 3, MSG_WAITALL), 3);
    EQ(recv(ends[1], data, 3, 0), 0);
    EQ(close(ends[1]), 0);
}

TEST(a_look_leaves_the_bytes_there)
{
    int ends[2];
    char data[8];
    connected(AF_INET, ends);
    EQ(send(ends[0], "abcdef", 6, 0), 6);
    wait_until(ends[1], POLLIN);
    EQ(recv(ends[1], data, 3, MSG_PEEK), 3);
    EQ(recv(ends[1], data, 2, 0), 2);
    EQ(memcmp(data, "ab", 2), 0);
    EQ(recv(ends[1], data, 8, MSG_PEEK), 4);
    EQ(recv(ends[1], data, 8, 0), 4);
    EQ(memcmp(data, "cdef", 4), 0);
    FAILS(recv(ends[1], data, 8, MSG_DONTWAIT), EAGAIN);
    close_both(ends);
}

TEST(pieces_are_gathered_and_scattered)
{
    int ends[2];
    char a[3], b[5];
    connected(AF_INET, ends);
    struct iovec out[3] = {{"one", 3}, {"", 0}, {"two34", 5}};
    struct iovec in[2] = {{a, 3}, {b, 5}};
    EQ(writev(ends[0], out, 3), 8);
    struct msghdr m = {.msg_iov = in, .msg_iovlen = 2};
    EQ(recvmsg(ends[1], &m, MSG_WAITALL), 8);
    EQ(memcmp(a, "one", 3), 0);
    EQ(memcmp(b, "two34", 5), 0);
    close_both(ends);
}

TEST(a_file_is_sent_from_where_it_stands)
{
    int ends[2];
    char name[200], data[16];
    connected(AF_INET, ends);
    strcpy(name, test_directory());
    strcat(name, "sent");
    int fd = open(name, O_CREAT | O_RDWR, 0600);
    WANT(fd >= 0);
    EQ(write(fd, "0123456789", 10), 10);
    off_t at = 2;
    EQ(sendfile(ends[0], fd, &at, 100), 8);
    EQ(at, 10);
    EQ(recv(ends[1], data, 8, MSG_WAITALL), 8);
    EQ(memcmp(data, "23456789", 8), 0);
    EQ(close(fd), 0);
    close_both(ends);
}

/* ---- beginnings ------------------------------------------------------------
 */

TEST(nobody_listening_is_said)
{
    for (int i = 0; i < 2; i++) {
        int l = listener(FAMILIES[i]), c = socket(FAMILIES[i], SOCK_STREAM, 0);
        union address a = name_of(l);
        EQ(close(l), 0);
        FAILS(connect(c, &a.any, length_of(&a)), ECONNREFUSED);
        EQ(close(c), 0);
    }
}

TEST(a_connection_can_be_begun_and_waited_for)
{
    int l = listener(AF_INET),
        c = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    union address a = name_of(l);
    set_flag(l, O_NONBLOCK);
    FAILS(accept(l, NULL, NULL), EAGAIN);
    int error = connect(c, &a.any, length_of(&a));
    WANT(error == 0 || errno == EINPROGRESS);
    wait_until(c, POLLOUT);
    EQ(option(c, SOL_SOCKET, SO_ERROR), 0);
    error = connect(c, &a.any, length_of(&a)); // Linux says it worked, once
    WANT(error == 0 || errno == EISCONN);
    FAILS(connect(c, &a.any, length_of(&a)), EISCONN);
    wait_until(l, POLLIN);
    int s = accept4(l, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    WANT(s >= 0);
    WANT(fcntl(s, F_GETFL) & O_NONBLOCK);
    EQ(fcntl(s, F_GETFD), FD_CLOEXEC);
    close_both((int[]){c, s});
    EQ(close(l), 0);
}

TEST(a_refusal_is_told_to_who_waits)
{
    int l = listener(AF_INET),
        c = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    union address a = name_of(l);
    EQ(close(l), 0);
    if (connect(c, &a.any, length_of(&a)) < 0 && errno == EINPROGRESS) {
        wait_until(c, POLLOUT);
        EQ(option(c, SOL_SOCKET, SO_ERROR), ECONNREFUSED);
        EQ(option(c, SOL_SOCKET, SO_ERROR), 0);
    } else {
        EQ(errno, ECONNREFUSED);
    }
    EQ(close(c), 0);
}

TEST(a_port_has_one_owner)
{
    for (int type = SOCK_STREAM; type <= SOCK_DGRAM; type++) {
        int first = bound(AF_INET, type), second = socket(AF_INET, type, 0);
        union address a = name_of(first);
        FAILS(bind(second, &a.any, sizeof(a.v4)), EADDRINUSE);
        EQ(close(first), 0);
        EQ(bind(second, &a.any, sizeof(a.v4)), 0);
        EQ(close(second), 0);
    }
}

TEST(a_foreign_address_is_nobodys_to_bind)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    union address a = loopback(AF_INET, 0);
    a.v4.sin_addr.s_addr = inet_addr("192.0.2.1");
    FAILS(bind(fd, &a.any, sizeof(a.v4)), EADDRNOTAVAIL);
    EQ(close(fd), 0);
}

TEST(what_is_no_connection_is_not_used_as_one)
{
    char byte;
    union address a;
    socklen_t length = sizeof(a);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    FAILS(recv(fd, &byte, 1, 0), ENOTCONN);
    FAILS(getpeername(fd, &a.any, &length), ENOTCONN);
    FAILS(shutdown(fd, SHUT_RDWR), ENOTCONN);
    FAILS(accept(fd, NULL, NULL), EINVAL);
    EQ(close(fd), 0);
    FAILS(send(fd, "x", 1, 0), EBADF);
    FAILS(send(0, "x", 1, 0), ENOTSOCK);
    FAILS(socket(AF_INET, SOCK_SEQPACKET, 0), ESOCKTNOSUPPORT);
    FAILS(socket(9999, SOCK_STREAM, 0), EAFNOSUPPORT);
}

TEST(options_keep_their_values)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    EQ(option(fd, SOL_SOCKET, SO_TYPE), SOCK_STREAM);
    EQ(option(fd, SOL_SOCKET, SO_ACCEPTCONN), 0);
    EQ(option(fd, SOL_SOCKET, SO_REUSEADDR), 0);
    EQ(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
    EQ(option(fd, SOL_SOCKET, SO_REUSEADDR), 1);
    EQ(setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on)), 0);
    EQ(option(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
    EQ(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)), 0);
    WANT(option(fd, IPPROTO_TCP, TCP_NODELAY));
    FAILS(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, 1), EINVAL);
    FAILS(setsockopt(fd, IPPROTO_TCP, 9999, &on, sizeof(on)), ENOPROTOOPT);
    EQ(close(fd), 0);
    fd = listener(AF_INET6);
    EQ(option(fd, SOL_SOCKET, SO_ACCEPTCONN), 1);
    EQ(close(fd), 0);
}

/* ---- datagrams -------------------------------------------------------------
 */

TEST(datagrams_keep_their_edges)
{
    for (int i = 0; i < 2; i++) {
        int a = bound(FAMILIES[i], SOCK_DGRAM);
        int b = bound(FAMILIES[i], SOCK_DGRAM);
        union address there = name_of(b), from, mine = name_of(a);
        socklen_t length = sizeof(from);
        char data[16];
        EQ(sendto(a, "first", 5, 0, &there.any, length_of(&there)), 5);
        EQ(sendto(a, "", 0, 0, &there.any, length_of(&there)), 0);
        EQ(sendto(a, "third", 5, 0, &there.any, length_of(&there)), 5);
        EQ(recvfrom(b, data, sizeof(data), 0, &from.any, &length), 5);
        EQ(memcmp(data, "first", 5), 0);
        EQ(length, length_of(&mine));
        EQ(memcmp(&from, &mine, length), 0);
        EQ(recv(b, data, sizeof(data), 0), 0);
        EQ(recv(b, data, 2, MSG_TRUNC), 5);
        EQ(memcmp(data, "th", 2), 0);
        FAILS(recv(b, data, sizeof(data), MSG_DONTWAIT), EAGAIN);
        close_both((int[]){a, b});
    }
}

TEST(a_cut_datagram_is_marked)
{
    int a = bound(AF_INET, SOCK_DGRAM), b = bound(AF_INET, SOCK_DGRAM);
    union address there = name_of(b);
    char data[4];
    struct iovec in = {data, sizeof(data)};
    struct msghdr m = {.msg_iov = &in, .msg_iovlen = 1};
    EQ(sendto(a, "12345678", 8, 0, &there.any, sizeof(there.v4)), 8);
    EQ(recvmsg(b, &m, 0), 4);
    EQ(m.msg_flags & MSG_TRUNC, MSG_TRUNC);
    close_both((int[]){a, b});
}

TEST(a_connected_one_hears_its_peer_alone)
{
    int a = bound(AF_INET, SOCK_DGRAM), b = bound(AF_INET, SOCK_DGRAM);
    int stranger = bound(AF_INET, SOCK_DGRAM);
    union address at_a = name_of(a), at_b = name_of(b);
    char data[16];
    FAILS(send(a, "x", 1, 0), EDESTADDRREQ);
    EQ(connect(a, &at_b.any, sizeof(at_b.v4)), 0);
    EQ(sendto(stranger, "bad", 3, 0, &at_a.any, sizeof(at_a.v4)), 3);
    EQ(sendto(b, "good", 4, 0, &at_a.any, sizeof(at_a.v4)), 4);
    EQ(recv(a, data, sizeof(data), 0), 4);
    EQ(memcmp(data, "good", 4), 0);
    EQ(send(a, "to", 2, 0), 2);
    EQ(recv(b, data, sizeof(data), 0), 2);
    close_both((int[]){a, b});
    EQ(close(stranger), 0);
}

TEST(a_datagram_has_a_greatest_size)
{
    static char data[70000];
    int a = bound(AF_INET, SOCK_DGRAM), b = bound(AF_INET, SOCK_DGRAM);
    union address there = name_of(b);
    FAILS(sendto(a, data, sizeof(data), 0, &there.any, sizeof(there.v4)),
          EMSGSIZE);
    EQ(sendto(a, data, 9000, 0, &there.any, sizeof(there.v4)), 9000);
    EQ(recv(b, data, sizeof(data), 0), 9000);
    close_both((int[]){a, b});
}

/* ---- waiting ---------------------------------------------------------------
 */

TEST(a_time_limit_ends_a_receive)
{
    int fd = bound(AF_INET, SOCK_DGRAM);
    struct timeval limit = {0, 20000}, got;
    socklen_t length = sizeof(got);
    char byte;
    EQ(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)), 0);
    EQ(getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &got, &length), 0);
    EQ(got.tv_sec, 0);
    WANT(got.tv_usec >= 20000 && got.tv_usec < 30000);
    FAILS(recv(fd, &byte, 1, 0), EAGAIN);
    EQ(close(fd), 0);
}

TEST(select_sees_sockets)
{
    int ends[2];
    connected(AF_INET, ends);
    fd_set in, out;
    FD_ZERO(&in);
    FD_ZERO(&out);
    FD_SET(ends[1], &in);
    FD_SET(ends[0], &out);
    int most = ends[0] > ends[1] ? ends[0] : ends[1];
    EQ(select(most + 1, &in, &out, NULL, &(struct timeval){5, 0}), 1);
    WANT(FD_ISSET(ends[0], &out) && !FD_ISSET(ends[1], &in));
    EQ(send(ends[0], "x", 1, 0), 1);
    FD_SET(ends[1], &in);
    EQ(select(most + 1, &in, NULL, NULL, &(struct timeval){5, 0}), 1);
    WANT(FD_ISSET(ends[1], &in));
    close_both(ends);
}

TEST(epoll_by_level_and_by_edge)
{
    int ends[2], level = epoll_create1(0), edge = epoll_create1(0);
    struct epoll_event e = {EPOLLIN, {.u32 = 7}}, got[4];
    char byte;
    connected(AF_INET, ends);
    EQ(epoll_ctl(level, EPOLL_CTL_ADD, ends[1], &e), 0);
    e.events |= EPOLLET;
    EQ(epoll_ctl(edge, EPOLL_CTL_ADD, ends[1], &e), 0);
    EQ(epoll_wait(level, got, 4, 0), 0);
    EQ(send(ends[0], "ab", 2, 0), 2);
    EQ(epoll_wait(level, got, 4, 5000), 1);
    EQ(got[0].data.u32, 7);
    EQ(epoll_wait(edge, got, 4, 5000), 1);
    EQ(recv(ends[1], &byte, 1, 0), 1);
    EQ(epoll_wait(level, got, 4, 0), 1);
    EQ(epoll_wait(edge, got, 4, 0), 0);
    EQ(recv(ends[1], &byte, 1, 0), 1);
    EQ(epoll_wait(level, got, 4, 0), 0);
    EQ(shutdown(ends[0], SHUT_WR), 0);
    EQ(epoll_wait(edge, got, 4, 5000), 1);
    EQ(recv(ends[1], &byte, 1, 0), 0);
    close_both(ends);
    EQ(epoll_wait(level, got, 4, 0), 0);
    close_both((int[]){level, edge});
}

/* ---- names -----------------------------------------------------------------
 */

TEST(names_that_are_numbers_need_no_server)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
    struct addrinfo *all;
    EQ(getaddrinfo("::1", "8080", &hints, &all), 0);
    EQ(all->ai_family, AF_INET6);
    EQ(((struct sockaddr_in6 *)(void *)all->ai_addr)->sin6_port, htons(8080));
    WANT(!all->ai_next);
    freeaddrinfo(all);
    EQ(getaddrinfo("no.number", "80", &hints, &all), EAI_NONAME);
    EQ(getaddrinfo("127.0.0.1", "http", &hints, &all), EAI_NONAME);
    EQ(getaddrinfo(NULL, NULL, &hints, &all), EAI_NONAME);
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
    hints.ai_family = AF_INET;
    EQ(getaddrinfo(NULL, "80", &hints, &all), 0);
    struct sockaddr_in *a = (void *)all->ai_addr;
    EQ(a->sin_addr.s_addr, htonl(INADDR_ANY));
    char host[NI_MAXHOST], service[NI_MAXSERV];
    EQ(getnameinfo(all->ai_addr, all->ai_addrlen, host, sizeof(host), service,
                   sizeof(service), NI_NUMERICHOST | NI_NUMERICSERV),
       0);
    EQ(strcmp(host, "0.0.0.0"), 0);
    EQ(strcmp(service, "80"), 0);
    freeaddrinfo(all);
}

TEST(a_listener_of_both_families_serves_both)
{
    int l = socket(AF_INET6, SOCK_STREAM, 0), off = 0;
    union address a = {.v6 = {.sin6_family = AF_INET6}};
    EQ(setsockopt(l, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)), 0);
    EQ(bind(l, &a.any, sizeof(a.v6)), 0);
    EQ(listen(l, 4), 0);
    uint16_t port = ntohs(name_of(l).v6.sin6_port);
    for (int i = 0; i < 2; i++) {
        union address there = loopback(FAMILIES[i], port), from;
        socklen_t length = sizeof(from);
        int c = socket(FAMILIES[i], SOCK_STREAM, 0);
        EQ(connect(c, &there.any, length_of(&there)), 0);
        int s = accept(l, &from.any, &length);
        WANT(s >= 0);
        EQ(from.any.sa_family, AF_INET6);
        EQ(IN6_IS_ADDR_V4MAPPED(&from.v6.sin6_addr), FAMILIES[i] == AF_INET);
        close_both((int[]){c, s});
    }
    EQ(close(l), 0);
}
