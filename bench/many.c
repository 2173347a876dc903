// SPDX-License-Identifier: MIT
//
// many.c: how many programs fit into the machine, and what a switch costs among
// them. Each is a hello with pages of its own for everything it writes and
// init's shape; all are READY, none gets the CPU: every slot is this env's, and
// the switches measured are directed yields within its slices.
#include "bench.h"

#define SLOT_STEP 128
#define MARGIN    64 // pages left for this program's own use

static const char args[] = "hello\0world";

// Takes every slot of CPU 0.
static bool
take_slots(void)
{
    uint32_t nslots = exo_machine()->nslots;
    for (uint32_t n = 0; n < nslots;) {
        int64_t done = exo_slot_set(EXO_CAPS(ROOT_CAP, ROOT_CAP),
                                    EXO_SLOT(0, n), nslots - n, UAREA->self, 0);
        if (done <= 0)
            return give_up("hello_envs", "own the slots", done);
        n += (uint32_t)done;
    }
    return true;
}

static void
measure_switch(const struct spawn *peer, const char *name)
{
    row(name, 2);
    for (unsigned i = 0; i < REPETITIONS; i++) {
        BEGIN();
        exo_yield(ROOT_CAP, peer->env);
        END();
    }
}

// Pages one hello pays for, from the first one made.
static uint32_t
pages_used(const struct spawn *spawn)
{
    return exo_env_info(spawn->env)->account[EXO_KIND_PAGE].used;
}

// Does a hello that may use no more than `pages` run to its end?
static bool
runs_in(const struct image *hello, uint32_t pages)
{
    struct spawn spawn;
    struct exo_mortem mortem = {.end = 0};
    struct exo_share share = {pages, pages};
    if (!peer_try(&spawn, hello, args, sizeof(args), share))
        return false;
    while (exo_yield(ROOT_CAP, spawn.env) == 0)
        ; // it ends in its first slice, and later yields are refused
    spawn_bury(ROOT_CAP, spawn.env, &mortem);
    return mortem.end == EXO_END_EXIT && mortem.value == 0;
}

// Makes hellos until `goal` of them are there, each limited to what it needs.
// Result: how many there are.
static uint32_t
make_until(const struct image *hello, uint32_t have, uint32_t goal,
           uint32_t pages)
{
    struct spawn spawn;
    while (have < goal && exo_machine()->pages_free > pages + MARGIN) {
        struct exo_share share = {pages, pages};
        if (!peer_try(&spawn, hello, args, sizeof(args), share))
            break;
        have++;
    }
    return have;
}

void
many_envs(void)
{
    static const struct {
        uint32_t envs;
        const char *name;
    } steps[] = {{10, "switch_among_10"},
                 {100, "switch_among_100"},
                 {1000, "switch_among_1000"},
                 {UINT32_MAX, "switch_among_all"}};
    static struct image hello;
    struct spawn peer, first;
    if (!image_open("hello_envs", 1, &hello) || !take_slots() ||
        !peer_open("hello_envs", &peer, "yield") ||
        !peer_start("hello_envs", &first, &hello, args, sizeof(args)))
        return;
    uint32_t pages = pages_used(&first), have = 1;
    if (!runs_in(&hello, pages))
        give_up("pages_per_hello", "run hello in them", -EXO_E_LIMIT);
    say("pages_per_hello %u pages", pages);
    for (unsigned i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        have = make_until(&hello, have, steps[i].envs, pages);
        measure_switch(&peer, steps[i].name);
    }
    say("hello_envs %u envs", have);
    say("hello_envs_free %lu pages", exo_machine()->pages_free);
    say("hello_envs_slots %u envs", exo_machine()->nenvs);
}
