// SPDX-License-Identifier: MIT
/* date.h: times as HTTP writes them [RFC9110 §5.6.7], all in GMT. */
#ifndef HTTPD_DATE_H
#define HTTPD_DATE_H

#include <stdint.h>

#include "span.h"

#define DATE_BYTES 30 // "Sun, 06 Nov 1994 08:49:37 GMT" and a zero

/* Writes seconds since 1970, of the years 1970 to 9999, as a date. */
void date_write(char to[DATE_BYTES], int64_t seconds);

/* The same as "06/Nov/1994:08:49:37 +0000", for logs. */
void date_write_log(char to[DATE_BYTES], int64_t seconds);

/* Reads a date in any of the three forms. Result: seconds since 1970; -1: it
 * is none, or one before 1970. `now` says in which century two digits lie. */
int64_t date_read(struct span text, int64_t now);

#endif
