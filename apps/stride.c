// SPDX-License-Identifier: MIT
/*
 * stride: a scheduler as an application. It owns slots and hands each slice to
 * one of three children by directed yield, in the proportion of their tickets,
 * by stride scheduling: who has the least pass is next, and a slice raises its
 * pass by stride = 1 / tickets. The shares it prints are the kernel's exposed
 * counters, not its own plan.
 * Arguments: seconds (5).
 *
 * Source: [Waldspurger95] Stride scheduling, MIT/LCS/TM-528.
 */
#include "minimal/minimal.h"

#include "own_cpu.h"

#define CHILDREN   3
#define STRIDE_ONE 6000 // divisible by every number of tickets here

static const uint64_t tickets[CHILDREN] = {3, 2, 1};

static struct child {
    struct spawn spawn;
    uint64_t pass;
    uint64_t before; // time on our slots when we last looked
} child[CHILDREN];

/* Time a child ran that was given to it: all but slack. */
static uint64_t
given(const struct child *c)
{
    const volatile struct exo_env_info *info = exo_env_info(c->spawn.env);
    return info->time_ran - info->time_slack;
}

static int64_t
start_children(uint32_t cpu)
{
    static const char *const args[] = {"worker", "worker"};
    for (unsigned i = 0; i < CHILDREN; i++) {
        struct spawn *s = &child[i].spawn;
        *s = (struct spawn){
            .cpu = cpu,
            .share = {[EXO_KIND_PAGE] = {16, 16}, [EXO_KIND_ENV] = {1, 1}},
        };
        int64_t error = child_create(s, 2, args);
        if (!error)
            error = child_start(s);
        if (error) {
            print("cannot %s: error %d\n", s->what, (int)-error);
            return error;
        }
    }
    return 0;
}

/* Gives the rest of this slice to the child with the least pass. A child that
 * runs already, on slack, cannot take it: then the next one does. */
static void
schedule(void)
{
    bool tried[CHILDREN] = {false};
    for (unsigned n = 0; n < CHILDREN; n++) {
        struct child *next = NULL;
        for (unsigned i = 0; i < CHILDREN; i++)
            if (!tried[i] && (!next || child[i].pass < next->pass))
                next = &child[i];
        tried[next - child] = true;
        if (exo_yield(START_CAP_SELF, next->spawn.env) == 0)
            return;
    }
    exo_yield(0, 0);
}

/* Raises the passes by what was really used. */
static void
account(void)
{
    uint64_t slot = exo_machine()->slot_tsc;
    for (unsigned i = 0; i < CHILDREN; i++) {
        uint64_t now = given(&child[i]);
        child[i].pass +=
            STRIDE_ONE / tickets[i] * (now - child[i].before) / slot;
        child[i].before = now;
    }
}

static void
report(void)
{
    uint64_t ms[CHILDREN], all = 0;
    for (unsigned i = 0; i < CHILDREN; i++)
        all += ms[i] = clock_ns(given(&child[i])) / CLOCK_MS;
    if (!all)
        all = 1;
    print("tickets 3:2:1, measured %lu:%lu:%lu ms = %lu:%lu:%lu %%\n", ms[0],
          ms[1], ms[2], (ms[0] * 100 + all / 2) / all,
          (ms[1] * 100 + all / 2) / all, (ms[2] * 100 + all / 2) / all);
}

int
main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "worker") == 0)
        for (;;)
            __builtin_ia32_pause();
    exo_tsc end = clock_after(number(argc > 1 ? argv[1] : NULL, 5) * CLOCK_S);
    uint32_t cpu = own_cpu(); // the children are bound to it, too
    if (cpu == EXO_CPU_ANY) {
        print("I own no slots to divide; give me some in the manifest\n");
        return 1;
    }
    if (start_children(cpu) != 0)
        return 1;
    while (clock_tsc() < end) {
        schedule();
        account();
    }
    report();
    for (unsigned i = 0; i < CHILDREN; i++)
        child_bury(&child[i].spawn, NULL);
    return 0;
}
