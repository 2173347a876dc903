/* SPDX-License-Identifier: MIT */
/*
 * Types of threads. Their sizes are Linux's; what is in them is the business of
 * the thread library alone. All zeros is initialized, with all defaults.
 */
#ifndef _SYS__PTHREADTYPES_H_
#define _SYS__PTHREADTYPES_H_

#include <sys/sched.h>

typedef unsigned long pthread_t;
typedef unsigned pthread_key_t;
typedef volatile int pthread_spinlock_t;

typedef struct {
    int __state;
} pthread_once_t;

typedef union {
    int __words[14];
    long __align;
} pthread_attr_t;

typedef union {
    int __words[10];
    void *__align;
} pthread_mutex_t;

typedef union {
    int __words[12];
    void *__align;
} pthread_cond_t;

typedef union {
    int __words[14];
    void *__align;
} pthread_rwlock_t;

typedef union {
    int __words[8];
    void *__align;
} pthread_barrier_t;

typedef struct {
    unsigned __word;
} pthread_mutexattr_t;

typedef struct {
    unsigned __word;
} pthread_condattr_t;

typedef struct {
    unsigned __words[2];
} pthread_rwlockattr_t;

typedef struct {
    unsigned __word;
} pthread_barrierattr_t;

#define _PTHREAD_MUTEX_INITIALIZER                                             \
    {                                                                          \
        {                                                                      \
            0                                                                  \
        }                                                                      \
    }
#define _PTHREAD_COND_INITIALIZER                                              \
    {                                                                          \
        {                                                                      \
            0                                                                  \
        }                                                                      \
    }
#define _PTHREAD_RWLOCK_INITIALIZER                                            \
    {                                                                          \
        {                                                                      \
            0                                                                  \
        }                                                                      \
    }
#define _PTHREAD_ONCE_INIT                                                     \
    {                                                                          \
        0                                                                      \
    }

#define PTHREAD_CREATE_JOINABLE 0
#define PTHREAD_CREATE_DETACHED 1
#define PTHREAD_SCOPE_SYSTEM    0
#define PTHREAD_SCOPE_PROCESS   1
#define PTHREAD_INHERIT_SCHED   0
#define PTHREAD_EXPLICIT_SCHED  1
#define PTHREAD_PROCESS_PRIVATE 0
#define PTHREAD_PROCESS_SHARED  1

#define PTHREAD_MUTEX_NORMAL     0
#define PTHREAD_MUTEX_RECURSIVE  1
#define PTHREAD_MUTEX_ERRORCHECK 2
#define PTHREAD_MUTEX_DEFAULT    PTHREAD_MUTEX_NORMAL

#endif
