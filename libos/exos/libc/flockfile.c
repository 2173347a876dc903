/* SPDX-License-Identifier: MIT */
/* The lock of a stream, for programs. Streams in memory have none. */
#include <stdio.h>
#include <sys/lock.h>

void
flockfile(FILE *file)
{
    if (!(file->_flags & __SSTR))
        __lock_acquire_recursive(file->_lock);
}

int
ftrylockfile(FILE *file)
{
    if (file->_flags & __SSTR)
        return 0;
    return !__lock_try_acquire_recursive(file->_lock);
}

void
funlockfile(FILE *file)
{
    if (!(file->_flags & __SSTR))
        __lock_release_recursive(file->_lock);
}
