/* SPDX-License-Identifier: MIT */
/* Sets of signals: bit N - 1 is signal N. */
#include <errno.h>
#include <signal.h>

static int
is_signal(int number)
{
    if (number >= 1 && number < NSIG)
        return 1;
    errno = EINVAL;
    return 0;
}

int
sigemptyset(sigset_t *set)
{
    *set = 0;
    return 0;
}

int
sigfillset(sigset_t *set)
{
    *set = ~0ul;
    return 0;
}

int
sigaddset(sigset_t *set, int number)
{
    if (!is_signal(number))
        return -1;
    *set |= 1ul << (number - 1);
    return 0;
}

int
sigdelset(sigset_t *set, int number)
{
    if (!is_signal(number))
        return -1;
    *set &= ~(1ul << (number - 1));
    return 0;
}

int
sigismember(const sigset_t *set, int number)
{
    return is_signal(number) ? (int)(*set >> (number - 1)) & 1 : -1;
}
