// SPDX-License-Identifier: MIT
/*
 * sending.h: the content of an answer on its way: one or several ranges of an
 * item, each with a head of its own if they are several [RFC9110 §14.6].
 */
#ifndef HTTPD_SENDING_H
#define HTTPD_SENDING_H

#include "buffer.h"
#include "cache.h"
#include "range.h"

struct sending {
    struct item *item; // null: nothing is left
    uint32_t count, index;
    bool parts;    // the content is multipart/byteranges
    bool head_due; // of part `index`, or of the end
    uint64_t at;   // next byte of the range
    uint64_t boundary;
    struct range range[RANGES_MAX];
};

/* Begins with ranges of an item, which gets one user more. */
void sending_begin(struct sending *sending, struct item *item,
                   const struct range *ranges, uint32_t count);

/* Bytes that will be sent in all, right after sending_begin(). */
uint64_t sending_bytes(const struct sending *sending);

/* Adds to a buffer what can be copied. Afterwards, if an item is left, either
 * the buffer is full or bytes of a file come next. */
void sending_fill(struct sending *sending, struct buffer *buffer);

/* Sends bytes of the file. Result as of sendfile(); 0: the file ended early. */
int64_t sending_file(struct sending *sending, int socket, size_t most);

/* Gives it up. */
void sending_end(struct sending *sending);

#endif
