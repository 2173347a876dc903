/* SPDX-License-Identifier: MIT */
/* newlib's complex.h, and what it does not declare of what newlib has. */
#include_next <complex.h>

#ifndef EXOS_COMPLEX_H
#define EXOS_COMPLEX_H

#include <sys/cdefs.h>

__BEGIN_DECLS
long double _Complex cacoshl(long double _Complex);
long double _Complex cacosl(long double _Complex);
long double _Complex casinhl(long double _Complex);
long double _Complex casinl(long double _Complex);
long double _Complex catanhl(long double _Complex);
long double _Complex catanl(long double _Complex);
long double _Complex ccoshl(long double _Complex);
long double _Complex ccosl(long double _Complex);
long double _Complex cexpl(long double _Complex);
long double _Complex clogl(long double _Complex);
long double _Complex conjl(long double _Complex);
long double _Complex cpowl(long double _Complex, long double _Complex);
long double _Complex cprojl(long double _Complex);
long double _Complex csinhl(long double _Complex);
long double _Complex csinl(long double _Complex);
long double _Complex csqrtl(long double _Complex);
long double _Complex ctanhl(long double _Complex);
long double _Complex ctanl(long double _Complex);
long double cabsl(long double _Complex);
long double cargl(long double _Complex);
long double cimagl(long double _Complex);
long double creall(long double _Complex);
__END_DECLS

#endif
