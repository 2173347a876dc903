// SPDX-License-Identifier: MIT
/*
 * admit.c: admission control. What is promised must be there: the sum of all
 * reservations stays below what the machine has, so that none of them can fail
 * later. Pure arithmetic.
 */
#include "init.h"

#include "lib/print.h"

uint32_t
admit_slots(const struct manifest_app *app, uint32_t nslots)
{
    if (!app->share)
        return app->slots;
    uint64_t slots = (uint64_t)app->share * nslots / 1000;
    return slots ? (uint32_t)slots : 1;
}

/* The CPU of `affinity` with most free slots that is not in `used`. */
static uint32_t
roomiest(const struct admit *admit, uint64_t affinity, uint64_t used)
{
    uint32_t best = admit->ncpus;
    for (uint32_t cpu = 0; cpu < admit->ncpus; cpu++) {
        bool open = (!affinity || affinity >> cpu & 1) && !(used >> cpu & 1);
        if (open && (best == admit->ncpus ||
                     admit->free_slots[cpu] > admit->free_slots[best]))
            best = cpu;
    }
    return best;
}

bool
admit_plan(const struct admit *admit, uint64_t affinity, uint32_t want,
           uint32_t plan[MANIFEST_CPUS_MAX])
{
    uint64_t used = 0;
    for (uint32_t cpu = 0; cpu < MANIFEST_CPUS_MAX; cpu++)
        plan[cpu] = 0;
    while (want) {
        uint32_t cpu = roomiest(admit, affinity, used);
        if (cpu == admit->ncpus)
            return false;
        used |= UINT64_C(1) << cpu;
        plan[cpu] =
            want < admit->free_slots[cpu] ? want : admit->free_slots[cpu];
        want -= plan[cpu];
    }
    return true;
}

static uint32_t
free_slots(const struct admit *admit, uint64_t affinity)
{
    uint32_t sum = 0;
    for (uint32_t cpu = 0; cpu < admit->ncpus; cpu++)
        if (!affinity || affinity >> cpu & 1)
            sum += admit->free_slots[cpu];
    return sum;
}

static void
say_slots(const struct admit *admit, const struct manifest_app *app,
          uint32_t want, char *error, size_t size)
{
    uint64_t affinity = app->affinity;
    uint32_t there = free_slots(admit, affinity);
    if (affinity && !(affinity & (affinity - 1)))
        print_text(error, size,
                   "%s wants %u slots on CPU %d, but only %u are unowned",
                   app->name, want, __builtin_ctzll(affinity), there);
    else
        print_text(error, size, "%s wants %u slots, but only %u are unowned%s",
                   app->name, want, there, affinity ? " on its CPUs" : "");
}

static bool
admit_cpu_time(struct admit *admit, const struct manifest_app *app, char *error,
               size_t size)
{
    uint32_t plan[MANIFEST_CPUS_MAX];
    uint32_t want = admit_slots(app, admit->nslots);
    if (app->affinity >> (admit->ncpus - 1) >> 1) {
        print_text(error, size, "%s wants CPU %d, but there are only %u",
                   app->name, 63 - __builtin_clzll(app->affinity),
                   admit->ncpus);
        return false;
    }
    if (!admit_plan(admit, app->affinity, want, plan)) {
        say_slots(admit, app, want, error, size);
        return false;
    }
    for (uint32_t cpu = 0; cpu < admit->ncpus; cpu++)
        admit->free_slots[cpu] -= plan[cpu];
    return true;
}

bool
admit_app(struct admit *admit, const struct manifest_app *app, char *error,
          size_t size)
{
    if (app->reserved > admit->pages) {
        print_text(error, size,
                   "%s wants %lu pages reserved, but only %lu can be promised",
                   app->name, app->reserved, admit->pages);
        return false;
    }
    if (app->envs > admit->envs) {
        print_text(error, size,
                   "%s wants %u environments, but only %lu are left", app->name,
                   app->envs, admit->envs);
        return false;
    }
    if (!admit_cpu_time(admit, app, error, size))
        return false;
    admit->pages -= app->reserved;
    admit->envs -= app->envs;
    return true;
}
