/* SPDX-License-Identifier: MIT */
/*
 * newlib's time.h, with Linux's numbers for clocks, with the two fields that
 * most systems have in struct tm, and with POSIX' names of newlib's variables.
 */
#define __TM_GMTOFF tm_gmtoff
#define __TM_ZONE   tm_zone

#include_next <time.h>

#ifndef EXOS_TIME_H
#define EXOS_TIME_H

#undef CLK_TCK
#undef TIMER_ABSTIME
#undef CLOCK_REALTIME
#undef CLOCK_MONOTONIC
#undef CLOCK_PROCESS_CPUTIME_ID
#undef CLOCK_THREAD_CPUTIME_ID
#undef CLOCK_MONOTONIC_RAW
#undef CLOCK_REALTIME_COARSE
#undef CLOCK_MONOTONIC_COARSE
#undef CLOCK_BOOTTIME
#undef CLOCK_REALTIME_ALARM
#undef CLOCK_BOOTTIME_ALARM

#define TIMER_ABSTIME            1
#define CLOCK_REALTIME           0
#define CLOCK_MONOTONIC          1
#define CLOCK_PROCESS_CPUTIME_ID 2
#define CLOCK_THREAD_CPUTIME_ID  3
#define CLOCK_MONOTONIC_RAW      4
#define CLOCK_REALTIME_COARSE    5
#define CLOCK_MONOTONIC_COARSE   6
#define CLOCK_BOOTTIME           7

#define TIME_UTC 1

__BEGIN_DECLS
int timespec_get(struct timespec *, int);
#if __POSIX_VISIBLE || __XSI_VISIBLE
extern long timezone __asm__("_timezone");
extern int daylight __asm__("_daylight");
#endif
#if __BSD_VISIBLE
time_t timegm(struct tm *);
#endif
__END_DECLS

#endif
