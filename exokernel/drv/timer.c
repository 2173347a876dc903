// SPDX-License-Identifier: MIT
/*
 * See timer.h.
 */
#include "drv/timer.h"

#include <stdbool.h>

#include "drv/acpi.h"
#include "boot/bootinfo.h"
#include "debug/panic.h"
#include "drv/apic.h"
#include "drv/lapic.h"
#include "hw.h"
#include "kernel.h"

enum {
    PIT_HZ = 1193182,
    PM_TIMER_HZ = 3579545,
    PIT_CHANNEL2 = 0x42,
    PIT_COMMAND = 0x43,
    PIT_MODE0_CHANNEL2 = 0xb0, /* count down once, both bytes */
    PIT_LATCH_CHANNEL2 = 0x80,
    PORT_B = 0x61, /* bit 0: gate of channel 2, bit 1: speaker */
    DIVIDE_BY_1 = 0xb,
    TSC_KHZ_MIN = 1000,
    TSC_KHZ_MAX = 100000000,
};

enum {
    MEASURE_US = 250,
    EDGES = 6,          /* tries for a sharp look at the clock */
    DEAD_LOOKS = 10000, /* a clock that shows no change for so long is none */
};

/* How the alarm counts: 0 where it compares the TSC itself, else APIC timer
 * ticks for each TSC tick, times 2^32. [I] */
static uint64_t ticks_per_tsc;
static uint64_t longest_tsc; /* so that ticks fit the counter. [I] */

/* A clock of known rate to measure against. */
struct reference {
    uint64_t hz;
    uint32_t mask; /* of its counter, which counts up */
    uint32_t (*read)(void);
};

/* All three clocks at one moment; `blur` is how long it took, in TSC ticks. */
struct look {
    uint64_t tsc, blur;
    uint32_t apic, reference;
};

static uint32_t
pit_read(void)
{
    hw_outb(PIT_COMMAND, PIT_LATCH_CHANNEL2);
    const uint32_t low = hw_inb(PIT_CHANNEL2);
    const uint32_t high = hw_inb(PIT_CHANNEL2);
    return ~(high << 8 | low) & 0xffff; /* it counts down */
}

static void
pit_start(void)
{
    hw_outb(PORT_B, (hw_inb(PORT_B) & ~2) | 1);
    hw_outb(PIT_COMMAND, PIT_MODE0_CHANNEL2);
    hw_outb(PIT_CHANNEL2, 0xff);
    hw_outb(PIT_CHANNEL2, 0xff);
}

static uint32_t
pm_timer_read(void)
{
    return hw_inl(acpi.pm_timer_port) & 0xffffff;
}

/* Catch the reference at the moment it changes. False: it never does. */
static bool
catch_edge(const struct reference *r, struct look *look)
{
    uint64_t before = hw_rdtsc();
    const uint32_t old = r->read();
    for (unsigned i = 0; i < DEAD_LOOKS; i++) {
        const uint32_t now = r->read();
        if (now != old) {
            look->reference = now;
            look->apic = lapic_read(LAPIC_TIMER_CURRENT);
            const uint64_t after = hw_rdtsc();
            look->blur = after - before;
            look->tsc = before + look->blur / 2;
            return true;
        }
        before = hw_rdtsc();
        hw_pause();
    }
    return false;
}

/* The sharpest of a few: under an emulator the host may pause us anywhere. */
static bool
catch_sharp_edge(const struct reference *r, struct look *best)
{
    best->blur = UINT64_MAX;
    for (unsigned i = 0; i < EDGES; i++) {
        struct look look;
        if (!catch_edge(r, &look))
            return false;
        if (look.blur < best->blur)
            *best = look;
    }
    return true;
}

/* Measure both rates. False: the reference stands still. */
static bool
measure(const struct reference *r, uint64_t *tsc_khz, uint64_t *apic_khz)
{
    struct look start, end;
    lapic_write(LAPIC_TIMER_INITIAL, UINT32_MAX);
    if (!catch_sharp_edge(r, &start))
        return false;
    const uint32_t wanted = (uint32_t)(r->hz * MEASURE_US / 1000000);
    do {
        if (!catch_sharp_edge(r, &end))
            return false;
    } while (((end.reference - start.reference) & r->mask) < wanted);
    lapic_write(LAPIC_TIMER_INITIAL, 0);
    const uint64_t passed = (end.reference - start.reference) & r->mask;
    *tsc_khz = (end.tsc - start.tsc) * r->hz / passed / 1000;
    *apic_khz = (uint64_t)(start.apic - end.apic) * r->hz / passed / 1000;
    K.tsc_error_ppm = (uint32_t)(1000000 / passed); /* an edge is a tick's */
    return true;
}

/* Rates as CPUID tells them; 0 for what it does not. */
static void
ask_cpuid(uint64_t *tsc_khz, uint64_t *apic_khz)
{
    uint32_t r[4];
    hw_cpuid(0, 0, r);
    if (r[0] >= 0x15) {
        hw_cpuid(0x15, 0, r); /* TSC / crystal = EBX / EAX, ECX: crystal Hz */
        if (r[0] != 0 && r[1] != 0 && r[2] != 0) {
            *apic_khz = r[2] / 1000;
            *tsc_khz = (uint64_t)r[2] * r[1] / r[0] / 1000;
            return;
        }
    }
    if (!K.features.hypervisor)
        return;
    hw_cpuid(0x40000000, 0, r);
    if (r[0] >= 0x40000010 && r[0] < 0x40010000) {
        hw_cpuid(0x40000010, 0, r);
        *tsc_khz = r[0];
        *apic_khz = r[1];
    }
}

static void
calibrate(uint64_t *tsc_khz, uint64_t *apic_khz)
{
    const struct reference pm_timer = {PM_TIMER_HZ, 0xffffff, pm_timer_read};
    const struct reference pit = {PIT_HZ, 0xffff, pit_read};
    if (acpi.pm_timer_port != 0 && measure(&pm_timer, tsc_khz, apic_khz))
        return;
    pit_start();
    if (!measure(&pit, tsc_khz, apic_khz))
        boot_refuse("there is no clock to measure the TSC against; give its "
                    "rate with the boot option tsc_khz=");
}

void
timer_init(void)
{
    uint64_t tsc_khz = 0, apic_khz = 0;
    lapic_write(LAPIC_TIMER_DIVIDE, DIVIDE_BY_1);
    ask_cpuid(&tsc_khz, &apic_khz);
    if (tsc_khz == 0 || (apic_khz == 0 && !K.features.tsc_deadline))
        calibrate(&tsc_khz, &apic_khz);
    K.tsc_khz = boot_option_number("tsc_khz", tsc_khz);
    if (K.tsc_khz < TSC_KHZ_MIN || K.tsc_khz > TSC_KHZ_MAX)
        boot_refuse("a TSC of %lu kHz is none to tell the time by; the boot "
                    "option tsc_khz is %u to %u",
                    K.tsc_khz, TSC_KHZ_MIN, TSC_KHZ_MAX);
    if (K.features.tsc_deadline)
        return;
    if (apic_khz == 0)
        boot_refuse("the APIC timer stands still");
    ticks_per_tsc = (apic_khz << 32) / K.tsc_khz;
    longest_tsc = (uint64_t)(UINT32_MAX - 1) * K.tsc_khz / apic_khz;
}

void
timer_init_cpu(void)
{
    if (K.features.tsc_deadline) {
        lapic_write(LAPIC_LVT_TIMER, LVT_TIMER_DEADLINE | VECTOR_TIMER);
        /* The mode is to be set before the first deadline is [SDM3 11.5.4.1].
         */
        __asm__ volatile("mfence" : : : "memory");
    } else {
        lapic_write(LAPIC_TIMER_DIVIDE, DIVIDE_BY_1);
        lapic_write(LAPIC_LVT_TIMER, VECTOR_TIMER);
    }
}

void
timer_arm(uint64_t tsc_deadline)
{
    if (K.features.tsc_deadline) {
        hw_wrmsr(HW_MSR_TSC_DEADLINE, tsc_deadline != 0 ? tsc_deadline : 1);
        return;
    }
    const uint64_t now = hw_rdtsc();
    uint64_t left = tsc_deadline > now ? tsc_deadline - now : 0;
    if (left > longest_tsc)
        left = longest_tsc;
    lapic_write(LAPIC_TIMER_INITIAL,
                (uint32_t)(left * ticks_per_tsc >> 32) + 1);
}

void
timer_stop(void)
{
    if (K.features.tsc_deadline)
        hw_wrmsr(HW_MSR_TSC_DEADLINE, 0);
    else
        lapic_write(LAPIC_TIMER_INITIAL, 0);
}

void
timer_delay_us(uint64_t us)
{
    const uint64_t end = hw_rdtsc() + us * K.tsc_khz / 1000;
    while (hw_rdtsc() < end)
        hw_pause();
}
