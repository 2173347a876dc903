// SPDX-License-Identifier: MIT
/* times.c: <time.h>, <sys/time.h>, <sys/times.h>, and sleeping. */
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>
#include <unistd.h>

#include "exos/posix/result.h"
#include "exos/time/clock.h"

#define TICKS_PER_S 100 // sysconf(_SC_CLK_TCK)

int
clock_gettime(clockid_t clock, struct timespec *out)
{
    if (!clock_known(clock))
        return int_result(-EINVAL);
    *out = timespec_of(clock_now(clock));
    return 0;
}

int
clock_getres(clockid_t clock, struct timespec *out)
{
    if (!clock_known(clock))
        return int_result(-EINVAL);
    if (out)
        *out = (struct timespec){0, 1};
    return 0;
}

int
clock_settime(clockid_t clock, const struct timespec *time)
{
    uint64_t ns;
    if (clock != CLOCK_REALTIME || !ns_of(time, &ns))
        return int_result(-EINVAL);
    clock_set_wall(ns);
    return 0;
}

int
gettimeofday(struct timeval *restrict out, void *restrict zone)
{
    uint64_t ns = clock_now(CLOCK_REALTIME);
    (void)zone;
    *out = (struct timeval){(time_t)(ns / CLOCK_S),
                            (suseconds_t)(ns % CLOCK_S / CLOCK_US)};
    return 0;
}

int
clock_nanosleep(clockid_t clock, int flags, const struct timespec *time,
                struct timespec *left)
{
    uint64_t ns;
    if (!clock_known(clock) || clock == CLOCK_PROCESS_CPUTIME_ID ||
        clock == CLOCK_THREAD_CPUTIME_ID || !ns_of(time, &ns))
        return EINVAL;
    if (!(flags & TIMER_ABSTIME))
        ns += clock_now(clock);
    return (int)-clock_sleep(clock_deadline(clock, ns),
                             flags & TIMER_ABSTIME ? NULL : left);
}

int
nanosleep(const struct timespec *time, struct timespec *left)
{
    return int_result(-clock_nanosleep(CLOCK_MONOTONIC, 0, time, left));
}

int
usleep(useconds_t us)
{
    return nanosleep(
        &(struct timespec){(time_t)(us / 1000000), us % 1000000 * 1000}, NULL);
}

unsigned
sleep(unsigned seconds)
{
    struct timespec left = {0, 0};
    nanosleep(&(struct timespec){seconds, 0}, &left);
    return (unsigned)left.tv_sec;
}

clock_t
clock(void)
{
    return (clock_t)(clock_cpu_ns() / CLOCK_US);
}

clock_t
times(struct tms *out)
{
    uint64_t tick = CLOCK_S / TICKS_PER_S;
    *out = (struct tms){.tms_utime = (clock_t)(clock_cpu_ns() / tick)};
    return (clock_t)(clock_now(CLOCK_MONOTONIC) / tick);
}

int
getrusage(int who, struct rusage *out)
{
    uint64_t ns = who == RUSAGE_CHILDREN ? 0 : clock_cpu_ns();
    if (who != RUSAGE_SELF && who != RUSAGE_CHILDREN && who != RUSAGE_THREAD)
        return int_result(-EINVAL);
    *out =
        (struct rusage){.ru_utime = {(time_t)(ns / CLOCK_S),
                                     (suseconds_t)(ns % CLOCK_S / CLOCK_US)}};
    return 0;
}
