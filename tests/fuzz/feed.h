// SPDX-License-Identifier: MIT
/*
 * Feeding a parser with bytes that nobody vouches for.
 *
 * A feeder (feed_NAME.c) gives any bytes to one parser and stops the process
 * when what comes out breaks a promise of the parser's header; to refuse them
 * is no failure. Its seeds are good inputs, made by code. fuzz.c makes a
 * libFuzzer program of each; tests/unit changes single fields of the seeds.
 */
#ifndef TEST_FEED_H
#define TEST_FEED_H

#include <stddef.h>
#include <stdint.h>

struct feed {
    const char *name;
    size_t max;    /* bytes of an input */
    unsigned runs; /* inputs in `make test` */
    void (*eat)(const uint8_t *bytes, size_t size);
    /* Writes good input number n, at most `max` bytes; 0: there is none. */
    size_t (*seed)(unsigned n, uint8_t *to);
    /* Makes checksums right again after a change; may be NULL. */
    void (*mend)(uint8_t *bytes, size_t size);
};

/* The one of the program. */
extern const struct feed feed;

/* Stop with a sentence. */
_Noreturn void feed_fail(const char *file, int line, const char *what);

#define PROMISE(x)                                                             \
    do {                                                                       \
        if (!(x))                                                              \
            feed_fail(__FILE__, __LINE__, #x);                                 \
    } while (0)

/* Little-endian numbers in bytes. */
static inline void
put_number(uint8_t *to, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        to[i] = (uint8_t)(value >> 8 * i);
}

#endif
