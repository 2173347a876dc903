// SPDX-License-Identifier: MIT
/*
 * server.h: all that the server remembers.
 *
 * One thread waits on one epoll descriptor (loop.c), reads and writes
 * connections that do not block (conn.c), and answers each request as soon as
 * its head is whole (answer.c). Every wait of a connection has an end: see
 * enum wait.
 */
#ifndef HTTPD_SERVER_H
#define HTTPD_SERVER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "buffer.h"
#include "cache.h"
#include "conn.h"

#define LISTENERS_MAX 4
#define LINGER_MS     2000

/* What a connection waits for, and so what ends it. */
enum wait {
    WAIT_IDLE,   // another request: idle_ms
    WAIT_HEAD,   // the rest of a head: head_ms in all
    WAIT_BODY,   // content to skip: at least `rate` over window_ms
    WAIT_ROOM,   // room to send in: the same
    WAIT_LINGER, // the client to close, after an error: LINGER_MS
    WAITS,
};

struct limits {
    uint32_t connections;
    uint32_t buffers;
    uint32_t rate;      // least bytes a second of a client, on average ...
    uint32_t window_ms; // ... over this time
    uint32_t idle_ms, head_ms;
    uint64_t body; // bytes of content that are skipped
};

/* Since the start. */
struct counters {
    uint64_t accepted, requests, received, sent;
    uint64_t answers[6]; // by the status' first digit
    uint64_t timeouts;   // connections ended for being slow
    uint64_t refused;    // for want of memory, or for idling at the limit
};

struct server {
    struct limits limits;
    struct counters counters;
    struct pool pool;
    struct cache cache;
    FILE *log;    // null: none
    bool listing; // directories without an index are listed

    int epoll;
    int listener[LISTENERS_MAX];
    unsigned listeners;
    bool stopping;
    bool paused;       // not accepting, for want of room
    uint64_t retry_ms; // nor before this time, when descriptors ran out
    uint32_t open;
    struct conn *spare; // structures of connections that ended
    struct conn *ended; // the same, while events may still name them
    struct conn *first[WAITS], *last[WAITS]; // by the end of their wait

    uint64_t now_ms, started_ms; // monotonic
    int64_t now;                 // seconds since 1970
    char dated[64];              // fields of every answer
    uint32_t dated_length;
};

extern struct server server;

/* Runs until something can be read from `stop`; -1: for ever. `server` has its
 * limits, cache and listeners by then. Result: 0; -1: it could not begin, or
 * not go on; errno says why. */
int loop_run(int stop);

/* Puts a connection at the end of a queue: the wait begins now. */
void loop_wait(struct conn *conn, enum wait wait);

/* Takes one that is closed out of its queue. */
void loop_forget(struct conn *conn);

#endif
