// SPDX-License-Identifier: MIT
/*
 * See panic.h. Everything here runs with interrupts off, on whatever stack the
 * failure left, and must not rely on GS base or any lock.
 */
#include "debug/panic.h"

#include <stdbool.h>
#include <stddef.h>

#include "boot/memory.h"
#include "debug/print.h"
#include "debug/symbols.h"
#include "debug/trace.h"
#include "drv/apic.h"
#include "drv/power.h"
#include "hw.h"

enum {
    BACKTRACE_LINES = 24,
    DUMP_EVENTS = 16, /* of the trace */
};

extern char boot_stack[], boot_stack_top[];

/* 0, or 1 + how many CPUs have panicked. [a] */
static unsigned panicking;

static _Noreturn void
stop_here(void)
{
    for (;;) {
        hw_cli();
        hw_halt();
    }
}

/* Where the stack that contains rsp ends; rsp itself when it is none of ours.
 * Every stack of the window ends before an unmapped page. */
static uint64_t
stack_end(uint64_t rsp)
{
    if (rsp >= (uint64_t)boot_stack && rsp < (uint64_t)boot_stack_top)
        return (uint64_t)boot_stack_top;
    return memory_stack_top(rsp);
}

/* Print what on the stack looks like return addresses: the kernel keeps no
 * frame pointers, so old values may be among them, hence the question mark. */
static void
print_backtrace(uint64_t rsp)
{
    const uint64_t end = stack_end(rsp);
    unsigned lines = 0;
    for (uint64_t at = (rsp + 7) & ~7ull;
         at + 8 <= end && lines < BACKTRACE_LINES; at += 8) {
        const uint64_t value = *(const volatile uint64_t *)at;
        uint64_t offset;
        const char *name = symbol_name(value, &offset);
        if (name == NULL)
            continue;
        printk("  %016lx ? %s+0x%lx\n", value, name, offset);
        lines++;
    }
}

void
panic_print_frame(const struct panic_frame *f)
{
    uint64_t offset = 0;
    const char *name = symbol_name(f->rip, &offset);
    printk("vector %lu error 0x%lx rip %016lx %s+0x%lx cs %lx flags %lx\n",
           f->vector, f->error, f->rip, name == NULL ? "?" : name, offset,
           f->cs, f->rflags);
    printk("rax %016lx rbx %016lx rcx %016lx rdx %016lx\n", f->rax, f->rbx,
           f->rcx, f->rdx);
    printk("rsi %016lx rdi %016lx rbp %016lx rsp %016lx\n", f->rsi, f->rdi,
           f->rbp, f->rsp);
    printk("r8  %016lx r9  %016lx r10 %016lx r11 %016lx\n", f->r8, f->r9,
           f->r10, f->r11);
    printk("r12 %016lx r13 %016lx r14 %016lx r15 %016lx\n", f->r12, f->r13,
           f->r14, f->r15);
    printk("cr0 %lx cr2 %016lx cr3 %lx cr4 %lx ss %lx\n", hw_read_cr0(),
           hw_read_cr2(), hw_read_cr3(), hw_read_cr4(), f->ss);
}

/* Stop the others, then say who failed. The second to come here stops. */
static void
begin(void)
{
    hw_cli();
    const unsigned before = __atomic_fetch_add(&panicking, 1, __ATOMIC_SEQ_CST);
    if (before != 0) {
        printk("\npanic: another one during a panic; stopped\n");
        power_exit_emulator(PANIC_EXIT);
        stop_here();
    }
    apic_nmi_others();
    printk("\npanic: ");
}

static _Noreturn void
finish(uint64_t rsp)
{
    const int cpu = memory_stack_cpu(rsp);
    if (cpu >= 0)
        printk("on CPU %d, stack %016lx\n", cpu, rsp);
    else
        printk("on the boot stack or an unknown one, %016lx\n", rsp);
    print_backtrace(rsp);
    debug_trace_dump_last(DUMP_EVENTS);
    printk("panic: the kernel is stopped\n");
    power_exit_emulator(PANIC_EXIT);
    stop_here();
}

_Noreturn void
panic_at(const char *file, int line, const char *format, ...)
{
    begin();
    va_list args;
    va_start(args, format);
    vprintk(format, args);
    va_end(args);
    printk(" (%s:%d)\n", file, line);
    finish((uint64_t)__builtin_frame_address(0));
}

_Noreturn void
panic_regs(const struct panic_frame *frame, const char *format, ...)
{
    begin();
    va_list args;
    va_start(args, format);
    vprintk(format, args);
    va_end(args);
    printk("\n");
    panic_print_frame(frame);
    finish(frame->rsp);
}

void
panic_check_nmi(void)
{
    if (__atomic_load_n(&panicking, __ATOMIC_SEQ_CST) != 0)
        stop_here();
}

_Noreturn void
boot_refuse(const char *format, ...)
{
    printk("exo: cannot start: ");
    va_list args;
    va_start(args, format);
    vprintk(format, args);
    va_end(args);
    printk("\n");
    power_exit_emulator(REFUSE_EXIT);
    stop_here();
}
