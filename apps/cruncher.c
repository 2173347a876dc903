// SPDX-License-Identifier: MIT
/*
 * cruncher: takes memory that was promised to it and counts primes there. When
 * others hold that memory for the moment, the kernel asks them for it back; the
 * cruncher only notices that it waits a little.
 * Arguments: pages of memory (256), seconds to wait first (0).
 */
#include "minimal/minimal.h"

/* Counts the primes below 2 * count; flag i stands for the odd number 2i + 1.
 */
static uint64_t
count_primes(uint8_t *composite, uint64_t count)
{
    uint64_t primes = 1; // 2
    for (uint64_t i = 1; i < count; i++) {
        if (composite[i])
            continue;
        primes++;
        uint64_t prime = 2 * i + 1;
        for (uint64_t j = prime * prime / 2; j < count; j += prime)
            composite[j] = 1;
    }
    return primes;
}

int
main(int argc, char **argv)
{
    uint64_t pages = number(argc > 1 ? argv[1] : NULL, 256);
    event_sleep(number(argc > 2 ? argv[2] : NULL, 0) * CLOCK_S);

    exo_tsc start = clock_tsc();
    uint8_t *composite = page_grow(pages);
    if (!composite) {
        print("%lu pages are more than my limit\n", pages);
        return 1;
    }
    exo_tsc got = clock_tsc();
    uint64_t count = pages * EXO_PAGE_BYTES;
    uint64_t primes = count_primes(composite, count);
    print("%lu pages in %lu us, then %lu primes below %lu in %lu ms\n", pages,
          clock_ns(got - start) / CLOCK_US, primes, 2 * count,
          clock_ns(clock_tsc() - got) / CLOCK_MS);
    return 0;
}
