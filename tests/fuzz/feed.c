// SPDX-License-Identifier: MIT
/* See feed.h. */
#include "feed.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void
feed_fail(const char *file, int line, const char *what)
{
    fflush(stdout);
    fprintf(stderr, "%s:%d: broken promise: %s\n", file, line, what);
    abort();
}
