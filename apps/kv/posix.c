// SPDX-License-Identifier: MIT
/*
 * kv-posix: the server that kv is, its store and its protocol, in plain POSIX:
 * one socket instead of packet rings, malloc() instead of pages. What the two
 * cost on one machine differs by what is below the socket; bench/ compares
 * them.
 *
 *     kv-posix [-p PORT] [-a ADDRESS] [-m MEBIBYTES]
 *
 * It speaks memcached's text protocol over UDP, IPv4 and IPv6. A request is one
 * recvfrom() and one sendto() for each datagram of the reply. A cache that has
 * as much as it may, or gets no more, forgets what is oldest.
 */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "frame.h"
#include "protocol.h"

#define BUCKETS        32768u
#define DATAGRAM_BYTES 65535
#define MIB_PAGES      256u // of the store
#define MIB_MOST       1024

static struct kv kv;

/* Says what failed, and ends. */
static _Noreturn void
give_up(const char *what, const char *why)
{
    fprintf(stderr, "kv-posix: %s: %s\n", what, why);
    exit(1);
}

/* Memory ------------------------------------------------------------------- */

static bool
grow(struct store *store)
{
    if (store->npages == store->most)
        return false;
    char *page = malloc(STORE_PAGE);
    return page && store_add_page(store, page);
}

static void
open_store(uint32_t mebibytes)
{
    uint32_t most = mebibytes * MIB_PAGES;
    uint32_t *buckets = calloc(BUCKETS, sizeof(*buckets));
    char **pages = calloc(most, sizeof(*pages));
    if (buckets && pages) {
        store_open(&kv.store, buckets, BUCKETS, pages, most);
        kv.store.grow = grow;
        kv.start = (uint32_t)time(NULL);
    }
    if (!buckets || !pages || !grow(&kv.store))
        give_up("cannot start", "not enough memory");
}

/* Requests ----------------------------------------------------------------- */

/* Sends a reply, with room for a header in front of it, in as many datagrams as
 * it takes. A header goes where the last bytes of the piece before were. One
 * that cannot be sent is lost, as datagrams are. */
static void
reply(int s, const uint8_t *request, uint8_t *bytes, uint32_t count,
      const struct sockaddr_storage *to, socklen_t length)
{
    uint32_t pieces = frame_pieces(count);
    for (uint32_t n = 0; n < pieces; n++) {
        uint32_t part = count < FRAME_TEXT ? count : FRAME_TEXT;
        frame_write(bytes, request, n, pieces);
        (void)!sendto(s, bytes, FRAME_HEAD + part, 0,
                      (const struct sockaddr *)to, length);
        bytes += part;
        count -= part;
    }
}

/* Answers requests for ever. */
static _Noreturn void
serve(int s)
{
    static uint8_t request[DATAGRAM_BYTES], out[FRAME_HEAD + FRAME_REPLY];
    for (;;) {
        struct sockaddr_storage from;
        socklen_t length = sizeof(from);
        ssize_t n = recvfrom(s, request, sizeof(request), 0,
                             (struct sockaddr *)&from, &length);
        if (n < 0 && errno != EINTR)
            give_up("cannot receive", strerror(errno));
        if (n < 0 || !frame_is_request(request, (size_t)n))
            continue;
        kv.now = (uint32_t)time(NULL);
        uint32_t bytes = kv_answer(&kv, (const char *)request + FRAME_HEAD,
                                   (uint32_t)n - FRAME_HEAD,
                                   (char *)out + FRAME_HEAD, FRAME_REPLY);
        reply(s, request, out, bytes, &from, length);
    }
}

/* Beginning ---------------------------------------------------------------- */

/* A socket at the first address of that name and family, which an IPv6 one
 * shares with IPv4. -1: there is none; *why says so. */
static int
open_server(const char *name, const char *port, int family, const char **why)
{
    struct addrinfo hints = {
        .ai_flags = AI_PASSIVE, .ai_family = family, .ai_socktype = SOCK_DGRAM};
    struct addrinfo *at;
    int off = 0, error = getaddrinfo(name, port, &hints, &at);
    if (error) {
        *why = gai_strerror(error);
        return -1;
    }
    int s = socket(at->ai_family, SOCK_DGRAM, 0);
    if (s >= 0 && at->ai_family == AF_INET6)
        setsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
    if (s < 0 || bind(s, at->ai_addr, at->ai_addrlen) != 0) {
        *why = strerror(errno);
        if (s >= 0)
            close(s);
        s = -1;
    }
    freeaddrinfo(at);
    return s;
}

/* The port that was found free, when 0 was asked for. */
static unsigned
port_of(int s)
{
    struct sockaddr_storage own = {.ss_family = AF_UNSPEC};
    socklen_t length = sizeof(own);
    getsockname(s, (struct sockaddr *)&own, &length);
    return ntohs(own.ss_family == AF_INET
                     ? ((const struct sockaddr_in *)&own)->sin_port
                     : ((const struct sockaddr_in6 *)&own)->sin6_port);
}

static uint32_t
number(const char *text, long most)
{
    char *end;
    long value = strtol(text, &end, 10);
    if (end == text || *end || value < 1 || value > most)
        give_up(text, "no number, or out of range; -h helps");
    return (uint32_t)value;
}

int
main(int argc, char **argv)
{
    const char *port = NULL, *address = NULL, *why;
    uint32_t mebibytes = 64; // as memcached
    char text[8];
    int option, s = -1;
    while ((option = getopt(argc, argv, "p:a:m:h")) != -1) {
        if (option == 'p') {
            port = optarg;
        } else if (option == 'a') {
            address = optarg;
        } else if (option == 'm') {
            mebibytes = number(optarg, MIB_MOST);
        } else {
            fprintf(option == 'h' ? stdout : stderr,
                    "usage: kv-posix [-p PORT] [-a ADDRESS] [-m MEBIBYTES]\n"
                    "A cache that speaks memcached's text protocol over UDP.\n"
                    "  -m MEBIBYTES   most memory for what it keeps (64)\n");
            return option == 'h' ? 0 : 2;
        }
    }
    if (!port) {
        snprintf(text, sizeof(text), "%d", FRAME_PORT);
        port = text;
    }
    open_store(mebibytes);
    if (!address) // all addresses of this machine
        s = open_server(NULL, port, AF_INET6, &why);
    if (s < 0)
        s = open_server(address, port, address ? AF_UNSPEC : AF_INET, &why);
    if (s < 0)
        give_up("cannot listen", why);
    printf("kv-posix: port %u (UDP)\n", port_of(s));
    fflush(stdout);
    serve(s);
}
