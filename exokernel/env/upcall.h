// SPDX-License-Identifier: MIT
/*
 * Entering a handler: see exo/upcall.h for the contract.
 *
 * The frame is written through the kernel's own mapping of the pinned upcall
 * stack pages; the libOS's binding of them plays no part. Words of the u-area
 * are read once each and only ever compared, masked or range-checked.
 */
#ifndef EXO_ENV_UPCALL_H
#define EXO_ENV_UPCALL_H

#include "kernel.h"

#define FLAGS_CLEAN 0x202 /* interrupts on, all else clear */

static inline uint64_t
uarea_read(const uint64_t *word)
{
    return __atomic_load_n(word, __ATOMIC_RELAXED);
}

/* Where to go on if `rip` lies in the libOS's restartable return; else 0. */
static inline uint64_t
upcall_restart(const struct exo_uarea *u, uint64_t rip)
{
    uint64_t start = uarea_read(&u->ret_start), end = uarea_read(&u->ret_end);
    uint64_t restart = uarea_read(&u->ret_restart);
    return rip >= start && rip < end && restart < EXO_USER_TOP ? restart : 0;
}

/* Where a frame goes, for the kernel and for the user; NULL: no room. */
struct frame_place {
    struct exo_frame *frame;
    uint64_t rsp;
};

/* The place below an interrupted frame, whose rsp is `used` bytes from the
 * stack's base. */
struct frame_place upcall_nest(const struct env *e, uint64_t base,
                               uint64_t used);

/* The place of an outermost frame. */
static inline struct frame_place
upcall_top(const struct env *e, uint64_t base)
{
    return (struct frame_place){e->frame_top, base + e->stack_bytes -
                                                  sizeof(struct exo_frame)};
}

static inline struct frame_place
upcall_place(const struct env *e, uint64_t rsp)
{
    uint64_t base = uarea_read(&e->uarea->stack_base);
    if (unlikely(rsp - base <= e->stack_bytes))
        return upcall_nest(e, base, rsp - base);
    return upcall_top(e, base);
}

/* Write `frame` to its place and make it the way into the handler. */
static inline void
upcall_write(struct env *e, struct exo_frame *frame, enum exo_vector vector,
             uint64_t handler, struct frame_place at)
{
    struct exo_uarea *u = e->uarea;
    *at.frame = *frame;
    __atomic_store_n(&u->mask, 1, __ATOMIC_RELAXED);
    e->info->upcalls[vector]++;
    frame->rip = handler;
    frame->rsp = at.rsp;
    frame->rflags = FLAGS_CLEAN;
}

/* The same below a frame that is interrupted, whose stack is at `base`. */
enum exo_end upcall_enter_nested(struct env *e, struct exo_frame *frame,
                                 uint64_t handler, uint64_t base);

/* Write `frame`, of this vector, to the upcall stack and make it the way into
 * the handler: rip, rsp and rflags. 0, or why the env must end. */
static inline enum exo_end
upcall_enter(struct env *e, struct exo_frame *frame, enum exo_vector vector)
{
    uint64_t handler = uarea_read(&e->uarea->handler[vector]);
    if (unlikely(handler - EXO_USER_MIN >= EXO_USER_TOP - EXO_USER_MIN))
        return handler ? EXO_END_HANDLER : EXO_END_FAULT;
    uint64_t base = uarea_read(&e->uarea->stack_base);
    if (unlikely(frame->rsp - base <= e->stack_bytes))
        return upcall_enter_nested(e, frame, handler, base);
    upcall_write(e, frame, vector, handler, upcall_top(e, base));
    return 0;
}

#endif
