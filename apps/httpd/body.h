// SPDX-License-Identifier: MIT
/*
 * body.h: content that a client sends with a request. A server of static files
 * has no use for it, but must find its end to read the next request.
 */
#ifndef HTTPD_BODY_H
#define HTTPD_BODY_H

#include <stdint.h>

#include "request.h"

enum body_state {
    BODY_NONE, // nothing (more) to skip
    BODY_LENGTH,
    BODY_SIZE,      // chunked: the hexadecimal size of a chunk ...
    BODY_EXTENSION, // ... what may follow it ...
    BODY_SIZE_END,  // ... the LF behind its CR ...
    BODY_DATA,      // ... its bytes ...
    BODY_DATA_CR,   // ... and their end
    BODY_DATA_LF,
    BODY_TRAILER,      // a line behind the last chunk begins
    BODY_TRAILER_LINE, // within such a line
    BODY_TRAILER_LF,
    BODY_END_LF,
};

struct body {
    enum body_state state;
    bool any;        // BODY_SIZE: a digit came
    uint64_t left;   // bytes of the content or of this chunk
    uint64_t budget; // bytes that may come yet, framing included
};

/* Expects the content of a request, of at most `most` bytes. */
void body_expect(struct body *body, const struct request *request,
                 uint64_t most);

/* Skips what of it is there. Result: bytes taken; -400: malformed; -413: too
 * much. body->state says whether it is over. */
int64_t body_skip(struct body *body, const char *text, size_t length);

#endif
