/* SPDX-License-Identifier: MIT */
/* A timer with a descriptor: Linux's timerfd. */
#ifndef EXOS_SYS_TIMERFD_H
#define EXOS_SYS_TIMERFD_H

#include <sys/cdefs.h>
#include <time.h>

#define TFD_NONBLOCK      04000
#define TFD_CLOEXEC       02000000
#define TFD_TIMER_ABSTIME 1

__BEGIN_DECLS
int timerfd_create(clockid_t, int);
int timerfd_gettime(int, struct itimerspec *);
int timerfd_settime(int, int, const struct itimerspec *, struct itimerspec *);
__END_DECLS

#endif
