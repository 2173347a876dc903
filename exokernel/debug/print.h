// SPDX-License-Identifier: MIT
/*
 * Kernel messages on the console.
 *
 * printk() formats and writes byte by byte to COM1, waiting (bounded) for the
 * port: no buffer, and a lock it only tries for a while, so it is usable in any
 * context, NMI too; at worst lines mix. For the kernel's own few lines;
 * applications have channels.
 *
 * Formats: %d %u %x %s %c %p %%, `l` and `ll` for 64 bits, `z`, field width,
 * `0` and `-` flags, precision for %s.
 */
#ifndef EXO_DEBUG_PRINT_H
#define EXO_DEBUG_PRINT_H

#include <stdarg.h>
#include <stddef.h>

void printk(const char *format, ...) __attribute__((format(printf, 1, 2)));
void vprintk(const char *format, va_list args)
    __attribute__((format(printf, 1, 0)));

/* The same into memory: always ends with a zero byte when size > 0. Returns
 * the length written, without it. */
size_t format_text(char *buf, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
