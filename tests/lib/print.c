// SPDX-License-Identifier: MIT
/* Text for the console: see test.h. */
#include "test.h"

struct text {
    char *at, *end;
    size_t length;
};

static void
put(struct text *t, char c)
{
    if (t->at < t->end)
        *t->at++ = c;
    t->length++;
}

static void
put_number(struct text *t, uint64_t n, unsigned base, unsigned width, char pad)
{
    char digits[24];
    unsigned count = 0;
    do
        digits[count++] = "0123456789abcdef"[n % base];
    while (n /= base);
    for (unsigned i = count; i < width; i++)
        put(t, pad);
    while (count)
        put(t, digits[--count]);
}

static void
put_string(struct text *t, const char *s)
{
    while (*s)
        put(t, *s++);
}

static void
put_signed(struct text *t, int64_t n, unsigned width, char pad)
{
    if (n < 0)
        put(t, '-');
    put_number(t, n < 0 ? -(uint64_t)n : (uint64_t)n, 10, width, pad);
}

/* One conversion, behind its %; returns what follows it. */
static const char *
convert(struct text *t, const char *f, va_list *args)
{
    char pad = *f == '0' ? '0' : ' ';
    unsigned width = 0;
    while (*f >= '0' && *f <= '9')
        width = width * 10 + (unsigned)(*f++ - '0');
    bool wide = *f == 'l';
    f += wide;
    uint64_t n = 0;
    if (*f == 'd')
        n = wide ? (uint64_t)va_arg(*args, long)
                 : (uint64_t)(int64_t)va_arg(*args, int);
    else if (*f == 'u' || *f == 'x' || *f == 'c')
        n = wide ? va_arg(*args, unsigned long) : va_arg(*args, unsigned);
    if (*f == 's')
        put_string(t, va_arg(*args, const char *));
    else if (*f == 'c')
        put(t, (char)n);
    else if (*f == 'd')
        put_signed(t, (int64_t)n, width, pad);
    else if (*f == 'u' || *f == 'x')
        put_number(t, n, *f == 'u' ? 10 : 16, width, pad);
    else
        put(t, *f);
    return f + 1;
}

size_t
text_format_list(char *to, size_t size, const char *f, va_list *args)
{
    struct text t = {to, to + size - 1, 0};
    while (*f) {
        if (*f == '%')
            f = convert(&t, f + 1, args);
        else
            put(&t, *f++);
    }
    *t.at = 0;
    return (size_t)(t.at - to);
}

size_t
text_format(char *to, size_t size, const char *f, ...)
{
    va_list args;
    va_start(args, f);
    size_t n = text_format_list(to, size, f, &args);
    va_end(args);
    return n;
}

void
say(const char *f, ...)
{
    char line[400];
    va_list args;
    va_start(args, f);
    size_t n = text_format_list(line, sizeof(line), f, &args);
    va_end(args);
    for (size_t done = 0; done < n;) {
        int64_t taken = exo_chan_write(ROOT_CAP, 0, line + done, n - done);
        if (taken < 0)
            exo_power(ROOT_CAP, 0, 16 + 99);
        done += (size_t)taken;
        __asm__ volatile("pause");
    }
}
