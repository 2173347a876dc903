// SPDX-License-Identifier: MIT
/*
 * Registers of the local APIC, for apic.c and timer.c only.
 *
 * Sources: [SDM3 11.4.1] register map, [SDM3 11.12.1] x2APIC's.
 */
#ifndef EXO_DRV_LAPIC_H
#define EXO_DRV_LAPIC_H

#include <stddef.h>
#include <stdint.h>

#include "hw.h"

enum lapic_register {
    LAPIC_ID = 0x20,
    LAPIC_TASK_PRIORITY = 0x80,
    LAPIC_EOI = 0xb0,
    LAPIC_SPURIOUS = 0xf0,
    LAPIC_ICR = 0x300,
    LAPIC_ICR_HIGH = 0x310, /* not in x2APIC mode */
    LAPIC_LVT_TIMER = 0x320,
    LAPIC_LVT_LINT0 = 0x350,
    LAPIC_LVT_LINT1 = 0x360,
    LAPIC_LVT_ERROR = 0x370,
    LAPIC_TIMER_INITIAL = 0x380,
    LAPIC_TIMER_CURRENT = 0x390,
    LAPIC_TIMER_DIVIDE = 0x3e0,
};

enum lapic_lvt {
    LVT_MASKED = 1u << 16,
    LVT_TIMER_DEADLINE = 2u << 17, /* mode bits; 0: one-shot */
};

/* Its registers, named by their offset; NULL: x2APIC, where the MSR is
 * 0x800 + offset / 16. [I] */
extern volatile uint32_t *lapic;

static inline uint32_t
lapic_read(enum lapic_register r)
{
    return lapic != NULL ? lapic[r / 4]
                         : (uint32_t)hw_rdmsr(HW_MSR_X2APIC + r / 16);
}

static inline void
lapic_write(enum lapic_register r, uint32_t value)
{
    if (lapic != NULL)
        lapic[r / 4] = value;
    else
        hw_wrmsr(HW_MSR_X2APIC + r / 16, value);
}

#endif
