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
json_bytes(struct json *j, const char *key, const uint8_t *bytes, size_t count)
{
    static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "abcdefghijklmnopqrstuvwxyz0123456789+/";
    put_key(j, key);
    put(j, "\"");
    for (size_t i = 0; i < count; i += 3) {
        size_t n = count - i < 3 ? count - i : 3;
        uint32_t bits = (uint32_t)bytes[i] << 16;
        if (n > 1)
            bits |= (uint32_t)bytes[i + 1] << 8;
        if (n > 2)
            bits |= bytes[i + 2];
        char four[5] = {digit[bits >> 18], digit[bits >> 12 & 63],
                        n > 1 ? digit[bits >> 6 & 63] : '=',
                        n > 2 ? digit[bits & 63] : '=', 0};
        put(j, four);
    }
    put(j, "\"");
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
