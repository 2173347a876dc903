// SPDX-License-Identifier: MIT
/* See apic.h. */
#include "drv/apic.h"

#include "drv/acpi.h"
#include "boot/memory.h"
#include "drv/lapic.h"
#include "hw.h"
#include "kernel.h"

/* A command is taken within microseconds; a panic must not wait for ever. */
enum { SEND_TRIES = 1000000 };

enum {
    APIC_BASE_X2APIC = 1u << 10,
    APIC_BASE_ENABLE = 1u << 11,
    SVR_ENABLE = 1u << 8,
};

/* Interrupt command register, low half. */
enum icr {
    ICR_FIXED = 0u << 8,
    ICR_NMI = 4u << 8,
    ICR_INIT = 5u << 8,
    ICR_STARTUP = 6u << 8,
    ICR_PENDING = 1u << 12,
    ICR_ASSERT = 1u << 14,
    ICR_TO_OTHERS = 3u << 18,
};

/* The 8259 pair [I8259A]. */
enum pic {
    PIC1_COMMAND = 0x20,
    PIC1_DATA = 0x21,
    PIC2_COMMAND = 0xa0,
    PIC2_DATA = 0xa1,
    PIC_ICW1 = 0x11, /* edge, cascade, ICW4 follows */
    PIC_ICW4 = 0x01, /* 8086 mode */
    PIC_ALL = 0xff,
};

/* I/O APIC: an index register and a data window. */
enum ioapic {
    IOAPIC_DATA = 0x10 / 4, /* index of the window in 32-bit words */
    IOAPIC_VERSION = 1,
    IOAPIC_ENTRIES = 0x10, /* two words for each line */
    ENTRY_ACTIVE_LOW = 1u << 13,
    ENTRY_LEVEL = 1u << 15,
    ENTRY_MASKED = 1u << 16,
};

volatile uint32_t *lapic;
static struct {
    volatile uint32_t *registers;
    uint32_t first, lines; /* global line numbers */
} ioapics[ACPI_MAX_IOAPICS];

static void
ioapic_write(unsigned i, uint32_t index, uint32_t value)
{
    ioapics[i].registers[0] = index;
    ioapics[i].registers[IOAPIC_DATA] = value;
}

static void
mask_pic(void)
{
    hw_outb(PIC1_COMMAND, PIC_ICW1);
    hw_outb(PIC2_COMMAND, PIC_ICW1);
    hw_outb(PIC1_DATA, VECTOR_PIC);
    hw_outb(PIC2_DATA, VECTOR_PIC + 8);
    hw_outb(PIC1_DATA, 1 << 2); /* the second hangs on line 2 */
    hw_outb(PIC2_DATA, 2);
    hw_outb(PIC1_DATA, PIC_ICW4);
    hw_outb(PIC2_DATA, PIC_ICW4);
    hw_outb(PIC1_DATA, PIC_ALL);
    hw_outb(PIC2_DATA, PIC_ALL);
}

static void
init_ioapic(unsigned i)
{
    ioapics[i].registers = mmio_map(acpi.ioapic[i].pa, 0x20);
    ioapics[i].registers[0] = IOAPIC_VERSION;
    const uint32_t version = ioapics[i].registers[IOAPIC_DATA];
    ioapics[i].first = acpi.ioapic[i].gsi_base;
    if (version == UINT32_MAX) /* nobody there */
        return;
    ioapics[i].lines = (version >> 16 & 0xff) + 1;
    for (unsigned line = 0; line < ioapics[i].lines; line++)
        ioapic_write(i, IOAPIC_ENTRIES + 2 * line, ENTRY_MASKED);
}

void
apic_init(void)
{
    mask_pic();
    if (!K.features.x2apic)
        lapic = mmio_map(acpi.lapic_pa, EXO_PAGE_BYTES);
    for (unsigned i = 0; i < acpi.nioapics; i++)
        init_ioapic(i);
}

void
apic_init_cpu(void)
{
    uint64_t base = hw_rdmsr(HW_MSR_APIC_BASE) | APIC_BASE_ENABLE;
    if (K.features.x2apic)
        base |= APIC_BASE_X2APIC;
    hw_wrmsr(HW_MSR_APIC_BASE, base);
    lapic_write(LAPIC_SPURIOUS, SVR_ENABLE | VECTOR_SPURIOUS);
    lapic_write(LAPIC_LVT_TIMER, LVT_MASKED);
    lapic_write(LAPIC_LVT_LINT0, LVT_MASKED);
    lapic_write(LAPIC_LVT_LINT1, LVT_MASKED);
    lapic_write(LAPIC_LVT_ERROR, LVT_MASKED);
    lapic_write(LAPIC_TASK_PRIORITY, 0);
    hw_this_cpu()->apic_id = apic_id();
}

uint32_t
apic_id(void)
{
    const uint32_t id = lapic_read(LAPIC_ID);
    return lapic != NULL ? id >> 24 : id;
}

void
apic_eoi(void)
{
    lapic_write(LAPIC_EOI, 0);
}

static void
send(uint32_t to, uint32_t command)
{
    if (lapic == NULL) {
        /* The MSR write does not wait for earlier stores as a memory-mapped
         * one does [SDM3 11.12.3]. */
        __asm__ volatile("mfence; lfence" : : : "memory");
        hw_wrmsr(HW_MSR_X2APIC + LAPIC_ICR / 16, (uint64_t)to << 32 | command);
        return;
    }
    for (unsigned i = 0; i < SEND_TRIES; i++) {
        if ((lapic[LAPIC_ICR / 4] & ICR_PENDING) == 0)
            break;
        hw_pause();
    }
    lapic[LAPIC_ICR_HIGH / 4] = to << 24;
    lapic[LAPIC_ICR / 4] = command;
}

void
apic_ipi(struct cpu *to, uint8_t vector)
{
    send(to->apic_id, ICR_FIXED | ICR_ASSERT | vector);
}

void
apic_nmi_others(void)
{
    /* In a panic before there are APICs there are no others either. */
    if (K.ncpus > 1)
        send(0, ICR_NMI | ICR_ASSERT | ICR_TO_OTHERS);
}

void
apic_send_init(uint32_t apic_id)
{
    send(apic_id, ICR_INIT | ICR_ASSERT);
}

void
apic_send_startup(uint32_t apic_id, uint8_t page)
{
    send(apic_id, ICR_STARTUP | ICR_ASSERT | page);
}

bool
ioapic_route(const struct acpi_line *line, uint8_t vector)
{
    for (unsigned i = 0; i < acpi.nioapics; i++) {
        if (line->gsi < ioapics[i].first ||
            line->gsi - ioapics[i].first >= ioapics[i].lines)
            continue;
        const uint32_t entry = vector |
                               (line->active_low ? ENTRY_ACTIVE_LOW : 0) |
                               (line->level ? ENTRY_LEVEL : 0);
        const uint32_t index =
            IOAPIC_ENTRIES + 2 * (line->gsi - ioapics[i].first);
        ioapic_write(i, index, ENTRY_MASKED);
        ioapic_write(i, index + 1, K.cpu[0]->apic_id << 24);
        ioapic_write(i, index, entry);
        return true;
    }
    return false;
}

bool
ioapic_route_isa(unsigned irq, uint8_t vector)
{
    return ioapic_route(&acpi.isa[irq], vector);
}

bool
ioapic_route_pci(unsigned irq, uint8_t vector)
{
    struct acpi_line line = acpi.isa[irq];
    if (!line.level)
        line.level = line.active_low = true;
    return ioapic_route(&line, vector);
}
