// SPDX-License-Identifier: MIT
/*
 * trace.h: the trace rings, one per CPU.
 *
 * A ring is EXO_USE_EXPOSED kernel memory that an env with READ over guard 0
 * binds read-only; exo_cpu_info says where it is. `head` in exo_cpu_info counts
 * events ever written; event i is at i % events. exo_trace() chooses classes.
 */
#ifndef EXO_TRACE_H
#define EXO_TRACE_H

#include <exo/types.h>

enum exo_trace_type {
    EXO_TRACE_SYSCALL = 0, // a = number, b = first argument
    EXO_TRACE_RETURN,      // a = number, b = result
    EXO_TRACE_SWITCH,      // env that runs from now on, or none; a = slice end
    EXO_TRACE_UPCALL,      // a = vector, b = cause
    EXO_TRACE_FAULT,       // exception that ends an env; b = address
    EXO_TRACE_IRQ,         // a = vector
    EXO_TRACE_WAKE,        // env that became runnable
    EXO_TRACE_REVOKE,      // a = kind, b = count
    EXO_TRACE_TAKEN,       // a = kind, b = id
    EXO_TRACE_BORN,        // a = parent
    EXO_TRACE_END,         // a = enum exo_end, b = value
    EXO_TRACE_PACKET,      // a = filter index | direction << 32, b = bytes
    EXO_TRACE_TYPES,
};

struct exo_trace_event {
    exo_tsc time;
    uint32_t type; // enum exo_trace_type
    uint16_t env;  // index, 0: none
    uint16_t cpu;
    uint64_t a, b;
};

/* What is traced unless someone asks for more: rare events only. */
#define EXO_TRACE_DEFAULT                                                      \
    (1u << EXO_TRACE_FAULT | 1u << EXO_TRACE_REVOKE | 1u << EXO_TRACE_TAKEN |  \
     1u << EXO_TRACE_BORN | 1u << EXO_TRACE_END)

_Static_assert(sizeof(struct exo_trace_event) == 32, "ABI layout");

#endif
