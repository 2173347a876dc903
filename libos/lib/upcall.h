// SPDX-License-Identifier: MIT
//
// upcall.h: the entry that all upcalls share, and critical sections.
//
// upcall_open() points the u-area at the return sequence of upcall.S, then
// upcall_set() gives a vector a C handler. The kernel has saved the scratch
// registers in the frame and C keeps the others, so a handler is an ordinary
// function. It may change the frame: what it leaves there is what runs next.
//
// An asynchronous upcall (QUANTUM, REVOKE, REPOSSESSED, EVENT) that arrives
// while they are masked is handled later; `frame` is then the context about to
// be resumed, or null when it was drained by upcall_release().
//
// An assembly handler can be put into uarea->handler[] directly, bypassing the
// table: it finds what exo/upcall.h says and ends by jumping to upcall_return
// with rsp = frame.
#ifndef LIB_UPCALL_H
#define LIB_UPCALL_H

#include <exo/call.h>
#include <exo/upcall.h>

typedef void upcall_fn(struct exo_frame *frame);

// Handles a call: words[] holds the caller's words. Answers with
// exo_reply(frame->cause, words) or not at all.
typedef void upcall_call_fn(struct exo_frame *frame,
                            uint64_t words[EXO_CALL_WORDS]);

// The C handlers, by vector. Shared by all envs of an address space.
extern upcall_fn *upcall_handler[EXO_VECTORS];

// Where assembly handlers end: resumes what the frame at rsp describes.
extern const char upcall_return[];

// Makes `uarea` ready for upcalls on the stack at `stack_base`, with no handler
// yet, and unmasks them.
void upcall_open(struct exo_uarea *uarea, uint64_t stack_base);

// Handles upcalls of `vector` (any but CALL) with `handler`; null: with none,
// which for FAULT means that the next one ends the env.
void upcall_set(struct exo_uarea *uarea, enum exo_vector vector,
                upcall_fn *handler);

// Handles calls from other envs; null: refuses them.
void upcall_set_call(struct exo_uarea *uarea, upcall_call_fn *handler);

// Keeps asynchronous upcalls of the caller's env out until upcall_release().
// Nests. The kernel sets bit 0 of the mask; holds are counted above it.
static inline void
upcall_hold(struct exo_uarea *uarea)
{
    __asm__ volatile("addl $2, %0" : "+m"(uarea->mask) : : "memory", "cc");
}

// Ends upcall_hold() and handles what has arrived meanwhile.
void upcall_release(struct exo_uarea *uarea);

#endif
