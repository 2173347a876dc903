// SPDX-License-Identifier: MIT
/*
 * The stack protector's guard value and what happens when it was overwritten.
 *
 * The guard is drawn once, by entry.S before any C function that checks it, and
 * becomes read-only with the rest of rodata. Its low byte is zero: a string
 * function that runs over a buffer cannot rewrite it.
 *
 * Sources: [SDM2 RDRAND]; the mixing step is splitmix64's [Steele14].
 */
#include <stdint.h>

#include "debug/panic.h"
#include "hw.h"

uintptr_t __stack_chk_guard __attribute__((section(".data.boot_once"))) = 1;

void canary_init(void);
_Noreturn void __stack_chk_fail(void);

/* Features are not known yet, so CPUID is asked here for RDRAND. */
__attribute__((no_stack_protector)) void
canary_init(void)
{
    uint32_t id[4];
    hw_cpuid(1, 0, id);
    uint64_t seed = hw_rdtsc();
    if ((id[2] & 1u << 30) != 0) {
        uint64_t drawn;
        __asm__ volatile("rdrand %0" : "=r"(drawn) : : "cc");
        seed ^= drawn;
    }
    seed = (seed ^ seed >> 30) * 0xbf58476d1ce4e5b9u;
    seed = (seed ^ seed >> 27) * 0x94d049bb133111ebu;
    __stack_chk_guard = (seed ^ seed >> 31) & ~(uintptr_t)0xff;
}

_Noreturn void
__stack_chk_fail(void)
{
    panic("stack buffer overrun");
}
