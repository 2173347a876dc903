// SPDX-License-Identifier: MIT
/* print.c: text from formats. */
#include "lib/print.h"

#include <stdbool.h>
#include <stdint.h>

#include "lib/string.h"

struct out {
    char *at, *end; // `end` keeps room for the zero byte
};

struct conversion {
    bool left, zeros, is_long;
    int width, precision; // precision -1: none
};

static void
put(struct out *out, char c)
{
    if (out->at < out->end)
        *out->at++ = c;
}

/* Puts `text`, padded to the conversion's width. */
static void
put_padded(struct out *out, const struct conversion *c, const char *text,
           size_t length)
{
    size_t width = c->width > 0 ? (size_t)c->width : 0;
    size_t pad = width > length ? width - length : 0;
    for (size_t i = 0; !c->left && i < pad; i++)
        put(out, ' ');
    for (size_t i = 0; i < length; i++)
        put(out, text[i]);
    for (size_t i = 0; c->left && i < pad; i++)
        put(out, ' ');
}

static void
put_number(struct out *out, const struct conversion *c, uint64_t value,
           unsigned base, bool negative)
{
    char digits[24], *end = digits + sizeof(digits), *at = end;
    int width = c->width < 20 ? c->width : 20;
    do
        *--at = "0123456789abcdef"[value % base];
    while (value /= base);
    while (c->zeros && !c->left && end - at + negative < width)
        *--at = '0';
    if (negative)
        *--at = '-';
    put_padded(out, c, at, (size_t)(end - at));
}

static int
parse_number(const char **format)
{
    int n = 0;
    while (**format >= '0' && **format <= '9' && n < 1000)
        n = n * 10 + *(*format)++ - '0';
    return n;
}

/* Reads flags, width, precision and size of a conversion. */
static struct conversion
parse_conversion(const char **format, va_list *args)
{
    struct conversion c = {.precision = -1};
    for (;; (*format)++) {
        if (**format == '-')
            c.left = true;
        else if (**format == '0')
            c.zeros = true;
        else
            break;
    }
    c.width = parse_number(format);
    if (**format == '.') {
        (*format)++;
        if (**format == '*') {
            (*format)++;
            c.precision = va_arg(*args, int);
        } else {
            c.precision = parse_number(format);
        }
    }
    while (**format == 'l' || **format == 'z') {
        c.is_long = true;
        (*format)++;
    }
    return c;
}

static void
put_string(struct out *out, const struct conversion *c, const char *s)
{
    size_t length = 0;
    if (!s)
        s = "(null)";
    while ((c->precision < 0 || length < (size_t)c->precision) && s[length])
        length++;
    put_padded(out, c, s, length);
}

static void
put_conversion(struct out *out, char kind, const struct conversion *c,
               va_list *args)
{
    int64_t value;
    char one;
    switch (kind) {
    case 's':
        put_string(out, c, va_arg(*args, const char *));
        break;
    case 'c':
        one = (char)va_arg(*args, int);
        put_padded(out, c, &one, 1);
        break;
    case 'd':
        value = c->is_long ? va_arg(*args, long) : va_arg(*args, int);
        put_number(out, c, value < 0 ? -(uint64_t)value : (uint64_t)value, 10,
                   value < 0);
        break;
    case 'u':
    case 'x':
        put_number(out, c,
                   c->is_long ? va_arg(*args, unsigned long)
                              : va_arg(*args, unsigned),
                   kind == 'x' ? 16 : 10, false);
        break;
    default: // "%%", and what is not known stays as it is
        put(out, kind);
    }
}

size_t
print_text_args(char *to, size_t size, const char *format, va_list original)
{
    if (!size)
        return 0;
    struct out out = {to, to + size - 1};
    va_list args;
    va_copy(args, original);
    while (*format) {
        char c = *format++;
        if (c != '%' || !*format) {
            put(&out, c);
            continue;
        }
        struct conversion conversion = parse_conversion(&format, &args);
        if (*format)
            put_conversion(&out, *format++, &conversion, &args);
    }
    va_end(args);
    *out.at = 0;
    return (size_t)(out.at - to);
}

size_t
print_text(char *to, size_t size, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    size_t length = print_text_args(to, size, format, args);
    va_end(args);
    return length;
}
