// SPDX-License-Identifier: MIT
/*
 * httpsmall: the least that answers HTTP clients, to be measured against. Every
 * request gets the same 612 bytes; bench/ compares it with httpd and with other
 * systems. Argument: port (80). Not for use: it reads no request.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONTENT_BYTES 612

static char answer[1024];
static size_t answer_bytes;

static void
accept_client(int epoll, int listener)
{
    int on = 1, client = accept(listener, NULL, NULL);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = client};
    if (client < 0)
        return;
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, client, &event) != 0)
        close(client);
}

/* One answer for each end of a head in what came. */
static void
serve(int client)
{
    char request[2048];
    ssize_t n = recv(client, request, sizeof(request) - 1, 0);
    request[n > 0 ? n : 0] = '\0';
    if (n <= 0)
        close(client);
    for (char *end = request; (end = strstr(end, "\r\n\r\n")); end += 4)
        if (send(client, answer, answer_bytes, MSG_NOSIGNAL) < 0)
            break;
}

int
main(int argc, char **argv)
{
    struct epoll_event event[64];
    int on = 1, epoll = epoll_create1(0);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in any = {.sin_family = AF_INET};
    any.sin_port = htons((in_port_t)atoi(argc > 1 ? argv[1] : "80"));
    answer_bytes = (size_t)snprintf(
        answer, sizeof(answer), "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n",
        CONTENT_BYTES);
    memset(answer + answer_bytes, 'x', CONTENT_BYTES);
    answer_bytes += CONTENT_BYTES;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    event->events = EPOLLIN;
    event->data.fd = listener;
    if (bind(listener, (struct sockaddr *)&any, sizeof(any)) != 0 ||
        listen(listener, 511) != 0 ||
        epoll_ctl(epoll, EPOLL_CTL_ADD, listener, event) != 0) {
        perror("httpsmall: cannot listen");
        return 1;
    }
    for (;;) {
        int n = epoll_wait(epoll, event, 64, -1);
        for (int i = 0; i < n; i++)
            if (event[i].data.fd == listener)
                accept_client(epoll, listener);
            else
                serve(event[i].data.fd);
    }
}
