// SPDX-License-Identifier: MIT
/*
 * See string.h. Compilers call the first four by themselves; they use REP
 * instructions, 8 bytes a step where there is enough, so that no loop in them
 * can be recognised and turned into a call to itself.
 */
#include "lib/string.h"

#include <stdint.h>

enum { SMALL = 32 };

/* A last word that overlaps the one before it spares a second REP, which costs
 * more to begin than it moves. It is read first: memmove() relies on that. */
void *
memcpy(void *restrict to, const void *restrict from, size_t n)
{
    void *d = to;
    if (n >= 8) {
        size_t words = n / 8;
        uint64_t last;
        __builtin_memcpy(&last, (const uint8_t *)from + n - 8, 8);
        __asm__ volatile("rep movsq"
                         : "+D"(d), "+S"(from), "+c"(words)
                         :
                         : "memory");
        __builtin_memcpy((uint8_t *)to + n - 8, &last, 8);
        return to;
    }
    __asm__ volatile("rep movsb" : "+D"(d), "+S"(from), "+c"(n) : : "memory");
    return to;
}

void *
memmove(void *to, const void *from, size_t n)
{
    uint8_t *d = to;
    const uint8_t *s = from;
    if ((uintptr_t)d - (uintptr_t)s >= n)
        return memcpy(to, from, n);
    while (n-- > 0)
        d[n] = s[n];
    return to;
}

void *
memset(void *to, int byte, size_t n)
{
    void *d = to;
    if (n > SMALL) {
        size_t words = n / 8;
        const uint64_t pattern = (uint8_t)byte * UINT64_C(0x0101010101010101);
        __asm__ volatile("rep stosq"
                         : "+D"(d), "+c"(words)
                         : "a"(pattern)
                         : "memory");
        n &= 7;
    }
    __asm__ volatile("rep stosb" : "+D"(d), "+c"(n) : "a"(byte) : "memory");
    return to;
}

int
memcmp(const void *a, const void *b, size_t n)
{
    const uint8_t *x = a, *y = b;
    for (size_t i = 0; i < n; i++) {
        if (x[i] != y[i])
            return x[i] < y[i] ? -1 : 1;
    }
    return 0;
}

size_t
strlen(const char *s)
{
    size_t n = 0;
    while (s[n] != '\0')
        n++;
    return n;
}

size_t
strnlen(const char *s, size_t max)
{
    size_t n = 0;
    while (n < max && s[n] != '\0')
        n++;
    return n;
}

int
strcmp(const char *a, const char *b)
{
    return strncmp(a, b, SIZE_MAX);
}

int
strncmp(const char *a, const char *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const uint8_t x = (uint8_t)a[i], y = (uint8_t)b[i];
        if (x != y)
            return x < y ? -1 : 1;
        if (x == '\0')
            return 0;
    }
    return 0;
}

const char *
strchr(const char *s, int c)
{
    for (;; s++) {
        if (*s == (char)c)
            return s;
        if (*s == '\0')
            return NULL;
    }
}
