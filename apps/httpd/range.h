// SPDX-License-Identifier: MIT
/*
 * range.h: parts of a file that a client asks for [RFC9110 §14.2].
 *
 * A field that is malformed, has another unit than bytes, more than RANGES_MAX
 * ranges, or ranges that together are longer than the file is ignored, which
 * the standard allows: the answer is then the whole file, and nobody can make
 * the server send more than that.
 */
#ifndef HTTPD_RANGE_H
#define HTTPD_RANGE_H

#include <stdint.h>

#include "span.h"

#define RANGES_MAX 16

struct range {
    uint64_t at, end; // [at, end)
};

/* Reads a Range field for a file of `size` bytes. Result: how many ranges it
 * has, in the order asked for; 0: ignore it; -416: none lies in the file. */
int range_parse(struct range ranges[RANGES_MAX], struct span field,
                uint64_t size);

#endif
