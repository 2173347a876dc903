// SPDX-License-Identifier: MIT
/* Gates, exceptions and interrupts: see trap.h. */
#include "trap/trap.h"

#include "boot/memory.h"
#include "chan/chan.h"
#include "debug/trace.h"
#include "drv/apic.h"
#include "drv/uart.h"
#include "env/env.h"
#include "env/switch.h"
#include "env/upcall.h"
#include "lock.h"
#include "net/net.h"
#include "slice/slice.h"
#include "tlb/flush.h"
#include "tlb/user.h"

#define VECTOR_GP 13
#define VECTOR_PF 14

/* A 64-bit interrupt gate [SDM3 6.14.1]. */
struct gate {
    uint16_t offset_low, selector;
    uint8_t ist, type;
    uint16_t offset_middle;
    uint32_t offset_high, zero;
};

static struct gate gates[256];

extern const char trap_stubs[];
void trap_nmi(void);
void trap_double_fault(void);
void trap_machine_check(void);
void trap_debug(void);

/* Called from entry.S. */
enum exo_end trap_exception(struct exo_frame *f);
enum exo_end trap_foreign(struct exo_frame *f);
_Noreturn void trap_undeliverable(struct trapframe *t, enum exo_end end);
bool trap_interrupt(struct trapframe *t);
void trap_idle_interrupt(uint32_t vector);
void trap_kernel_exception(struct panic_frame *f);
void trap_paranoid(struct panic_frame *f);
struct cpu *trap_cpu_of_stack(const void *stack);

static void
gate_set(unsigned vector, const void *entry, unsigned dpl, unsigned ist)
{
    uint64_t at = (uint64_t)entry;
    gates[vector] = (struct gate){
        .offset_low = (uint16_t)at,
        .selector = SEL_KERNEL_CODE,
        .ist = (uint8_t)ist,
        .type = (uint8_t)(0x8e | dpl << 5),
        .offset_middle = (uint16_t)(at >> 16),
        .offset_high = (uint32_t)(at >> 32),
    };
}

/* What an idle CPU's interrupts were about. */
static bool
serve_idle(struct cpu *c)
{
    uint32_t seen = __atomic_exchange_n(&c->irq_seen, 0, __ATOMIC_ACQ_REL);
    if (seen & (1u << (VECTOR_COM1 - 32) | 1u << (VECTOR_COM2 - 32)))
        chan_interrupt();
    bool device = seen & 1u << (VECTOR_DEVICE - 32);
    bool more = (device || K.polling) && net_interrupt(c);
    if (device)
        apic_eoi();
    return more;
}

void
trap_init(void)
{
    for (unsigned i = 0; i < ARRAY_SIZE(gates); i++)
        gate_set(i, trap_stubs + 16 * i, 0, 0);
    gate_set(3, trap_stubs + 16 * 3, 3, 0); /* int3 and into are the user's */
    gate_set(4, trap_stubs + 16 * 4, 3, 0);
    gate_set(2, trap_nmi, 0, CPU_IST_NMI);
    gate_set(1, trap_debug, 0, CPU_IST_DEBUG);
    gate_set(8, trap_double_fault, 0, CPU_IST_DOUBLE_FAULT);
    gate_set(18, trap_machine_check, 0, CPU_IST_MACHINE_CHECK);
    slice_on_idle = serve_idle;
}

void
trap_load_idt(void)
{
    hw_lidt(&(struct hw_table){sizeof(gates) - 1, (uint64_t)gates});
}

/* The env cannot be spoken to: it ends. */
_Noreturn void
trap_undeliverable(struct trapframe *t, enum exo_end end)
{
    struct cpu *c = hw_this_cpu();
    struct env *e = c->current;
    struct exo_context *x = &e->context;
    kernel_lock(c, 256 + t->f.cause % 256);
    trace(c, EXO_TRACE_FAULT, e, t->f.cause, t->f.addr);
    x->rbx = t->rbx, x->rbp = t->rbp, x->r12 = t->r12;
    x->r13 = t->r13, x->r14 = t->r14, x->r15 = t->r15;
    if (env_state(e) == EXO_ENV_RUNNING)
        env_end(e, &(struct env_end){.end = end,
                                     .vector = (uint32_t)t->f.cause,
                                     .value = t->f.error,
                                     .addr = t->f.addr,
                                     .frame = &t->f});
    else
        env_off(c, e, false); /* another CPU was faster */
    slice_schedule(c);
}

static __attribute__((noinline)) enum exo_end
to_handler_traced(struct exo_frame *f)
{
    struct cpu *c = hw_this_cpu();
    trace_write(c, EXO_TRACE_UPCALL, c->current, f->vector, f->cause);
    return upcall_enter(c->current, f, f->vector);
}

/* The frame becomes the way into the handler. 0, or why there is none. */
static inline enum exo_end
to_handler(struct exo_frame *f, enum exo_vector vector)
{
    if (unlikely(trace_is_on(EXO_TRACE_UPCALL)))
        return to_handler_traced(f);
    return upcall_enter(env_self(), f, vector);
}

/* int n: the gate's DPL refused it. The error code names the gate, but QEMU 7.2
 * counts its bytes twice, so the instruction itself is asked first. */
static __attribute__((noinline)) enum exo_end
trap_software_interrupt(struct exo_frame *f)
{
    uint8_t code[2];
    bool read = user_get_bytes(code, f->rip, sizeof(code)) && code[0] == 0xcd;
    f->vector = EXO_UP_FOREIGN;
    f->cause = read ? code[1] : f->error >> 3 & 0xff;
    f->error = 0;
    f->rip += 2;
    return to_handler(f, EXO_UP_FOREIGN);
}

enum exo_end
trap_exception(struct exo_frame *f)
{
    if (f->cause != VECTOR_PF)
        f->addr = 0;
    if (unlikely(f->cause == VECTOR_GP && (f->error & 7) == 2))
        return trap_software_interrupt(f);
    return to_handler(f, EXO_UP_FAULT);
}

enum exo_end
trap_foreign(struct exo_frame *f)
{
    f->cause = EXO_FOREIGN_SYSCALL;
    return to_handler(f, EXO_UP_FOREIGN);
}

/* True: the frame now leads to a handler. */
bool
trap_interrupt(struct trapframe *t)
{
    struct cpu *c = hw_this_cpu();
    unsigned vector = (unsigned)t->f.cause;
    if (vector == VECTOR_FLUSH) {
        flush_serve(c); /* no kick is answered, for no lock is taken */
        apic_eoi();
        return false;
    }
    cpu_serve_mailbox(c);
    if (vector != VECTOR_SPURIOUS && vector != VECTOR_DEVICE)
        apic_eoi();
    cpu_charge_env(c, c->current, kernel_lock(c, 256 + vector));
    c->info->interrupts++;
    trace(c, EXO_TRACE_IRQ, c->current, vector, 0);
    if (vector == VECTOR_COM1 || vector == VECTOR_COM2)
        chan_interrupt();
    if (vector == VECTOR_DEVICE || (K.polling && vector == VECTOR_TIMER))
        net_interrupt(c);
    if (vector == VECTOR_DEVICE)
        apic_eoi(); /* its line is quiet only now */
    bool entered = slice_interrupt(c, t);
    uint64_t now = hw_rdtsc();
    cpu_charge(c, &c->info->kernel, now);
    kernel_unlock_at(c, now);
    return entered;
}

void
trap_idle_interrupt(uint32_t vector)
{
    struct cpu *c = hw_this_cpu();
    c->info->interrupts++;
    if (vector >= 32 && vector < 64)
        __atomic_fetch_or(&c->irq_seen, 1u << (vector - 32), __ATOMIC_RELAXED);
    cpu_serve_mailbox(c);
    if (vector != VECTOR_SPURIOUS && vector != VECTOR_DEVICE)
        apic_eoi(); /* a device's line is quiet only when it was served */
}

void
trap_kernel_exception(struct panic_frame *f)
{
    uint64_t fixup = f->vector == VECTOR_PF ? user_fixup(f->rip) : 0;
    if (!fixup)
        panic_regs(f, "exception %lu in the kernel, address %lx", f->vector,
                   hw_read_cr2());
    f->rip = fixup;
    f->rflags &= ~(1ull << 18); /* AC: the copy is over */
}

struct cpu *
trap_cpu_of_stack(const void *stack)
{
    int index = memory_stack_cpu((uint64_t)stack);
    return index < 0 ? K.cpu[0] : K.cpu[index];
}

void
trap_paranoid(struct panic_frame *f)
{
    if (f->vector != 2)
        panic_regs(f, "%s", f->vector == 8 ? "double fault" : "machine check");
    panic_check_nmi();
}
