// SPDX-License-Identifier: MIT
/* stream.c: see stream.h. */
#include "stream.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fetch.h"

/* Waits for POLLIN or POLLOUT. False: in vain. */
static bool
wait_for(int socket, short event, int patience_ms)
{
    struct pollfd watched = {.fd = socket, .events = event};
    int n;
    do
        n = poll(&watched, 1, patience_ms);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        fail(END_CONNECT, "cannot wait for the network: %s", strerror(errno));
    return n > 0;
}

/* Result: 0, or why not. */
static int
connect_to(int socket, const struct addrinfo *at, int patience_ms)
{
    if (fcntl(socket, F_SETFL, O_NONBLOCK) != 0)
        return errno;
    if (connect(socket, at->ai_addr, at->ai_addrlen) == 0)
        return 0;
    if (errno != EINPROGRESS)
        return errno;
    if (!wait_for(socket, POLLOUT, patience_ms))
        return ETIMEDOUT;
    int error = 0;
    socklen_t length = sizeof(error);
    if (getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &length) != 0)
        return errno;
    return error;
}

void
stream_open(struct stream *s, const char *host, const char *port,
            int patience_ms)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list;
    int error = getaddrinfo(host, port, &hints, &list);
    if (error)
        fail(END_NAME, "%s has no address: %s", host, gai_strerror(error));
    s->patience_ms = patience_ms;
    s->start = s->end = 0;
    for (struct addrinfo *at = list; at; at = at->ai_next) {
        s->socket = socket(at->ai_family, at->ai_socktype, at->ai_protocol);
        error = s->socket < 0 ? errno : connect_to(s->socket, at, patience_ms);
        if (!error)
            break;
        if (s->socket >= 0)
            close(s->socket);
    }
    freeaddrinfo(list);
    if (error)
        fail(error == ETIMEDOUT ? END_TIME : END_CONNECT,
             "cannot connect to %s port %s: %s", host, port, strerror(error));
}

void
stream_send(struct stream *s, const char *bytes, size_t length)
{
    while (length) {
        if (!wait_for(s->socket, POLLOUT, s->patience_ms))
            fail(END_TIME, "the server takes nothing");
        ssize_t n = send(s->socket, bytes, length, MSG_NOSIGNAL);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            continue;
        if (n < 0)
            fail(END_CONNECT, "the connection broke: %s", strerror(errno));
        bytes += n;
        length -= (size_t)n;
    }
}

/* Reads more behind what is there. False: the other side ended it. */
static bool
receive(struct stream *s)
{
    if (s->start == s->end)
        s->start = s->end = 0;
    ssize_t n;
    do {
        if (!wait_for(s->socket, POLLIN, s->patience_ms))
            fail(END_TIME, "nothing came for %d seconds",
                 s->patience_ms / 1000);
        n = recv(s->socket, s->data + s->end, sizeof(s->data) - s->end, 0);
    } while (n < 0 && (errno == EAGAIN || errno == EINTR));
    if (n < 0)
        fail(END_ANSWER, "the connection broke: %s", strerror(errno));
    s->end += (size_t)n;
    return n > 0;
}

size_t
stream_take(struct stream *s, size_t most, const char **bytes)
{
    if (!most || (s->start == s->end && !receive(s)))
        return 0;
    size_t n = s->end - s->start;
    if (n > most)
        n = most;
    *bytes = s->data + s->start;
    s->start += n;
    return n;
}

void
stream_line(struct stream *s, char *line, size_t room)
{
    size_t n = 0;
    for (const char *c; stream_take(s, 1, &c) == 1 && *c != '\n'; n++) {
        if (n + 1 == room)
            fail(END_ANSWER, "the answer has too long a line; is it HTTP?");
        line[n] = *c;
    }
    if (s->start == 0 || s->data[s->start - 1] != '\n')
        fail(END_ANSWER, "the answer ended within its head; is it HTTP?");
    while (n && line[n - 1] == '\r')
        n--;
    line[n] = '\0';
}

void
stream_close(struct stream *s)
{
    close(s->socket);
}
