// SPDX-License-Identifier: MIT
/*
 * miser: takes all the memory it can get and ignores it when the kernel asks
 * for some back. After the deadline the kernel takes pages by itself, above the
 * reservation only, and says which; the miser goes on running.
 * Arguments: seconds (4), pages (its limit).
 */
#include "greed.h"

static volatile uint64_t ignored;

static void
on_revoke(struct exo_frame *frame)
{
    (void)frame;
    ignored += UAREA->revoke.count;
}

int
main(int argc, char **argv)
{
    exo_tsc end = clock_after(number(argc > 1 ? argv[1] : NULL, 4) * CLOCK_S);
    uint64_t pages = greed_take(number(argc > 2 ? argv[2] : NULL, 0));
    if (!pages) {
        print("not even a pool fits my limit\n");
        return 1;
    }
    upcall_set(UAREA, EXO_UP_REVOKE, on_revoke);
    UAREA->release_count = 0; // and no list of what it could spare either
    uint64_t lost = 0;
    while (event_wait(POOL_EVENT, end)) {
        event_sleep(QUIET); // more may follow; one line for all
        if (pool_counts.lost == lost)
            continue;
        lost = pool_counts.lost;
        print("REPOSSESSED: %lu pages so far, %lu left\n", lost,
              pool_counts.have);
    }
    uint64_t wrong = greed_check(0, pages < CHECKED ? pages : CHECKED);
    print("done: ignored a request for %lu pages, lost %lu, still alive; %lu "
          "pages are wrong\n",
          ignored, pool_counts.lost, wrong);
    return wrong != 0;
}
