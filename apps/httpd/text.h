// SPDX-License-Identifier: MIT
/*
 * text.h: text that grows, for pages made on demand.
 *
 * It is cut off at `most` bytes, or where memory ends; text->cut then says so.
 */
#ifndef HTTPD_TEXT_H
#define HTTPD_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct text {
    char *at; // owner: free(); null while it is empty
    size_t length, room, most;
    bool cut;
};

void text_put(struct text *text, const char *bytes, size_t length);
void text_string(struct text *text, const char *string);
void text_format(struct text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A string within HTML, in a JSON string, and in a path of a URL. */
void text_html(struct text *text, const char *string);
void text_json(struct text *text, const char *string);
void text_url(struct text *text, const char *string);

#endif
