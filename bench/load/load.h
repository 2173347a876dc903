// SPDX-License-Identifier: MIT
/* load.h: what the clients that put load on servers have in common. */
#ifndef LOAD_LOAD_H
#define LOAD_LOAD_H

#include <stdint.h>

extern const char program[]; // its name, in front of what it says

/* Says why, and exits with 2: nothing was measured. */
_Noreturn void give_up(const char *why);

/* A time in microseconds, since whenever. */
uint64_t now_us(void);

/* Gives up unless text is a number from `least` to `most`. */
unsigned long number(const char *text, unsigned long least, unsigned long most);

/* Requests that came to an end. */
extern struct outcome {
    uint64_t answered, failed;
} outcome;

/* All requests, in tenths, and a line for each, so that a decline is seen.
 * until: goes on until so many came to an end. Result: answers a second, of the
 * whole. */
uint64_t in_tenths(uint64_t requests, void (*until)(uint64_t target));

#endif
