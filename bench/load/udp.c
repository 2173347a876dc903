// SPDX-License-Identifier: MIT
/*
 * load-udp: asks a UDP server, with several requests under way at a time, and
 * checks each answer.
 *
 *   load-udp ADDRESS PORT               an echo server: the same bytes
 *   load-udp -k KEY ADDRESS PORT        a key-value server: memcached's text
 *                                       protocol, "get KEY"
 *
 * Every request has a number of its own, which the answer repeats: an answer to
 * a request that is not under way is a failure. A request that is not answered
 * in time is asked once more under a new number and counted as lost, as UDP
 * allows; the exit status is 1 if anything failed, or if nothing came at all.
 */
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load.h"

#define OUTSTANDING_MAX 1024
#define BYTES_MAX       1400
#define KEY_MAX         250
#define FRAME_BYTES     8 // of memcached's header: number, piece, pieces, zero

const char program[] = "load-udp";

static const char help[] =
    "usage: load-udp [OPTION ...] ADDRESS PORT\n"
    "Asks a UDP echo server, or with -k a key-value server, and checks.\n\n"
    "  -k KEY      get this key instead of an echo\n"
    "  -o COUNT    requests under way (1)\n"
    "  -n COUNT    requests in all (10000)\n"
    "  -s BYTES    size of an echo (64)\n"
    "  -t MS       wait for an answer before it is lost (1000)\n";

static struct {
    const char *key;
    unsigned outstanding, bytes, patience_ms;
    uint64_t requests;
} options = {
    .outstanding = 1, .bytes = 64, .patience_ms = 1000, .requests = 10000};

/* Requests under way; request n is in slot n % OUTSTANDING_MAX. */
static struct {
    bool waits;
    uint16_t number;
    uint64_t sent_ms;
} slot[OUTSTANDING_MAX];

static int server;
static uint16_t next_number;
static unsigned under_way;
static uint64_t asked, lost;

/* Writes request `number`. Result: its bytes. */
static size_t
write_request(char *to, uint16_t number)
{
    to[0] = (char)(number >> 8);
    to[1] = (char)number;
    if (options.key) {
        memcpy(to + 2, "\0\0\0\1\0", FRAME_BYTES - 2);
        return FRAME_BYTES + (size_t)snprintf(to + FRAME_BYTES,
                                              BYTES_MAX - FRAME_BYTES,
                                              "get %s\r\n", options.key);
    }
    for (unsigned i = 2; i < options.bytes; i++)
        to[i] = (char)(number * 31 + i);
    return options.bytes;
}

/* Is it what a key-value server answers when it has the key? */
static bool
is_value(const char *answer, size_t length)
{
    static char first[BYTES_MAX];
    static size_t first_length;
    char begin[KEY_MAX + 16];
    int n = snprintf(begin, sizeof(begin), "VALUE %s ", options.key);
    if (length < FRAME_BYTES + (size_t)n + 5 || length > sizeof(first) ||
        memcmp(answer + 2, "\0\0\0\1\0", FRAME_BYTES - 2) != 0 ||
        memcmp(answer + FRAME_BYTES, begin, (size_t)n) != 0 ||
        memcmp(answer + length - 5, "END\r\n", 5) != 0)
        return false;
    if (!first_length) {
        memcpy(first, answer, length);
        first_length = length;
    }
    return length == first_length &&
           memcmp(answer + 2, first + 2, length - 2) == 0;
}

static bool
is_right(const char *answer, size_t length, uint16_t number)
{
    char request[BYTES_MAX];
    if (options.key)
        return is_value(answer, length);
    return length == write_request(request, number) &&
           memcmp(answer, request, length) == 0;
}

/* Sends one request more. */
static void
ask(uint64_t now_ms)
{
    char request[BYTES_MAX];
    uint16_t number = next_number++;
    unsigned i = number % OUTSTANDING_MAX;
    if (slot[i].waits)
        return; // a slow one is still there; the next number is free
    slot[i].waits = true;
    slot[i].number = number;
    slot[i].sent_ms = now_ms;
    under_way++;
    asked++;
    size_t n = write_request(request, number);
    if (send(server, request, n, 0) < 0 && errno != EAGAIN &&
        errno != ENOBUFS && errno != ECONNREFUSED)
        give_up(strerror(errno));
}

/* Takes one answer. False: there is none. */
static bool
take(void)
{
    char answer[65536];
    ssize_t n = recv(server, answer, sizeof(answer), MSG_DONTWAIT);
    if (n < 0)
        return false;
    uint16_t number = 0;
    if (n >= 2)
        number = (uint16_t)((unsigned char)answer[0] << 8 |
                            (unsigned char)answer[1]);
    unsigned i = number % OUTSTANDING_MAX;
    if (!slot[i].waits || slot[i].number != number) {
        outcome.failed += !lost; // after a loss it may be a late one
        return true;
    }
    slot[i].waits = false;
    under_way--;
    if (is_right(answer, (size_t)n, number))
        outcome.answered++;
    else
        outcome.failed++;
    return true;
}

/* Gives up requests that were not answered in time. */
static void
expire(uint64_t now_ms)
{
    for (unsigned i = 0; i < OUTSTANDING_MAX; i++)
        if (slot[i].waits && now_ms - slot[i].sent_ms >= options.patience_ms) {
            slot[i].waits = false;
            under_way--;
            lost++;
            asked--;
        }
}

static void
run_until(uint64_t target)
{
    struct pollfd watched = {.fd = server, .events = POLLIN};
    while (outcome.answered + outcome.failed < target &&
           lost < options.requests) {
        uint64_t now_ms = now_us() / 1000;
        while (under_way < options.outstanding && asked < options.requests)
            ask(now_ms);
        int n = poll(&watched, 1, (int)options.patience_ms);
        if (n < 0 && errno != EINTR)
            give_up(strerror(errno));
        while (n > 0 && take())
            ;
        if (n == 0 || lost)
            expire(now_us() / 1000);
    }
}

/* All requests. Result: the exit status. */
static int
run(void)
{
    uint64_t rate = in_tenths(options.requests, run_until);
    printf("%llu answered, %llu failed, %llu lost, %llu requests/s\n",
           (unsigned long long)outcome.answered,
           (unsigned long long)outcome.failed, (unsigned long long)lost,
           (unsigned long long)rate);
    return outcome.failed || !outcome.answered;
}

static void
read_options(int argc, char **argv)
{
    int option;
    while ((option = getopt(argc, argv, "k:o:n:s:t:h")) != -1) {
        switch (option) {
        case 'k':
            options.key = optarg;
            if (!*optarg || strlen(optarg) > KEY_MAX)
                give_up("a key has 1 to 250 bytes");
            break;
        case 'o':
            options.outstanding = (unsigned)number(optarg, 1, OUTSTANDING_MAX);
            break;
        case 'n':
            options.requests = number(optarg, 1, 1000000000);
            break;
        case 's':
            options.bytes = (unsigned)number(optarg, 2, BYTES_MAX);
            break;
        case 't':
            options.patience_ms = (unsigned)number(optarg, 1, 3600000);
            break;
        default:
            fputs(help, option == 'h' ? stdout : stderr);
            exit(option == 'h' ? 0 : 2);
        }
    }
    if (argc - optind != 2)
        give_up("ADDRESS PORT are wanted; -h helps");
}

int
main(int argc, char **argv)
{
    struct addrinfo hints = {.ai_socktype = SOCK_DGRAM}, *at;
    read_options(argc, argv);
    int error = getaddrinfo(argv[optind], argv[optind + 1], &hints, &at);
    if (error)
        give_up(gai_strerror(error));
    server = socket(at->ai_family, SOCK_DGRAM, 0);
    if (server < 0 || connect(server, at->ai_addr, at->ai_addrlen) != 0)
        give_up(strerror(errno));
    freeaddrinfo(at);
    return run();
}
