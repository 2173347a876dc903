// SPDX-License-Identifier: MIT
//
// cycle.c: a program's whole life, as seen by its loader: made from its image
// in memory, run to its end, buried, everything back where it came from.
#include "bench.h"

#include "lib/string.h"

static const char args[] = "hello\0world";

// Waits until a child has ended and is taken apart.
static void
wait_for_end(void)
{
    while (!(
        __atomic_fetch_and(&UAREA->events, ~EXO_EVENT_CHILD, __ATOMIC_SEQ_CST) &
        EXO_EVENT_CHILD))
        exo_wait(EXO_EVENT_CHILD, EXO_NEVER, 0);
}

void
env_cycle(void)
{
    static struct image hello;
    struct spawn spawn;
    uint64_t before = 0, after = 0;
    if (!image_open("env_cycle", 1, &hello))
        return;
    row("env_cycle", 1);
    for (unsigned i = 0; i < REPETITIONS; i++) {
        if (i == 1)
            before = exo_machine()->pages_free;
        BEGIN();
        if (!peer_start("env_cycle", &spawn, &hello, args, sizeof(args)))
            return;
        wait_for_end();
        int64_t error = spawn_bury(ROOT_CAP, spawn.env, NULL);
        END();
        if (error)
            give_up("env_cycle", "bury", error);
    }
    after = exo_machine()->pages_free;
    if (before != after)
        give_up("env_cycle", "get every page back", -EXO_E_STATE);
}
