// SPDX-License-Identifier: MIT
/*
 * A libFuzzer program of a feeder: see feed.h and tests/README.md.
 *
 * Without arguments it runs `feed.runs` inputs from one seed and ends; with
 * arguments of libFuzzer's own it does what they say. The corpus is in the
 * program: an input that is no more than a number becomes one of the seeds.
 */
#include "feed.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t max,
                               unsigned random);
size_t LLVMFuzzerMutate(uint8_t *bytes, size_t size, size_t max);

#define SMALL    4 /* bytes: replaced by a seed */
#define ARGS_MAX 64

static char *
text(const char *format, ...)
{
    char *to;
    va_list args;
    va_start(args, format);
    if (vasprintf(&to, format, args) < 0)
        abort();
    va_end(args);
    return to;
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static char *all[ARGS_MAX];
    int n = 0;
    all[n++] = (*argv)[0];
    all[n++] = text("-max_len=%zu", feed.max);
    all[n++] = text("-artifact_prefix=%s-", (*argv)[0]);
    if (*argc == 1) {
        all[n++] = text("-runs=%u", feed.runs);
        all[n++] = text("-seed=1");
        all[n++] = text("-verbosity=0");
    }
    for (int i = 1; i < *argc && n < ARGS_MAX - 1; i++)
        all[n++] = (*argv)[i];
    *argv = all;
    *argc = n;
    return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size <= feed.max)
        feed.eat(bytes, size);
    return 0;
}

static unsigned
seeds(void)
{
    static uint8_t *none;
    static unsigned n;
    if (!none)
        none = malloc(feed.max);
    while (!n || feed.seed(n, none))
        n++;
    return n;
}

size_t
LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t max,
                        unsigned random)
{
    static unsigned count;
    if (!count)
        count = seeds();
    if (size < SMALL && max >= feed.max)
        size = feed.seed(random % count, bytes);
    size = LLVMFuzzerMutate(bytes, size, max);
    if (feed.mend && random % 8)
        feed.mend(bytes, size);
    return size;
}
