// SPDX-License-Identifier: MIT
/*
 * Time: the TSC as clock, and one one-shot alarm per CPU.
 *
 * All deadlines are absolute TSC values. Where CPUID has it the local APIC
 * compares the TSC itself; else the deadline is turned into a count of the APIC
 * timer. There is no periodic tick. The alarm arrives as VECTOR_TIMER.
 *
 * Rates come from CPUID (leaf 15h, or a hypervisor's 40000010h); else both
 * clocks are measured for a quarter millisecond against the PIT, or the ACPI
 * timer where there is no PIT.
 *
 * Sources: [SDM3 18.17] TSC, [SDM3 11.5.4] APIC timer, Intel 8254 data sheet.
 */
#ifndef EXO_DRV_TIMER_H
#define EXO_DRV_TIMER_H

#include <stdint.h>

/* Set K.tsc_khz. Once, on the boot CPU. Boot option tsc_khz=N overrides.
 * needs: apic_init(), apic_init_cpu(), acpi_init(). */
void timer_init(void);

/* Make this CPU's alarm ready, not armed. needs: apic_init_cpu(). */
void timer_init_cpu(void);

/* Arm this CPU's alarm, replacing the former. A deadline that has passed fires
 * at once; one farther than the counter reaches fires early (the caller looks
 * at the TSC and arms again). */
void timer_arm(uint64_t tsc_deadline);

/* Disarm. An alarm already on its way may still arrive. */
void timer_stop(void);

/* Spin. For start-up waits only. */
void timer_delay_us(uint64_t us);

#endif
