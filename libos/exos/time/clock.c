// SPDX-License-Identifier: MIT
/* clock.c: clocks and sleeping. */
#include "exos/time/clock.h"

#include <errno.h>

#include <exo/info.h>

#include "exos/fd/wait.h"
#include "exos/vm/space.h"

static int64_t wall_shift; // what the program added to the wall clock

bool
clock_known(int clock)
{
    return clock >= CLOCK_REALTIME && clock <= CLOCK_BOOTTIME;
}

/* The time that ran so far and is counted only when it is switched. */
uint64_t
clock_cpu_ns(void)
{
    static uint64_t shown;
    const volatile struct exo_env_info *env = exo_env_info(UAREA->self);
    const volatile struct exo_cpu_info *cpu = exo_cpu_info(env->cpu);
    uint64_t ran = env->time_ran, stamp = cpu->stamp, now = clock_tsc();
    if (cpu->current == UAREA->self && now > stamp)
        ran += now - stamp;
    if (ran > shown) // two reads across a switch may disagree
        shown = ran;
    return clock_ns(shown);
}

static uint64_t
wall_ns(void)
{
    uint64_t ns = clock_wall_ns();
    if (!ns) // the machine has no date: as if it had been started in 1970
        ns = clock_uptime_ns();
    return ns + (uint64_t)wall_shift;
}

uint64_t
clock_now(int clock)
{
    switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
        return wall_ns();
    case CLOCK_PROCESS_CPUTIME_ID:
    case CLOCK_THREAD_CPUTIME_ID:
        return clock_cpu_ns();
    default:
        return clock_uptime_ns();
    }
}

exo_tsc
clock_deadline(int clock, uint64_t ns)
{
    uint64_t now = clock_now(clock);
    exo_tsc tsc = clock_tsc();
    uint64_t ticks = ns > now ? clock_ticks(ns - now) : 0;
    return ticks < EXO_NEVER - tsc ? tsc + ticks : EXO_NEVER;
}

void
clock_set_wall(uint64_t ns)
{
    wall_shift += (int64_t)(ns - wall_ns());
}

#define NS_MAX (UINT64_MAX / 2)

bool
ns_of(const struct timespec *time, uint64_t *ns)
{
    if (time->tv_sec < 0 || time->tv_nsec < 0 || time->tv_nsec >= (long)CLOCK_S)
        return false;
    *ns = NS_MAX;
    if ((uint64_t)time->tv_sec < NS_MAX / CLOCK_S)
        *ns = (uint64_t)time->tv_sec * CLOCK_S + (uint64_t)time->tv_nsec;
    return true;
}

struct timespec
timespec_of(uint64_t ns)
{
    return (struct timespec){(time_t)(ns / CLOCK_S), (long)(ns % CLOCK_S)};
}

bool
deadline_of(const struct timespec *timeout, exo_tsc *deadline)
{
    uint64_t ns;
    *deadline = EXO_NEVER;
    if (!timeout)
        return true;
    if (!ns_of(timeout, &ns))
        return false;
    *deadline =
        ns ? clock_deadline(CLOCK_MONOTONIC, clock_now(CLOCK_MONOTONIC) + ns)
           : 0;
    return true;
}

long
clock_sleep(exo_tsc deadline, struct timespec *left)
{
    long error;
    while ((error = wait_once(deadline)) == 0)
        ;
    exo_tsc now = clock_tsc();
    if (left)
        *left = timespec_of(deadline > now ? clock_ns(deadline - now) : 0);
    return error == -ETIMEDOUT ? 0 : error;
}
