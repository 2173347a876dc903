/* SPDX-License-Identifier: MIT */
/* Back to a sigsetjmp(), with the signal mask of then if it was kept. */
#include <setjmp.h>

void
siglongjmp(sigjmp_buf env, int value)
{
    if (env->__has_mask)
        sigprocmask(SIG_SETMASK, &env->__mask, 0);
    longjmp(env->__registers, value);
}
