// SPDX-License-Identifier: MIT
/*
 * string.c: functions on bytes. Copying and filling use the string
 * instructions, eight bytes at a time where there are that many; without
 * vector registers nothing is faster [SDM1 7.3.9].
 */
#include "lib/string.h"

#include <stdint.h>

#undef memcpy
#undef memset
#undef memcmp

void *
memcpy(void *restrict to, const void *restrict from, size_t bytes)
{
    void *d = to;
    const void *s = from;
    size_t words = bytes / 8, rest = bytes % 8;
    __asm__ volatile("rep movsq" : "+D"(d), "+S"(s), "+c"(words) : : "memory");
    __asm__ volatile("rep movsb" : "+D"(d), "+S"(s), "+c"(rest) : : "memory");
    return to;
}

void *
memmove(void *to, const void *from, size_t bytes)
{
    if ((uintptr_t)to - (uintptr_t)from >= bytes)
        return memcpy(to, from, bytes);
    char *d = (char *)to + bytes;
    const char *s = (const char *)from + bytes;
    while (bytes--) {
        *--d = *--s;
        __asm__ volatile("" : : : "memory"); // or it would call itself
    }
    return to;
}

void *
memset(void *to, int byte, size_t bytes)
{
    void *d = to;
    uint64_t pattern = (uint8_t)byte * UINT64_C(0x0101010101010101);
    size_t words = bytes / 8, rest = bytes % 8;
    __asm__ volatile("rep stosq"
                     : "+D"(d), "+c"(words)
                     : "a"(pattern)
                     : "memory");
    __asm__ volatile("rep stosb"
                     : "+D"(d), "+c"(rest)
                     : "a"(pattern)
                     : "memory");
    return to;
}

int
memcmp(const void *a, const void *b, size_t bytes)
{
    const uint8_t *x = a, *y = b;
    for (; bytes; x++, y++, bytes--) {
        if (*x != *y)
            return *x - *y;
    }
    return 0;
}

size_t
strlen(const char *s)
{
    const char *end = s;
    while (*end) {
        end++;
        __asm__ volatile("" : : : "memory"); // or it would call itself
    }
    return (size_t)(end - s);
}

int
strcmp(const char *a, const char *b)
{
    return strncmp(a, b, SIZE_MAX);
}

int
strncmp(const char *a, const char *b, size_t bytes)
{
    for (; bytes; a++, b++, bytes--) {
        if (*a != *b)
            return (uint8_t)*a - (uint8_t)*b;
        if (!*a)
            return 0;
    }
    return 0;
}
