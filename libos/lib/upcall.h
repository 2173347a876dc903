// SPDX-License-Identifier: MIT
/*
 * upcall.h: the entry that all upcalls share, and critical sections.
 *
 * upcall_open() points the u-area at the return sequence of upcall.S, then
 * upcall_set() gives a vector a C handler. The kernel has saved the scratch
 * registers in the frame and C keeps the others, so a handler is an ordinary
 * function. It may change the frame: what it leaves there is what runs next.
 *
 * An asynchronous upcall (QUANTUM, REVOKE, REPOSSESSED, EVENT) that arrives
 * while they are masked is handled later; `frame` is then the context about to
 * be resumed, or null when it was drained by upcall_release().
 *
 * An assembly handler can be put into uarea->handler[] directly, bypassing the
 * table: it finds what exo/upcall.h says and ends by jumping to upcall_return
 * with rsp = frame.
 */
#ifndef LIB_UPCALL_H
#define LIB_UPCALL_H

#include <exo/call.h>
#include <exo/upcall.h>

typedef void upcall_fn(struct exo_frame *frame);

/* Answers a call: words[] holds the caller's words and then the reply.
 * frame->addr is the caller's id. */
typedef void upcall_call_fn(struct exo_frame *frame,
                            uint64_t words[EXO_CALL_WORDS]);

/* What upcall.S keeps, in the last bytes of the u-area page. It finds it at its
 * absolute address in the first env's layout, because the jump that ends a
 * return has no register left: one thread of control in each address space. */
struct upcall_state {
    uint64_t holds;          // upcall_hold() that were not released
    struct exo_frame *frame; // about to be returned from
    uint64_t rip;            // ... to here
};

#define UPCALL_STATE (EXO_PAGE_BYTES - 3 * 8) // offset in the u-area page

/* The C handlers, by vector. Shared by all envs of an address space. */
extern upcall_fn *upcall_handler[EXO_VECTORS];

/* Where assembly handlers end: resumes what the frame at rsp describes. */
extern const char upcall_return[];

/* Makes `uarea` ready for upcalls on the stack at `stack_base`, with no handler
 * yet, and unmasks them. */
void upcall_open(struct exo_uarea *uarea, uint64_t stack_base);

/* Handles upcalls of `vector` (CALL: see upcall_serve) with `handler`; null:
 * with none, which for FAULT means that the next one ends the env. */
void upcall_set(struct exo_uarea *uarea, enum exo_vector vector,
                upcall_fn *handler);

/* Serves calls from other envs for ever: sleeps, answers with `handler`,
 * sleeps. The server can be called again the moment it replied, for it keeps no
 * state between calls but what `handler` stores. Other upcalls are handled
 * meanwhile. */
_Noreturn void upcall_serve(struct exo_uarea *uarea, upcall_call_fn *handler);

/* Keeps asynchronous upcalls of the caller's env out until upcall_release(),
 * which handles what has arrived meanwhile. Both nest, and do nothing inside a
 * handler, where they are kept out anyway. */
void upcall_hold(struct exo_uarea *uarea);
void upcall_release(struct exo_uarea *uarea);

#endif
