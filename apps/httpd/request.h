// SPDX-License-Identifier: MIT
/*
 * request.h: the head of a request, from bytes that anybody may have sent.
 *
 * The parser is strict where two readers of the same bytes could disagree on
 * where a request ends [RFC9112 §11.2]: a line ends in CR LF and nothing else,
 * no line is folded, no blank stands before a colon, there is one
 * Content-Length or one Transfer-Encoding and never both, and the only coding
 * is chunked. It keeps no state and allocates nothing: it is called again with
 * more bytes when a head is not whole yet.
 *
 * Spans point into the bytes given, and live as long as they do.
 */
#ifndef HTTPD_REQUEST_H
#define HTTPD_REQUEST_H

#include <stdint.h>

#include "span.h"

#define REQUEST_HEAD_MAX   8192 // bytes of a whole head
#define REQUEST_FIELDS_MAX 100

enum method {
    METHOD_GET,
    METHOD_HEAD,
    METHOD_OPTIONS,
    METHOD_OTHER,   // known, but not for static files
    METHOD_UNKNOWN, // not known
};

/* Fields the server looks at. */
enum field {
    FIELD_HOST,
    FIELD_CONNECTION,
    FIELD_CONTENT_LENGTH,
    FIELD_TRANSFER_ENCODING,
    FIELD_EXPECT,
    FIELD_RANGE,
    FIELD_IF_RANGE,
    FIELD_IF_MATCH,
    FIELD_IF_NONE_MATCH,
    FIELD_IF_MODIFIED_SINCE,
    FIELD_IF_UNMODIFIED_SINCE,
    FIELDS,
};

struct request {
    enum method method;
    struct span line;   // the request line
    struct span target; // path and query; may lack the path; "*"
    struct span field[FIELDS];
    uint32_t repeated; // bit of each field that came more than once
    uint64_t body;     // bytes of content that follow; 0 if chunked
    uint8_t minor;     // of HTTP/1.minor, 0 or 1
    bool chunked;
    bool keep_alive; // the client wants to go on afterwards
    bool expects;    // 100-continue
};

/* Reads a head. Result: its bytes; 0: it is not whole yet; negative: minus the
 * status to refuse it with, after which nothing more can be read from this
 * connection. Statuses: 400 malformed or ambiguous; 414 the target is too
 * long; 417 unknown expectation; 431 too many or too long fields; 501 unknown
 * transfer coding; 505 not HTTP/1. */
int request_parse(struct request *request, const char *text, size_t length);

#endif
