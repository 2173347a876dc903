// SPDX-License-Identifier: MIT
/*
 * Privileged and special instructions, one static inline each.
 *
 * Nothing else lives here, so that a host test build can put its own hw.h in
 * front of this one and run the kernel's logic in an ordinary process.
 * Instructions that a CPU may lack are chosen by `hw_flags`, which
 * cpu_features_init() fills from CPUID once; nothing is probed by faulting.
 *
 * Sources: [SDM2] for the instructions, [SDM3 2.5] control registers,
 * [SDM3 4.10.4] invalidation, [SDM1 13] XSAVE.
 */
#ifndef EXO_HW_H
#define EXO_HW_H

#include <stdbool.h>
#include <stdint.h>

struct cpu;

/* What the inlines below must know of the CPU; all false before
 * cpu_features_init(). [I] */
struct hw_flags {
    bool fsgsbase;
    bool rdrand;
};
extern struct hw_flags hw_flags;

/* Port input and output. */

static inline uint8_t
hw_inb(uint16_t port)
{
    uint8_t value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline uint16_t
hw_inw(uint16_t port)
{
    uint16_t value;
    __asm__ volatile("inw %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline uint32_t
hw_inl(uint16_t port)
{
    uint32_t value;
    __asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline void
hw_outb(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline void
hw_outw(uint16_t port, uint16_t value)
{
    __asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port));
}

static inline void
hw_outl(uint16_t port, uint32_t value)
{
    __asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port));
}

/* Device registers in memory: one access of just this width, in program order
 * with all others (x86 orders uncached accesses by itself). */

static inline uint8_t
hw_mmio_read8(const volatile void *at)
{
    return *(const volatile uint8_t *)at;
}

static inline uint16_t
hw_mmio_read16(const volatile void *at)
{
    return *(const volatile uint16_t *)at;
}

static inline uint32_t
hw_mmio_read32(const volatile void *at)
{
    return *(const volatile uint32_t *)at;
}

static inline void
hw_mmio_write8(volatile void *at, uint8_t value)
{
    __asm__ volatile("" : : : "memory");
    *(volatile uint8_t *)at = value;
}

static inline void
hw_mmio_write16(volatile void *at, uint16_t value)
{
    __asm__ volatile("" : : : "memory");
    *(volatile uint16_t *)at = value;
}

static inline void
hw_mmio_write32(volatile void *at, uint32_t value)
{
    __asm__ volatile("" : : : "memory");
    *(volatile uint32_t *)at = value;
}

/* Model-specific registers, time stamp, identification. */

static inline uint64_t
hw_rdmsr(uint32_t msr)
{
    uint32_t low, high;
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr) : "memory");
    return (uint64_t)high << 32 | low;
}

static inline void
hw_wrmsr(uint32_t msr, uint64_t value)
{
    __asm__ volatile("wrmsr"
                     :
                     : "c"(msr), "a"((uint32_t)value),
                       "d"((uint32_t)(value >> 32))
                     : "memory");
}

static inline uint64_t
hw_rdtsc(void)
{
    uint64_t low, high; /* the upper halves of both registers become zero */
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
    return high << 32 | low;
}

/* out: EAX, EBX, ECX, EDX. */
static inline void
hw_cpuid(uint32_t leaf, uint32_t sub, uint32_t out[4])
{
    __asm__ volatile("cpuid"
                     : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3])
                     : "a"(leaf), "c"(sub));
}

/* True and a random number, or false: no RDRAND, or it ran dry. */
static inline bool
hw_rdrand(uint64_t *out)
{
    bool ok = false;
    if (hw_flags.rdrand)
        __asm__ volatile("rdrand %0" : "=r"(*out), "=@ccc"(ok));
    return ok;
}

/* Control registers. Never write a CR4 bit that CPUID does not offer: QEMU's
 * TCG hangs where a real CPU faults. */

static inline uint64_t
hw_read_cr0(void)
{
    uint64_t value;
    __asm__ volatile("mov %%cr0, %0" : "=r"(value) : : "memory");
    return value;
}

static inline uint64_t
hw_read_cr2(void)
{
    uint64_t value;
    __asm__ volatile("mov %%cr2, %0" : "=r"(value) : : "memory");
    return value;
}

static inline uint64_t
hw_read_cr3(void)
{
    uint64_t value;
    __asm__ volatile("mov %%cr3, %0" : "=r"(value) : : "memory");
    return value;
}

static inline uint64_t
hw_read_cr4(void)
{
    uint64_t value;
    __asm__ volatile("mov %%cr4, %0" : "=r"(value) : : "memory");
    return value;
}

static inline void
hw_write_cr0(uint64_t value)
{
    __asm__ volatile("mov %0, %%cr0" : : "r"(value) : "memory");
}

static inline void
hw_write_cr3(uint64_t value)
{
    __asm__ volatile("mov %0, %%cr3" : : "r"(value) : "memory");
}

static inline void
hw_write_cr4(uint64_t value)
{
    __asm__ volatile("mov %0, %%cr4" : : "r"(value) : "memory");
}

/* CR0.TS: the next FPU instruction raises #NM while it is set. */

static inline void
hw_clts(void)
{
    __asm__ volatile("clts" : : : "memory");
}

static inline void
hw_stts(void)
{
    hw_write_cr0(hw_read_cr0() | 1u << 3);
}

/* Debug register 7: which breakpoints are armed. */

static inline void
hw_write_dr7(uint64_t value)
{
    __asm__ volatile("mov %0, %%dr7" : : "r"(value) : "memory");
}

/* Translation look-aside buffer. */

static inline void
hw_invlpg(uint64_t va)
{
    __asm__ volatile("invlpg (%0)" : : "r"(va) : "memory");
}

enum hw_invpcid_type {
    HW_INVPCID_ADDRESS = 0, /* one address of one PCID */
    HW_INVPCID_CONTEXT = 1, /* one PCID, not global pages */
    HW_INVPCID_ALL_GLOBAL = 2,
    HW_INVPCID_ALL = 3, /* every PCID, not global pages */
};

static inline void
hw_invpcid(uint64_t type, uint64_t pcid, uint64_t va)
{
    const uint64_t descriptor[2] = {pcid, va};
    __asm__ volatile("invpcid %0, %1"
                     :
                     : "m"(descriptor), "r"(type)
                     : "memory");
}

/* Waiting and interrupts. */

static inline void
hw_pause(void)
{
    __asm__ volatile("pause" : : : "memory");
}

/* Wait for one interrupt and take it. STI holds interrupts off until HLT has
 * begun, so none is lost between the caller's last look and the halt. */
static inline void
hw_halt_wait(void)
{
    __asm__ volatile("sti; hlt; cli" : : : "memory");
}

/* Take those that wait now. STI holds them off for one instruction more. */
static inline void
hw_take_interrupts(void)
{
    __asm__ volatile("sti; nop; cli" : : : "memory");
}

static inline void
hw_cli(void)
{
    __asm__ volatile("cli" : : : "memory");
}

static inline void
hw_halt(void)
{
    __asm__ volatile("hlt" : : : "memory");
}

/* Words of the user that runs, by an address known to be in the user half. SMAP
 * is lifted in between, where there is SMAP. False: a page fault, after which
 * the kernel goes on at the label (trap/ looks it up in section .fixups). */

#define HW_USER_ACCESS(access)                                                 \
    "cmpb $0, user_smap(%%rip)\n"                                              \
    "je 3f\n"                                                                  \
    "stac\n"                                                                   \
    "1:" access "2: clac\n"                                                    \
    "5:\n"                                                                     \
    ".subsection 1\n"                                                          \
    "3:" access "4: jmp 5b\n"                                                  \
    ".previous\n"                                                              \
    ".pushsection .fixups, \"a\"\n"                                            \
    ".quad 1b, 2b, %l[fault]\n"                                                \
    ".quad 3b, 4b, %l[fault]\n"                                                \
    ".popsection\n"

static inline bool
hw_user_load(uint64_t *to, uint64_t uva)
{
    uint64_t word;
    __asm__ goto(HW_USER_ACCESS("movq (%1), %0\n")
                 : "=&r"(word)
                 : "r"(uva)
                 : "memory", "cc"
                 : fault);
    *to = word;
    return true;
fault:
    return false;
}

static inline bool
hw_user_load3(uint64_t to[3], uint64_t uva)
{
    uint64_t a, b, c;
    __asm__ goto(HW_USER_ACCESS("movq (%3), %0\n"
                                "movq 8(%3), %1\n"
                                "movq 16(%3), %2\n")
                 : "=&r"(a), "=&r"(b), "=&r"(c)
                 : "r"(uva)
                 : "memory", "cc"
                 : fault);
    to[0] = a, to[1] = b, to[2] = c;
    return true;
fault:
    return false;
}

static inline bool
hw_user_store(uint64_t uva, uint64_t word)
{
    __asm__ goto(HW_USER_ACCESS("movq %1, (%0)\n")
                 :
                 : "r"(uva), "r"(word)
                 : "memory", "cc"
                 : fault);
    return true;
fault:
    return false;
}

/* SMAP windows; only where CPUID has SMAP, else #UD. */

static inline void
hw_stac(void)
{
    __asm__ volatile("stac" : : : "memory");
}

static inline void
hw_clac(void)
{
    __asm__ volatile("clac" : : : "memory");
}

/* Extended state; `area` is 64-byte aligned. */

static inline void
hw_xsave(void *area, uint64_t mask)
{
    __asm__ volatile("xsave64 (%0)"
                     :
                     : "r"(area), "a"((uint32_t)mask),
                       "d"((uint32_t)(mask >> 32))
                     : "memory");
}

static inline void
hw_xrstor(const void *area, uint64_t mask)
{
    __asm__ volatile("xrstor64 (%0)"
                     :
                     : "r"(area), "a"((uint32_t)mask),
                       "d"((uint32_t)(mask >> 32))
                     : "memory");
}

/* For CPUs without XSAVE: 512 bytes, 16-byte aligned. */

static inline void
hw_fxsave(void *area)
{
    __asm__ volatile("fxsave64 (%0)" : : "r"(area) : "memory");
}

static inline void
hw_fxrstor(const void *area)
{
    __asm__ volatile("fxrstor64 (%0)" : : "r"(area) : "memory");
}

static inline void
hw_xsetbv(uint32_t index, uint64_t value)
{
    __asm__ volatile("xsetbv"
                     :
                     : "c"(index), "a"((uint32_t)value),
                       "d"((uint32_t)(value >> 32))
                     : "memory");
}

/* FS and GS base. The user's GS base sits in KERNEL_GS_BASE while the CPU is
 * in the kernel. Values must be canonical, else #GP. */

enum hw_msr {
    HW_MSR_APIC_BASE = 0x1b,
    HW_MSR_SYSENTER_CS = 0x174,
    HW_MSR_SYSENTER_ESP = 0x175,
    HW_MSR_SYSENTER_EIP = 0x176,
    HW_MSR_PAT = 0x277,
    HW_MSR_TSC_DEADLINE = 0x6e0,
    HW_MSR_X2APIC = 0x800,
};
#define HW_MSR_EFER           0xc0000080u
#define HW_MSR_STAR           0xc0000081u
#define HW_MSR_LSTAR          0xc0000082u
#define HW_MSR_CSTAR          0xc0000083u
#define HW_MSR_SFMASK         0xc0000084u
#define HW_MSR_FS_BASE        0xc0000100u
#define HW_MSR_GS_BASE        0xc0000101u
#define HW_MSR_KERNEL_GS_BASE 0xc0000102u
#define HW_MSR_TSC_AUX        0xc0000103u

/* Read both, as the user may have set them by itself: only with FSGSBASE; else
 * what the kernel set is still there, and nothing is read. Two SWAPGS are
 * cheaper than one RDMSR; an NMI in between saves and restores GS base. */
static inline void
hw_rd_user_bases(uint64_t *fs, uint64_t *gs)
{
    if (__builtin_expect(!hw_flags.fsgsbase, 0))
        return;
    __asm__ volatile("rdfsbase %0; swapgs; rdgsbase %1; swapgs"
                     : "=r"(*fs), "=r"(*gs)
                     :
                     : "memory");
}

static inline void
hw_wr_user_bases(uint64_t fs, uint64_t gs)
{
    if (__builtin_expect(!hw_flags.fsgsbase, 0)) {
        hw_wrmsr(HW_MSR_FS_BASE, fs);
        hw_wrmsr(HW_MSR_KERNEL_GS_BASE, gs);
        return;
    }
    __asm__ volatile("wrfsbase %0; swapgs; wrgsbase %1; swapgs"
                     :
                     : "r"(fs), "r"(gs)
                     : "memory");
}

/* The CPU this code runs on: its GS base is its struct cpu, whose first field
 * points to itself. Valid from cpu_init() on. */
static inline struct cpu *
hw_this_cpu(void)
{
    struct cpu *self;
    __asm__ volatile("movq %%gs:0, %0" : "=r"(self));
    return self;
}

/* A word of it, by its offset. */
static inline uint64_t
hw_this_word(unsigned offset)
{
    uint64_t word;
    __asm__ volatile("movq %%gs:%c1, %0" : "=r"(word) : "i"(offset));
    return word;
}

/* Descriptor tables. */

struct hw_table {
    uint16_t limit; /* bytes - 1 */
    uint64_t base;  /* kva */
} __attribute__((packed));

static inline void
hw_lgdt(const struct hw_table *table)
{
    __asm__ volatile("lgdt %0" : : "m"(*table) : "memory");
}

static inline void
hw_lidt(const struct hw_table *table)
{
    __asm__ volatile("lidt %0" : : "m"(*table) : "memory");
}

static inline void
hw_ltr(uint16_t selector)
{
    __asm__ volatile("ltr %0" : : "r"(selector) : "memory");
}

#endif
