// SPDX-License-Identifier: MIT
/*
 * The ways into the kernel and out of it, as entry.S and context.S have them:
 * what is in registers then, and which C function it leads to.
 */
#include "parts.h"

#include <string.h>

#include "env/context.h"
#include "env/env.h"
#include "lock.h"
#include "slice/slice.h"
#include "trap/trap.h"

bool host_off;
unsigned host_status;

/* What the entry code hands to C. */
static struct {
    uint64_t nr, a, b, c, d, e;
    union {
        struct exo_frame frame;
        struct trapframe trap;
    };
} in;

/* ---- out ----------------------------------------------------------------- */

_Noreturn void
host_leave(enum host_way way)
{
    host_this()->way = way;
    if (kernel_is_locked())
        panic("the kernel lock is held on the way out");
    host_back();
}

_Noreturn void
host_power(unsigned status)
{
    host_off = true;
    host_status = status;
    host_this()->way = HOST_OFF;
    host_back();
}

/* env/context.S */

_Noreturn void
exit_light(uint64_t rdi, uint64_t rsp, uint64_t rax, uint64_t rip)
{
    host_this()->user = (struct exo_context){
        .rip = rip, .rsp = rsp, .rax = rax, .rdi = rdi, .rflags = 0x202};
    host_leave(HOST_LIGHT);
}

_Noreturn void
exit_reply(uint64_t rip, uint64_t rsp, const uint64_t words[])
{
    host_this()->user = (struct exo_context){.rip = rip,
                                             .rsp = rsp,
                                             .r8 = words[0],
                                             .r9 = words[1],
                                             .r10 = words[2],
                                             .r12 = words[3],
                                             .r13 = words[4],
                                             .r14 = words[5],
                                             .rflags = 0x202};
    host_leave(HOST_REPLY);
}

_Noreturn void
exit_call(uint64_t rip, uint64_t rsp, const uint64_t words[])
{
    host_this()->user = (struct exo_context){.rip = rip,
                                             .rsp = rsp,
                                             .rdi = rsp,
                                             .r8 = words[0],
                                             .r9 = words[1],
                                             .r10 = words[2],
                                             .rsi = words[3],
                                             .rdx = words[4],
                                             .rax = words[5],
                                             .rflags = 0x202};
    host_leave(HOST_CALL);
}

_Noreturn void
exit_full(const struct exo_context *context)
{
    host_this()->user = *context;
    host_leave(HOST_FULL);
}

void
hw_take_interrupts(void)
{
    struct host_cpu *h = host_this();
    if (kernel_is_locked())
        panic("the kernel lock is held with interrupts on");
    for (unsigned i = 0; i < 32; i++) {
        if (!(h->irq & 1u << i))
            continue;
        h->irq &= ~(1u << i);
        void trap_idle_interrupt(uint32_t vector);
        trap_idle_interrupt(32 + i);
    }
    h->must_irq = false;
}

void
hw_halt_wait(void)
{
    struct host_cpu *h = host_this();
    if (kernel_is_locked())
        panic("the kernel lock is held at a halt");
    h->way = HOST_IDLE;
    host_halt();
    hw_take_interrupts();
    h->way = HOST_NOWHERE;
}

/* ---- in ------------------------------------------------------------------ */

/* trap/entry.S: calls that carry words. */

int64_t words_call(exo_env env, uint32_t cap_flags, exo_tsc deadline);
int64_t words_reply(uint64_t handle);

static void
keep_words(void)
{
    const struct exo_context *u = &host_this()->user;
    uint64_t *w = host_this()->c->words;
    w[0] = u->r8, w[1] = u->r9, w[2] = u->r10;
    w[3] = u->r12, w[4] = u->r13, w[5] = u->r14;
}

int64_t
words_call(exo_env env, uint32_t cap_flags, exo_tsc deadline)
{
    keep_words();
    return sys_call(env, cap_flags, deadline);
}

int64_t
words_reply(uint64_t handle)
{
    keep_words();
    return sys_reply(handle);
}

extern void *const syscall_table[EXO_SYSCALLS];
void trap_foreign(struct exo_frame *f);
void trap_exception(struct exo_frame *f);
bool trap_interrupt(struct trapframe *t);
void trace_syscall(uint64_t number, uint64_t argument);
void trace_return(uint64_t result);

/* trap/entry.S: syscall_entry. */
static void
enter_syscall(void)
{
    host_arrive();
    struct cpu *c = host_this()->c;
    struct exo_context *u = &host_this()->user;
    int64_t (*call)(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);
    memcpy(&call, &syscall_table[in.nr], sizeof(call));
    c->user_rsp = u->rsp;
    ((uint64_t *)c->stack_top)[-1] = u->rip;
    kernel_lock(c, in.nr);
    trace_syscall(in.nr, in.a);
    int64_t result = call(in.a, in.b, in.c, in.d, in.e);
    trace_return((uint64_t)result);
    if (!c->current)
        panic("call %lu of an env that ended returns to it", in.nr);
    kernel_unlock(c);
    u->rax = (uint64_t)result;
    u->rdi = u->rsi = u->rdx = u->r8 = u->r9 = u->r10 = u->rcx = 0;
    host_leave(HOST_RETURNED);
}

/* The frame that the entry code pushes for a user's exception. */
static void
push_frame(struct exo_frame *f, const struct exo_context *u)
{
    *f = (struct exo_frame){.r11 = u->r11,
                            .r10 = u->r10,
                            .r9 = u->r9,
                            .r8 = u->r8,
                            .rdi = u->rdi,
                            .rsi = u->rsi,
                            .rdx = u->rdx,
                            .rcx = u->rcx,
                            .rax = u->rax,
                            .rip = u->rip,
                            .rflags = u->rflags,
                            .rsp = u->rsp,
                            .cs = SEL_USER_CODE,
                            .ss = SEL_USER_DATA};
}

/* Into the handler a frame leads to. */
static _Noreturn void
enter_handler(const struct exo_frame *f)
{
    struct exo_context *u = &host_this()->user;
    struct exo_context kept = *u;
    *u = (struct exo_context){.rax = f->vector & UINT32_MAX,
                              .rbx = kept.rbx,
                              .rbp = kept.rbp,
                              .r12 = kept.r12,
                              .r13 = kept.r13,
                              .r14 = kept.r14,
                              .r15 = kept.r15,
                              .rdi = f->rsp,
                              .rip = f->rip,
                              .rsp = f->rsp,
                              .rflags = f->rflags};
    host_leave(HOST_HANDLER);
}

static void
enter_foreign(void)
{
    host_arrive();
    push_frame(&in.frame, &host_this()->user);
    in.frame.vector = EXO_UP_FOREIGN;
    trap_foreign(&in.frame);
    enter_handler(&in.frame);
}

static void
enter_exception(void)
{
    host_arrive();
    trap_exception(&in.frame);
    enter_handler(&in.frame);
}

static void
enter_interrupt(void)
{
    host_arrive();
    struct exo_context *u = &host_this()->user;
    struct trapframe *t = &in.trap;
    uint64_t rip = u->rip;
    if (trap_interrupt(t))
        enter_handler(&t->f);
    *u = (struct exo_context){.rax = t->f.rax,
                              .rbx = t->rbx,
                              .rcx = t->f.rcx,
                              .rdx = t->f.rdx,
                              .rsi = t->f.rsi,
                              .rdi = t->f.rdi,
                              .rbp = t->rbp,
                              .rsp = t->f.rsp,
                              .r8 = t->f.r8,
                              .r9 = t->f.r9,
                              .r10 = t->f.r10,
                              .r11 = t->f.r11,
                              .r12 = t->r12,
                              .r13 = t->r13,
                              .r14 = t->r14,
                              .r15 = t->r15,
                              .rip = t->f.rip,
                              .rflags = t->f.rflags};
    host_leave(u->rip == rip ? HOST_RETURNED : HOST_HANDLER);
}

static void
expect_user(const struct host_cpu *h)
{
    if (host_off || !host_env(h))
        panic("the test has nobody to speak for on CPU %u",
              (unsigned)(h - host_cpus));
}

enum host_way
host_syscall(struct host_cpu *h, uint64_t nr, uint64_t a, uint64_t b,
             uint64_t c, uint64_t d, uint64_t e)
{
    expect_user(h);
    in.nr = nr, in.a = a, in.b = b, in.c = c, in.d = d, in.e = e;
    h->user.rax = nr;
    host_enter(h, nr < EXO_SYSCALLS ? enter_syscall : enter_foreign);
    return h->way;
}

enum host_way
host_exception(struct host_cpu *h, unsigned vector, uint64_t error,
               uint64_t addr)
{
    expect_user(h);
    push_frame(&in.frame, &h->user);
    in.frame.vector = EXO_UP_FAULT;
    in.frame.cause = vector;
    in.frame.error = error;
    in.frame.addr = h->cr2 = addr;
    host_enter(h, enter_exception);
    return h->way;
}

enum host_way
host_interrupt(struct host_cpu *h, unsigned vector)
{
    if (host_off)
        return HOST_OFF;
    if (h->way == HOST_IDLE) {
        h->irq |= 1u << (vector - 32);
        host_resume(h);
        return h->way;
    }
    const struct exo_context *u = &h->user;
    push_frame(&in.trap.f, u);
    in.trap.f.cause = vector;
    in.trap.r15 = u->r15, in.trap.r14 = u->r14, in.trap.r13 = u->r13;
    in.trap.r12 = u->r12, in.trap.rbp = u->rbp, in.trap.rbx = u->rbx;
    h->irq &= ~(1u << (vector - 32));
    h->must_irq = false;
    host_enter(h, enter_interrupt);
    return h->way;
}

void
host_take_interrupts(struct host_cpu *h)
{
    if (h->alarm <= host_clock) {
        h->alarm = EXO_NEVER;
        h->irq |= 1;
    }
    while (h->irq && !host_off)
        host_interrupt(h, 32 + (unsigned)__builtin_ctz(h->irq));
    h->must_irq = false;
}
