// SPDX-License-Identifier: MIT
/* loop.c: waiting for all connections at once; see server.h. */
#include "server.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "date.h"

#define EVENTS       64
#define RETRY_MS     100 // until a system short of memory is asked again
#define ACCEPTS_MOST 64  // new connections before old ones get their turn

struct server server;

static uint32_t
duration_ms(enum wait wait)
{
    switch (wait) {
    case WAIT_IDLE:
        return server.limits.idle_ms;
    case WAIT_HEAD:
        return server.limits.head_ms;
    case WAIT_LINGER:
        return LINGER_MS;
    default:
        return server.limits.window_ms;
    }
}

void
loop_forget(struct conn *c)
{
    if (c->wait == WAITS)
        return;
    *(c->prev ? &c->prev->next : &server.first[c->wait]) = c->next;
    *(c->next ? &c->next->prev : &server.last[c->wait]) = c->prev;
    c->wait = WAITS;
}

/* All waits of a queue are equally long, so the one that began last also ends
 * last. */
void
loop_wait(struct conn *c, enum wait wait)
{
    loop_forget(c);
    c->deadline_ms = server.now_ms + duration_ms(wait);
    c->wait = (uint8_t)wait;
    c->moved = 0;
    c->next = NULL;
    c->prev = server.last[wait];
    *(c->prev ? &c->prev->next : &server.first[wait]) = c;
    server.last[wait] = c;
}

static void
look_at_clock(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    uint64_t before = server.now_ms / 1000;
    server.now_ms = (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
    if (server.now_ms / 1000 == before && server.now)
        return;
    char date[DATE_BYTES];
    clock_gettime(CLOCK_REALTIME, &t);
    server.now = (int64_t)t.tv_sec;
    date_write(date, server.now);
    server.dated_length =
        (uint32_t)snprintf(server.dated, sizeof(server.dated),
                           "Date: %s\r\nServer: httpd\r\n", date);
}

/* Ends waits. Result: milliseconds to the end of the next one; -1: none. */
static int
expire(void)
{
    uint64_t next = UINT64_MAX;
    for (unsigned wait = 0; wait < WAITS; wait++) {
        struct conn *c;
        while ((c = server.first[wait]) && c->deadline_ms <= server.now_ms)
            conn_late(c);
        if (c && c->deadline_ms < next)
            next = c->deadline_ms;
    }
    if (server.retry_ms > server.now_ms && server.retry_ms < next)
        next = server.retry_ms;
    return next == UINT64_MAX ? -1 : (int)(next - server.now_ms);
}

static int
watch_listeners(int how)
{
    for (unsigned i = 0; i < server.listeners; i++) {
        struct epoll_event event = {.events = EPOLLIN,
                                    .data.ptr = &server.listener[i]};
        if (epoll_ctl(server.epoll, how, server.listener[i], &event) != 0)
            return -1;
    }
    server.paused = how == EPOLL_CTL_DEL;
    return 0;
}

/* Can one more connection be had, if need be for one that idles? */
static bool
has_room(void)
{
    return server.now_ms >= server.retry_ms &&
           (server.open < server.limits.connections || server.first[WAIT_IDLE]);
}

/* Closes the connection that idled longest. */
static void
close_idle(void)
{
    if (!server.first[WAIT_IDLE])
        return;
    server.counters.refused++;
    conn_close(server.first[WAIT_IDLE]);
}

static void
accept_some(int listener)
{
    for (unsigned n = 0; n < ACCEPTS_MOST && has_room(); n++) {
        int on = 1, socket = accept(listener, NULL, NULL);
        if (socket < 0) {
            if (errno != EMFILE && errno != ENFILE && errno != ENOBUFS &&
                errno != ENOMEM)
                return;
            server.retry_ms = server.now_ms + RETRY_MS;
            close_idle();
            break;
        }
        if (server.open >= server.limits.connections)
            close_idle();
        setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        if (fcntl(socket, F_SETFL, O_NONBLOCK) != 0)
            close(socket);
        else
            conn_open(socket);
    }
    if (!has_room())
        watch_listeners(EPOLL_CTL_DEL);
}

static void
handle(const struct epoll_event *event)
{
    int *listener = event->data.ptr;
    if (!listener)
        server.stopping = true;
    else if (listener >= server.listener &&
             listener < server.listener + LISTENERS_MAX)
        accept_some(*listener);
    else
        conn_event(event->data.ptr);
}

/* No event names these any more. */
static void
reuse_ended(void)
{
    for (struct conn *c; (c = server.ended);) {
        server.ended = c->next;
        c->next = server.spare;
        server.spare = c;
    }
}

static void
clean_up(void)
{
    for (unsigned wait = 0; wait < WAITS; wait++)
        while (server.first[wait])
            conn_close(server.first[wait]);
    reuse_ended();
    for (struct conn *c; (c = server.spare);) {
        server.spare = c->next;
        free(c);
    }
    cache_close(&server.cache);
    pool_close(&server.pool);
    close(server.epoll);
}

int
loop_run(int stop)
{
    struct epoll_event events[EVENTS];
    struct epoll_event end = {.events = EPOLLIN, .data.ptr = NULL};
    server.epoll = epoll_create1(0);
    if (server.epoll < 0 || watch_listeners(EPOLL_CTL_ADD) != 0 ||
        (stop >= 0 && epoll_ctl(server.epoll, EPOLL_CTL_ADD, stop, &end) != 0))
        return -1;
    look_at_clock();
    server.started_ms = server.now_ms;
    int error = 0;
    while (!server.stopping) {
        int n = epoll_wait(server.epoll, events, EVENTS, expire());
        if (n < 0 && errno != EINTR) {
            error = errno;
            break;
        }
        look_at_clock();
        for (int i = 0; i < n; i++)
            handle(&events[i]);
        reuse_ended();
        if (server.paused && has_room())
            watch_listeners(EPOLL_CTL_ADD);
        if (server.log)
            fflush(server.log);
    }
    clean_up();
    errno = error;
    return error ? -1 : 0;
}
