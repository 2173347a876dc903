// SPDX-License-Identifier: MIT
/*
 * See cpu.h. The same steps on each CPU, so that they are all alike.
 */
#include "boot/cpu.h"

#include "hw.h"
#include "kernel.h"
#include "trap/trap.h"

/* GDT entries are written as the CPU wants them [SDM3 3.4.5]: 64-bit code and
 * data of ring 0 and 3, accessed bit set so that the CPU need not write it. */
#define GDT_KERNEL_CODE 0x00209b0000000000ull
#define GDT_KERNEL_DATA 0x0000930000000000ull
#define GDT_USER_DATA   0x0000f30000000000ull
#define GDT_USER_CODE   0x0020fb0000000000ull
#define GDT_TSS_TYPE    0x0000890000000000ull

/* CR0: PE, MP, ET, NE, WP, PG. */
#define CR0_VALUE 0x80010033ull

/* SYSRET takes SS from this + 8 and CS from this + 16. */
#define STAR_USER_BASE 0x13ull

static void
load_segments(void)
{
    __asm__ volatile("pushq %0\n\t"
                     "leaq 1f(%%rip), %%rax\n\t"
                     "pushq %%rax\n\t"
                     "lretq\n"
                     "1:\tmovl %1, %%ds\n\t"
                     "movl %1, %%es\n\t"
                     "movl %1, %%ss\n\t"
                     "movl %2, %%fs\n\t"
                     "movl %2, %%gs\n\t"
                     "lldt %w2"
                     :
                     : "i"(SEL_KERNEL_CODE), "r"(SEL_KERNEL_DATA), "r"(0)
                     : "rax", "memory");
}

static void
load_tables(struct cpu *c)
{
    struct cpu_tss *tss = &c->hw.tss;
    const uint64_t base = (uint64_t)tss;
    tss->rsp[0] = c->hw.main_stack_top;
    for (unsigned i = 0; i < ARRAY_SIZE(c->hw.ist_top); i++)
        tss->ist[i] = c->hw.ist_top[i];
    tss->iomap_base = sizeof *tss;

    c->hw.gdt[1] = GDT_KERNEL_CODE;
    c->hw.gdt[2] = GDT_KERNEL_DATA;
    c->hw.gdt[3] = GDT_USER_DATA;
    c->hw.gdt[4] = GDT_USER_CODE;
    c->hw.gdt[5] = GDT_TSS_TYPE | (sizeof *tss - 1) | (base & 0xffffff) << 16 |
                   (base >> 24 & 0xff) << 56;
    c->hw.gdt[6] = base >> 32;
    const struct hw_table gdt = {sizeof c->hw.gdt - 1, (uint64_t)c->hw.gdt};
    hw_lgdt(&gdt);
    load_segments();
    hw_ltr(SEL_TSS);
}

/* The one instruction that may enter the kernel, and those that may not. */
static void
set_entries(void)
{
    hw_wrmsr(HW_MSR_STAR,
             STAR_USER_BASE << 48 | (uint64_t)SEL_KERNEL_CODE << 32);
    hw_wrmsr(HW_MSR_LSTAR, (uint64_t)syscall_entry);
    hw_wrmsr(HW_MSR_CSTAR, (uint64_t)syscall_refuse32);
    hw_wrmsr(HW_MSR_SFMASK, CPU_SYSCALL_MASK);
    /* A null CS makes SYSENTER fault. */
    hw_wrmsr(HW_MSR_SYSENTER_CS, 0);
    hw_wrmsr(HW_MSR_SYSENTER_ESP, 0);
    hw_wrmsr(HW_MSR_SYSENTER_EIP, 0);
}

void
cpu_init(struct cpu *c)
{
    hw_wrmsr(HW_MSR_EFER, hw_rdmsr(HW_MSR_EFER) | CPU_EFER);
    hw_write_cr0(CR0_VALUE);
    hw_write_cr4(K.features.cr4);
    hw_flags.fsgsbase = K.features.fsgsbase;
    if (K.features.xsave)
        hw_xsetbv(0, K.features.xcr0);
    c->self = c;
    c->stack_top = c->hw.main_stack_top;
    load_tables(c);
    hw_wrmsr(HW_MSR_FS_BASE, 0);
    hw_wrmsr(HW_MSR_GS_BASE, (uint64_t)c);
    hw_wrmsr(HW_MSR_KERNEL_GS_BASE, 0);
    if (K.features.rdtscp)
        hw_wrmsr(HW_MSR_TSC_AUX, c->index);
    hw_write_dr7(0x400);
    set_entries();
    trap_load_idt();
}
