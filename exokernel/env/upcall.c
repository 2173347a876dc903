// SPDX-License-Identifier: MIT
/*
 * Upcalls: see exo/upcall.h for the contract.
 *
 * The frame is written through the kernel's own mapping of the pinned upcall
 * stack pages; the libOS's binding of them plays no part. Words of the u-area
 * are read once each and only ever compared, masked or range-checked.
 */
#include "env/env.h"

#include "lib/string.h"

#define RED_ZONE    128
#define FLAGS_CLEAN 0x202 /* interrupts on, all else clear */

static uint64_t
read_once(const uint64_t *word)
{
    return __atomic_load_n(word, __ATOMIC_RELAXED);
}

/* Where a frame goes: its offset in the upcall stack, or -1 when it does not
 * fit. No frame crosses a page, for the pages need not adjoin. */
static int64_t
frame_place(const struct env *e, uint64_t base, uint64_t rsp)
{
    uint64_t end = rsp - base;
    if (end <= e->stack_bytes) /* inside: below the interrupted frame */
        end = end < RED_ZONE ? 0 : (end - RED_ZONE) & ~15ull;
    else
        end = e->stack_bytes;
    if (end < sizeof(struct exo_frame))
        return -1;
    uint64_t start = end - sizeof(struct exo_frame);
    if (start / EXO_PAGE_BYTES != (end - 1) / EXO_PAGE_BYTES) {
        end = (end - 1) & ~(uint64_t)(EXO_PAGE_BYTES - 1);
        if (end < sizeof(struct exo_frame))
            return -1;
        start = end - sizeof(struct exo_frame);
    }
    return (int64_t)start;
}

bool
upcall_enter(struct env *e, struct exo_frame *frame, enum exo_end *end)
{
    struct exo_uarea *u = e->uarea;
    uint64_t handler = read_once(&u->handler[frame->vector]);
    uint64_t base = read_once(&u->stack_base);
    if (unlikely(handler < EXO_USER_MIN || handler >= EXO_USER_TOP ||
                 base >= EXO_USER_TOP)) {
        *end = handler ? EXO_END_HANDLER : EXO_END_FAULT;
        return false;
    }
    int64_t at = frame_place(e, base, frame->rsp);
    if (unlikely(at < 0)) {
        *end = EXO_END_STACK;
        return false;
    }
    char *page = page_kva(e->stack_page[at / EXO_PAGE_BYTES]);
    memcpy(page + at % EXO_PAGE_BYTES, frame, sizeof(*frame));
    __atomic_store_n(&u->mask, 1, __ATOMIC_RELAXED);
    e->info->upcalls[frame->vector]++;
    frame->rip = handler;
    frame->rsp = base + (uint64_t)at;
    frame->rflags = FLAGS_CLEAN;
    return true;
}

bool
upcall_here(struct env *e, struct exo_frame *frame, enum exo_end *end)
{
    return upcall_enter(e, frame, end);
}

int
upcall_due(struct env *e)
{
    struct exo_uarea *u = e->uarea;
    uint32_t pending = __atomic_load_n(&u->pending, __ATOMIC_ACQUIRE);
    pending &= (1u << EXO_UP_CALL) - (1u << EXO_UP_QUANTUM);
    if (likely(!pending) || __atomic_load_n(&u->mask, __ATOMIC_RELAXED))
        return -1;
    while (pending) {
        int vector = __builtin_ctz(pending);
        if (read_once(&u->handler[vector]))
            return vector;
        pending &= pending - 1;
    }
    return -1;
}

void
upcall_post(struct env *e, enum exo_vector vector)
{
    __atomic_fetch_or(&e->uarea->pending, 1u << vector, __ATOMIC_ACQ_REL);
    if (env_state(e) == EXO_ENV_RUNNING)
        cpu_poke(K.cpu[e->info->cpu]);
    else if (env_state(e) == EXO_ENV_WAITING && !e->callee &&
             upcall_due(e) >= 0)
        env_wake(e, 0);
}

void
env_ring(struct env *e, uint64_t bits)
{
    struct exo_uarea *u = e->uarea;
    uint64_t before = __atomic_fetch_or(&u->events, bits, __ATOMIC_ACQ_REL);
    if (env_state(e) == EXO_ENV_WAITING && !e->callee &&
        (e->wait_events & bits)) {
        env_wake(e, 1);
        return;
    }
    if (bits & ~before & read_once(&u->event_upcall))
        upcall_post(e, EXO_UP_EVENT);
}

void
env_tell_taken(struct env *e, exo_page page)
{
    if (!env_alive(e))
        return;
    struct exo_taken *t = &e->uarea->taken;
    uint32_t n = __atomic_load_n(&t->count, __ATOMIC_RELAXED);
    if (n < EXO_TAKEN_MAX) {
        t->item[n].id = page;
        t->item[n].kind = EXO_KIND_PAGE;
        __atomic_store_n(&t->count, n + 1, __ATOMIC_RELEASE);
    } else {
        __atomic_fetch_add(&t->more, 1, __ATOMIC_RELAXED);
    }
    e->info->repossessed++;
    upcall_post(e, EXO_UP_REPOSSESSED);
}
