// SPDX-License-Identifier: MIT
/* lib.h: what the files of tests/lib share among themselves. */
#ifndef TEST_LIB_H
#define TEST_LIB_H

#include "test.h"

void *memset(void *to, int c, size_t n);
void *memcpy(void *to, const void *from, size_t n);

/* Windows on tables and on kids, made before anything is remembered. */
void peek_prepare(void);
void kid_prepare(void);

/* The kids are gone: their windows are free. */
void kid_forget_all(void);

#endif
