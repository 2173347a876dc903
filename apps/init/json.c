// SPDX-License-Identifier: MIT
/* json.c: JSON objects on one line. */
#include "json.h"

#include "lib/print.h"
#include "lib/string.h"

static void
put(struct json *j, const char *text)
{
    size_t n = strlen(text);
    if (n > j->size - j->length)
        n = j->size - j->length;
    memcpy(j->text + j->length, text, n);
    j->length += n;
}

static void
put_string(struct json *j, const char *text)
{
    char one[8];
    put(j, "\"");
    for (; *text; text++) {
        uint8_t c = (uint8_t)*text;
        if (c == '"' || c == '\\')
            print_text(one, sizeof(one), "\\%c", c);
        else if (c < 0x20 || c > 0x7e)
            print_text(one, sizeof(one), "\\u%04x", c);
        else
            print_text(one, sizeof(one), "%c", c);
        put(j, one);
    }
    put(j, "\"");
}

static void
put_key(struct json *j, const char *key)
{
    if (j->comma)
        put(j, ",");
    j->comma = true;
    if (!key)
        return;
    put_string(j, key);
    put(j, ":");
}

void
json_open(struct json *j, char *text, size_t size)
{
    *j = (struct json){.text = text, .size = size};
    put(j, "{");
}

void
json_text(struct json *j, const char *key, const char *value)
{
    put_key(j, key);
    put_string(j, value);
}

void
json_number(struct json *j, const char *key, uint64_t value)
{
    char digits[24];
    put_key(j, key);
    print_text(digits, sizeof(digits), "%lu", value);
    put(j, digits);
}

void
json_signed(struct json *j, const char *key, int64_t value)
{
    char digits[24];
    put_key(j, key);
    print_text(digits, sizeof(digits), "%ld", value);
    put(j, digits);
}

void
json_begin(struct json *j, const char *key, char bracket)
{
    put_key(j, key);
    put(j, bracket == '[' ? "[" : "{");
    j->comma = false;
}

void
json_item(struct json *j, uint64_t value)
{
    json_number(j, NULL, value);
}

void
json_end(struct json *j, char bracket)
{
    put(j, bracket == ']' ? "]" : "}");
    j->comma = true;
}

size_t
json_line(struct json *j)
{
    put(j, "}\n");
    return j->length < j->size ? j->length : 0;
}
