// SPDX-License-Identifier: MIT
/*
 * json.h: JSON objects on one line of ASCII, as docs/management.md has them.
 *
 * Keys and strings are written with print-safe escapes; numbers are unsigned
 * 64-bit integers. What does not fit into the buffer is cut, and json_line()
 * then says so instead of handing out half an object.
 */
#ifndef INIT_JSON_H
#define INIT_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json {
    char *text;
    size_t size, length;
    bool comma; // the next item needs one before it
};

/* Starts an object in a buffer. */
void json_open(struct json *json, char *text, size_t size);

void json_text(struct json *json, const char *key, const char *value);
void json_number(struct json *json, const char *key, uint64_t value);
void json_signed(struct json *json, const char *key, int64_t value);

/* Bytes, in base64 [RFC 4648 4]. */
void json_bytes(struct json *json, const char *key, const uint8_t *bytes,
                size_t count);

/* Nested objects and lists; key null: inside a list. */
void json_begin(struct json *json, const char *key, char bracket);
void json_item(struct json *json, uint64_t value);
void json_end(struct json *json, char bracket);

/* Ends the object and its line. Result: bytes with the newline; 0: no room. */
size_t json_line(struct json *json);

#endif
