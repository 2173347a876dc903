// SPDX-License-Identifier: MIT
/*
 * load-http: asks a web server for one file, again and again, over several
 * connections, and checks every answer to its last byte. -h tells the options.
 *
 * The answer to a first request is the pattern. All others must have its
 * content; a connection that ends early or an answer that differs is a failure,
 * and the exit status is 1. What is printed: a line for each tenth of the run,
 * so that a decline is seen, and a line for the whole.
 */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "load.h"

#define CONNECTIONS_MAX 1000
#define PIPELINE_MAX    64
#define HEAD_BYTES      4096
#define CONTENT_BYTES   (16u << 20)

const char program[] = "load-http";

static const char help[] =
    "usage: load-http [OPTION ...] ADDRESS PORT PATH\n"
    "Asks a web server for one file again and again, and checks each "
    "answer.\n\n"
    "  -c COUNT    connections at a time (30)\n"
    "  -n COUNT    requests in all (10000)\n"
    "  -p COUNT    requests under way on each connection (1)\n"
    "  -1          one request for each connection\n"
    "  -t SECONDS  most time without any answer (30)\n";

struct conn {
    int socket;            // -1: closed
    unsigned asked;        // requests under way
    size_t unsent;         // bytes of them that wait for room
    bool in_content;       // the head is read
    size_t head_length;    // bytes of the head so far
    size_t content_length; // that it announced
    size_t at;             // bytes of the content so far
    bool different;        // from the pattern
    char head[HEAD_BYTES];
};

static struct {
    unsigned connections, pipeline, patience_s;
    uint64_t requests;
    bool close;
} options = {
    .connections = 30, .pipeline = 1, .patience_s = 30, .requests = 10000};

static struct addrinfo *server;
static char request[2048];
static size_t request_length;

static struct {
    const char *content; // of the first answer
    size_t length;
} pattern;

static struct conn conn[CONNECTIONS_MAX];
static uint64_t started; // requests
static char first_failure[160];
static int epoll;

/* Notes failed requests, and why the first one did. */
static void
note_failure(uint64_t count, const char *why, int error)
{
    if (!outcome.failed)
        snprintf(first_failure, sizeof(first_failure), "%s%s%s", why,
                 error ? ": " : "", error ? strerror(error) : "");
    outcome.failed += count;
}

static void
watch(struct conn *c, int how)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    if (c->unsent)
        event.events |= EPOLLOUT;
    if (epoll_ctl(epoll, how, c->socket, &event) != 0)
        give_up("epoll_ctl failed");
}

/* Requests that shall be under way on a connection but are not. */
static void
ask(struct conn *c)
{
    unsigned most = options.close ? 1 : options.pipeline;
    while (c->asked < most && started < options.requests) {
        c->asked++;
        started++;
        c->unsent += request_length;
    }
}

/* Sends what waits. All requests are alike, so where one begins is known from
 * how many bytes are left. */
static bool
send_waiting(struct conn *c)
{
    bool watched = c->unsent != 0;
    while (c->unsent) {
        size_t rest = c->unsent % request_length;
        size_t n = rest ? rest : request_length;
        ssize_t sent =
            send(c->socket, request + request_length - n, n, MSG_NOSIGNAL);
        if (sent < 0)
            break;
        c->unsent -= (size_t)sent;
    }
    if (c->unsent && errno != EAGAIN && errno != EWOULDBLOCK &&
        errno != EINPROGRESS && errno != ENOTCONN)
        return false;
    if (watched || c->unsent)
        watch(c, EPOLL_CTL_MOD);
    return true;
}

static void
open_conn(struct conn *c)
{
    int on = 1;
    if (started == options.requests)
        return;
    *c = (struct conn){.socket = socket(server->ai_family, SOCK_STREAM, 0)};
    if (c->socket < 0 || fcntl(c->socket, F_SETFL, O_NONBLOCK) != 0)
        give_up("no more sockets; use a smaller -c");
    setsockopt(c->socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    ask(c);
    if (connect(c->socket, server->ai_addr, server->ai_addrlen) != 0 &&
        errno != EINPROGRESS) {
        note_failure(c->asked, "cannot connect", errno);
        close(c->socket);
        c->socket = -1;
        return;
    }
    watch(c, EPOLL_CTL_ADD);
}

static void
close_conn(struct conn *c)
{
    close(c->socket);
    c->socket = -1;
    open_conn(c);
}

/* The connection is of no use any more, and neither is what was asked on it.
 */
static void
fail_conn(struct conn *c, const char *why, int error)
{
    note_failure(c->asked ? c->asked : 1, why, error);
    close_conn(c);
}

/* The value of a field of a head; null: it has none. */
static const char *
value_of(const char *head, const char *name)
{
    size_t n = strlen(name);
    for (const char *line = strstr(head, "\r\n"); line;
         line = strstr(line + 2, "\r\n"))
        if (strncasecmp(line + 2, name, n) == 0 && line[2 + n] == ':')
            return line + 3 + n;
    return NULL;
}

/* The head is whole. Null: it is right; else what is wrong with it. */
static const char *
check_head(struct conn *c)
{
    const char *length = value_of(c->head, "Content-Length");
    if (strncmp(c->head, "HTTP/1.1 200 ", 13) != 0)
        return "the status is not 200";
    if (!length)
        return "no Content-Length";
    c->content_length = strtoul(length, NULL, 10);
    if (c->content_length != pattern.length)
        return "the content has another length";
    return NULL;
}

/* Takes bytes of a head. Result: how many; *why is set if it is wrong. */
static size_t
take_head(struct conn *c, const char *data, size_t length, const char **why)
{
    for (size_t i = 0; i < length; i++) {
        if (c->head_length == sizeof(c->head) - 1) {
            *why = "the head is too long";
            return i;
        }
        c->head[c->head_length++] = data[i];
        if (data[i] == '\n' && c->head_length >= 4 &&
            memcmp(c->head + c->head_length - 4, "\r\n\r\n", 4) == 0) {
            c->head[c->head_length] = '\0';
            *why = check_head(c);
            c->in_content = true;
            return i + 1;
        }
    }
    return length;
}

/* Takes bytes of the content. */
static size_t
take_content(struct conn *c, const char *data, size_t length)
{
    size_t n = c->content_length - c->at;
    if (n > length)
        n = length;
    c->different |= memcmp(pattern.content + c->at, data, n) != 0;
    c->at += n;
    return n;
}

/* An answer is whole. */
static void
finish(struct conn *c)
{
    if (c->different)
        note_failure(1, "the content differs", 0);
    else
        outcome.answered++;
    c->asked--;
    c->in_content = c->different = false;
    c->head_length = c->at = 0;
}

/* Takes all that came. False: the connection was given up. */
static bool
take(struct conn *c, const char *data, size_t length)
{
    const char *why = NULL;
    while (length) {
        if (!c->asked) {
            fail_conn(c, "more came than was asked for", 0);
            return false;
        }
        size_t n = c->in_content ? take_content(c, data, length)
                                 : take_head(c, data, length, &why);
        if (why) {
            fail_conn(c, why, 0);
            return false;
        }
        data += n;
        length -= n;
        if (c->in_content && c->at == c->content_length)
            finish(c);
    }
    return true;
}

static void
receive(struct conn *c)
{
    static char data[65536];
    ssize_t n = recv(c->socket, data, sizeof(data), 0);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return;
    if (n < 0)
        fail_conn(c, "the connection broke", errno);
    else if (n == 0 && (c->asked || !options.close))
        fail_conn(c, "the server ended the connection", 0);
    else if (n == 0)
        close_conn(c);
    else if (take(c, data, (size_t)n) && !options.close) {
        ask(c);
        if (!send_waiting(c))
            fail_conn(c, "the connection broke", errno);
    }
}

/* Waits until so many requests are answered or failed. */
static void
run_until(uint64_t target)
{
    struct epoll_event event[64];
    while (outcome.answered + outcome.failed < target) {
        int n = epoll_wait(epoll, event, 64, (int)options.patience_s * 1000);
        if (n < 0 && errno != EINTR)
            give_up("epoll_wait failed");
        if (n == 0) {
            note_failure(options.requests - outcome.answered - outcome.failed,
                         "no answer came in time", 0);
            return;
        }
        for (int i = 0; i < n; i++) {
            struct conn *c = event[i].data.ptr;
            if ((event[i].events & EPOLLOUT) && !send_waiting(c))
                fail_conn(c, "cannot send", errno);
            else if (event[i].events & (EPOLLIN | EPOLLERR | EPOLLHUP))
                receive(c);
        }
    }
}

/* All requests. Result: the exit status. */
static int
run(void)
{
    for (unsigned i = 0; i < options.connections; i++)
        open_conn(&conn[i]);
    uint64_t rate = in_tenths(options.requests, run_until);
    printf("%llu answered, %llu failed, %llu requests/s\n",
           (unsigned long long)outcome.answered,
           (unsigned long long)outcome.failed, (unsigned long long)rate);
    if (outcome.failed)
        fprintf(stderr, "load-http: the first failure: %s\n", first_failure);
    return outcome.failed != 0;
}

/* Does an answer end here? Notes its content as the pattern if so. */
static bool
is_pattern(const char *data, size_t length)
{
    const char *end = strstr(data, "\r\n\r\n");
    const char *announced = end ? value_of(data, "Content-Length") : NULL;
    if (!announced)
        return false;
    pattern.content = end + 4;
    pattern.length = strtoul(announced, NULL, 10);
    return length - (size_t)(pattern.content - data) == pattern.length;
}

/* Asks once, on a connection of its own, for what all answers must be. */
static void
read_pattern(const char *head)
{
    static char data[HEAD_BYTES + CONTENT_BYTES];
    size_t length = 0;
    struct timeval patience = {.tv_sec = options.patience_s};
    int s = socket(server->ai_family, SOCK_STREAM, 0);
    if (s < 0 || connect(s, server->ai_addr, server->ai_addrlen) != 0)
        give_up(strerror(errno));
    setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    if (send(s, head, strlen(head), MSG_NOSIGNAL) < 0)
        give_up(strerror(errno));
    do {
        ssize_t n = recv(s, data + length, sizeof(data) - 1 - length, 0);
        if (n <= 0)
            give_up("the first answer did not come, or is too long");
        length += (size_t)n;
        data[length] = '\0';
    } while (!is_pattern(data, length));
    close(s);
    if (strncmp(data, "HTTP/1.1 200 ", 13) != 0)
        give_up("the first answer is not HTTP/1.1 200");
}

static void
read_options(int argc, char **argv)
{
    int option;
    while ((option = getopt(argc, argv, "c:n:p:1t:h")) != -1) {
        switch (option) {
        case 'c':
            options.connections = (unsigned)number(optarg, 1, CONNECTIONS_MAX);
            break;
        case 'n':
            options.requests = number(optarg, 1, 1000000000);
            break;
        case 'p':
            options.pipeline = (unsigned)number(optarg, 1, PIPELINE_MAX);
            break;
        case '1':
            options.close = true;
            break;
        case 't':
            options.patience_s = (unsigned)number(optarg, 1, 86400);
            break;
        default:
            fputs(help, option == 'h' ? stdout : stderr);
            exit(option == 'h' ? 0 : 2);
        }
    }
    if (argc - optind != 3)
        give_up("ADDRESS PORT PATH are wanted; -h helps");
}

/* A request for a path. */
static size_t
write_request(char *to, size_t room, const char *host, const char *path,
              bool last)
{
    int n = snprintf(to, room, "GET %s HTTP/1.1\r\nHost: %s\r\n%s\r\n", path,
                     host, last ? "Connection: close\r\n" : "");
    if (n < 0 || (size_t)n >= room)
        give_up("the path is too long");
    return (size_t)n;
}

int
main(int argc, char **argv)
{
    char first[sizeof(request)];
    read_options(argc, argv);
    const char *host = argv[optind], *path = argv[optind + 2];
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    int error = getaddrinfo(host, argv[optind + 1], &hints, &server);
    if (error)
        give_up(gai_strerror(error));
    request_length =
        write_request(request, sizeof(request), host, path, options.close);
    write_request(first, sizeof(first), host, path, true);
    read_pattern(first);
    epoll = epoll_create1(0);
    if (epoll < 0)
        give_up(strerror(errno));
    int status = run();
    freeaddrinfo(server);
    return status;
}
