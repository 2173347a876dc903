// SPDX-License-Identifier: MIT
/*
 * frame.h: memcached's protocol over UDP: what stands in front of the text in
 * each datagram, and how a reply is divided. All numbers are big-endian.
 *
 *     0         2         4         6         8
 *     | request | piece   | pieces  | zero    | text
 *
 * Source: memcached 1.6's doc/protocol.txt, "UDP protocol".
 */
#ifndef KV_FRAME_H
#define KV_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#define FRAME_PORT  11211
#define FRAME_HEAD  8u     // bytes in front of the text
#define FRAME_TEXT  1400u  // most of a reply in one datagram
#define FRAME_REPLY 16384u // most of all datagrams of one reply

/* Is it a request, whole? One of several datagrams is not answered, as
 * memcached does. */
static inline bool
frame_is_request(const uint8_t *datagram, uint64_t bytes)
{
    return bytes >= FRAME_HEAD && datagram[2] == 0 && datagram[3] == 0 &&
           datagram[4] == 0 && datagram[5] <= 1;
}

/* Datagrams of a reply; none if there is nothing to say. */
static inline uint32_t
frame_pieces(uint32_t bytes)
{
    return (bytes + FRAME_TEXT - 1) / FRAME_TEXT;
}

/* Writes what stands in front of a piece of the reply to a request. */
static inline void
frame_write(uint8_t head[FRAME_HEAD], const uint8_t *request, uint32_t piece,
            uint32_t pieces)
{
    head[0] = request[0]; // the client's number of the request
    head[1] = request[1];
    head[2] = (uint8_t)(piece >> 8);
    head[3] = (uint8_t)piece;
    head[4] = (uint8_t)(pieces >> 8);
    head[5] = (uint8_t)pieces;
    head[6] = head[7] = 0;
}

#endif
