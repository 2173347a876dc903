// SPDX-License-Identifier: MIT
//
// enter.c: into the kernel and back: a call that does nothing, and upcalls that
// the env causes itself and returns from in user mode.
#include "bench.h"

#include "lib/string.h"

extern const char bare_exception[], bare_foreign[], bare_fault[];
extern const char bare_return[];
extern struct exo_run fault_run;

struct exo_run fault_run = {ARENA, 0, 1, EXO_BIND_SAME | EXO_BIND_W};

void
null_call(void)
{
    row("empty", 1);
    for (unsigned i = 0; i < REPETITIONS; i++) {
        BEGIN();
        END();
    }
    row("null_call", 1);
    for (unsigned i = 0; i < REPETITIONS; i++) {
        BEGIN();
        exo_null();
        END();
    }
}

static void
set_bare(enum exo_vector vector, const char *handler)
{
    UAREA->handler[vector] = (uint64_t)handler;
}

static void
repeat_exception(const char *name)
{
    row(name, 1);
    for (unsigned i = 0; i < REPETITIONS; i++) {
        BEGIN();
        __asm__ volatile("ud2" : : : "memory");
        END();
    }
}

static void
step_over(struct exo_frame *frame)
{
    frame->rip += 2;
}

void
exception_upcall(void)
{
    upcall_set(UAREA, EXO_UP_FAULT, step_over);
    repeat_exception("exception_upcall");
    set_bare(EXO_UP_FAULT, bare_exception);
    repeat_exception("exception_upcall_bare");
    upcall_set(UAREA, EXO_UP_FAULT, NULL);
}

static void
repeat_foreign(const char *name)
{
    row(name, 1);
    for (unsigned i = 0; i < REPETITIONS; i++) {
        uint64_t result = 1000;
        BEGIN();
        __asm__ volatile("syscall" : "+a"(result) : : EXO_LOST);
        END();
        if (result)
            give_up(name, "call", -EXO_E_STATE);
    }
}

static void
answer_foreign(struct exo_frame *frame)
{
    frame->rax = 0;
}

void
foreign_upcall(void)
{
    upcall_set(UAREA, EXO_UP_FOREIGN, answer_foreign);
    repeat_foreign("foreign_upcall");
    set_bare(EXO_UP_FOREIGN, bare_foreign);
    repeat_foreign("foreign_upcall_bare");
    upcall_set(UAREA, EXO_UP_FOREIGN, NULL);
}

static void
allow_write(struct exo_frame *frame)
{
    (void)frame;
    exo_bind(EXO_CAPS(ROOT_CAP, ROOT_CAP), 0, &fault_run, 1);
}

static void
repeat_fault(const char *name)
{
    struct exo_run protect = {ARENA, 0, 1, EXO_BIND_SAME | EXO_BIND_R};
    volatile char *page = (char *)ARENA;
    row(name, 1);
    for (unsigned i = 0; i < REPETITIONS; i++) {
        exo_bind(EXO_CAPS(ROOT_CAP, ROOT_CAP), 0, &protect, 1);
        BEGIN();
        *page = 1;
        END();
    }
}

static unsigned faults_left;

static void
allow_last(struct exo_frame *frame)
{
    if (!--faults_left)
        allow_write(frame);
}

// Faults that the handler returns from without changing anything, so that they
// come again: what Linux's trap row does.
static void
repeat_trap(const char *name)
{
    struct exo_run protect = {ARENA, 0, 1, EXO_BIND_SAME | EXO_BIND_R};
    volatile char *page = (char *)ARENA;
    row(name, 100);
    for (unsigned i = 0; i < REPETITIONS; i++) {
        faults_left = 100;
        exo_bind(EXO_CAPS(ROOT_CAP, ROOT_CAP), 0, &protect, 1);
        BEGIN();
        *page = 1;
        END();
    }
}

void
fault_upcall(void)
{
    exo_page page;
    if (!take_pages("fault_upcall", &page, 1, false))
        return;
    map_run(&own_map, ROOT_CAP, ARENA, page, 1, EXO_BIND_W);
    upcall_set(UAREA, EXO_UP_FAULT, allow_write);
    repeat_fault("fault_upcall");
    set_bare(EXO_UP_FAULT, bare_fault);
    repeat_fault("fault_upcall_bare");
    upcall_set(UAREA, EXO_UP_FAULT, allow_last);
    repeat_trap("trap");
    upcall_set(UAREA, EXO_UP_FAULT, NULL);
    map_run(&own_map, ROOT_CAP, ARENA, 0, 1, 0);
    pages_give(&own_pages, &page, 1);
}
