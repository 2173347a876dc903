// SPDX-License-Identifier: MIT
/*
 * hoarder: takes all the memory it can get, far beyond what it was promised,
 * and gives back what the kernel asks for. That costs it nothing but the
 * refilling of a page that it touches again.
 * Arguments: seconds (4), pages (its limit).
 */
#include "greed.h"

int
main(int argc, char **argv)
{
    exo_tsc end = clock_after(number(argc > 1 ? argv[1] : NULL, 4) * CLOCK_S);
    uint64_t pages = greed_take(number(argc > 2 ? argv[2] : NULL, 0));
    if (!pages) {
        print("not even a pool fits my limit\n");
        return 1;
    }
    uint64_t asked = 0;
    while (event_wait(POOL_EVENT, end)) {
        event_sleep(QUIET); // more may follow; one line for all
        if (pool_counts.asked == asked)
            continue;
        asked = pool_counts.asked;
        print("asked for pages: %lu so far, gave %lu, %lu left\n", asked,
              pool_counts.back, pool_counts.have);
    }
    uint64_t wrong = greed_check(0, pages < CHECKED ? pages : CHECKED);
    print("done: asked for %lu pages, gave %lu, lost %lu; %lu pages are "
          "wrong\n",
          pool_counts.asked, pool_counts.back, pool_counts.lost, wrong);
    return wrong != 0;
}
