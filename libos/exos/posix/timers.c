// SPDX-License-Identifier: MIT
/*
 * timers.c: alarm() and setitimer(). Their signal is delivered the next time
 * the program waits for something; a program that only computes does not get
 * it before (docs/limits.md).
 */
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "exos/fd/wait.h"
#include "exos/posix/result.h"
#include "exos/proc/signal.h"
#include "exos/time/clock.h"

static void ring(struct alarm *alarm);

static struct alarm timer = {.ring = ring};
static uint64_t next, every; // ns of CLOCK_MONOTONIC; next 0: not set

static void
arm(void)
{
    if (next)
        alarm_set(&timer, clock_deadline(CLOCK_MONOTONIC, next));
    else
        alarm_clear(&timer);
}

static void
ring(struct alarm *alarm)
{
    uint64_t now = clock_now(CLOCK_MONOTONIC);
    (void)alarm;
    if (now >= next) {
        next = every ? now + every : 0;
        signal_post(SIGALRM);
    }
    arm();
}

static struct timeval
timeval_of(uint64_t ns)
{
    return (struct timeval){(time_t)(ns / CLOCK_S),
                            (suseconds_t)(ns % CLOCK_S / CLOCK_US)};
}

static bool
read_timeval(const struct timeval *time, uint64_t *ns)
{
    return ns_of(&(struct timespec){time->tv_sec, time->tv_usec * 1000}, ns);
}

int
getitimer(int which, struct itimerval *out)
{
    uint64_t now = clock_now(CLOCK_MONOTONIC);
    if (which != ITIMER_REAL)
        return int_result(-EINVAL);
    out->it_interval = timeval_of(every);
    out->it_value = timeval_of(next > now ? next - now : 0);
    return 0;
}

int
setitimer(int which, const struct itimerval *restrict set,
          struct itimerval *restrict old)
{
    uint64_t first, interval;
    if (which != ITIMER_REAL || !read_timeval(&set->it_value, &first) ||
        !read_timeval(&set->it_interval, &interval))
        return int_result(-EINVAL);
    if (old)
        getitimer(which, old);
    next = first ? clock_now(CLOCK_MONOTONIC) + first : 0;
    every = interval;
    arm();
    return 0;
}

unsigned
alarm(unsigned seconds)
{
    struct itimerval set = {.it_value = {seconds, 0}}, old;
    setitimer(ITIMER_REAL, &set, &old);
    return (unsigned)(old.it_value.tv_sec + (old.it_value.tv_usec != 0));
}
