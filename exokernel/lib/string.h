// SPDX-License-Identifier: MIT
/*
 * Memory and strings: the few functions of <string.h> the kernel uses, with
 * their usual meaning. Large copies and fills use REP instructions.
 */
#ifndef EXO_LIB_STRING_H
#define EXO_LIB_STRING_H

#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *to, int byte, size_t n);
int memcmp(const void *a, const void *b, size_t n);

size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
const char *strchr(const char *s, int c);

#endif
