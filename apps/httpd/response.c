// SPDX-License-Identifier: MIT
/* response.c: see response.h. */
#include "response.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "server.h"

static const struct status {
    int status;
    const char *line;
    const char *why; // a sentence for people
} statuses[] = {
    {200, "200 OK", ""},
    {204, "204 No Content", ""},
    {206, "206 Partial Content", ""},
    {304, "304 Not Modified", ""},
    {301, "301 Moved Permanently", "It is a directory: add a slash."},
    {400, "400 Bad Request", "The request is not valid HTTP/1.1."},
    {403, "403 Forbidden", "This file may not be read."},
    {404, "404 Not Found", "There is no such file."},
    {405, "405 Method Not Allowed", "Files can be read, and nothing else."},
    {408, "408 Request Timeout", "The request took too long to arrive."},
    {412, "412 Precondition Failed", "The file is not the one expected."},
    {413, "413 Content Too Large", "The request has too much content."},
    {414, "414 URI Too Long", "The address is too long."},
    {416, "416 Range Not Satisfiable", "The file has no such bytes."},
    {417, "417 Expectation Failed", "Only 100-continue can be expected."},
    {431, "431 Request Header Fields Too Large",
     "The request has too many or too long fields."},
    {501, "501 Not Implemented", "The method or coding is not known here."},
    {503, "503 Service Unavailable", "Memory or files ran out; try again."},
    {505, "505 HTTP Version Not Supported", "Only HTTP/1 is spoken here."},
    {500, "500 Internal Server Error", "The file could not be read."},
};

static const struct status *
find(int status)
{
    const struct status *s = statuses;
    while (s->status != status && s->status != 500)
        s++;
    return s;
}

static void
put(struct conn *c, const char *string)
{
    buffer_put(c->out, string, strlen(string));
}

void
response_begin(struct conn *c, int status)
{
    static const char ok[] = "HTTP/1.1 200 OK\r\n";
    server.counters.answers[status / 100]++;
    if (status == 200) {
        buffer_put(c->out, ok, sizeof(ok) - 1);
    } else {
        put(c, "HTTP/1.1 ");
        put(c, find(status)->line);
        put(c, "\r\n");
    }
    buffer_put(c->out, server.dated, server.dated_length);
}

void
response_fields(struct conn *c, const char *lines, size_t length)
{
    buffer_put(c->out, lines, length);
}

void
response_format(struct conn *c, const char *format, ...)
{
    char line[512];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    put(c, line);
    put(c, "\r\n");
}

void
response_end(struct conn *c)
{
    if (c->finish)
        put(c, "Connection: close\r\n\r\n");
    else if (c->minor == 0)
        put(c, "Connection: keep-alive\r\n\r\n");
    else
        put(c, "\r\n");
}

uint64_t
response_page(struct conn *c, int status, const char *fields, bool content)
{
    const struct status *s = find(status);
    char page[512];
    int n = snprintf(page, sizeof(page),
                     "<!DOCTYPE html>\n<html lang=\"en\">\n"
                     "<meta charset=\"utf-8\">\n"
                     "<meta name=\"color-scheme\" content=\"light dark\">\n"
                     "<title>%s</title>\n<h1>%s</h1>\n<p>%s\n",
                     s->line, s->line, s->why);
    response_begin(c, status);
    if (fields)
        put(c, fields);
    response_format(c, "Content-Type: text/html; charset=utf-8");
    response_format(c, "Content-Length: %d", n);
    response_end(c);
    if (content)
        buffer_put(c->out, page, (size_t)n);
    return content ? (uint64_t)n : 0;
}
