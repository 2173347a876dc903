// SPDX-License-Identifier: MIT
/* clock.h: the clocks of POSIX, from the exposed clock and accounts. Times are
 * in ns of their clock. */
#ifndef EXOS_TIME_CLOCK_H
#define EXOS_TIME_CLOCK_H

#include <stdbool.h>
#include <time.h>

#include "lib/clock.h"

bool clock_known(int clock);

/* The time now. needs: clock_known(). */
uint64_t clock_now(int clock);

/* When a clock that shows wall or machine time will show `ns`. */
exo_tsc clock_deadline(int clock, uint64_t ns);

/* Sets the wall clock of this program, and of no other. */
void clock_set_wall(uint64_t ns);

/* CPU time that this env used. */
uint64_t clock_cpu_ns(void);

/* False: not a time that is 0 or later. Far ones end at the last one there is.
 */
bool ns_of(const struct timespec *time, uint64_t *ns);
struct timespec timespec_of(uint64_t ns);

/* The deadline of a wait: `timeout` from now, EXO_NEVER for null. False: it is
 * no time. */
bool deadline_of(const struct timespec *timeout, exo_tsc *deadline);

/* Sleeps. Errors: INTR; then *left is what was left, unless null. */
long clock_sleep(exo_tsc deadline, struct timespec *left);

#endif
