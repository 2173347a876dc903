// SPDX-License-Identifier: MIT
/*
 * The few facts the kernel wants of ACPI: CPUs, interrupt controllers, how to
 * power off.
 *
 * Tables are the firmware's: each is read only after its place, length and
 * checksum are proven good; a bad one is reported and treated as absent. There
 * is no AML interpreter: the power-off value is found by searching the DSDT for
 * the _S5 package, which every BIOS writes as plain constants, and likewise the
 * virtio devices of machines without PCI.
 *
 * Sources: ACPI 6.4, 5.2 (tables), 4.8.3 (PM1 control), 6.4.3 (resource
 * descriptors), 7.4.2.6 (_S5).
 */
#ifndef EXO_DRV_ACPI_H
#define EXO_DRV_ACPI_H

#include <stdbool.h>
#include <stdint.h>

enum {
    ACPI_MAX_CPUS = 256,
    ACPI_MAX_IOAPICS = 8,
};

struct acpi_ioapic {
    uint32_t pa;
    uint32_t gsi_base; /* number of its first line among all */
};

/* An interrupt line: its place on the I/O APICs. */
struct acpi_line {
    uint32_t gsi; /* number among the lines of all */
    bool active_low, level;
};

/* A device with registers in memory. */
struct acpi_device {
    uint32_t pa, bytes;
    struct acpi_line line;
};

struct acpi_info {
    uint64_t root_pa; /* table that lists the others, 0: none */
    unsigned root_entry_bytes;
    bool found_madt, found_fadt;
    unsigned ncpus; /* enabled CPUs in the table's order, 0: no table */
    uint32_t apic_id[ACPI_MAX_CPUS];
    unsigned nioapics;
    struct acpi_ioapic ioapic[ACPI_MAX_IOAPICS];
    struct acpi_line isa[16];
    uint64_t lapic_pa;
    uint64_t dsdt_pa;
    uint16_t pm1a_control, pm1b_control; /* I/O ports, 0: none */
    uint16_t pm_timer_port;              /* 3,579,545 Hz counter, 0: none */
    bool no_cmos_rtc;
};

extern struct acpi_info acpi; /* [I] */

/* Read the tables into `acpi`. needs: memory_init(). Never fails: without
 * tables it says no CPUs and the PC's usual interrupt controllers. */
void acpi_init(void);

/* Find a table by its four letters among those the root table lists; NULL when
 * absent or damaged. *length: its bytes. */
const void *acpi_find(const char *name, uint32_t *length);

/* The values that PM1 control wants for power-off (S5); false when the DSDT
 * does not tell. */
bool acpi_read_s5(uint8_t *type_a, uint8_t *type_b);

/* The n-th virtio device with registers in memory that the DSDT declares;
 * false: there are no more. */
bool acpi_find_virtio(unsigned n, struct acpi_device *device);

/* For mptable.c: note a CPU (once) or an I/O APIC (if it can be there). */
void acpi_add_cpu(uint32_t apic_id);
void acpi_add_ioapic(uint32_t pa, uint32_t gsi_base);

#endif
