// SPDX-License-Identifier: MIT
/*
 * A server that dies in the middle of its work: each line that comes on a
 * connection is answered with a block of bytes; the line "die" is its last.
 */
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PORT    7
#define CLIENTS 64
#define BLOCK   20000

static struct pollfd watched[1 + CLIENTS];
static char block[BLOCK];

static int
listen_on(uint16_t port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
    int s = socket(AF_INET, SOCK_STREAM, 0);
    if (s < 0 || bind(s, (struct sockaddr *)&a, sizeof(a)) || listen(s, 64))
        return -1;
    return s;
}

static void
serve(struct pollfd *client)
{
    char line[100];
    ssize_t n = read(client->fd, line, sizeof(line));
    if (n >= 4 && !memcmp(line + n - 4, "die\n", 4))
        abort();
    if (n > 0 && write(client->fd, block, BLOCK) > 0)
        return;
    close(client->fd);
    client->fd = -1;
}

static void
accept_one(void)
{
    int s = accept(watched[0].fd, NULL, NULL);
    for (unsigned i = 1; s >= 0 && i <= CLIENTS; i++)
        if (watched[i].fd < 0) {
            watched[i] = (struct pollfd){.fd = s, .events = POLLIN};
            return;
        }
    close(s);
}

int
main(void)
{
    memset(block, 'b', sizeof(block));
    for (unsigned i = 1; i <= CLIENTS; i++)
        watched[i].fd = -1;
    watched[0] = (struct pollfd){.fd = listen_on(PORT), .events = POLLIN};
    if (watched[0].fd < 0)
        return 1;
    printf("serves\n");
    while (poll(watched, 1 + CLIENTS, -1) >= 0) {
        for (unsigned i = 1; i <= CLIENTS; i++)
            if (watched[i].fd >= 0 && watched[i].revents)
                serve(&watched[i]);
        if (watched[0].revents)
            accept_one();
    }
    return 2;
}
