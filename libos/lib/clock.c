// SPDX-License-Identifier: MIT
/* clock.c: TSC ticks, nanoseconds and the wall clock. */
#include "lib/clock.h"

#include <exo/info.h>

/* A consistent copy of the exposed clock. */
static struct exo_clock
read_clock(void)
{
    const volatile struct exo_clock *exposed = &exo_machine()->clock;
    struct exo_clock clock;
    do {
        while ((clock.seq = exposed->seq) & 1)
            __builtin_ia32_pause();
        clock.shift = exposed->shift;
        clock.mult = exposed->mult;
        clock.tsc_base = exposed->tsc_base;
        clock.epoch_ns = exposed->epoch_ns;
        clock.tsc_khz = exposed->tsc_khz;
    } while (clock.seq != exposed->seq);
    return clock;
}

static uint64_t
scale(const struct exo_clock *clock, uint64_t ticks)
{
    return (uint64_t)((unsigned __int128)ticks * clock->mult >> clock->shift);
}

uint64_t
clock_ns(uint64_t ticks)
{
    struct exo_clock clock = read_clock();
    return scale(&clock, ticks);
}

uint64_t
clock_ticks(uint64_t ns)
{
    uint64_t khz = exo_machine()->clock.tsc_khz;
    return ns / CLOCK_MS * khz +
           (ns % CLOCK_MS * khz + CLOCK_MS - 1) / CLOCK_MS;
}

exo_tsc
clock_after(uint64_t ns)
{
    return clock_tsc() + clock_ticks(ns);
}

uint64_t
clock_uptime_ns(void)
{
    struct exo_clock clock = read_clock();
    return scale(&clock, clock_tsc() - clock.tsc_base);
}

uint64_t
clock_wall_ns(void)
{
    struct exo_clock clock = read_clock();
    if (!clock.epoch_ns)
        return 0;
    return clock.epoch_ns + scale(&clock, clock_tsc() - clock.tsc_base);
}
