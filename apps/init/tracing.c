// SPDX-License-Identifier: MIT
/*
 * tracing.c: the trace rings, one per CPU, read where the kernel writes them.
 *
 * Nobody can empty a ring; "on" notes where each stands, and reading starts
 * there.
 */
#include "init.h"

#define ALL_CLASSES ((1u << EXO_TRACE_TYPES) - 1)

static uint64_t since[MANIFEST_CPUS_MAX]; // events before recording began

static uint64_t
head_of(uint32_t cpu)
{
    const volatile struct exo_cpu_info *info = exo_cpu_info(cpu);
    return info->trace_head;
}

/* First event of a CPU that is wanted and may still be in the ring. */
static uint64_t
first_of(uint32_t cpu, uint64_t head)
{
    uint64_t events = exo_machine()->trace_events;
    uint64_t oldest = head > events ? head - events : 0;
    return since[cpu] > oldest ? since[cpu] : oldest;
}

void
trace_on(void)
{
    for (uint32_t cpu = 0; cpu < exo_machine()->ncpus; cpu++)
        since[cpu] = head_of(cpu);
    exo_trace(ROOT_CAP, ALL_CLASSES);
}

void
trace_off(void)
{
    exo_trace(ROOT_CAP, EXO_TRACE_DEFAULT);
}

uint64_t
trace_lost(void)
{
    uint64_t lost = 0;
    for (uint32_t cpu = 0; cpu < exo_machine()->ncpus; cpu++)
        lost += first_of(cpu, head_of(cpu)) - since[cpu];
    return lost;
}

static bool
open_ring(struct trace_cursor *c)
{
    const struct exo_cpu_info *info = exo_cpu_info(c->cpu);
    if (map_run(&page_map, ROOT_CAP, INIT_TRACE, info->trace_page,
                (uint32_t)info->trace_pages, EXO_BIND_R))
        return false;
    c->head = head_of(c->cpu);
    c->at = first_of(c->cpu, c->head);
    c->open = true;
    return true;
}

static void
close_ring(struct trace_cursor *c)
{
    const struct exo_cpu_info *info = exo_cpu_info(c->cpu);
    map_run(&page_map, ROOT_CAP, INIT_TRACE, 0, (uint32_t)info->trace_pages, 0);
    c->open = false;
    c->cpu++;
}

bool
trace_next(struct trace_cursor *c, struct exo_trace_event *event)
{
    const struct exo_trace_event *ring = (const void *)INIT_TRACE;
    uint64_t events = exo_machine()->trace_events;
    while (c->cpu < exo_machine()->ncpus) {
        if (!c->open && !open_ring(c))
            return false;
        while (c->at < c->head) {
            uint64_t at = c->at++;
            *event = ring[at % events];
            __atomic_thread_fence(__ATOMIC_ACQUIRE);
            if (head_of(c->cpu) - at < events)
                return true; // not overwritten while it was copied
        }
        close_ring(c);
    }
    return false;
}
