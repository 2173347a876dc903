// SPDX-License-Identifier: MIT
/*
 * clock.h: TSC ticks, nanoseconds and the wall clock, from the exposed clock.
 *
 * Deadlines of calls are absolute TSC times. The kernel may correct the clock;
 * `seq` is odd meanwhile.
 */
#ifndef LIB_CLOCK_H
#define LIB_CLOCK_H

#include <exo/types.h>

#define CLOCK_US UINT64_C(1000)
#define CLOCK_MS UINT64_C(1000000)
#define CLOCK_S  UINT64_C(1000000000)

/* The TSC now. */
static inline exo_tsc
clock_tsc(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

/* Nanoseconds that `ticks` take, and ticks that `ns` take (rounded up). */
uint64_t clock_ns(uint64_t ticks);
uint64_t clock_ticks(uint64_t ns);

/* The deadline `ns` from now. */
exo_tsc clock_after(uint64_t ns);

/* Nanoseconds since the machine's clock was started, shortly after power-on. */
uint64_t clock_uptime_ns(void);

/* Nanoseconds since 1970 (UTC); 0 when the machine does not know. */
uint64_t clock_wall_ns(void);

#endif
