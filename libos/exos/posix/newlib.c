// SPDX-License-Identifier: MIT
/*
 * newlib.c: what newlib asks of the system besides POSIX: where a thread's
 * state is, and locks.
 */
#include <pthread.h>
#include <reent.h>
#include <stdio.h>
#include <sys/lock.h>

#include "exos/crt/crt.h"
#include "exos/vm/core.h"

/* The first thread's state must be the global one: exit() flushes the streams
 * by it. */
struct _reent *
__getreent(void)
{
    return _GLOBAL_REENT;
}

/* A lock of the C library. With one thread nobody else can hold it; the count
 * is there so that a release too many is found. */
struct __lock {
    int depth;
};

struct __lock __lock___sinit_recursive_mutex;
struct __lock __lock___sfp_recursive_mutex;
struct __lock __lock___atexit_recursive_mutex;
struct __lock __lock___at_quick_exit_mutex;
struct __lock __lock___malloc_recursive_mutex;
struct __lock __lock___env_recursive_mutex;
struct __lock __lock___tz_mutex;
struct __lock __lock___dd_hash_mutex;
struct __lock __lock___arc4random_mutex;

void
__retarget_lock_init(_LOCK_T *lock)
{
    *lock = core_alloc(sizeof(struct __lock));
}

void
__retarget_lock_close(_LOCK_T lock)
{
    core_free(lock, sizeof(struct __lock));
}

void
__retarget_lock_acquire(_LOCK_T lock)
{
    if (lock)
        lock->depth++;
}

int
__retarget_lock_try_acquire(_LOCK_T lock)
{
    __retarget_lock_acquire(lock);
    return 1;
}

void
__retarget_lock_release(_LOCK_T lock)
{
    if (lock && lock->depth-- == 0)
        crt_die("exos: a lock of the C library was released twice\n");
}

void
__retarget_lock_init_recursive(_LOCK_T *lock)
{
    __retarget_lock_init(lock);
}

void
__retarget_lock_close_recursive(_LOCK_T lock)
{
    __retarget_lock_close(lock);
}

void
__retarget_lock_acquire_recursive(_LOCK_T lock)
{
    __retarget_lock_acquire(lock);
}

int
__retarget_lock_try_acquire_recursive(_LOCK_T lock)
{
    return __retarget_lock_try_acquire(lock);
}

void
__retarget_lock_release_recursive(_LOCK_T lock)
{
    __retarget_lock_release(lock);
}

/* stdio keeps its locks from being left behind by a cancelled thread. */
int
pthread_setcancelstate(int state, int *old)
{
    (void)state;
    if (old)
        *old = PTHREAD_CANCEL_DISABLE;
    return 0;
}

void
flockfile(FILE *file)
{
    __retarget_lock_acquire_recursive(file->_lock);
}

int
ftrylockfile(FILE *file)
{
    return !__retarget_lock_try_acquire_recursive(file->_lock);
}

void
funlockfile(FILE *file)
{
    __retarget_lock_release_recursive(file->_lock);
}
