// SPDX-License-Identifier: MIT
/* status.c: see status.h. */
#include "status.h"

#include <stdlib.h>

#include "server.h"

static void
report_server(struct report *r)
{
    const struct counters *n = &server.counters;
    report_group(r, "server");
    report_number(r, "uptime_s", (server.now_ms - server.started_ms) / 1000);
    report_number(r, "connections", server.open);
    report_number(r, "connections_most", server.limits.connections);
    report_number(r, "accepted", n->accepted);
    report_number(r, "requests", n->requests);
    report_number(r, "answers_2xx", n->answers[2]);
    report_number(r, "answers_3xx", n->answers[3]);
    report_number(r, "answers_4xx", n->answers[4]);
    report_number(r, "answers_5xx", n->answers[5]);
    report_number(r, "bytes_received", n->received);
    report_number(r, "bytes_sent", n->sent);
    report_number(r, "timeouts", n->timeouts);
    report_number(r, "refused", n->refused);
}

static void
report_memory(struct report *r)
{
    report_group(r, "memory");
    report_number(r, "buffers", server.pool.made);
    report_number(r, "buffers_most", server.pool.most);
    report_number(r, "buffer_bytes", BUFFER_BYTES);
    report_number(r, "files_cached", server.cache.count);
    report_number(r, "cache_hits", server.cache.hits);
    report_number(r, "cache_misses", server.cache.misses);
}

struct item *
status_make(bool json)
{
    struct report report;
    report_begin(&report, json);
    report_server(&report);
    report_memory(&report);
    status_machine(&report);
    report_finish(&report);
    if (report.text.cut || !report.text.at) {
        free(report.text.at);
        return NULL;
    }
    return item_make(report.text.at, report.text.length,
                     json ? "application/json" : "text/plain; charset=utf-8");
}
