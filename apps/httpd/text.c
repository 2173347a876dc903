// SPDX-License-Identifier: MIT
/* text.c: see text.h. */
#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Makes room for `more` bytes. False: there is none. */
static bool
grow(struct text *text, size_t more)
{
    if (text->cut || more > text->most - text->length) {
        text->cut = true;
        return false;
    }
    size_t room = text->room ? text->room : 1024;
    while (room < text->length + more)
        room *= 2;
    if (room == text->room)
        return true;
    char *at = realloc(text->at, room);
    if (!at) {
        text->cut = true;
        return false;
    }
    text->at = at;
    text->room = room;
    return true;
}

void
text_put(struct text *text, const char *bytes, size_t length)
{
    if (!grow(text, length))
        return;
    memcpy(text->at + text->length, bytes, length);
    text->length += length;
}

void
text_string(struct text *text, const char *string)
{
    text_put(text, string, strlen(string));
}

void
text_format(struct text *text, const char *format, ...)
{
    char line[512];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    if (n >= (int)sizeof(line))
        n = sizeof(line) - 1;
    if (n > 0)
        text_put(text, line, (size_t)n);
}

void
text_html(struct text *text, const char *string)
{
    static const char special[] = "&<>\"'";
    while (*string) {
        size_t n = strcspn(string, special);
        text_put(text, string, n);
        string += n;
        if (*string)
            text_format(text, "&#%d;", *string++);
    }
}

void
text_json(struct text *text, const char *string)
{
    text_put(text, "\"", 1);
    for (; *string; string++) {
        unsigned char c = (unsigned char)*string;
        if (c == '"' || c == '\\')
            text_format(text, "\\%c", c);
        else if (c < ' ' || c > '~')
            text_format(text, "\\u%04x", c);
        else
            text_put(text, string, 1);
    }
    text_put(text, "\"", 1);
}

void
text_url(struct text *text, const char *string)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/";
    while (*string) {
        size_t n = strspn(string, plain);
        text_put(text, string, n);
        string += n;
        if (*string)
            text_format(text, "%%%02X", (unsigned char)*string++);
    }
}
