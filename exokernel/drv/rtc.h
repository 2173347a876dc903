// SPDX-License-Identifier: MIT
/*
 * The PC's battery-backed clock, read once at boot for the wall-clock epoch.
 *
 * Sources: Motorola MC146818 data sheet; the century register is the PC's
 * convention (index 0x32).
 */
#ifndef EXO_DRV_RTC_H
#define EXO_DRV_RTC_H

#include <stdint.h>

/* Nanoseconds since 1970-01-01 UTC (the clock is taken to run in UTC), whole
 * seconds; 0 when there is no clock or it shows no valid date. */
uint64_t rtc_epoch_ns(void);

#endif
