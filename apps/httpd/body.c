// SPDX-License-Identifier: MIT
/* body.c: see body.h. Chunked coding: [RFC9112 §7.1]. */
#include "body.h"

void
body_expect(struct body *body, const struct request *request, uint64_t most)
{
    *body = (struct body){.budget = most};
    if (request->chunked) {
        body->state = BODY_SIZE;
    } else if (request->body) {
        body->state = BODY_LENGTH;
        body->left = request->body;
    }
}

static int
hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = span_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A byte of a chunk's size or of what ends it. */
static int
size_byte(struct body *body, char c)
{
    int digit = hex(c);
    if (digit >= 0) {
        if (body->left > UINT64_MAX >> 8)
            return -413;
        body->left = body->left << 4 | (unsigned)digit;
        body->any = true;
        return 0;
    }
    if (!body->any || (c != '\r' && c != ';'))
        return -400;
    body->state = c == ';' ? BODY_EXTENSION : BODY_SIZE_END;
    return 0;
}

/* A byte of a line whose text does not matter: no control but tabs. */
static int
line_byte(struct body *body, char c, enum body_state after)
{
    if (c == '\r')
        body->state = after;
    else if ((unsigned char)c < ' ' && c != '\t')
        return -400;
    return 0;
}

/* One that must be `wanted`. */
static int
fixed_byte(struct body *body, char c, char wanted, enum body_state after)
{
    body->state = after;
    return c == wanted ? 0 : -400;
}

static int
framing_byte(struct body *body, char c)
{
    switch (body->state) {
    case BODY_SIZE:
        return size_byte(body, c);
    case BODY_EXTENSION:
        return line_byte(body, c, BODY_SIZE_END);
    case BODY_SIZE_END:
        return fixed_byte(body, c, '\n', body->left ? BODY_DATA : BODY_TRAILER);
    case BODY_DATA_CR:
        return fixed_byte(body, c, '\r', BODY_DATA_LF);
    case BODY_DATA_LF:
        body->any = false;
        return fixed_byte(body, c, '\n', BODY_SIZE);
    case BODY_TRAILER:
        body->state = BODY_TRAILER_LINE;
        return line_byte(body, c, BODY_END_LF);
    case BODY_TRAILER_LINE:
        return line_byte(body, c, BODY_TRAILER_LF);
    case BODY_TRAILER_LF:
        return fixed_byte(body, c, '\n', BODY_TRAILER);
    default:
        return fixed_byte(body, c, '\n', BODY_NONE);
    }
}

int64_t
body_skip(struct body *body, const char *text, size_t length)
{
    size_t at = 0;
    while (at < length && body->state != BODY_NONE) {
        size_t n = 1;
        if (body->state == BODY_LENGTH || body->state == BODY_DATA) {
            n = length - at;
            if (n > body->left)
                n = (size_t)body->left;
            body->left -= n;
            if (!body->left)
                body->state =
                    body->state == BODY_DATA ? BODY_DATA_CR : BODY_NONE;
        } else {
            int error = framing_byte(body, text[at]);
            if (error)
                return error;
        }
        if (n > body->budget)
            return -413;
        body->budget -= n;
        at += n;
    }
    return (int64_t)at;
}
