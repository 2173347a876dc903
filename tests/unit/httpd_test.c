// SPDX-License-Identifier: MIT
/*
 * The pure parts of apps/httpd: requests, content, paths, ranges, dates. What
 * travels over a connection is tested in tests/apps.
 */
#include "claim.h"

#include <stdlib.h>
#include <string.h>

#include "body.h"
#include "date.h"
#include "path.h"
#include "range.h"
#include "request.h"

#define HEAD "GET /a HTTP/1.1\r\nHost: x\r\n"

static struct request r;

/* Parses bytes that end where their memory does, so that ASan sees a reader
 * that goes too far. */
static int
parse_bytes(const char *text, size_t length)
{
    static char *copy;
    free(copy);
    copy = malloc(length + 1);
    char *at = copy + 1; // length 0 is allowed, too
    memcpy(at, text, length);
    return request_parse(&r, at, length);
}

static int
parse(const char *text)
{
    return parse_bytes(text, strlen(text));
}

static bool
equals(struct span s, const char *text)
{
    return s.at && s.length == strlen(text) &&
           memcmp(s.at, text, s.length) == 0;
}

CLAIM(a_request_is_read_to_its_end_and_no_further)
{
    static const char text[] = HEAD "Range: bytes=1-2 \r\n\r\nmore";
    want_equal(parse(text), sizeof(text) - 5);
    want_equal(r.method, METHOD_GET);
    want(equals(r.target, "/a"));
    want(equals(r.line, "GET /a HTTP/1.1"));
    want(equals(r.field[FIELD_HOST], "x"));
    want(equals(r.field[FIELD_RANGE], "bytes=1-2"));
    want(!r.field[FIELD_IF_RANGE].at);
    want(r.keep_alive && !r.chunked && !r.expects);
    want_equal(r.body, 0);
}

CLAIM(every_beginning_of_a_request_is_not_whole_yet)
{
    static const char text[] = "\r\nPOST http://h:1/p?q HTTP/1.1\r\nHost: x\r\n"
                               "Content-Length: 12\r\nA: \t b\r\n\r\n";
    for (size_t n = 0; n < sizeof(text) - 1; n++)
        want_equal(parse_bytes(text, n), 0);
    want_equal(parse(text), sizeof(text) - 1);
    want_equal(r.method, METHOD_OTHER);
    want_equal(r.body, 12);
}

CLAIM(an_absolute_target_loses_its_host)
{
    want(parse("GET http://h:1/p?q HTTP/1.1\r\nHost: x\r\n\r\n") > 0);
    want(equals(r.target, "/p?q"));
    want(parse("GET http://h HTTP/1.1\r\nHost: x\r\n\r\n") > 0);
    want(equals(r.target, ""));
    want(parse("GET http://h?q HTTP/1.1\r\nHost: x\r\n\r\n") > 0);
    want(equals(r.target, "?q"));
}

CLAIM(what_is_malformed_is_refused_before_it_ends)
{
    want_equal(parse("\n"), -400);
    want_equal(parse("GET /\n"), -400);
    want_equal(parse("\x16\x03"), -400);
    want_equal(parse("GET / HTTP/2."), 0);
    want_equal(parse("GET / HTTP/2.0"), -505);
    want_equal(parse(HEAD " folded"), -400);
    want_equal(parse(HEAD "a :"), -400);
    want_equal(parse(HEAD "a: b\rc"), -400);
    want_equal(parse(HEAD "a: b\nc"), -400);
}

CLAIM(a_request_ends_in_one_way_only)
{
    want_equal(parse(HEAD "Content-Length: 1\r\nTransfer-Encoding: chunked"
                          "\r\n\r\n"),
               -400);
    want_equal(parse(HEAD "Content-Length: 1\r\nContent-Length: 1\r\n\r\n"),
               -400);
    want_equal(parse(HEAD "Content-Length: 99999999999999999999\r\n\r\n"),
               -400);
    want_equal(parse(HEAD "Transfer-Encoding: gzip\r\n\r\n"), -501);
    want(parse(HEAD "Transfer-Encoding: CHUNKED\r\n\r\n") > 0);
    want(r.chunked);
}

CLAIM(heads_have_a_largest_size)
{
    char text[REQUEST_HEAD_MAX + 2];
    memset(text, 'a', sizeof(text));
    want_equal(parse_bytes(text, REQUEST_HEAD_MAX - 1), 0);
    want_equal(parse_bytes(text, REQUEST_HEAD_MAX), -414);
    memcpy(text, HEAD "a:", sizeof(HEAD "a:") - 1);
    want_equal(parse_bytes(text, REQUEST_HEAD_MAX), -431);
    memcpy(text + REQUEST_HEAD_MAX - 4, "\r\n\r\n", 4);
    want_equal(parse_bytes(text, REQUEST_HEAD_MAX), REQUEST_HEAD_MAX);
    memcpy(text + REQUEST_HEAD_MAX - 4, "a\r\n\r\n", 5);
    want_equal(parse_bytes(text, REQUEST_HEAD_MAX + 1), -431);
}

/* Skips content cut in two at every place; the result must not depend on it.
 * Result: bytes taken, or minus a status. */
static int64_t
skip(const char *text, uint64_t most)
{
    int64_t whole = 0;
    size_t length = strlen(text);
    for (size_t cut = 0; cut <= length; cut++) {
        struct body body;
        body_expect(&body, &r, most);
        int64_t n = body_skip(&body, text, cut);
        if (n >= 0) {
            int64_t rest = body_skip(&body, text + n, length - (size_t)n);
            n = rest < 0 ? rest : n + rest;
        }
        if (n >= 0 && body.state != BODY_NONE)
            n = 0; // not whole
        if (cut == 0)
            whole = n;
        want_equal(n, whole);
    }
    return whole;
}

CLAIM(content_of_a_length_is_skipped)
{
    want(parse(HEAD "Content-Length: 3\r\n\r\n") > 0);
    want_equal(skip("abcdef", 100), 3);
    want_equal(skip("ab", 100), 0);
    want_equal(skip("abc", 2), -413);
}

CLAIM(chunks_are_skipped)
{
    want(parse(HEAD "Transfer-Encoding: chunked\r\n\r\n") > 0);
    want_equal(skip("3\r\nabc\r\n0\r\n\r\nX", 100), 13);
    want_equal(skip("3;x\r\nabc\r\n0;y\r\nT: v\r\nU: w\r\n\r\nX", 100), 29);
    want_equal(skip("0003\r\nabc\r\n000\r\n\r\n", 100), 18);
    want_equal(skip("3\r\nabc\r\n0\r\n", 100), 0);
    want_equal(skip("3\r\nabcd\r\n0\r\n\r\n", 100), -400);
    want_equal(skip("3\nabc", 100), -400);
    want_equal(skip("g\r\n", 100), -400);
    want_equal(skip("\r\n", 100), -400);
    want_equal(skip("10000000000000000\r\n", 100), -413);
    want_equal(skip("3\r\nabc\r\n0\r\n\r\n", 12), -413);
}

static const char *
normal(const char *target)
{
    static char path[PATH_BYTES];
    int n = path_normalise(path, (struct span){target, strlen(target)});
    if (n >= 0)
        want_equal(n, strlen(path));
    return n < 0 ? "refused" : path;
}

CLAIM(paths_stay_below_the_root)
{
    static const char *const paths[][2] = {
        {"/", "/"},
        {"/a/b", "/a/b"},
        {"/a//b///", "/a/b/"},
        {"/a/./b/.", "/a/b/"},
        {"/a/../b", "/b"},
        {"/a/b/..", "/a/"},
        {"/..", "/"},
        {"/../..", "/"},
        {"/../../a", "/a"},
        {"/a/../../b/..", "/"},
        {"/...", "/..."},
        {"/..a", "/..a"},
        {"/a..", "/a.."},
        {"/%2e%2e/%2E", "/"},
        {"/%2e%2e%2fa", "/a"},
        {"/a%20b?c/../d", "/a b"},
        {"?q", "/"},
        {"/%", "refused"},
        {"/%0", "refused"},
        {"/%00", "refused"},
        {"/%gg", "refused"},
        {"/a?%00", "/a"},
    };
    for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
        if (strcmp(normal(paths[i][0]), paths[i][1]) != 0)
            claim_fail(__FILE__, __LINE__, "%s became %s", paths[i][0],
                       normal(paths[i][0]));
}

CLAIM(random_paths_never_lead_out)
{
    static const char pieces[][5] = {"/", "..", ".", "a", "%2e", "%2f", "b"};
    srand(1);
    for (int n = 0; n < 100000; n++) {
        char target[64] = "/";
        for (int i = rand() % 12; i > 0; i--)
            strcat(target, pieces[rand() % 7]);
        const char *path = normal(target);
        want(path[0] == '/' && !strstr(path, "/../") && !strstr(path, "//") &&
             !strstr(path, "/./"));
        want(strlen(path) < 3 || strcmp(path + strlen(path) - 3, "/..") != 0);
    }
}

CLAIM(a_path_has_a_largest_size)
{
    char target[PATH_BYTES + 1];
    memset(target, 'a', sizeof(target));
    target[0] = '/';
    target[PATH_BYTES - 1] = '\0';
    want_equal(strlen(normal(target)), PATH_BYTES - 1);
    target[PATH_BYTES - 1] = 'a';
    target[PATH_BYTES] = '\0';
    want(strcmp(normal(target), "refused") == 0);
}

CLAIM(hidden_names_are_known)
{
    want(path_is_hidden("/.a") && path_is_hidden("/a/.b/c"));
    want(!path_is_hidden("/a.b/c.") && !path_is_hidden("/"));
    want(!path_is_hidden("/.well-known/x"));
    want(path_is_hidden("/.well-known/.x") && path_is_hidden("/.well-knownx"));
}

static int
ranges(struct range *range, const char *field, uint64_t size)
{
    return range_parse(range, (struct span){field, strlen(field)}, size);
}

CLAIM(ranges_are_cut_to_the_file)
{
    struct range range[RANGES_MAX];
    want_equal(ranges(range, "bytes=0-0", 10), 1);
    want(range[0].at == 0 && range[0].end == 1);
    want_equal(ranges(range, "bytes=-3,2-3", 10), 2);
    want(range[0].at == 7 && range[0].end == 10);
    want(range[1].at == 2 && range[1].end == 4);
    want_equal(ranges(range, "bytes=9-18446744073709551616", 10), 1);
    want(range[0].at == 9 && range[0].end == 10);
    want_equal(ranges(range, "bytes=10-", 10), -416);
    want_equal(ranges(range, "bytes=0-", 0), -416);
    want_equal(ranges(range, "bytes=0-5,5-9", 10), 0);
    want_equal(ranges(range, "bytes=", 10), 0);
    want_equal(ranges(range, "bytes=2-1", 10), 0);
    want_equal(ranges(range, "items=0-1", 10), 0);
}

static int64_t
date(const char *text)
{
    return date_read((struct span){text, strlen(text)}, 1700000000);
}

CLAIM(dates_are_read_in_three_forms)
{
    want_equal(date("Sun, 06 Nov 1994 08:49:37 GMT"), 784111777);
    want_equal(date("Sunday, 06-Nov-94 08:49:37 GMT"), 784111777);
    want_equal(date("Sun Nov  6 08:49:37 1994"), 784111777);
    want_equal(date("Sunday, 06-Nov-73 08:49:37 GMT"), 3277183777);
    want_equal(date("Sunday, 06-Nov-74 08:49:37 GMT"), 152959777);
    want_equal(date("Thu, 29 Feb 2024 00:00:00 GMT"), 1709164800);
    want_equal(date("Wed, 29 Feb 2023 00:00:00 GMT"), -1);
    want_equal(date("Sun, 06 Nov 1994 24:00:00 GMT"), -1);
    want_equal(date("Sun, 06 Nov 1969 08:49:37 GMT"), -1);
    want_equal(date("Sun, 06 Nov 1994 08:49:37 GMT x"), -1);
    want_equal(date("Sun, 06 anF 1994 08:49:37 GMT"), -1);
    want_equal(date(""), -1);
}

CLAIM(dates_are_read_as_they_are_written)
{
    char text[DATE_BYTES];
    date_write(text, 784111777);
    want(strcmp(text, "Sun, 06 Nov 1994 08:49:37 GMT") == 0);
    date_write_log(text, 784111777);
    want(strcmp(text, "06/Nov/1994:08:49:37 +0000") == 0);
    for (int64_t t = 0; t < 253402300800; t += 8640007) {
        date_write(text, t);
        want_equal(date(text), t);
    }
}
