/* SPDX-License-Identifier: MIT */
/* Messages on standard error, with and without the text of errno. */
#ifndef EXOS_ERR_H
#define EXOS_ERR_H

#include <sys/cdefs.h>
#include <stdarg.h>

__BEGIN_DECLS
void err(int, const char *, ...) __dead2 __attribute__((format(printf, 2, 3)));
void errx(int, const char *, ...) __dead2 __attribute__((format(printf, 2, 3)));
void verr(int, const char *, va_list) __dead2;
void verrx(int, const char *, va_list) __dead2;
void vwarn(const char *, va_list);
void vwarnx(const char *, va_list);
void warn(const char *, ...) __attribute__((format(printf, 1, 2)));
void warnx(const char *, ...) __attribute__((format(printf, 1, 2)));
__END_DECLS

#endif
