// SPDX-License-Identifier: MIT
/*
 * What a client of apps/httpd may send, made up by libFuzzer:
 *
 *   build/tests/fuzz/request            until it finds something
 *   build/tests/fuzz/request -runs=N    N inputs, then the end
 *
 * The bytes are read as requests one behind the other, as a connection does,
 * and cut at a place that they choose themselves. Nothing of the result may
 * depend on that cut.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "body.h"
#include "date.h"
#include "path.h"
#include "range.h"
#include "request.h"

#define BODY_MOST 4096

#define must(x)                                                                \
    do {                                                                       \
        if (!(x))                                                              \
            abort();                                                           \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_span(struct span s, const char *text, size_t length)
{
    if (s.at)
        must(s.at >= text && s.length <= length &&
             s.at + s.length <= text + length);
}

static void
check_ranges(struct span field, uint64_t size)
{
    struct range range[RANGES_MAX];
    uint64_t bytes = 0;
    int n = range_parse(range, field, size);
    must(n <= RANGES_MAX);
    for (int i = 0; i < n; i++) {
        must(range[i].at < range[i].end && range[i].end <= size);
        bytes += range[i].end - range[i].at;
    }
    must(bytes <= size);
}

static void
check_path(struct span target)
{
    char path[PATH_BYTES];
    int n = path_normalise(path, target);
    if (n < 0)
        return;
    must(n > 0 && path[0] == '/' && path[n] == '\0' &&
         strlen(path) == (size_t)n);
    must(!strstr(path, "//") && !strstr(path, "/../") && !strstr(path, "/./"));
    must(n < 3 || strcmp(path + n - 3, "/..") != 0);
    (void)path_is_hidden(path);
}

static void
check_request(const struct request *r, const char *text, size_t length)
{
    for (unsigned i = 0; i < FIELDS; i++)
        check_span(r->field[i], text, length);
    check_span(r->target, text, length);
    check_span(r->line, text, length);
    check_path(r->target);
    if (r->field[FIELD_RANGE].at) {
        check_ranges(r->field[FIELD_RANGE], 0);
        check_ranges(r->field[FIELD_RANGE], 1000);
    }
    if (r->field[FIELD_IF_MODIFIED_SINCE].at)
        must(date_read(r->field[FIELD_IF_MODIFIED_SINCE], 0) >= -1);
}

/* One request and its content. Result: bytes of both; 0: not whole; negative:
 * minus a status. */
static int64_t
read_one(const char *text, size_t length)
{
    struct request r;
    struct body body;
    int head = request_parse(&r, text, length);
    must(head <= REQUEST_HEAD_MAX && head <= (int64_t)length);
    if (head <= 0) {
        must(head == 0 || (head <= -400 && head >= -505));
        return head;
    }
    check_request(&r, text, (size_t)head);
    body_expect(&body, &r, BODY_MOST);
    int64_t n = body_skip(&body, text + head, length - (size_t)head);
    must(n <= (int64_t)length - head);
    return n < 0 ? n : body.state == BODY_NONE ? head + n : 0;
}

/* What is refused with fewer bytes is refused with more, and what is whole is
 * the same; only what is not whole may become anything. */
static void
check_cut(const char *text, size_t length, size_t cut)
{
    char *part = malloc(cut + 1); // ends where its memory does
    memcpy(part + 1, text, cut);
    int64_t less = read_one(part + 1, cut), more = read_one(text, length);
    must(less == 0 || less == more);
    free(part);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    size_t cut = (size_t)(data[0] << 8 | data[1]);
    const char *text = (const char *)data + 2;
    size_t length = size - 2;
    for (int64_t n = 1; n > 0 && length; text += n, length -= (size_t)n) {
        check_cut(text, length, cut % (length + 1));
        n = read_one(text, length);
        if (n <= 0)
            break;
    }
    return 0;
}
