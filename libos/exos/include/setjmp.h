/* SPDX-License-Identifier: MIT */
/* newlib's setjmp.h, and the calls that keep the signal mask. */
#include_next <setjmp.h>

#ifndef EXOS_SETJMP_H
#define EXOS_SETJMP_H

#include <sys/cdefs.h>
#include <sys/features.h>

#if __POSIX_VISIBLE
#include <signal.h>

typedef struct {
    jmp_buf __registers;
    int __has_mask;
    sigset_t __mask;
} sigjmp_buf[1];

#define sigsetjmp(env, save)                                                   \
    ((env)->__has_mask = (save),                                               \
     (void)((env)->__has_mask && sigprocmask(SIG_SETMASK, 0, &(env)->__mask)), \
     setjmp((env)->__registers))

__BEGIN_DECLS
void siglongjmp(sigjmp_buf, int) __dead2;
__END_DECLS
#endif

#if __XSI_VISIBLE || __BSD_VISIBLE
#define _setjmp(env)         setjmp(env)
#define _longjmp(env, value) longjmp((env), (value))
#endif

#endif
