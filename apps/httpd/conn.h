// SPDX-License-Identifier: MIT
/*
 * conn.h: one connection.
 *
 * Requests are answered in the order they came. Answers gather in `out` and are
 * sent when it is filled, when no whole request is left in `in`, or when a file
 * is to follow. While anything waits to be sent nothing is read: a client that
 * does not take its answers is not listened to.
 */
#ifndef HTTPD_CONN_H
#define HTTPD_CONN_H

#include "body.h"
#include "buffer.h"
#include "sending.h"

/* Room in `out` that an answer without its content may need. */
#define ANSWER_BYTES 6144

struct conn {
    struct conn *next, *prev; // of its queue, or of the ended ones
    uint64_t deadline_ms;
    int socket;     // -1: closed
    uint8_t wait;   // enum wait: which queue
    uint8_t minor;  // HTTP/1.minor of the request answered last
    uint8_t events; // that epoll watches
    bool finish;    // close when all is sent
    bool suspect;   // the client may still be sending: linger
    bool lingering;
    uint32_t seen;           // bytes of `in` known to hold no whole head
    uint64_t moved;          // bytes since the wait began
    struct buffer *in, *out; // null: nothing waits
    struct body body;        // of the request answered last
    struct sending sending;  // what follows the bytes in `out`
};

/* Takes a connected socket over. Null: no memory, and it is closed. */
struct conn *conn_open(int socket);

/* Something that epoll watched for happened. */
void conn_event(struct conn *conn);

/* Its wait came to its end. */
void conn_late(struct conn *conn);

/* Closes it. The structure lives until loop_run() has seen all events. */
void conn_close(struct conn *conn);

#endif
