// SPDX-License-Identifier: MIT
/*
 * result.h: from the core's results to the C library's.
 *
 * The core's functions answer like Linux' calls: >= 0, or a negated errno. The
 * functions of this room have POSIX' names, and say -1 and set errno. They do
 * nothing else: whoever builds another C library, or answers another system's
 * calls, uses the core without them.
 */
#ifndef EXOS_POSIX_RESULT_H
#define EXOS_POSIX_RESULT_H

#include <errno.h>

static inline long
result(long answer)
{
    if (answer >= 0)
        return answer;
    errno = (int)-answer;
    return -1;
}

/* The same for functions that return an int. */
static inline int
int_result(long answer)
{
    return (int)result(answer);
}

#endif
