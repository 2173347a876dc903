// SPDX-License-Identifier: MIT
/* stream.h: a TCP connection that is waited for only so long. */
#ifndef FETCH_STREAM_H
#define FETCH_STREAM_H

#include <stdbool.h>
#include <stddef.h>

struct stream {
    int socket;
    int patience_ms; // between two signs of life
    size_t start, end;
    char data[16384]; // [start, end) came and was not taken yet
};

/* Connects to one of the host's addresses, IPv6 or IPv4. Fails if none
 * answers. */
void stream_open(struct stream *stream, const char *host, const char *port,
                 int patience_ms);

/* Sends all of it. Fails. */
void stream_send(struct stream *stream, const char *bytes, size_t length);

/* Takes up to `most` bytes that came: *bytes points into the stream until the
 * next call. Result: how many; 0: the other side ended it. Fails. */
size_t stream_take(struct stream *stream, size_t most, const char **bytes);

/* Takes a line, without its end. Fails if it is longer than `room` allows, or
 * does not end. */
void stream_line(struct stream *stream, char *line, size_t room);

void stream_close(struct stream *stream);

#endif
