// SPDX-License-Identifier: MIT
/* The trace rings: see trace.h. */
#include "debug/trace.h"

#include "boot/memory.h"
#include "debug/print.h"
#include "hw.h"
#include "lib/string.h"

#define COLLECT_LOOK 96 /* events looked at for one env's history */

static struct exo_trace_event *
ring(const struct cpu *c)
{
    return page_kva(c->info->trace_page);
}

void
trace_init_cpu(struct cpu *c)
{
    void *ring = boot_alloc_raw(TRACE_PAGES * EXO_PAGE_BYTES, EXO_PAGE_BYTES);
    c->info->trace_page = kva_to_pa(ring) >> EXO_PAGE_SHIFT;
    c->info->trace_pages = TRACE_PAGES;
}

void
trace_write(struct cpu *c, enum exo_trace_type type, const struct env *e,
            uint64_t a, uint64_t b)
{
    uint64_t head = c->info->trace_head;
    ring(c)[head % TRACE_EVENTS] = (struct exo_trace_event){
        .time = hw_rdtsc(),
        .type = type,
        .env = e ? (uint16_t)e->index : 0,
        .cpu = (uint16_t)c->index,
        .a = a,
        .b = b,
    };
    __atomic_store_n(&c->info->trace_head, head + 1, __ATOMIC_RELEASE);
}

uint32_t
trace_collect(struct cpu *c, uint16_t index, struct exo_trace_event *out,
              uint32_t max)
{
    const struct exo_trace_event *events = ring(c);
    uint64_t head = c->info->trace_head;
    uint64_t look = head < COLLECT_LOOK ? head : COLLECT_LOOK;
    const struct exo_trace_event *at = events + head % TRACE_EVENTS;
    uint32_t n = 0; /* from the newest back, to the end of out[] */
    for (; look && n < max; look--) {
        at = at == events ? events + TRACE_EVENTS - 1 : at - 1;
        if (at->env == index)
            out[max - ++n] = *at;
    }
    if (n < max)
        memmove(out, out + max - n, n * sizeof(*out));
    return n;
}

void
debug_trace_dump_last(unsigned n)
{
    static const char *const names[EXO_TRACE_TYPES] = {
        "syscall", "return", "switch", "upcall", "fault", "irq",
        "wake",    "revoke", "taken",  "born",   "end",   "packet"};
    struct cpu *c = hw_this_cpu();
    if (!c || !c->info || !c->info->trace_page)
        return;
    uint64_t head = c->info->trace_head;
    for (uint64_t i = head < n ? 0 : head - n; i < head; i++) {
        const struct exo_trace_event *v = &ring(c)[i % TRACE_EVENTS];
        printk("exo:   %lu %s env %u %lx %lx\n", v->time,
               v->type < EXO_TRACE_TYPES ? names[v->type] : "?", v->env, v->a,
               v->b);
    }
}
