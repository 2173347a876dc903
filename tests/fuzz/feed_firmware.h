// SPDX-License-Identifier: MIT
/*
 * What firmware leaves in memory, fed to drv/acpi.c and drv/mptable.c: ACPI
 * tables that begin with the root pointer at FIRMWARE_ACPI, or the tables of
 * the MultiProcessor specification at FIRMWARE_MP. Nothing but the bytes given
 * is mapped. An input's first byte chooses.
 */
#ifndef TEST_FEED_FIRMWARE_H
#define TEST_FEED_FIRMWARE_H

#include <stdint.h>

enum {
    FIRMWARE_ACPI = 0xe0000, /* physical */
    FIRMWARE_MP = 0x9fc00,
    FIRMWARE_MP_BYTES = 0x400,
    FIRMWARE_BYTES = 2048,

    /* Offsets in the good ACPI tables; each of a header's 36 bytes first. */
    ACPI_XSDT = 0x40,
    ACPI_MADT = 0x80,
    ACPI_FADT = 0x100,
    ACPI_DSDT = 0x180,
    ACPI_RSDT = 0x1c0,
    ACPI_END = 0x200,
    ACPI_LENGTH = 4, /* in a header */
    ACPI_CHECKSUM = 9,
    MADT_FIRST = 44, /* entry in the MADT: two CPUs, ... */
    MADT_IOAPIC_ENTRY = MADT_FIRST + 16,
    MADT_OVERRIDE_ENTRY = MADT_IOAPIC_ENTRY + 12,
    DSDT_S5 = 40, /* in the DSDT */

    /* And in the good MP tables. */
    MP_CONFIG = 0x40,
    MP_ENTRIES = MP_CONFIG + 44,
    MP_END = MP_ENTRIES + 2 * 20 + 8,
};

/* Let the kernel read them. `mp`: of the MP specification; then `size` is at
 * most FIRMWARE_MP_BYTES. */
void firmware_read(int mp, const uint8_t *bytes, uint32_t size);

/* Stop unless `acpi` is what drv/acpi.h promises. */
void firmware_check(void);

/* Good tables; returns their bytes. */
uint32_t firmware_good(int mp, uint8_t *to);

/* Make the checksums of the good tables right again. */
void firmware_mend(int mp, uint8_t *bytes, uint32_t size);

#endif
