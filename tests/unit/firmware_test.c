// SPDX-License-Identifier: MIT
/*
 * What firmware leaves in memory: good tables are understood; of bad ones
 * nothing is believed, and nothing beside them is read.
 */
#include "../fuzz/feed_firmware.h"

#include "../fuzz/feed.h"
#include "claim.h"
#include "drv/acpi.h"
#include "host.h"

enum { ACPI, MP };

struct blob {
    uint8_t bytes[FIRMWARE_BYTES];
    uint32_t size;
};

static struct blob
good(int mp)
{
    struct blob b = {.size = 0};
    b.size = firmware_good(mp, b.bytes);
    return b;
}

/* Good tables with a change, and checksums that are right. */
#define READ(mp, ...)                                                          \
    do {                                                                       \
        struct blob b = good(mp);                                              \
        __VA_ARGS__;                                                           \
        firmware_mend(mp, b.bytes, b.size);                                    \
        firmware_read(mp, b.bytes, b.size);                                    \
        firmware_check();                                                      \
    } while (0)
#define SET(at, value, bytes_) put_number(b.bytes + (at), value, bytes_)

static void
want_usual(void)
{
    want_equal(acpi.ncpus, 0);
    want_equal(acpi.lapic_pa, 0xfee00000);
    want_equal(acpi.nioapics, 1);
    want_equal(acpi.ioapic[0].pa, 0xfec00000);
}

CLAIM(good_tables_are_understood)
{
    uint8_t a = 0, b = 0;
    READ(ACPI);
    want(acpi.found_madt && acpi.found_fadt);
    want_equal(acpi.ncpus, 2);
    want_equal(acpi.apic_id[1], 1);
    want_equal(acpi.isa[4].gsi, 9);
    want(acpi.isa[4].active_low && acpi.isa[4].level);
    want_equal(acpi.isa[5].gsi, 5);
    want_equal(acpi.pm1a_control, 0x604);
    want_equal(acpi.pm_timer_port, 0x608);
    want(acpi_read_s5(&a, &b));
    want_equal(a, 5);
    want_equal(b, 6);
    READ(MP);
    want_equal(acpi.ncpus, 2);
    want_equal(acpi.ioapic[0].pa, 0xfec00000);
}

CLAIM(the_old_root_serves_where_the_new_one_is_bad)
{
    struct blob b = good(ACPI);
    b.bytes[32]++; /* the sum over all of the root pointer */
    firmware_read(ACPI, b.bytes, b.size);
    want_equal(acpi.root_entry_bytes, 4);
    want_equal(acpi.ncpus, 2);
}

/* One byte of each table changed, its sum left wrong. */
CLAIM(tables_that_do_not_sum_to_zero_are_absent)
{
    struct blob b = good(ACPI);
    for (uint32_t at = 0; at < 20; at++) {
        b.bytes[at] ^= 0x10;
        firmware_read(ACPI, b.bytes, b.size);
        want_usual();
        b.bytes[at] ^= 0x10;
    }
    for (uint32_t at = ACPI_MADT; at < ACPI_MADT + 82; at++) {
        b.bytes[at] ^= 0x10;
        firmware_read(ACPI, b.bytes, b.size);
        want(!acpi.found_madt && acpi.found_fadt);
        want_usual();
        b.bytes[at] ^= 0x10;
    }
    b = good(MP);
    for (uint32_t at = MP_CONFIG; at < MP_END; at++) {
        b.bytes[at] ^= 0x10;
        firmware_read(MP, b.bytes, b.size);
        want_usual();
        b.bytes[at] ^= 0x10;
    }
}

CLAIM(tables_cut_anywhere_read_nothing_beyond)
{
    for (int mp = ACPI; mp <= MP; mp++) {
        struct blob b = good(mp);
        for (uint32_t size = b.size; size-- > 0;) {
            firmware_read(mp, b.bytes, size);
            firmware_check();
        }
    }
}

CLAIM(lengths_that_cannot_be)
{
    const uint64_t lengths[] = {
        0,        1,        8,        35,         36,         37,
        43,       44,       45,       46,         115,        116,
        ACPI_END, 0x400000, 0x400001, 0x7fffffff, 0xfffffffc, UINT32_MAX};
    const unsigned tables[] = {ACPI_XSDT, ACPI_MADT, ACPI_FADT, ACPI_DSDT};
    for (unsigned t = 0; t < ARRAY_SIZE(tables); t++)
        for (unsigned i = 0; i < ARRAY_SIZE(lengths); i++)
            READ(ACPI, SET(tables[t] + ACPI_LENGTH, lengths[i], 4));
    for (unsigned i = 0; i < ARRAY_SIZE(lengths); i++)
        READ(MP, SET(MP_CONFIG + 4, lengths[i], 2));
    READ(MP, SET(MP_CONFIG + 34, UINT16_MAX, 2)); /* entries */
    READ(MP, SET(MP_CONFIG + 4, 44 + 19, 2));
    want_equal(acpi.ncpus, 0);
}

CLAIM(entries_that_do_not_fit_end_the_list)
{
    const unsigned first = ACPI_MADT + MADT_FIRST;
    READ(ACPI, SET(first + 1, 0, 1)); /* would never end */
    want_equal(acpi.ncpus, 0);
    READ(ACPI, SET(first + 1, 1, 1));
    want_equal(acpi.ncpus, 0);
    READ(ACPI, SET(first + 9, 255, 1));
    want_equal(acpi.ncpus, 1);
    READ(ACPI, SET(first + 1, 7, 1)); /* a CPU too short to be one */
    want_equal(acpi.ncpus, 0);
    READ(ACPI, SET(ACPI_MADT + MADT_OVERRIDE_ENTRY + 3, 16, 1));
    want_equal(acpi.isa[15].gsi, 15);
}

CLAIM(roots_that_lead_nowhere_or_in_a_circle)
{
    const unsigned entry = ACPI_XSDT + 36;
    const uint64_t nowhere[] = {0,
                                1,
                                FIRMWARE_ACPI + ACPI_END - 4,
                                FIRMWARE_ACPI - 8,
                                1ull << 40,
                                UINT64_MAX,
                                UINT64_MAX - 35};
    for (unsigned i = 0; i < ARRAY_SIZE(nowhere); i++) {
        READ(ACPI, SET(entry, nowhere[i], 8); SET(entry + 8, nowhere[i], 8));
        want(!acpi.found_madt && !acpi.found_fadt);
        READ(ACPI, SET(24, nowhere[i], 8)); /* the XSDT itself */
        READ(MP, SET(4, nowhere[i], 4));
        want_usual();
    }
    READ(ACPI, SET(entry, FIRMWARE_ACPI + ACPI_XSDT, 8));
    READ(ACPI, SET(24, FIRMWARE_ACPI, 8)); /* the root pointer is no table */
    READ(ACPI, memcpy(b.bytes + ACPI_XSDT, "APIC", 4);
         SET(entry, FIRMWARE_ACPI + ACPI_XSDT, 8));
    READ(ACPI, SET(ACPI_FADT + 40, FIRMWARE_ACPI + ACPI_FADT, 4));
}

CLAIM(the_same_cpu_twice_is_one)
{
    READ(ACPI, SET(ACPI_MADT + MADT_FIRST + 11, 0, 1));
    want_equal(acpi.ncpus, 1);
    READ(ACPI, SET(ACPI_MADT + MADT_FIRST + 11, 0xff, 1)); /* all of them */
    want_equal(acpi.ncpus, 1);
    READ(MP, SET(MP_ENTRIES + 21, 0xff, 1));
    want_equal(acpi.ncpus, 1);
}

/* Registers in the middle of memory would be written to. */
CLAIM(interrupt_controllers_are_not_in_memory)
{
    const uint64_t bad[] = {0, 0x100000, 0x7fff000, 0xfec00001, 0xfec00ffc};
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        READ(ACPI, SET(ACPI_MADT + MADT_IOAPIC_ENTRY + 4, bad[i], 4));
        want_equal(acpi.ioapic[0].pa, 0xfec00000);
        READ(ACPI, SET(ACPI_MADT + 36, bad[i], 4));
        want_equal(acpi.lapic_pa, 0xfee00000);
        READ(MP, SET(MP_ENTRIES + 44, bad[i], 4));
        want_equal(acpi.ioapic[0].pa, 0xfec00000);
    }
    /* The entry of type 5 has 64 bits. */
    READ(ACPI, SET(ACPI_MADT + MADT_IOAPIC_ENTRY, 5, 1);
         SET(ACPI_MADT + MADT_IOAPIC_ENTRY + 4, 0xfff0000000000000, 8));
    want_equal(acpi.lapic_pa, 0xfee00000);
}

CLAIM(power_off_values_that_are_not_there)
{
    uint8_t a, b_;
    const unsigned s5 = ACPI_DSDT + DSDT_S5;
    READ(ACPI, SET(s5, 'X', 1));
    want(!acpi_read_s5(&a, &b_));
    READ(ACPI, SET(s5 + 5, 0xc6, 1)); /* a length of four bytes */
    want(!acpi_read_s5(&a, &b_));
    READ(ACPI, SET(s5 + 7, 0x70, 1)); /* no constant */
    want(!acpi_read_s5(&a, &b_));
    READ(ACPI, SET(s5 + 7, 1, 1); SET(s5 + 8, 0, 1));
    want(acpi_read_s5(&a, &b_));
    want_equal(a * 2 + b_, 2);
    for (unsigned length = 36; length < 52; length++) {
        READ(ACPI, SET(ACPI_DSDT + ACPI_LENGTH, length, 4));
        acpi_read_s5(&a, &b_);
    }
}
