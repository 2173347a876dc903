// SPDX-License-Identifier: MIT
/* counters.h: descriptors that count: events, and times that passed. */
#ifndef EXOS_FD_COUNTERS_H
#define EXOS_FD_COUNTERS_H

#include <stdint.h>
#include <time.h>

/* flags: EFD_. Errors: INVAL; MFILE; NOMEM. */
long eventfd_make(uint64_t value, int flags);

/* flags: TFD_. clock: CLOCK_REALTIME, CLOCK_MONOTONIC or CLOCK_BOOTTIME.
 * Errors: INVAL; MFILE; NOMEM. */
long timerfd_make(int clock, int flags);

/* Errors: BADF; INVAL no timer, or times out of range. */
long timerfd_set(int fd, int flags, const struct itimerspec *set,
                 struct itimerspec *old);
long timerfd_get(int fd, struct itimerspec *out);

#endif
