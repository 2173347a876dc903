// SPDX-License-Identifier: MIT
/* Upcalls that nest, wait or are posted by others: see upcall.h. */
#include "env/upcall.h"

#include "env/env.h"

#define RED_ZONE    128
#define FRAME_BYTES sizeof(struct exo_frame)

/* No frame crosses a page, for the pages need not adjoin. */
struct frame_place
upcall_nest(const struct env *e, uint64_t base, uint64_t used)
{
    struct frame_place none = {0};
    uint64_t end = used < RED_ZONE ? 0 : (used - RED_ZONE) & ~15ull;
    if (end < FRAME_BYTES)
        return none;
    uint64_t start = end - FRAME_BYTES;
    if (start / EXO_PAGE_BYTES != (end - 1) / EXO_PAGE_BYTES) {
        end = (end - 1) & ~(uint64_t)(EXO_PAGE_BYTES - 1);
        if (end < FRAME_BYTES)
            return none;
        start = end - FRAME_BYTES;
    }
    char *page = page_kva(e->stack_page[start / EXO_PAGE_BYTES]);
    return (struct frame_place){(void *)(page + start % EXO_PAGE_BYTES),
                                base + start};
}

enum exo_end
upcall_enter_nested(struct env *e, struct exo_frame *frame, uint64_t handler,
                    uint64_t base)
{
    struct frame_place at = upcall_nest(e, base, frame->rsp - base);
    if (!at.frame)
        return EXO_END_STACK;
    upcall_write(e, frame, frame->vector, handler, at);
    return 0;
}

int
upcall_choose(const struct env *e, uint32_t pending)
{
    if (__atomic_load_n(&e->uarea->mask, __ATOMIC_RELAXED))
        return -1;
    for (; pending; pending &= pending - 1) {
        int vector = __builtin_ctz(pending);
        if (uarea_read(&e->uarea->handler[vector]))
            return vector;
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
    uint64_t raise = bits & ~before & uarea_read(&u->event_upcall);
    if (env_state(e) == EXO_ENV_WAITING && !e->callee &&
        (e->wait_events & bits)) {
        if (raise & ~e->wait_events) /* what it does not wait for, too */
            __atomic_fetch_or(&u->pending, 1u << EXO_UP_EVENT,
                              __ATOMIC_ACQ_REL);
        env_wake(e, 1);
        return;
    }
    if (raise)
        upcall_post(e, EXO_UP_EVENT);
}

void
env_tell(struct env *e, enum exo_kind kind, uint64_t id)
{
    if (!env_alive(e))
        return;
    struct exo_taken *t = &e->uarea->taken;
    uint32_t n = __atomic_load_n(&t->count, __ATOMIC_RELAXED);
    if (n < EXO_TAKEN_MAX) {
        t->item[n].id = id;
        t->item[n].kind = kind;
        __atomic_store_n(&t->count, n + 1, __ATOMIC_RELEASE);
    } else {
        __atomic_fetch_add(&t->more, 1, __ATOMIC_RELAXED);
    }
    e->info->repossessed++;
    upcall_post(e, EXO_UP_REPOSSESSED);
}

void
env_tell_taken(struct env *e, exo_page page)
{
    env_tell(e, EXO_KIND_PAGE, page);
}
