// SPDX-License-Identifier: MIT
/*
 * The trace rings: see exo/trace.h. One per CPU, written by that CPU alone; a
 * class that is switched off costs a test.
 */
#ifndef EXO_DEBUG_TRACE_H
#define EXO_DEBUG_TRACE_H

#include "kernel.h"

#define TRACE_PAGES  8
#define TRACE_EVENTS (TRACE_PAGES * EXO_PAGE_BYTES / 32)

/* Make the ring of a CPU. Boot. */
void trace_init_cpu(struct cpu *c);

void trace_write(struct cpu *c, enum exo_trace_type type, const struct env *e,
                 uint64_t a, uint64_t b);

static inline bool
trace_is_on(enum exo_trace_type type)
{
    return K.trace_mask >> type & 1;
}

static inline void
trace(struct cpu *c, enum exo_trace_type type, const struct env *e, uint64_t a,
      uint64_t b)
{
    if (unlikely(trace_is_on(type)))
        trace_write(c, type, e, a, b);
}

/* The last events of env `index` on this CPU, oldest first; how many. Looks at
 * a bounded number. */
uint32_t trace_collect(struct cpu *c, uint16_t index,
                       struct exo_trace_event *out, uint32_t max);

/* Print the last n events of this CPU, for a panic. */
void debug_trace_dump_last(unsigned n);

#endif
