// SPDX-License-Identifier: MIT
/*
 * data.h: what regular files hold.
 *
 * A file from the archive costs nothing until it is written: it is read, and
 * mapped, from the archive's own pages. A write makes a copy of the one page it
 * touches. Results are bytes or negated errnos.
 */
#ifndef EXOS_FS_DATA_H
#define EXOS_FS_DATA_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/pages.h"

struct node;

/* Bytes of the largest file. */
#define DATA_BYTES_MAX (UINT64_C(1) << 46)

/* Copies from or to the file at `at`. A write beyond the end leaves a hole.
 * Errors: NOSPC; FBIG. */
long data_read(struct node *node, void *to, uint64_t bytes, uint64_t at);
long data_write(struct node *node, const void *from, uint64_t bytes,
                uint64_t at);

/* The content at `at`, in place: as much as lies together of the *bytes asked
 * for, 0 at the end. Good until the file changes. */
const void *data_span(const struct node *node, uint64_t at, uint64_t *bytes);

/* Sets the size. What comes behind the old end reads as zeros. */
long data_truncate(struct node *node, uint64_t size);

/* Makes sure that a write to the range needs no more memory. Error: NOSPC. */
long data_reserve(struct node *node, uint64_t at, uint64_t bytes);

/* A page of a file, as it can be bound. */
struct data_page {
    exo_page page;
    exo_cap cap;    // READ over it, and WRITE if it is the file's own
    const char *at; // its content; null: a hole, nothing to bind
};

/* Finds page `index` (which begins before the end of the file). own: it must be
 * the file's own, so that stores to it are the file's; made if need be. False:
 * no memory. */
bool data_page(struct node *node, uint64_t index, bool own,
               struct data_page *out);

/* Pages that files use of this env's memory. */
extern uint64_t data_pages;

#endif
