// SPDX-License-Identifier: MIT
/*
 * print.h: text from formats, into memory. No locale, no floating point, no
 * allocation.
 *
 *   %s %.*s  string (null prints as "(null)")  %c  character  %%  percent
 *   %d %ld   signed     %u %lu  unsigned       %x %lx  hexadecimal
 *   %5u %-5s least width, left-aligned         %05u    padded with zeros
 */
#ifndef LIB_PRINT_H
#define LIB_PRINT_H

#include <stdarg.h>
#include <stddef.h>

/* Writes at most `size` - 1 characters and a zero byte.
 * Result: characters written. */
size_t print_text(char *to, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
size_t print_text_args(char *to, size_t size, const char *format, va_list args);

#endif
