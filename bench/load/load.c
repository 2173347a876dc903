// SPDX-License-Identifier: MIT
/* What the clients have in common: see load.h. */
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct outcome outcome;

_Noreturn void
give_up(const char *why)
{
    fprintf(stderr, "%s: %s\n", program, why);
    exit(2);
}

uint64_t
now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

unsigned long
number(const char *text, unsigned long least, unsigned long most)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || value < least || value > most)
        give_up("a number is missing or out of range; -h helps");
    return value;
}

static uint64_t
rate(uint64_t count, uint64_t from_us, uint64_t to_us)
{
    return to_us > from_us ? count * 1000000 / (to_us - from_us) : 0;
}

uint64_t
in_tenths(uint64_t requests, void (*until)(uint64_t target))
{
    uint64_t began = now_us(), before_us = began, before = 0;
    for (unsigned i = 1; i <= 10; i++) {
        until(requests * i / 10);
        uint64_t done = outcome.answered + outcome.failed;
        uint64_t now = now_us();
        printf("tenth %u: %llu requests/s, %llu failed\n", i,
               (unsigned long long)rate(done - before, before_us, now),
               (unsigned long long)outcome.failed);
        fflush(stdout);
        before = done;
        before_us = now;
    }
    return rate(outcome.answered, began, now_us());
}
