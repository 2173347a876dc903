// SPDX-License-Identifier: MIT
/* http.h: a request, and reading its answer. */
#ifndef FETCH_HTTP_H
#define FETCH_HTTP_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "stream.h"
#include "url.h"

struct answer {
    int status;
    char status_line[256];
    char location[URL_BYTES]; // "": none
    bool chunked;
    bool has_length;
    uint64_t length;
};

/* Asks, and reads the head of the answer, past those of interim ones. With
 * `show` the head is written there, too. */
void http_ask(struct stream *stream, const char *method, const struct url *url,
              struct answer *answer, FILE *show);

/* Reads the content and writes it to `out`. Fails if it is not whole. */
void http_content(struct stream *stream, const struct answer *answer,
                  FILE *out);

#endif
