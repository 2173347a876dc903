// SPDX-License-Identifier: MIT
/*
 * What the CPU can do: CPUID read once into K.features. See cpu.h.
 */
#include "boot/cpu.h"

#include "debug/panic.h"
#include "hw.h"
#include "kernel.h"
#include "lib/string.h"

enum cpuid_register { EAX, EBX, ECX, EDX };

enum cr4_bits {
    CR4_PAE = 1u << 5,
    CR4_MCE = 1u << 6,
    CR4_PGE = 1u << 7,
    CR4_OSFXSR = 1u << 9,
    CR4_OSXMMEXCPT = 1u << 10,
    CR4_UMIP = 1u << 11,
    CR4_FSGSBASE = 1u << 16,
    CR4_PCIDE = 1u << 17,
    CR4_OSXSAVE = 1u << 18,
    CR4_SMEP = 1u << 20,
    CR4_SMAP = 1u << 21,
};

/* XCR0: x87, SSE, AVX, and the three parts of AVX-512, which go together. */
enum xcr0_bits {
    XCR0_X87_SSE = 0x3,
    XCR0_AVX = 0x4,
    XCR0_AVX512 = 0xe0,
};

enum {
    FXSAVE_BYTES = 512,
    XSAVE_BASE_BYTES = 576, /* legacy area and header */
    MSR_ARCH_CAPABILITIES = 0x10a,
};

struct hw_flags hw_flags;

/* A CPUID register, 0 when the leaf does not exist. */
static uint32_t
cpuid(uint32_t leaf, uint32_t sub, enum cpuid_register which)
{
    uint32_t out[4];
    hw_cpuid(leaf & 0x80000000, 0, out);
    if (leaf > out[EAX])
        return 0;
    hw_cpuid(leaf, sub, out);
    return out[which];
}

static bool
bit(uint32_t word, unsigned n)
{
    return (word >> n & 1) != 0;
}

unsigned
cpu_phys_bits(void)
{
    const unsigned bits = cpuid(0x80000008, 0, EAX) & 0xff;
    return bits >= 32 && bits <= 52 ? bits : 36;
}

static void
read_vendor(struct cpu_features *f)
{
    uint32_t out[4];
    hw_cpuid(0, 0, out);
    const uint32_t name[3] = {out[EBX], out[EDX], out[ECX]};
    memcpy(f->vendor, name, sizeof name);
    f->amd = strcmp(f->vendor, "AuthenticAMD") == 0 ||
             strcmp(f->vendor, "HygonGenuine") == 0;
}

/* Refuse a CPU the kernel cannot run safely on. */
static void
require(void)
{
    const struct {
        bool there;
        const char *name;
    } needs[] = {
        {bit(cpuid(0x80000001, 0, EDX), 20), "no-execute pages (NX)"},
        {bit(cpuid(0x80000001, 0, EDX), 11), "SYSCALL"},
        {bit(cpuid(1, 0, EDX), 9), "a local APIC"},
        {bit(cpuid(1, 0, EDX), 13), "global pages (PGE)"},
        {bit(cpuid(1, 0, EDX), 24), "FXSAVE"},
        {bit(cpuid(1, 0, EDX), 26), "SSE2"},
    };
    for (unsigned i = 0; i < ARRAY_SIZE(needs); i++) {
        if (!needs[i].there)
            boot_refuse("this CPU lacks %s, which the kernel needs",
                        needs[i].name);
    }
}

/* End of state component i in the standard save format, 0 when absent. */
static uint32_t
component_end(unsigned i)
{
    const uint32_t size = cpuid(0xd, i, EAX), offset = cpuid(0xd, i, EBX);
    return size == 0 ? 0 : offset + size;
}

/* Choose the state components: as many as fit a page. */
static void
choose_xcr0(struct cpu_features *f)
{
    f->xcr0 = XCR0_X87_SSE;
    f->xsave_bytes = FXSAVE_BYTES;
    if (!f->xsave)
        return;
    const uint32_t offered = cpuid(0xd, 0, EAX);
    f->xsave_bytes = XSAVE_BASE_BYTES;
    const uint32_t groups[] = {XCR0_AVX, XCR0_AVX512};
    for (unsigned g = 0; g < ARRAY_SIZE(groups); g++) {
        if ((offered & groups[g]) != groups[g])
            return;
        uint32_t end = f->xsave_bytes;
        for (unsigned i = 2; i < 8; i++) {
            if (bit(groups[g], i) && component_end(i) > end)
                end = component_end(i);
        }
        if (end > EXO_PAGE_BYTES)
            return;
        f->xcr0 |= groups[g];
        f->xsave_bytes = end;
    }
}

static uint64_t
choose_cr4(const struct cpu_features *f)
{
    uint64_t cr4 = CR4_PAE | CR4_PGE | CR4_OSFXSR | CR4_OSXMMEXCPT;
    cr4 |= bit(cpuid(1, 0, EDX), 7) ? CR4_MCE : 0;
    cr4 |= f->umip ? CR4_UMIP : 0;
    cr4 |= f->fsgsbase ? CR4_FSGSBASE : 0;
    cr4 |= f->pcid ? CR4_PCIDE : 0;
    cr4 |= f->xsave ? CR4_OSXSAVE : 0;
    cr4 |= f->smep ? CR4_SMEP : 0;
    cr4 |= f->smap ? CR4_SMAP : 0;
    return cr4;
}

void
cpu_features_init(void)
{
    struct cpu_features *f = &K.features;
    read_vendor(f);
    require();

    const uint32_t basic = cpuid(1, 0, ECX);
    f->pcid = bit(basic, 17);
    f->x2apic = bit(basic, 21);
    f->tsc_deadline = bit(basic, 24);
    f->xsave = bit(basic, 26);
    f->rdrand = bit(basic, 30);
    f->hypervisor = bit(basic, 31);
    f->pge = true;

    const uint32_t more = cpuid(7, 0, EBX);
    f->fsgsbase = bit(more, 0);
    f->smep = bit(more, 7);
    f->invpcid = bit(more, 10);
    f->smap = bit(more, 20);
    f->umip = bit(cpuid(7, 0, ECX), 2);
    if (bit(cpuid(7, 0, EDX), 29))
        f->rdcl_no = bit((uint32_t)hw_rdmsr(MSR_ARCH_CAPABILITIES), 0);

    f->page1g = bit(cpuid(0x80000001, 0, EDX), 26);
    f->rdtscp = bit(cpuid(0x80000001, 0, EDX), 27);
    f->invariant_tsc = bit(cpuid(0x80000007, 0, EDX), 8);
    f->xsaveopt = f->xsave && bit(cpuid(0xd, 1, EAX), 0);
    f->phys_bits = cpu_phys_bits();
    f->pa_mask = (UINT64_C(1) << f->phys_bits) - EXO_PAGE_BYTES;
    choose_xcr0(f);
    f->cr4 = choose_cr4(f);
    hw_flags.rdrand = f->rdrand;
}
