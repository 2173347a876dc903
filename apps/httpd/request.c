// SPDX-License-Identifier: MIT
/* request.c: see request.h. */
#include "request.h"

/* What a byte may be part of. */
enum {
    TOKEN = 1,  // names and methods [RFC9110 §5.6.2]
    VALUE = 2,  // field values: visible, blank, tab, and beyond ASCII
    TARGET = 4, // request targets: visible ASCII without "#"
    HOST = 8,   // a name and a port: a target's without "/?@<>\" and quotes
    DIGIT = 16,
};

#define V  VALUE
#define T  (VALUE | TARGET)
#define H  (VALUE | TARGET | HOST)
#define A  (VALUE | TARGET | HOST | TOKEN)
#define D  (VALUE | TARGET | HOST | TOKEN | DIGIT)
#define V8 V, V, V, V, V, V, V, V
#define A8 A, A, A, A, A, A, A, A
static const unsigned char class_of[256] = {
    0,  0,  0,  0,         0,  0,  0,  0,  0,  V,  0,  0,  0,  0,  0,  0,  // 00
    0,  0,  0,  0,         0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  // 10
    V,  A,  T,  V | TOKEN, A,  A,  A,  A,  H,  H,  A,  A,  H,  A,  A,  T,  // 20
    D,  D,  D,  D,         D,  D,  D,  D,  D,  D,  H,  H,  T,  H,  T,  T,  // 30
    T,  A,  A,  A,         A,  A,  A,  A,  A8, A8,                         // 40
    A,  A,  A,  H,         T,  H,  A,  A,                                  // 58
    A8, A8, A8, A,         A,  A,  H,  A,  H,  A,  0,                      // 60
    V8, V8, V8, V8,        V8, V8, V8, V8, V8, V8, V8, V8, V8, V8, V8, V8, // 80
};
#undef V
#undef T
#undef H
#undef A
#undef D
#undef V8
#undef A8

static const struct {
    const char *name;
    enum field field;
} field_names[] = {
    {"host", FIELD_HOST},
    {"connection", FIELD_CONNECTION},
    {"content-length", FIELD_CONTENT_LENGTH},
    {"transfer-encoding", FIELD_TRANSFER_ENCODING},
    {"expect", FIELD_EXPECT},
    {"range", FIELD_RANGE},
    {"if-range", FIELD_IF_RANGE},
    {"if-match", FIELD_IF_MATCH},
    {"if-none-match", FIELD_IF_NONE_MATCH},
    {"if-modified-since", FIELD_IF_MODIFIED_SINCE},
    {"if-unmodified-since", FIELD_IF_UNMODIFIED_SINCE},
};

static const struct {
    const char *name; // methods are told apart by case [RFC9110 §9.1]
    enum method method;
} method_names[] = {
    {"GET", METHOD_GET},         {"HEAD", METHOD_HEAD},
    {"OPTIONS", METHOD_OPTIONS}, {"POST", METHOD_OTHER},
    {"PUT", METHOD_OTHER},       {"DELETE", METHOD_OTHER},
    {"PATCH", METHOD_OTHER},     {"TRACE", METHOD_OTHER},
    {"CONNECT", METHOD_OTHER},
};

/* Where the parser is. `end` is the end of the bytes that are there. */
struct reader {
    const char *at, *end;
};

enum { MORE = 0 }; // the bytes end before what is read does

static bool
is(char c, unsigned class)
{
    return class_of[(unsigned char)c] & class;
}

static struct span
take(struct reader *r, unsigned class)
{
    struct span s = {r->at, 0};
    while (r->at < r->end && is(*r->at, class))
        r->at++;
    s.length = (size_t)(r->at - s.at);
    return s;
}

/* One byte that must come. Result: 1; MORE; -400. */
static int
expect(struct reader *r, char c)
{
    if (r->at == r->end)
        return MORE;
    return *r->at++ == c ? 1 : -400;
}

static int
line_end(struct reader *r)
{
    int got = expect(r, '\r');
    return got > 0 ? expect(r, '\n') : got;
}

static enum method
method_of(struct span name)
{
    for (size_t i = 0; i < sizeof(method_names) / sizeof(*method_names); i++)
        if (strlen(method_names[i].name) == name.length &&
            memcmp(method_names[i].name, name.at, name.length) == 0)
            return method_names[i].method;
    return METHOD_UNKNOWN;
}

/* "HTTP/1.1" and the end of the line. */
static int
read_version(struct request *request, struct reader *r)
{
    static const char name[] = "HTTP/";
    for (const char *c = name; *c; c++) {
        int got = expect(r, *c);
        if (got <= 0)
            return got;
    }
    if (r->end - r->at < 3)
        return MORE;
    if (!is(r->at[0], DIGIT) || r->at[1] != '.' || !is(r->at[2], DIGIT))
        return -400;
    if (r->at[0] != '1')
        return -505;
    request->minor = r->at[2] != '0';
    r->at += 3;
    return line_end(r);
}

/* A name and perhaps a port; not checked further, since nothing is done with
 * it. */
static bool
is_authority(struct span s)
{
    struct reader r = {s.at, s.at + s.length};
    return take(&r, HOST).length == s.length;
}

/* Turns "http://host/path" into "/path" [RFC9112 §3.2.2]. */
static int
check_target(struct request *request)
{
    static const char scheme[] = "http://";
    struct span *t = &request->target;
    if (!t->length)
        return -400;
    if (*t->at == '/' || request->method >= METHOD_OTHER)
        return 1;
    if (*t->at == '*' && t->length == 1)
        return request->method == METHOD_OPTIONS ? 1 : -400;
    if (t->length < 8 || !span_is((struct span){t->at, 7}, scheme))
        return -400;
    struct reader r = {t->at + 7, t->at + t->length};
    struct span host = take(&r, HOST);
    if (!host.length || (r.at < r.end && *r.at != '/' && *r.at != '?'))
        return -400;
    *t = (struct span){host.at + host.length, t->length - 7 - host.length};
    return 1;
}

static int
read_request_line(struct request *request, struct reader *r)
{
    const char *start = r->at;
    struct span method = take(r, TOKEN);
    int got = expect(r, ' ');
    if (got <= 0)
        return got;
    if (!method.length)
        return -400;
    request->method = method_of(method);
    request->target = take(r, TARGET);
    got = expect(r, ' ');
    if (got > 0)
        got = read_version(request, r);
    request->line = (struct span){start, (size_t)(r->at - start)};
    if (got > 0)
        request->line.length -= 2;
    return got > 0 ? check_target(request) : got;
}

/* Notes a field that the server looks at. The first letter and the length sort
 * out nearly all others. */
static void
note_field(struct request *request, struct span name, struct span value)
{
    for (size_t i = 0; i < sizeof(field_names) / sizeof(*field_names); i++) {
        const char *known = field_names[i].name;
        if (span_lower(*name.at) != *known || !span_is(name, known))
            continue;
        enum field field = field_names[i].field;
        if (request->field[field].at)
            request->repeated |= 1u << field;
        request->field[field] = value;
        return;
    }
}

/* The client's wish is "close" or "keep-alive" among others. */
static void
note_connection(struct request *request, struct span list)
{
    struct span item;
    while (span_next(&list, &item)) {
        if (span_is(item, "close"))
            request->keep_alive = false;
        else if (span_is(item, "keep-alive") && request->minor == 0)
            request->keep_alive = true;
    }
}

static int
read_field(struct request *request, struct reader *r)
{
    struct span name = take(r, TOKEN);
    int got = expect(r, ':');
    if (got <= 0)
        return got;
    if (!name.length)
        return -400;
    struct span value = take(r, VALUE);
    got = line_end(r);
    if (got <= 0)
        return got;
    value = span_trim(value);
    if (name.length == 10 && span_is(name, "connection"))
        note_connection(request, value);
    note_field(request, name, value);
    return 1;
}

static int
read_fields(struct request *request, struct reader *r)
{
    for (unsigned n = 0;; n++) {
        if (r->at == r->end)
            return MORE;
        if (*r->at == '\r')
            return line_end(r);
        if (n == REQUEST_FIELDS_MAX)
            return -431;
        int got = read_field(request, r);
        if (got <= 0)
            return got;
    }
}

/* Digits only; what does not fit is malformed. */
static bool
read_length(struct span s, uint64_t *value)
{
    *value = 0;
    for (size_t i = 0; i < s.length; i++) {
        if (!is(s.at[i], DIGIT) || *value > (INT64_MAX - 9) / 10)
            return false;
        *value = *value * 10 + (uint64_t)(s.at[i] - '0');
    }
    return s.length != 0;
}

/* Where the request ends [RFC9112 §6.3]. */
static int
check_framing(struct request *request)
{
    struct span length = request->field[FIELD_CONTENT_LENGTH];
    struct span coding = request->field[FIELD_TRANSFER_ENCODING];
    uint32_t once = 1u << FIELD_CONTENT_LENGTH | 1u << FIELD_TRANSFER_ENCODING;
    if ((request->repeated & once) || (length.at && coding.at))
        return -400;
    if (length.at && !read_length(length, &request->body))
        return -400;
    if (!coding.at)
        return 1;
    if (request->minor == 0)
        return -400;
    request->chunked = span_is(coding, "chunked");
    return request->chunked ? 1 : -501;
}

static int
check_fields(struct request *request)
{
    struct span host = request->field[FIELD_HOST];
    if ((request->repeated & 1u << FIELD_HOST) ||
        (!host.at && request->minor == 1) || (host.at && !is_authority(host)))
        return -400;
    struct span expected = request->field[FIELD_EXPECT];
    if (expected.at && request->minor == 1) {
        if (!span_is(expected, "100-continue"))
            return -417;
        request->expects = true;
    }
    return check_framing(request);
}

int
request_parse(struct request *request, const char *text, size_t length)
{
    struct reader r = {text, text + length};
    *request = (struct request){.method = METHOD_UNKNOWN};
    if (length > REQUEST_HEAD_MAX)
        r.end = text + REQUEST_HEAD_MAX;
    while (r.end - r.at >= 2 && r.at[0] == '\r' && r.at[1] == '\n')
        r.at += 2; // after a body, or by mistake [RFC9112 §2.2]
    if (r.end - r.at == 1 && *r.at == '\r')
        r.at++;
    int got = r.at < r.end ? read_request_line(request, &r) : MORE;
    bool whole_line = got > 0;
    if (whole_line) {
        request->keep_alive = request->minor == 1;
        got = read_fields(request, &r);
    }
    if (got == MORE && length >= REQUEST_HEAD_MAX)
        return whole_line ? -431 : -414;
    if (got > 0)
        got = check_fields(request);
    return got > 0 ? (int)(r.at - text) : got;
}
