// SPDX-License-Identifier: MIT
/*
 * spinner: computes without ever entering the kernel and answers nothing. Its
 * neighbours lose no slot of theirs: it gets its own and what is slack.
 * Arguments: seconds (5).
 */
#include "minimal/minimal.h"

int
main(int argc, char **argv)
{
    uint64_t seconds = number(argc > 1 ? argv[1] : NULL, 5);
    const struct exo_env_info *me = exo_env_info(UAREA->self);
    exo_tsc start = clock_tsc(), end = clock_after(seconds * CLOCK_S);

    print("spinning for %lu s\n", seconds);
    while (clock_tsc() < end)
        ;
    uint64_t ran = clock_ns(me->time_ran) / CLOCK_MS;
    uint64_t slack = clock_ns(me->time_slack) / CLOCK_MS;
    uint64_t passed = clock_ns(clock_tsc() - start) / CLOCK_MS;
    print("ran %lu of %lu ms, %lu of them on slack\n", ran, passed, slack);
    return 0;
}
