// SPDX-License-Identifier: MIT
/*
 * crasher: writes through a null pointer, three calls deep, and leaves a
 * post-mortem record. Page zero is never bound [exo/layout.h].
 */
#include "minimal/minimal.h"

static volatile int depth; // keeps the calls apart

static __attribute__((noinline)) void
store(int *place)
{
    depth++;
    *(volatile int *)place = depth;
    depth--;
}

static __attribute__((noinline)) void
update(int *place)
{
    depth++;
    store(place);
    depth--;
}

int
main(int argc, char **argv)
{
    (void)argv;
    print("about to write to address 0\n");
    update(argc > 100 ? (int *)(uintptr_t)&depth : NULL);
    print("this is never printed\n");
    return 0;
}
