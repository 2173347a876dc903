// SPDX-License-Identifier: MIT
/*
 * Choices, fed to the system-call fuzzer (calls.h): every two bytes are one,
 * and with the last the run ends. So libFuzzer looks for sequences of calls
 * that reach what none has reached before.
 */
#include <string.h>

#include "calls.h"
#include "feed.h"

static const uint8_t *at, *end;

void
calls_note(const struct host_cpu *h, uint64_t nr, uint64_t a, uint64_t b,
           uint64_t c, uint64_t d, uint64_t e)
{
    (void)h, (void)nr, (void)a, (void)b, (void)c, (void)d, (void)e;
}

void
calls_result(uint64_t nr, int64_t result)
{
    (void)nr, (void)result;
}

/* Two bytes, spread over 64 bits. [Steele14] */
static uint64_t
next(void)
{
    uint64_t z = 0;
    size_t n = end - at < 2 ? (size_t)(end - at) : 2;
    memcpy(&z, at, n);
    at += n;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}

static void
eat(const uint8_t *bytes, size_t size)
{
    static bool opened;
    if (!opened) {
        opened = host_quiet = true;
        host_boot(&(struct host_setup){.pages = 1024, .cpus = 2, .pcid = true});
        host_save();
    }
    host_restore();
    calls_begin();
    at = bytes;
    end = bytes + size;
    while (at < end && !host_off) {
        calls_step(next);
        host_check();
    }
}

/* Many choices at random: what the fuzzer cuts and joins. */
static size_t
seed(unsigned n, uint8_t *to)
{
    uint32_t state = n + 1;
    if (n > 7)
        return 0;
    for (unsigned i = 0; i < 1024; i++) {
        state = state * 1664525 + 1013904223;
        to[i] = (uint8_t)(state >> 24);
    }
    return 1024;
}

const struct feed feed = {
    .name = "calls", .max = 2048, .runs = 1000, .eat = eat, .seed = seed};
