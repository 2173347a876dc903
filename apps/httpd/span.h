// SPDX-License-Identifier: MIT
/* span.h: text that is part of a buffer, without an end of its own. */
#ifndef HTTPD_SPAN_H
#define HTTPD_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct span {
    const char *at; // null: there is none
    size_t length;
};

/* Upper-case letters of ASCII as small ones; everything else as it is. */
static inline char
span_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* Equal to `text`, whose letters are small ones, in any case of letters. */
static inline bool
span_is(struct span s, const char *text)
{
    for (size_t i = 0; i < s.length; i++)
        if (span_lower(s.at[i]) != text[i] || !text[i])
            return false;
    return !text[s.length];
}

/* Without spaces and tabs at both ends. */
static inline struct span
span_trim(struct span s)
{
    while (s.length && (*s.at == ' ' || *s.at == '\t'))
        s.at++, s.length--;
    while (s.length &&
           (s.at[s.length - 1] == ' ' || s.at[s.length - 1] == '\t'))
        s.length--;
    return s;
}

/* Takes what stands before the next comma off the front of a list, trimmed.
 * False: nothing is left. Commas in quotes are not looked for. */
static inline bool
span_next(struct span *list, struct span *item)
{
    if (!list->length)
        return false;
    const char *comma = memchr(list->at, ',', list->length);
    size_t n = comma ? (size_t)(comma - list->at) : list->length;
    *item = span_trim((struct span){list->at, n});
    n += comma != NULL;
    list->at += n;
    list->length -= n;
    return true;
}

#endif
