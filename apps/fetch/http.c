// SPDX-License-Identifier: MIT
/* http.c: see http.h. */
#include "http.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fetch.h"

#define FIELDS_MAX 200
#define LINE_BYTES 8192

static void
send_request(struct stream *s, const char *method, const struct url *url)
{
    char request[URL_BYTES + 512], host[300];
    url_host(url, host);
    int n = snprintf(request, sizeof(request),
                     "%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: exo-fetch\r\n"
                     "Accept: */*\r\nConnection: close\r\n\r\n",
                     method, url->path, host);
    stream_send(s, request, (size_t)n);
}

/* The value of a field of this name; null: it is another one. */
static const char *
value_of(const char *line, const char *name)
{
    size_t n = strlen(name);
    if (strncasecmp(line, name, n) != 0 || line[n] != ':')
        return NULL;
    return line + n + 1 + strspn(line + n + 1, " \t");
}

static void
note_field(struct answer *answer, const char *line)
{
    const char *value;
    if ((value = value_of(line, "Content-Length"))) {
        char *end;
        uint64_t before = answer->length;
        errno = 0;
        answer->length = strtoull(value, &end, 10);
        if (!isdigit((unsigned char)*value) || *end || errno ||
            (answer->has_length && answer->length != before))
            fail(END_ANSWER, "the answer's length is \"%s\"", value);
        answer->has_length = true;
    } else if ((value = value_of(line, "Transfer-Encoding"))) {
        if (strcasecmp(value, "chunked") != 0)
            fail(END_ANSWER, "the answer is coded as \"%s\"", value);
        answer->chunked = true;
    } else if ((value = value_of(line, "Location"))) {
        if (strlen(value) >= sizeof(answer->location))
            fail(END_ANSWER, "the answer sends us on to too long a URL");
        strcpy(answer->location, value);
    }
}

static void
read_status(struct stream *s, struct answer *answer)
{
    char line[LINE_BYTES];
    stream_line(s, line, sizeof(line));
    *answer = (struct answer){0};
    if (strncmp(line, "HTTP/1.", 7) != 0 || !isdigit((unsigned char)line[7]) ||
        line[8] != ' ' || strspn(line + 9, "0123456789") != 3)
        fail(END_ANSWER, "the answer is not HTTP/1");
    answer->status = atoi(line + 9);
    for (char *c = line; *c; c++)
        if (iscntrl((unsigned char)*c))
            *c = '?'; // it is shown on terminals
    snprintf(answer->status_line, sizeof(answer->status_line), "%.255s", line);
}

static void
read_head(struct stream *s, struct answer *answer, FILE *show)
{
    char line[LINE_BYTES];
    read_status(s, answer);
    if (show)
        fprintf(show, "%s\n", answer->status_line);
    for (unsigned n = 0;; n++) {
        stream_line(s, line, sizeof(line));
        if (show)
            fprintf(show, "%s\n", line);
        if (!*line)
            return;
        if (n == FIELDS_MAX)
            fail(END_ANSWER, "the answer has more than %d fields", FIELDS_MAX);
        note_field(answer, line);
    }
}

void
http_ask(struct stream *s, const char *method, const struct url *url,
         struct answer *answer, FILE *show)
{
    send_request(s, method, url);
    do
        read_head(s, answer, show);
    while (answer->status < 200);
}

/* Copies so many bytes. Result: those that did not come. */
static uint64_t
copy(struct stream *s, uint64_t bytes, FILE *out)
{
    const char *at;
    while (bytes) {
        size_t most = bytes < sizeof(s->data) ? (size_t)bytes : sizeof(s->data);
        size_t n = stream_take(s, most, &at);
        if (!n)
            break;
        if (fwrite(at, 1, n, out) != n)
            fail(END_OUTPUT, "cannot write the output: %s", strerror(errno));
        bytes -= n;
    }
    return bytes;
}

/* A chunk's size: hexadecimal, and perhaps extensions [RFC9112 §7.1]. */
static uint64_t
chunk_size(struct stream *s)
{
    char line[LINE_BYTES], *end;
    stream_line(s, line, sizeof(line));
    errno = 0;
    uint64_t size = strtoull(line, &end, 16);
    if (!isxdigit((unsigned char)*line) || errno ||
        (*end && !strchr("; \t", *end)))
        fail(END_ANSWER, "a chunk of the answer has the size \"%.40s\"", line);
    return size;
}

static void
copy_chunks(struct stream *s, FILE *out)
{
    char line[LINE_BYTES];
    for (uint64_t size; (size = chunk_size(s));) {
        if (copy(s, size, out))
            fail(END_ANSWER, "the answer ended before it was whole");
        stream_line(s, line, sizeof(line));
        if (*line)
            fail(END_ANSWER, "a chunk of the answer is longer than it says");
    }
    do // fields that come behind the content
        stream_line(s, line, sizeof(line));
    while (*line);
}

void
http_content(struct stream *s, const struct answer *answer, FILE *out)
{
    if (answer->status == 204 || answer->status == 304)
        return;
    if (answer->chunked)
        copy_chunks(s, out);
    else if (!answer->has_length)
        copy(s, UINT64_MAX, out);
    else if (copy(s, answer->length, out))
        fail(END_ANSWER, "the answer ended before it was whole");
}
