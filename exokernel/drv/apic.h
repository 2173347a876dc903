// SPDX-License-Identifier: MIT
/*
 * Local APIC (one per CPU) and I/O APIC: interrupts to and between CPUs.
 *
 * x2APIC registers (MSRs) where CPUID has them, else the memory-mapped ones.
 * The old 8259 controllers are remapped and masked: all interrupts arrive by
 * APIC, edge vectors as listed here. Vectors 0x00..0x1f are exceptions.
 *
 * Sources: [SDM3 11] APIC, Intel 82093AA I/O APIC data sheet.
 */
#ifndef EXO_DRV_APIC_H
#define EXO_DRV_APIC_H

#include <stdbool.h>
#include <stdint.h>

struct acpi_line;
struct cpu;

enum vector {
    VECTOR_TIMER = 0x20,
    VECTOR_RESCHEDULE = 0x21, /* IPI: look at your slots again */
    VECTOR_FLUSH = 0x22,      /* IPI: serve the flush mailbox */
    VECTOR_COM1 = 0x24,
    VECTOR_COM2 = 0x25,
    VECTOR_DEVICE = 0x30, /* the first of those for devices */
    VECTOR_PIC = 0xe0,    /* .. 0xef: where strays of the 8259s end */
    VECTOR_SPURIOUS = 0xff,
};

/* Once, on the boot CPU: mask the 8259s, map the APICs, mask every I/O APIC
 * line. needs: acpi_init(), memory_init(). */
void apic_init(void);

/* On each CPU: enable its local APIC, all local lines masked; sets the CPU's
 * apic_id. needs: cpu_init(). */
void apic_init_cpu(void);

/* This CPU's APIC id. */
uint32_t apic_id(void);

/* Acknowledge the interrupt in service. Not for the spurious vector or NMI. */
void apic_eoi(void);

/* Send a vector to a CPU. Returns at once. */
void apic_ipi(struct cpu *to, uint8_t vector);

/* NMI to all CPUs but this one. Safe from any context. */
void apic_nmi_others(void);

/* For smp.c: INIT, and start at the page `page` (< 0x100) [SDM3 9.4.4]. */
void apic_send_init(uint32_t apic_id);
void apic_send_startup(uint32_t apic_id, uint8_t page);

/* Let a line arrive as `vector` on the boot CPU. False when no I/O APIC serves
 * it. */
bool ioapic_route(const struct acpi_line *line, uint8_t vector);

/* The same for ISA line `irq` (0..15), and for a PCI interrupt that firmware
 * put on that line: shared ones are level-triggered and active low, unless ACPI
 * says how they are. */
bool ioapic_route_isa(unsigned irq, uint8_t vector);
bool ioapic_route_pci(unsigned irq, uint8_t vector);

#endif
