// SPDX-License-Identifier: MIT
/*
 * buffer.h: room for what came and for what is to go.
 *
 * A connection has buffers only while bytes wait in them, so one that idles
 * costs next to nothing. The pool grows to what was in use at one time, never
 * beyond its limit, and allocates no more after that.
 */
#ifndef HTTPD_BUFFER_H
#define HTTPD_BUFFER_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define BUFFER_BYTES 16384

struct buffer {
    struct buffer *next; // in the pool
    uint32_t start, end; // the bytes that wait
    char data[BUFFER_BYTES];
};

struct pool {
    struct buffer *spare;
    uint32_t made, most; // buffers
};

/* An empty buffer; null: the limit is reached, or memory is. */
struct buffer *pool_take(struct pool *pool);

/* Gives a buffer back; null is allowed. */
void pool_give(struct pool *pool, struct buffer *buffer);

/* Frees the spare ones. */
void pool_close(struct pool *pool);

static inline uint32_t
buffer_length(const struct buffer *b)
{
    return b->end - b->start;
}

static inline uint32_t
buffer_room(const struct buffer *b)
{
    return BUFFER_BYTES - b->end;
}

/* Adds bytes that fit: needs length <= buffer_room(). */
static inline void
buffer_put(struct buffer *b, const char *bytes, size_t length)
{
    memcpy(b->data + b->end, bytes, length);
    b->end += (uint32_t)length;
}

/* Takes bytes off the front. */
static inline void
buffer_skip(struct buffer *b, size_t length)
{
    b->start += (uint32_t)length;
    if (b->start == b->end)
        b->start = b->end = 0;
}

#endif
