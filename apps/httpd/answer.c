// SPDX-License-Identifier: MIT
/* answer.c: see answer.h. */
#include "answer.h"

#include <errno.h>
#include <stdlib.h>

#include "condition.h"
#include "listing.h"
#include "log.h"
#include "path.h"
#include "range.h"
#include "response.h"
#include "server.h"
#include "status.h"
#include "text.h"

#define ALLOW "Allow: GET, HEAD, OPTIONS\r\n"

/* An answer in the making. */
struct job {
    struct conn *conn;
    const struct request *request;
};

static void
page(const struct job *job, int status, const char *fields)
{
    bool content = job->request->method != METHOD_HEAD;
    uint64_t bytes = response_page(job->conn, status, fields, content);
    log_request(job->conn, job->request, status, bytes);
}

/* The whole item. This is the path that most requests take. */
static void
whole(const struct job *job, struct item *item)
{
    struct conn *c = job->conn;
    bool content = job->request->method != METHOD_HEAD && item->size;
    response_begin(c, 200);
    response_fields(c, item->fields, item->fields_length);
    response_end(c);
    if (content) {
        struct range all = {0, item->size};
        sending_begin(&c->sending, item, &all, 1);
        if (item->size <= buffer_room(c->out))
            sending_fill(&c->sending, c->out);
    }
    log_request(c, job->request, 200, content ? item->size : 0);
}

static void
not_modified(const struct job *job, struct item *item)
{
    response_begin(job->conn, 304);
    response_fields(job->conn, item->fields, item->typed);
    response_end(job->conn);
    log_request(job->conn, job->request, 304, 0);
}

static void
partial(const struct job *job, struct item *item, const struct range *range,
        uint32_t count)
{
    struct conn *c = job->conn;
    sending_begin(&c->sending, item, range, count);
    uint64_t bytes = sending_bytes(&c->sending);
    response_begin(c, 206);
    response_fields(c, item->fields, item->typed);
    if (count > 1) {
        response_format(c,
                        "Content-Type: multipart/byteranges; "
                        "boundary=%016llx",
                        (unsigned long long)c->sending.boundary);
    } else {
        response_format(c, "Content-Type: %s", item->type);
        response_format(c, "Content-Range: bytes %llu-%llu/%llu",
                        (unsigned long long)range->at,
                        (unsigned long long)range->end - 1,
                        (unsigned long long)item->size);
    }
    response_format(c, "Content-Length: %llu", (unsigned long long)bytes);
    response_end(c);
    log_request(c, job->request, 206, bytes);
}

static void
send_item(const struct job *job, struct item *item)
{
    const struct request *r = job->request;
    struct range ranges[RANGES_MAX];
    int count = 0;
    int status = condition_check(r, item, server.now);
    if (status == 304) {
        not_modified(job, item);
        return;
    }
    if (status == 412) {
        page(job, 412, NULL);
        return;
    }
    if (r->method == METHOD_GET && condition_range(r, item, server.now))
        count = range_parse(ranges, r->field[FIELD_RANGE], item->size);
    if (count < 0) {
        char field[64];
        snprintf(field, sizeof(field), "Content-Range: bytes */%llu\r\n",
                 (unsigned long long)item->size);
        page(job, 416, field);
    } else if (count) {
        partial(job, item, ranges, (uint32_t)count);
    } else {
        whole(job, item);
    }
}

/* Tells the client to ask for the directory: the same path, which is written
 * anew so that it cannot lead to another host, with a "/". */
static void
redirect(const struct job *job, const char *path)
{
    struct text fields = {.most = 3 * PATH_BYTES + 64};
    text_string(&fields, "Location: ");
    text_url(&fields, path);
    text_put(&fields, "/\r\n", 4);
    if (fields.cut)
        page(job, 503, NULL);
    else
        page(job, 301, fields.at);
    free(fields.at);
}

/* /status and /status.json. False: it is neither. */
static bool
is_status(const char *path, bool *json)
{
    *json = strcmp(path, "/status.json") == 0;
    return *json || strcmp(path, "/status") == 0;
}

/* What a path leads to. Result as of cache_get(). */
static int
look_up(const char *path, struct item **item)
{
    bool json;
    if (is_status(path, &json)) {
        *item = status_make(json);
        return *item ? 0 : 503;
    }
    if (path_is_hidden(path))
        return 404;
    int status =
        cache_get(&server.cache, path, server.now_ms, server.now, item);
    if (status == 200)
        status = server.listing ? listing_make(&server.cache, path, item) : 403;
    return status;
}

static void
get(const struct job *job)
{
    char path[PATH_BYTES];
    struct item *item;
    int length = path_normalise(path, job->request->target);
    if (length < 0) {
        page(job, -length, NULL);
        return;
    }
    int status = look_up(path, &item);
    if (status == 301) {
        redirect(job, path);
    } else if (status) {
        page(job, status, NULL);
    } else {
        send_item(job, item);
        item_drop(item);
    }
}

static void
options(const struct job *job)
{
    response_begin(job->conn, 204);
    response_fields(job->conn, ALLOW, sizeof(ALLOW) - 1);
    response_end(job->conn);
    log_request(job->conn, job->request, 204, 0);
}

void
answer(struct conn *c, const struct request *r)
{
    struct job job = {c, r};
    server.counters.requests++;
    c->minor = r->minor;
    c->finish = !r->keep_alive;
    if (r->body > server.limits.body || r->expects) {
        c->finish = c->suspect = true; // its content is not waited for
        c->body.state = BODY_NONE;
    }
    if (r->body > server.limits.body)
        page(&job, 413, NULL);
    else if (r->method == METHOD_OPTIONS)
        options(&job);
    else if (r->method == METHOD_OTHER)
        page(&job, 405, ALLOW);
    else if (r->method == METHOD_UNKNOWN)
        page(&job, 501, NULL);
    else
        get(&job);
}

void
answer_error(struct conn *c, int status)
{
    uint64_t bytes = response_page(c, status, NULL, true);
    log_request(c, NULL, status, bytes);
}
