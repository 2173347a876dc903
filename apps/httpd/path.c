// SPDX-License-Identifier: MIT
/* path.c: see path.h. Dots: [RFC3986 §5.2.4]. */
#include "path.h"

static int
hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = span_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The next byte of a target, decoded. Result: the byte; -1: malformed. */
static int
next_byte(const char **at, const char *end)
{
    char c = *(*at)++;
    if (c != '%')
        return (unsigned char)c;
    if (end - *at < 2)
        return -1;
    int high = hex((*at)[0]), low = hex((*at)[1]);
    *at += 2;
    if (high < 0 || low < 0 || (high | low) == 0)
        return -1;
    return high << 4 | low;
}

/* A part of the path ends at `end`; takes dots back. Result: where the next
 * part begins. `from` is where this one does, behind its "/". */
static char *
end_part(char *to, char *from, char *end)
{
    if (end - from == 1 && from[0] == '.')
        return from;
    if (end - from != 2 || from[0] != '.' || from[1] != '.')
        return NULL;
    char *back = from - 1; // the "/" before ".."
    while (back > to && *--back != '/')
        ;
    return back + 1;
}

int
path_normalise(char to[PATH_BYTES], struct span target)
{
    const char *at = target.at, *end = at + target.length;
    if (!target.length || *at != '/')
        at = end; // "?query" of an absolute target without a path
    char *out = to, *part = to + 1;
    *out++ = '/';
    while (at < end && *at != '?') {
        int c = next_byte(&at, end);
        if (c < 0)
            return -400;
        if (out == to + PATH_BYTES - 1)
            return -414;
        if (c != '/') {
            *out++ = (char)c;
            continue;
        }
        char *dots = end_part(to, part, out);
        if (dots)
            out = dots;
        else if (out[-1] != '/')
            *out++ = '/';
        part = out;
    }
    char *dots = end_part(to, part, out);
    if (dots)
        out = dots;
    *out = '\0';
    return (int)(out - to);
}

bool
path_is_hidden(const char *path)
{
    for (const char *dot = path; (dot = strstr(dot, "/.")); dot++) {
        size_t n = strcspn(dot + 1, "/");
        if (n != 11 || memcmp(dot + 1, ".well-known", 11) != 0)
            return true;
    }
    return false;
}
