// SPDX-License-Identifier: MIT
/*
 * Upcalls of a test's envs, and catching faults: see test.h and start.S.
 *
 * One entry serves all vectors; the handler that a test registered is found in
 * the u-area that belongs to the stack the frame is on.
 */
#include "test.h"

extern char upcall_entry[], call_entry[], return_start[], return_end[],
    return_restart[];
extern char catch_out[];
bool catch_run(uint64_t *rsp_out, void (*fn)(uint64_t), uint64_t arg);
void upcall_dispatch(struct exo_frame *f, uint32_t vector);
void upcall_drain(struct exo_frame *f);
void call_dispatch(struct exo_frame *f, uint64_t *words);
_Noreturn void kid_main(void);

void
on_upcall(struct exo_uarea *u, enum exo_vector vector, handler *h)
{
    own_of(u)->on[vector] = h;
    u->handler[vector] = h ? (uint64_t)upcall_entry : 0;
}

void
uarea_prepare(struct exo_uarea *u, uint64_t block)
{
    u->stack_base = block + BLOCK_UPCALL;
    u->ret_start = (uint64_t)return_start;
    u->ret_end = (uint64_t)return_end;
    u->ret_restart = (uint64_t)return_restart;
}

void
upcall_dispatch(struct exo_frame *f, uint32_t vector)
{
    struct own *own = own_of(uarea_at((uint64_t)f));
    own->count[vector]++;
    if (++own->depth > own->deepest)
        own->deepest = own->depth;
    own->on[vector](f);
    own->depth--;
}

void
on_call(struct exo_uarea *u, call_handler *h)
{
    own_of(u)->on_call = h;
    u->handler[EXO_UP_CALL] = h ? (uint64_t)call_entry : 0;
}

void
call_dispatch(struct exo_frame *f, uint64_t *words)
{
    struct own *own = own_of(uarea_at((uint64_t)f));
    own->count[EXO_UP_CALL]++;
    own->on_call(f, words);
}

/* What became pending while the mask was set; `mask` is set now. */
void
upcall_drain(struct exo_frame *f)
{
    struct exo_uarea *u = uarea_at((uint64_t)f);
    struct own *own = own_of(u);
    own->restarts++;
    uint32_t due = __atomic_exchange_n(&u->pending, 0, __ATOMIC_ACQ_REL);
    for (uint32_t vector = 0; vector < EXO_VECTORS; vector++)
        if ((due >> vector & 1) && own->on[vector])
            upcall_dispatch(f, vector);
}

static void
caught(struct exo_frame *f)
{
    struct catcher *c = &own_of(uarea_at((uint64_t)f))->catcher;
    if (!c->rsp) {
        fail("catch", 0, "fault %lu error %lx address %lx at %lx", f->cause,
             f->error, f->addr, f->rip);
    }
    c->vector = f->vector;
    c->cause = f->cause;
    c->addr = f->addr;
    c->error = f->error;
    c->rip = f->rip;
    f->rip = (uint64_t)catch_out;
    f->rsp = c->rsp;
    f->rflags &= ~UINT64_C(0x40500); /* TF, DF, AC */
}

bool
catches(void (*fn)(uint64_t arg), uint64_t arg)
{
    struct exo_uarea *u = uarea();
    struct own *own = own_of(u);
    handler *fault = own->on[EXO_UP_FAULT], *foreign = own->on[EXO_UP_FOREIGN];
    on_upcall(u, EXO_UP_FAULT, caught);
    on_upcall(u, EXO_UP_FOREIGN, caught);
    bool hit = catch_run(&own->catcher.rsp, fn, arg);
    on_upcall(u, EXO_UP_FAULT, fault);
    on_upcall(u, EXO_UP_FOREIGN, foreign);
    return hit;
}

static void
load(uint64_t va)
{
    (void)*(volatile uint8_t *)va;
}

static void
store(uint64_t va)
{
    __asm__ volatile("lock orb $0, (%0)" : : "r"(va) : "memory");
}

bool
load_faults(uint64_t va)
{
    return catches(load, va);
}

bool
store_faults(uint64_t va)
{
    return catches(store, va);
}

void
pause_here(void)
{
    exo_yield(0, 0);
    __asm__ volatile("pause");
}

_Noreturn void
leave(uint64_t status)
{
    for (;;)
        exo_env_control(0, 0, EXO_ENV_DESTROY, status);
}

_Noreturn void
kid_main(void)
{
    struct own *own = own_of(uarea());
    own->entry(own->arg);
    leave(0);
}

void
spin_forever(uint64_t unused)
{
    (void)unused;
    for (;;)
        __asm__ volatile("pause");
}

void
sleep_forever(uint64_t unused)
{
    (void)unused;
    for (;;)
        exo_wait(UINT64_C(1) << 60, EXO_NEVER, 0);
}
