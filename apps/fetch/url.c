// SPDX-License-Identifier: MIT
/* url.c: see url.h. */
#include "url.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fetch.h"

/* Copies n bytes, which must fit. */
static void
copy(char *to, size_t room, const char *from, size_t n)
{
    if (n >= room)
        fail(END_USAGE, "the URL is too long");
    memcpy(to, from, n);
    to[n] = '\0';
}

/* Bytes of the scheme before "://"; 0: there is none. */
static size_t
scheme_length(const char *text)
{
    size_t n = 0;
    while (isalnum((unsigned char)text[n]) ||
           (text[n] && strchr("+-.", text[n])))
        n++;
    return strncmp(text + n, "://", 3) == 0 ? n : 0;
}

/* The port behind the host, if there is one. */
static void
read_port(struct url *url, const char *text, size_t n)
{
    copy(url->port, sizeof(url->port), "80", 2);
    if (n <= 1)
        return;
    char *end;
    unsigned long port = strtoul(text + 1, &end, 10);
    if (*text != ':' || !isdigit((unsigned char)text[1]) || end != text + n ||
        port == 0 || port > 65535)
        fail(END_USAGE, "\"%.*s\" is no port", (int)n - 1, text + 1);
    snprintf(url->port, sizeof(url->port), "%lu", port);
}

/* "host", "host:port", "[address]:port". */
static void
read_authority(struct url *url, const char *text, size_t n)
{
    if (memchr(text, '@', n))
        fail(END_USAGE, "names and passwords in URLs are not supported");
    const char *host = text, *end;
    if (*text == '[') {
        host++;
        end = memchr(text, ']', n);
        if (!end)
            fail(END_USAGE, "the URL has a [ without a ]");
        copy(url->host, sizeof(url->host), host, (size_t)(end - host));
        end++;
    } else {
        end = memchr(text, ':', n);
        if (!end)
            end = text + n;
        copy(url->host, sizeof(url->host), host, (size_t)(end - host));
    }
    if (!url->host[0])
        fail(END_USAGE, "the URL names no host");
    read_port(url, end, n - (size_t)(end - text));
}

/* Path and query, without the fragment. */
static void
read_path(struct url *url, const char *text)
{
    bool slash = *text == '/';
    url->path[0] = '/';
    copy(url->path + !slash, sizeof(url->path) - !slash, text,
         strcspn(text, "#"));
}

void
url_read(struct url *url, const char *text)
{
    for (const char *c = text; *c; c++)
        if ((unsigned char)*c <= ' ' || *c == 0x7f)
            fail(END_USAGE,
                 "the URL has a blank or control character in it; "
                 "write it as %%%02X",
                 (unsigned char)*c);
    size_t scheme = scheme_length(text);
    if (scheme && (scheme != 4 || strncasecmp(text, "http", 4) != 0))
        fail(END_USAGE, "only http is spoken here, not %.*s", (int)scheme,
             text);
    if (scheme)
        text += scheme + 3;
    size_t n = strcspn(text, "/?#");
    read_authority(url, text, n);
    read_path(url, text + n);
}

void
url_follow(struct url *url, const char *reference)
{
    char text[URL_BYTES + 300];
    if (scheme_length(reference)) {
        url_read(url, reference);
        return;
    }
    if (strncmp(reference, "//", 2) == 0) {
        url_read(url, reference + 2);
        return;
    }
    char host[300];
    url_host(url, host);
    char *query = strchr(url->path, '?');
    if (query)
        *query = '\0';
    if (*reference != '/' && *reference != '?')
        strrchr(url->path, '/')[1] = '\0';
    int n = snprintf(text, sizeof(text), "%s%s%s", host,
                     *reference == '/' ? "" : url->path, reference);
    if (n >= (int)sizeof(text))
        fail(END_USAGE, "the URL is too long");
    url_read(url, text);
}

void
url_host(const struct url *url, char to[300])
{
    bool six = strchr(url->host, ':') != NULL;
    bool plain = strcmp(url->port, "80") == 0;
    snprintf(to, 300, "%s%s%s%s%s", six ? "[" : "", url->host, six ? "]" : "",
             plain ? "" : ":", plain ? "" : url->port);
}
