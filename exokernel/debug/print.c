// SPDX-License-Identifier: MIT
/*
 * See print.h. One formatter, two sinks: the console and a buffer.
 */
#include "debug/print.h"

#include <stdbool.h>
#include <stdint.h>

#include "drv/uart.h"
#include "hw.h"
#include "lib/string.h"

enum { LOCK_TRIES = 100000 }; /* longer than a line takes to send */

static unsigned printing; /* some CPU is at it. [a] */

/* Where formatted bytes go: buf when it is set, else the console. */
struct sink {
    char *buf;
    size_t size; /* of buf, its final zero included */
    size_t used;
};

/* One conversion as written: %-08lx and the like. */
struct spec {
    bool left, zero;
    bool wide; /* 64-bit argument */
    unsigned width;
    unsigned precision; /* of %s; UINT32_MAX: none */
};

static void
put(struct sink *sink, char c)
{
    if (sink->buf == NULL)
        uart_put_sync(UART_CONSOLE, c);
    else if (sink->used + 1 < sink->size)
        sink->buf[sink->used++] = c;
}

static void
put_padding(struct sink *sink, char c, size_t from, size_t to)
{
    while (from++ < to)
        put(sink, c);
}

static void
put_text(struct sink *sink, const struct spec *spec, const char *text, size_t n)
{
    if (!spec->left)
        put_padding(sink, ' ', n, spec->width);
    for (size_t i = 0; i < n; i++)
        put(sink, text[i]);
    if (spec->left)
        put_padding(sink, ' ', n, spec->width);
}

static void
put_number(struct sink *sink, const struct spec *spec, uint64_t value,
           unsigned base, bool negative)
{
    char text[24];
    size_t at = sizeof text;
    do {
        text[--at] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    const size_t digits = sizeof text - at + negative;
    if (spec->zero && !spec->left) {
        if (negative)
            put(sink, '-');
        put_padding(sink, '0', digits, spec->width);
        const struct spec bare = {0};
        put_text(sink, &bare, text + at, sizeof text - at);
        return;
    }
    if (negative)
        text[--at] = '-';
    put_text(sink, spec, text + at, sizeof text - at);
}

static unsigned
parse_number(const char **at)
{
    unsigned value = 0;
    while (**at >= '0' && **at <= '9')
        value = value * 10 + (unsigned)(*(*at)++ - '0');
    return value;
}

/* Parse what stands between '%' and the conversion's letter. */
static struct spec
parse_spec(const char **at)
{
    struct spec spec = {.precision = UINT32_MAX};
    for (;; (*at)++) {
        if (**at == '-')
            spec.left = true;
        else if (**at == '0')
            spec.zero = true;
        else
            break;
    }
    spec.width = parse_number(at);
    if (**at == '.') {
        (*at)++;
        spec.precision = parse_number(at);
    }
    while (**at == 'l' || **at == 'z') {
        spec.wide = true;
        (*at)++;
    }
    return spec;
}

static void
format_to(struct sink *sink, const char *format, va_list args)
{
    for (const char *at = format; *at != '\0'; at++) {
        if (*at != '%') {
            put(sink, *at);
            continue;
        }
        at++;
        struct spec spec = parse_spec(&at);
        switch (*at) {
        case 'd': {
            const int64_t v =
                spec.wide ? va_arg(args, int64_t) : va_arg(args, int);
            put_number(sink, &spec, v < 0 ? -(uint64_t)v : (uint64_t)v, 10,
                       v < 0);
            break;
        }
        case 'u':
        case 'x': {
            const uint64_t v =
                spec.wide ? va_arg(args, uint64_t) : va_arg(args, unsigned);
            put_number(sink, &spec, v, *at == 'x' ? 16 : 10, false);
            break;
        }
        case 'p':
            put(sink, '0');
            put(sink, 'x');
            put_number(sink, &spec, (uintptr_t)va_arg(args, void *), 16, false);
            break;
        case 's': {
            const char *s = va_arg(args, const char *);
            if (s == NULL)
                s = "(null)";
            put_text(sink, &spec, s, strnlen(s, spec.precision));
            break;
        }
        case 'c':
            put(sink, (char)va_arg(args, int));
            break;
        case '\0':
            return;
        default:
            put(sink, *at);
        }
    }
}

/* Keep lines of CPUs that print at the same time apart, but never insist: the
 * holder may be the very code we interrupted, or a CPU that is dead. */
static bool
try_lock(void)
{
    for (unsigned i = 0; i < LOCK_TRIES; i++) {
        if (__atomic_exchange_n(&printing, 1, __ATOMIC_ACQUIRE) == 0)
            return true;
        hw_pause();
    }
    return false;
}

void
vprintk(const char *format, va_list args)
{
    struct sink console = {0};
    const bool locked = try_lock();
    format_to(&console, format, args);
    if (locked)
        __atomic_store_n(&printing, 0, __ATOMIC_RELEASE);
}

void
printk(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vprintk(format, args);
    va_end(args);
}

size_t
format_text(char *buf, size_t size, const char *format, ...)
{
    if (size == 0)
        return 0;
    struct sink sink = {buf, size, 0};
    va_list args;
    va_start(args, format);
    format_to(&sink, format, args);
    va_end(args);
    buf[sink.used] = '\0';
    return sink.used;
}
