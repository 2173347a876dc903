// SPDX-License-Identifier: MIT
/*
 * echo: sends back what it gets, over TCP and UDP [RFC862], in plain POSIX on
 * poll(). Options: -p port (7), -a address (all of this machine's).
 *
 * A client has one buffer. It is read from only while there is room in it, so
 * one that sends and never reads stops itself and costs no more than that. When
 * a client has sent its last byte, what is left goes back before the end.
 */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SERVERS_MAX    8 // sockets that clients send to
#define CLIENTS_MAX    256
#define BUFFER_BYTES   4096
#define DATAGRAM_BYTES 65535
#define DATAGRAMS_TURN 64 // answered before others get their turn

struct client {
    int socket;
    bool ended; // sent its last byte
    size_t start, end;
    char data[BUFFER_BYTES]; // [start, end) is to go back
};

static struct server {
    int socket;
    int type; // SOCK_STREAM or SOCK_DGRAM
} server[SERVERS_MAX];
static unsigned servers;

static struct client *client[CLIENTS_MAX];
static unsigned clients, clients_most = CLIENTS_MAX;

static struct pollfd watched[SERVERS_MAX + CLIENTS_MAX];

/* Nothing is wrong; it would only have to wait. */
static bool
would_wait(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

static void
accept_client(int from)
{
    int s = accept(from, NULL, NULL);
    if (s < 0) {
        if (clients && (errno == EMFILE || errno == ENFILE))
            clients_most = clients; // descriptors are what limits them
        return;
    }
    struct client *c = malloc(sizeof(*c));
    if (!c || fcntl(s, F_SETFL, O_NONBLOCK) != 0) {
        free(c);
        close(s);
        return;
    }
    c->socket = s;
    c->ended = false;
    c->start = c->end = 0;
    client[clients++] = c;
}

static in_port_t
port_of(const struct sockaddr_storage *address)
{
    return address->ss_family == AF_INET
               ? ((const struct sockaddr_in *)address)->sin_port
               : ((const struct sockaddr_in6 *)address)->sin6_port;
}

/* Answers datagrams. One from an echo server is not answered: two of them would
 * never stop. One that cannot be sent at once is lost, as datagrams are. */
static void
answer_datagrams(int s)
{
    static char data[DATAGRAM_BYTES];
    struct sockaddr_storage own, from;
    socklen_t own_length = sizeof(own);
    if (getsockname(s, (struct sockaddr *)&own, &own_length) != 0)
        return;
    for (unsigned i = 0; i < DATAGRAMS_TURN; i++) {
        socklen_t length = sizeof(from);
        ssize_t n = recvfrom(s, data, sizeof(data), 0, (struct sockaddr *)&from,
                             &length);
        if (n < 0)
            return;
        if (port_of(&from) != port_of(&own))
            (void)!sendto(s, data, (size_t)n, MSG_NOSIGNAL,
                          (struct sockaddr *)&from, length);
    }
}

/* Takes what there is room for. False: the connection is broken. */
static bool
receive(struct client *c)
{
    ssize_t n = recv(c->socket, c->data + c->end, sizeof(c->data) - c->end, 0);
    if (n < 0)
        return would_wait();
    c->ended = n == 0;
    c->end += (size_t)n;
    return true;
}

/* Gives back what is taken. False: the connection is broken, or over. */
static bool
give_back(struct client *c)
{
    if (c->start < c->end) {
        ssize_t n = send(c->socket, c->data + c->start, c->end - c->start,
                         MSG_NOSIGNAL);
        if (n < 0)
            return would_wait();
        c->start += (size_t)n;
    }
    if (c->start == c->end)
        c->start = c->end = 0;
    return !c->ended || c->start < c->end;
}

/* Serves one client, and forgets it if that was the end. */
static void
serve(unsigned i, short happened)
{
    struct client *c = client[i];
    bool open = true;
    if ((happened & (POLLIN | POLLHUP | POLLERR)) && !c->ended &&
        c->end < sizeof(c->data))
        open = receive(c);
    if (open && give_back(c))
        return;
    close(c->socket);
    free(c);
    client[i] = client[--clients];
}

/* Says what is waited for: room to send, or bytes that there is room for. */
static void
watch(void)
{
    for (unsigned i = 0; i < servers; i++) {
        bool full = server[i].type == SOCK_STREAM && clients >= clients_most;
        watched[i].fd = full ? -1 : server[i].socket;
        watched[i].events = POLLIN;
    }
    for (unsigned i = 0; i < clients; i++) {
        const struct client *c = client[i];
        short events = c->start < c->end ? POLLOUT : 0;
        if (!c->ended && c->end < sizeof(c->data))
            events |= POLLIN;
        watched[servers + i] =
            (struct pollfd){.fd = c->socket, .events = events};
    }
}

static void
run(void)
{
    for (;;) {
        watch();
        if (poll(watched, servers + clients, -1) < 0) {
            if (errno == EINTR)
                continue;
            perror("echo: cannot wait for clients");
            exit(1);
        }
        for (unsigned i = clients; i-- > 0;) // backwards: serve() may shrink it
            if (watched[servers + i].revents)
                serve(i, watched[servers + i].revents);
        for (unsigned i = 0; i < servers; i++)
            if (!watched[i].revents)
                continue;
            else if (server[i].type == SOCK_DGRAM)
                answer_datagrams(server[i].socket);
            else if (clients < clients_most)
                accept_client(server[i].socket);
    }
}

/* Opens one of the sockets. False: errno says why not. */
static bool
open_server(const struct addrinfo *at)
{
    int on = 1, s = socket(at->ai_family, at->ai_socktype, 0);
    if (s < 0)
        return false;
    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (at->ai_family == AF_INET6)
        setsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    if (bind(s, at->ai_addr, at->ai_addrlen) != 0 ||
        (at->ai_socktype == SOCK_STREAM && listen(s, 64) != 0) ||
        fcntl(s, F_SETFL, O_NONBLOCK) != 0) {
        int error = errno;
        close(s);
        errno = error;
        return false;
    }
    server[servers++] = (struct server){s, at->ai_socktype};
    return true;
}

/* Opens sockets of one type on all addresses of a name. */
static void
open_servers(const char *name, const char *port, int type)
{
    struct addrinfo hints = {.ai_flags = AI_PASSIVE, .ai_socktype = type};
    struct addrinfo *list;
    unsigned before = servers;
    int error = getaddrinfo(name, port, &hints, &list);
    if (error) {
        fprintf(stderr, "echo: address %s port %s: %s\n", name ? name : "any",
                port, gai_strerror(error));
        exit(1);
    }
    for (struct addrinfo *at = list; at && servers < SERVERS_MAX;
         at = at->ai_next)
        open_server(at);
    freeaddrinfo(list);
    if (servers == before) {
        fprintf(stderr, "echo: cannot listen on port %s: %s\n", port,
                strerror(errno));
        exit(1);
    }
}

/* The port that was found free for the first socket, when "0" was asked for. */
static void
name_port(char port[8])
{
    struct sockaddr_storage own;
    socklen_t length = sizeof(own);
    if (getsockname(server[0].socket, (struct sockaddr *)&own, &length) == 0)
        snprintf(port, 8, "%u", (unsigned)ntohs(port_of(&own)));
}

int
main(int argc, char **argv)
{
    const char *port = "7", *address = NULL;
    int option;
    while ((option = getopt(argc, argv, "p:a:h")) != -1) {
        if (option == 'p') {
            port = optarg;
        } else if (option == 'a') {
            address = optarg;
        } else {
            fprintf(option == 'h' ? stdout : stderr,
                    "usage: echo [-p PORT] [-a ADDRESS]\n"
                    "Sends back what it gets, over TCP and UDP.\n");
            return option == 'h' ? 0 : 2;
        }
    }
    char found[8];
    open_servers(address, port, SOCK_STREAM);
    name_port(found);
    open_servers(address, found, SOCK_DGRAM);
    printf("echo: TCP and UDP, port %s\n", found);
    fflush(stdout);
    run();
}
