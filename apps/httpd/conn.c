// SPDX-License-Identifier: MIT
/* conn.c: see conn.h. */
#include "conn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "answer.h"
#include "server.h"

#define TURN_BYTES   (1u << 20) // sent before others get their turn
#define LINGER_BYTES (1u << 18)

static const char overload[] =
    "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n"
    "Retry-After: 5\r\nConnection: close\r\n\r\n";

enum flushed { FLUSHED, BLOCKED, FAILED };

struct conn *
conn_open(int socket)
{
    struct conn *c = server.spare;
    struct epoll_event event = {.events = EPOLLIN};
    if (c)
        server.spare = c->next;
    else
        c = malloc(sizeof(*c));
    event.data.ptr = c;
    if (!c || epoll_ctl(server.epoll, EPOLL_CTL_ADD, socket, &event) != 0) {
        close(socket);
        free(c);
        return NULL;
    }
    *c = (struct conn){.socket = socket, .events = EPOLLIN, .wait = WAITS};
    server.open++;
    server.counters.accepted++;
    loop_wait(c, WAIT_HEAD);
    return c;
}

void
conn_close(struct conn *c)
{
    loop_forget(c);
    close(c->socket); // which takes it off the epoll descriptor
    c->socket = -1;
    pool_give(&server.pool, c->in);
    pool_give(&server.pool, c->out);
    sending_end(&c->sending);
    server.open--;
    c->next = server.ended;
    server.ended = c;
}

/* Says what epoll shall watch for. False: it cannot, and the connection is
 * closed. */
static bool
watch(struct conn *c, uint8_t events)
{
    if (c->events == events)
        return true;
    struct epoll_event event = {.events = events, .data.ptr = c};
    if (epoll_ctl(server.epoll, EPOLL_CTL_MOD, c->socket, &event) != 0) {
        conn_close(c);
        return false;
    }
    c->events = events;
    return true;
}

/* Turns a client away for want of memory. */
static void
refuse(struct conn *c)
{
    server.counters.refused++;
    (void)!send(c->socket, overload, sizeof(overload) - 1, MSG_NOSIGNAL);
    conn_close(c);
}

/* Counts what the network took. Result: how it went. */
static enum flushed
moved(struct conn *c, int64_t n)
{
    if (n < 0)
        return errno == EINTR                            ? FLUSHED
               : errno == EAGAIN || errno == EWOULDBLOCK ? BLOCKED
                                                         : FAILED;
    c->moved += (uint64_t)n;
    server.counters.sent += (uint64_t)n;
    return FLUSHED;
}

/* Sends a piece of what waits: bytes of the buffer first, then of a file. */
static enum flushed
flush_once(struct conn *c, bool *done)
{
    if (c->sending.item && c->out)
        sending_fill(&c->sending, c->out);
    if (c->out && buffer_length(c->out)) {
        ssize_t n = send(c->socket, c->out->data + c->out->start,
                         buffer_length(c->out), MSG_NOSIGNAL);
        if (n > 0)
            buffer_skip(c->out, (size_t)n);
        return moved(c, n);
    }
    if (c->sending.item) {
        int64_t n = sending_file(&c->sending, c->socket, TURN_BYTES / 4);
        return n ? moved(c, n) : FAILED; // the file was cut short
    }
    pool_give(&server.pool, c->out);
    c->out = NULL;
    *done = true;
    return FLUSHED;
}

/* Sends all that waits, or as much as is fair. */
static enum flushed
flush(struct conn *c)
{
    uint64_t until = server.counters.sent + TURN_BYTES;
    bool done = false;
    while (!done) {
        if (server.counters.sent > until)
            return BLOCKED;
        enum flushed how = flush_once(c, &done);
        if (how != FLUSHED)
            return how;
    }
    return FLUSHED;
}

/* Closes it, but lets the client read first what it was told: a connection
 * closed with bytes unread is reset, and the answer may be lost
 * [RFC9112 §9.6]. */
static void
end(struct conn *c)
{
    if (!c->suspect && !c->in && c->body.state == BODY_NONE) {
        conn_close(c);
        return;
    }
    pool_give(&server.pool, c->in);
    c->in = NULL;
    c->lingering = true;
    c->moved = 0;
    shutdown(c->socket, SHUT_WR);
    if (watch(c, EPOLLIN))
        loop_wait(c, WAIT_LINGER);
}

/* Reads and forgets. */
static void
discard(struct conn *c)
{
    static char nowhere[4096];
    ssize_t n = recv(c->socket, nowhere, sizeof(nowhere), 0);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return;
    if (n > 0)
        c->moved += (uint64_t)n;
    if (n <= 0 || c->moved > LINGER_BYTES)
        conn_close(c);
}

/* Takes bytes off `in`, and gives it back when it is empty. */
static void
consume(struct conn *c, size_t n)
{
    buffer_skip(c->in, n);
    if (!buffer_length(c->in)) {
        pool_give(&server.pool, c->in);
        c->in = NULL;
    }
}

/* Answers with an error and nothing after it. */
static void
fail(struct conn *c, int status)
{
    c->finish = c->suspect = true;
    answer_error(c, status);
}

/* Skips content of the last request. False: more must come first. */
static bool
skip_body(struct conn *c)
{
    if (!c->in)
        return false;
    int64_t n =
        body_skip(&c->body, c->in->data + c->in->start, buffer_length(c->in));
    if (n < 0) // too late for another answer
        c->finish = c->suspect = true;
    else
        consume(c, (size_t)n);
    return n < 0 || c->body.state == BODY_NONE;
}

/* Can bytes that came since the last look complete a head? */
static bool
worth_parsing(const struct conn *c)
{
    uint32_t n = buffer_length(c->in);
    return !c->seen || n >= REQUEST_HEAD_MAX ||
           memchr(c->in->data + c->in->start + c->seen, '\n', n - c->seen);
}

/* Answers the next request. False: more must come first. */
static bool
next_request(struct conn *c)
{
    if (!c->in || !worth_parsing(c))
        return false;
    struct request request;
    const char *text = c->in->data + c->in->start;
    int n = request_parse(&request, text, buffer_length(c->in));
    if (n == 0) {
        c->seen = buffer_length(c->in);
        return false;
    }
    c->seen = 0;
    if (n < 0) {
        fail(c, -n);
        return true;
    }
    body_expect(&c->body, &request, server.limits.body);
    answer(c, &request);
    consume(c, (size_t)n);
    return true;
}

/* Nothing can be done until more comes. */
static void
starve(struct conn *c)
{
    enum wait wait = c->body.state != BODY_NONE ? WAIT_BODY
                     : c->in                    ? WAIT_HEAD
                                                : WAIT_IDLE;
    if (!watch(c, EPOLLIN))
        return;
    if (wait == WAIT_IDLE || wait != c->wait)
        loop_wait(c, wait);
}

/* Goes on until the client or the network has to. */
static void
work(struct conn *c)
{
    for (bool starved = false;;) {
        if (!c->out && !(c->out = pool_take(&server.pool))) {
            refuse(c);
            return;
        }
        if (starved || c->finish || c->sending.item ||
            buffer_room(c->out) < ANSWER_BYTES) {
            enum flushed how = flush(c);
            if (how == FAILED) {
                conn_close(c);
                return;
            }
            if (how == BLOCKED) {
                if (watch(c, EPOLLOUT) && c->wait != WAIT_ROOM)
                    loop_wait(c, WAIT_ROOM);
                return;
            }
            if (c->finish || starved) {
                c->finish ? end(c) : starve(c);
                return;
            }
            continue;
        }
        starved = c->body.state != BODY_NONE ? !skip_body(c) : !next_request(c);
    }
}

/* Reads once. False: there is nothing to work on. */
static bool
fill(struct conn *c)
{
    if (!c->in && !(c->in = pool_take(&server.pool))) {
        refuse(c);
        return false;
    }
    struct buffer *in = c->in;
    if (in->start && buffer_room(in) < REQUEST_HEAD_MAX) {
        memmove(in->data, in->data + in->start, buffer_length(in));
        in->end -= in->start;
        in->start = 0;
    }
    ssize_t n = recv(c->socket, in->data + in->end, buffer_room(in), 0);
    if (n > 0) {
        in->end += (uint32_t)n;
        c->moved += (uint64_t)n;
        server.counters.received += (uint64_t)n;
        return true;
    }
    if (n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR))
        conn_close(c);
    else if (!buffer_length(in))
        consume(c, 0);
    return false;
}

void
conn_event(struct conn *c)
{
    if (c->socket < 0)
        return;
    if (c->lingering)
        discard(c);
    else if (c->events != EPOLLIN || fill(c))
        work(c);
}

void
conn_late(struct conn *c)
{
    uint64_t least =
        (uint64_t)server.limits.rate * server.limits.window_ms / 1000;
    bool moves = c->wait == WAIT_ROOM || c->wait == WAIT_BODY;
    if (moves && c->moved >= least) {
        loop_wait(c, c->wait);
        return;
    }
    server.counters.timeouts += c->wait != WAIT_IDLE && c->wait != WAIT_LINGER;
    if (c->wait != WAIT_HEAD || !c->in || !(c->out = pool_take(&server.pool))) {
        conn_close(c);
        return;
    }
    fail(c, 408);
    work(c);
}
