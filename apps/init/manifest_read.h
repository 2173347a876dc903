// SPDX-License-Identifier: MIT
/*
 * manifest_read.h: what the two halves of the manifest's reader share. A reader
 * of a key's value answers with null, or with what is wrong; the caller adds
 * the line and the value.
 */
#ifndef INIT_MANIFEST_READ_H
#define INIT_MANIFEST_READ_H

#include "manifest.h"

/* A part of a line. */
struct span {
    const char *at;
    uint64_t length;
};

typedef const char *read_fn(struct manifest_app *app, struct span value);

bool span_is(struct span s, const char *text);

/* Splits "key value" at the first space. */
void split(struct span line, struct span *key, struct span *value);

/* A decimal number without sign and leading zeros. False: it is none, or is
 * not within [least, most]. */
bool read_number(struct span s, uint64_t least, uint64_t most, uint64_t *out);

/* manifest_net.c */

read_fn manifest_read_address4, manifest_read_address6, manifest_read_port;

/* A line of the block "network". `seen`: bits of the keys that came before. */
const char *manifest_read_network(struct manifest *m, struct span key,
                                  struct span value, uint32_t *seen);

/* Adds to an application what the block says. Null, or what is wrong. */
const char *manifest_complete_net(const struct manifest *m,
                                  struct manifest_app *app);

#endif
