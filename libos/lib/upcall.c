// SPDX-License-Identifier: MIT
/*
 * upcall.c: the C half of the upcall entry: the handler table and the draining
 * of upcalls that arrived while they were masked.
 */
#include "lib/upcall.h"

#include <exo/syscall.h>

#include "lib/start.h"

upcall_fn *upcall_handler[EXO_VECTORS];
upcall_call_fn *upcall_server; // of upcall.S

extern const char upcall_entry[], upcall_serve_entry[];
extern const char upcall_ret_start[], upcall_ret_end[], upcall_ret_restart[];
void upcall_drain(struct exo_frame *frame);
_Noreturn void upcall_serve_loop(void);

/* What upcall.S and its users assume about the ABI. */
_Static_assert(offsetof(struct exo_uarea, mask) == 0 &&
                   offsetof(struct exo_uarea, pending) == 4,
               "UAREA_MASK, UAREA_PEND");
_Static_assert(offsetof(struct exo_frame, cause) == 8 &&
                   offsetof(struct exo_frame, r11) == 24 &&
                   offsetof(struct exo_frame, rax) == 88 &&
                   offsetof(struct exo_frame, rip) == 104 &&
                   offsetof(struct exo_frame, rflags) == 120 &&
                   offsetof(struct exo_frame, rsp) == 128,
               "FRAME_*");
_Static_assert(EXO_FIRST_UAREA == 0x200000 && UPCALL_STATE == 0xfe8 &&
                   sizeof(struct upcall_state) == 24 &&
                   offsetof(struct upcall_state, frame) == 8 &&
                   offsetof(struct upcall_state, rip) == 16,
               "UAREA, STATE_*");
_Static_assert(EXO_UAREA_KERNEL + sizeof(struct start_block) <= UPCALL_STATE,
               "start block and upcall state fit the u-area page");
_Static_assert(EXO_SYS_wait == 22 && EXO_SYS_reply == 25, "SYS_*");
_Static_assert(START_UPCALL_LAST == 0x8000, "UPCALL_LAST");

static struct upcall_state *
state_of(struct exo_uarea *uarea)
{
    return (struct upcall_state *)((char *)uarea + UPCALL_STATE);
}

void
upcall_open(struct exo_uarea *uarea, uint64_t stack_base)
{
    for (unsigned i = 0; i < EXO_VECTORS; i++)
        uarea->handler[i] = 0;
    uarea->stack_base = stack_base;
    uarea->ret_start = (uint64_t)upcall_ret_start;
    uarea->ret_end = (uint64_t)upcall_ret_end;
    uarea->ret_restart = (uint64_t)upcall_ret_restart;
    state_of(uarea)->holds = 0;
    uarea->mask = 0;
}

void
upcall_set(struct exo_uarea *uarea, enum exo_vector vector, upcall_fn *handler)
{
    upcall_handler[vector] = handler;
    uarea->handler[vector] = handler ? (uint64_t)upcall_entry : 0;
}

_Noreturn void
upcall_serve(struct exo_uarea *uarea, upcall_call_fn *handler)
{
    upcall_server = handler;
    uarea->handler[EXO_UP_CALL] = (uint64_t)upcall_serve_entry;
    upcall_serve_loop();
}

/* Handles everything pending. needs: the mask set. */
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

/* Called by upcall.S before it unmasks. */
void
upcall_drain(struct exo_frame *frame)
{
    drain((struct exo_uarea *)EXO_FIRST_UAREA, frame);
}

/* Is the caller a handler? Then it runs in the upcall stack of the block. */
static bool
in_handler(const struct exo_uarea *uarea)
{
    uint64_t rsp;
    __asm__ volatile("mov %%rsp, %0" : "=r"(rsp));
    return rsp - (uint64_t)uarea < START_UPCALL_LAST;
}

void
upcall_hold(struct exo_uarea *uarea)
{
    if (in_handler(uarea))
        return;
    volatile struct upcall_state *state = state_of(uarea);
    state->holds++; // first, so that a return from an upcall leaves the mask
    __atomic_store_n(&uarea->mask, 1, __ATOMIC_SEQ_CST);
}

void
upcall_release(struct exo_uarea *uarea)
{
    volatile struct upcall_state *state = state_of(uarea);
    if (in_handler(uarea) || --state->holds)
        return;
    for (;;) {
        __atomic_store_n(&uarea->mask, 0, __ATOMIC_SEQ_CST);
        if (!__atomic_load_n(&uarea->pending, __ATOMIC_SEQ_CST))
            return;
        state->holds++;
        __atomic_store_n(&uarea->mask, 1, __ATOMIC_SEQ_CST);
        drain(uarea, NULL);
        state->holds--;
    }
}
