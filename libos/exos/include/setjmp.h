/* SPDX-License-Identifier: MIT */
/* newlib's setjmp.h, and the two names that leave the signal mask alone, as
 * newlib's setjmp() and longjmp() do anyway. */
#include_next <setjmp.h>

#ifndef EXOS_SETJMP_H
#define EXOS_SETJMP_H

#define _setjmp(environment)         setjmp(environment)
#define _longjmp(environment, value) longjmp(environment, value)

#endif
