// SPDX-License-Identifier: MIT
//
// upcall.c: the C half of the upcall entry: the handler table and the draining
// of upcalls that arrived while they were masked.
#include "lib/upcall.h"

#include "lib/start.h"

upcall_fn *upcall_handler[EXO_VECTORS];
upcall_call_fn *upcall_call_handler;

extern const char upcall_entry[], upcall_call_entry[];
extern const char upcall_ret_start[], upcall_ret_end[], upcall_ret_restart[];
void upcall_drain(struct exo_frame *frame);

// What upcall.S and its users assume about the ABI.
_Static_assert(offsetof(struct exo_uarea, mask) == 0 &&
                   offsetof(struct exo_uarea, pending) == 4,
               "UAREA_MASK, UAREA_PEND");
_Static_assert(offsetof(struct exo_frame, r11) == 24 &&
                   offsetof(struct exo_frame, rax) == 88 &&
                   offsetof(struct exo_frame, rip) == 104 &&
                   offsetof(struct exo_frame, rsp) == 128,
               "restore, FRAME_RIP, FRAME_RSP");
_Static_assert(START_BLOCK_BYTES == 0x10000 && START_UPCALL_LAST == 0x8000,
               "BLOCK_MASK, UPCALL_LAST");

void
upcall_open(struct exo_uarea *uarea, uint64_t stack_base)
{
    for (unsigned i = 0; i < EXO_VECTORS; i++)
        uarea->handler[i] = 0;
    uarea->stack_base = stack_base;
    uarea->ret_start = (uint64_t)upcall_ret_start;
    uarea->ret_end = (uint64_t)upcall_ret_end;
    uarea->ret_restart = (uint64_t)upcall_ret_restart;
    uarea->mask = 2;
    upcall_release(uarea);
}

void
upcall_set(struct exo_uarea *uarea, enum exo_vector vector, upcall_fn *handler)
{
    upcall_handler[vector] = handler;
    uarea->handler[vector] = handler ? (uint64_t)upcall_entry : 0;
}

void
upcall_set_call(struct exo_uarea *uarea, upcall_call_fn *handler)
{
    upcall_call_handler = handler;
    uarea->handler[EXO_UP_CALL] = handler ? (uint64_t)upcall_call_entry : 0;
}

// Handles everything pending. needs: the mask set.
static void
drain(struct exo_uarea *uarea, struct exo_frame *frame)
{
    uint32_t bits = __atomic_exchange_n(&uarea->pending, 0, __ATOMIC_SEQ_CST);
    for (; bits; bits &= bits - 1) {
        unsigned vector = (unsigned)__builtin_ctz(bits);
        if (vector < EXO_VECTORS && upcall_handler[vector])
            upcall_handler[vector](frame);
    }
}

// Called by upcall.S before it unmasks.
void
upcall_drain(struct exo_frame *frame)
{
    uint64_t block = (uint64_t)frame & ~(uint64_t)(START_BLOCK_BYTES - 1);
    drain((struct exo_uarea *)block, frame);
}

void
upcall_release(struct exo_uarea *uarea)
{
    volatile uint32_t *mask = &uarea->mask;
    volatile uint32_t *pending = &uarea->pending;
    __asm__ volatile("subl $2, %0" : "+m"(uarea->mask) : : "memory", "cc");
    while (*mask == 0 && *pending) {
        __asm__ volatile("orl $1, %0" : "+m"(uarea->mask) : : "memory", "cc");
        drain(uarea, NULL);
        __asm__ volatile("andl $~1, %0" : "+m"(uarea->mask) : : "memory", "cc");
    }
}
