// SPDX-License-Identifier: MIT
/*
 * string.h: the few functions on bytes that freestanding C wants, for
 * programs without a libc. Semantics are the standard's.
 */
#ifndef LIB_STRING_H
#define LIB_STRING_H

#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);
void *memset(void *to, int byte, size_t bytes);
int memcmp(const void *a, const void *b, size_t bytes);
size_t strlen(const char *s);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t bytes);

/* The compiler puts few bytes' copies where they are; freestanding C does not
 * let it do so by itself. */
#define memcpy(to, from, bytes) __builtin_memcpy(to, from, bytes)
#define memset(to, byte, bytes) __builtin_memset(to, byte, bytes)
#define memcmp(a, b, bytes)     __builtin_memcmp(a, b, bytes)

#endif
