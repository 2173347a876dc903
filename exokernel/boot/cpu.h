// SPDX-License-Identifier: MIT
/*
 * One CPU: what it can do, and bringing it into the state the kernel runs in.
 *
 * cpu_features_init() reads CPUID once into K.features, the only table of
 * features there is; every optional path asks it. cpu_init() then sets the
 * calling CPU's descriptor tables, control registers and MSRs from it, the same
 * on all CPUs.
 *
 * Invariants: CPU-1 no CR4 or XCR0 bit is set that CPUID does not offer.
 * CPU-2 user mode cannot reach the kernel but by SYSCALL, the gates and
 * interrupts: SYSENTER is closed, there is no 32-bit user segment, no I/O
 * bitmap, no LDT.
 *
 * Sources: [SDM3 2.5] control registers, [SDM3 8.7] TSS, [SDM2 CPUID],
 * [SDM2 SYSCALL], [SDM1 13.2] XSAVE enumeration.
 */
#ifndef EXO_BOOT_CPU_H
#define EXO_BOOT_CPU_H

#include <stdbool.h>
#include <stdint.h>

struct cpu;

/* Segment selectors, in the order SYSCALL and SYSRET want. */
#define SEL_KERNEL_CODE 0x08
#define SEL_KERNEL_DATA 0x10
#define SEL_USER_DATA   0x1b
#define SEL_USER_CODE   0x23
#define SEL_TSS         0x28

/* Interrupt stacks, numbers as in the gates' IST field. */
enum cpu_ist {
    CPU_IST_NMI = 1,
    CPU_IST_DOUBLE_FAULT = 2,
    CPU_IST_MACHINE_CHECK = 3,
    CPU_IST_DEBUG = 4,
};

/* Flags SYSCALL clears: TF IF DF IOPL NT RF AC. */
#define CPU_SYSCALL_MASK 0x57700ull

/* EFER: long mode, NX, SYSCALL. */
#define CPU_EFER 0x901ull

struct cpu_features {
    char vendor[13];
    bool amd; /* vendor is AMD or a compatible one: no L1TF, no Meltdown */
    bool hypervisor; /* CPUID says we are a guest */
    bool page1g, pcid, invpcid, pge;
    bool smep, smap, umip, fsgsbase;
    bool xsave, xsaveopt;
    bool tsc_deadline, invariant_tsc, x2apic;
    bool rdrand, rdtscp;
    bool rdcl_no;         /* IA32_ARCH_CAPABILITIES: not prone to Meltdown */
    unsigned phys_bits;   /* width of a physical address */
    uint64_t pa_mask;     /* address bits of a page table entry */
    uint64_t xcr0;        /* state components in use; 3 without XSAVE */
    uint32_t xsave_bytes; /* size of the save area: 512 .. 4096 */
    uint64_t cr4;         /* what cpu_init() writes */
};

/* Task state segment [SDM3 8.7]. */
struct cpu_tss {
    uint32_t reserved0;
    uint64_t rsp[3]; /* rsp[0]: the stack of entries from user mode */
    uint64_t reserved1;
    uint64_t ist[7]; /* ist[n - 1] is IST n */
    uint64_t reserved2;
    uint16_t reserved3;
    uint16_t iomap_base; /* beyond the limit: no bitmap */
} __attribute__((packed));

/* The hardware part of a struct cpu; embedded there as `hw`. */
struct cpu_hw {
    struct cpu_tss tss __attribute__((aligned(16))); /* rsp[0] hot */
    uint64_t gdt[7]; /* null, 2 kernel, 2 user, TSS in two words */
    uint64_t main_stack_top;
    uint64_t ist_top[4]; /* [n - 1] is IST n */
};

/*
 * Fill K.features and hw_flags from CPUID. Stops with a message when the CPU
 * lacks what the kernel cannot do without: NX, SYSCALL, an APIC, SSE2, global
 * pages.
 */
void cpu_features_init(void);

/* Width of a physical address in bits; needs nothing. */
unsigned cpu_phys_bits(void);

/*
 * Bring the calling CPU into its final state: GDT, TSS, segments, CR0, CR4,
 * XCR0, MSRs, GS base = c, IDT (trap_load_idt). Sets c->self and c->stack_top.
 * needs: memory_map_stacks() done for it, c->index.
 */
void cpu_init(struct cpu *c);

/* CSTAR points here: SYSCALL from a 32-bit segment, of which there is none. */
void syscall_refuse32(void);

/* LSTAR points here; trap/entry.S supplies it. */
void syscall_entry(void);

#endif
