// SPDX-License-Identifier: MIT
/* See feed_firmware.h. [ACPI 5.2; MP 1.4, 4] */
#include "feed_firmware.h"

#include <string.h>

#include "boot/region.h"
#include "drv/acpi.h"
#include "feed.h"
#include "host.h"

static void
read_tables(void)
{
    uint8_t a, b;
    acpi_init();
    acpi_read_s5(&a, &b);
}

void
firmware_read(int mp, const uint8_t *bytes, uint32_t size)
{
    static bool made;
    const uint64_t at = mp ? FIRMWARE_MP : FIRMWARE_ACPI;
    const uint64_t mapped = mp ? FIRMWARE_MP_BYTES : size;
    if (!made)
        host_memory_make(0x100000);
    made = host_quiet = true;
    memset(&K, 0, sizeof(K));
    memset(&acpi, 0, sizeof(acpi));
    K.boot.ram[0] = (struct boot_region){0x100000, 0x8000000};
    K.boot.nram = 1;
    K.boot.rsdp_pa = mp ? 0 : FIRMWARE_ACPI;
    host_map_nothing();
    uint8_t *to = host_map(at, mapped);
    memset(to, 0, mapped);
    memcpy(to, bytes, size < mapped ? size : mapped);
    PROMISE(!host_try(read_tables));
}

static void
check_device(uint64_t pa)
{
    uint64_t page = pa & ~0xfffull;
    PROMISE(page && pa < 1ull << cpu_phys_bits());
    PROMISE(!region_contains(K.boot.ram, K.boot.nram, page, page + 0x1000));
}

void
firmware_check(void)
{
    PROMISE(acpi.ncpus <= ACPI_MAX_CPUS);
    for (unsigned i = 0; i < acpi.ncpus; i++)
        for (unsigned j = 0; j < i; j++)
            PROMISE(acpi.apic_id[i] != acpi.apic_id[j]);
    PROMISE(acpi.nioapics > 0 && acpi.nioapics <= ACPI_MAX_IOAPICS);
    for (unsigned i = 0; i < acpi.nioapics; i++)
        check_device(acpi.ioapic[i].pa);
    PROMISE(acpi.lapic_pa % EXO_PAGE_BYTES == 0);
    check_device(acpi.lapic_pa);
}

/* ---- good ones ----------------------------------------------------------- */

static uint8_t
sum(const uint8_t *bytes, uint32_t n)
{
    uint8_t total = 0;
    while (n--)
        total += *bytes++;
    return total;
}

static uint64_t
number_at(const uint8_t *from, unsigned bytes)
{
    uint64_t n = 0;
    memcpy(&n, from, bytes);
    return n;
}

/* Set the checksum of [from, from + length), if all of it is there. */
static void
mend(uint8_t *bytes, uint32_t size, uint32_t from, uint64_t length,
     uint32_t place)
{
    if (from + length > size || place >= length)
        return;
    bytes[from + place] = 0;
    bytes[from + place] = (uint8_t)-sum(bytes + from, (uint32_t)length);
}

void
firmware_mend(int mp, uint8_t *bytes, uint32_t size)
{
    static const uint32_t tables[] = {ACPI_XSDT, ACPI_MADT, ACPI_FADT,
                                      ACPI_DSDT, ACPI_RSDT};
    if (mp) {
        mend(bytes, size, 0, 16, 10);
        if (size >= MP_CONFIG + 8)
            mend(bytes, size, MP_CONFIG, number_at(bytes + MP_CONFIG + 4, 2),
                 7);
        return;
    }
    for (unsigned i = 0; i < ARRAY_SIZE(tables); i++)
        if (size >= tables[i] + 8)
            mend(bytes, size, tables[i],
                 number_at(bytes + tables[i] + ACPI_LENGTH, 4), ACPI_CHECKSUM);
    mend(bytes, size, 0, 20, 8);
    mend(bytes, size, 0, 36, 32);
}

static void
put_header(uint8_t *to, const char *name, uint32_t length)
{
    memcpy(to, name, 4);
    put_number(to + ACPI_LENGTH, length, 4);
}

static void
put_madt(uint8_t *to)
{
    static const uint8_t entries[] = {
        0, 8,  0, 0, 1, 0, 0,    0,                  /* CPU 0 */
        0, 8,  1, 1, 1, 0, 0,    0,                  /* CPU 1 */
        1, 12, 2, 0, 0, 0, 0xc0, 0xfe, 0,   0, 0, 0, /* I/O APIC */
        2, 10, 0, 4, 9, 0, 0,    0,    0xf, 0,       /* IRQ 4 is line 9 */
    };
    put_header(to, "APIC", MADT_FIRST + sizeof(entries));
    put_number(to + 36, 0xfee00000, 4);
    memcpy(to + MADT_FIRST, entries, sizeof(entries));
}

static void
put_fadt(uint8_t *to)
{
    put_header(to, "FACP", 116);
    put_number(to + 40, FIRMWARE_ACPI + ACPI_DSDT, 4);
    put_number(to + 64, 0x604, 4);
    put_number(to + 76, 0x608, 4);
    to[91] = 4;
}

static uint32_t
good_acpi(uint8_t *to)
{
    memset(to, 0, ACPI_END);
    memcpy(to, "RSD PTR ", 8);
    to[15] = 2;
    put_number(to + 16, FIRMWARE_ACPI + ACPI_RSDT, 4);
    put_number(to + 20, 36, 4);
    put_number(to + 24, FIRMWARE_ACPI + ACPI_XSDT, 8);
    put_header(to + ACPI_XSDT, "XSDT", 36 + 16);
    put_number(to + ACPI_XSDT + 36, FIRMWARE_ACPI + ACPI_MADT, 8);
    put_number(to + ACPI_XSDT + 44, FIRMWARE_ACPI + ACPI_FADT, 8);
    put_header(to + ACPI_RSDT, "RSDT", 36 + 8);
    put_number(to + ACPI_RSDT + 36, FIRMWARE_ACPI + ACPI_MADT, 4);
    put_number(to + ACPI_RSDT + 40, FIRMWARE_ACPI + ACPI_FADT, 4);
    put_madt(to + ACPI_MADT);
    put_fadt(to + ACPI_FADT);
    put_header(to + ACPI_DSDT, "DSDT", 52);
    memcpy(to + ACPI_DSDT + DSDT_S5, "_S5_\x12\x06\x02\x0a\x05\x0a\x06", 11);
    firmware_mend(0, to, ACPI_END);
    return ACPI_END;
}

static uint32_t
good_mp(uint8_t *to)
{
    memset(to, 0, MP_END);
    memcpy(to, "_MP_", 4);
    put_number(to + 4, FIRMWARE_MP + MP_CONFIG, 4);
    to[8] = 1;
    memcpy(to + MP_CONFIG, "PCMP", 4);
    put_number(to + MP_CONFIG + 4, MP_END - MP_CONFIG, 2);
    put_number(to + MP_CONFIG + 34, 3, 2);
    put_number(to + MP_CONFIG + 36, 0xfee00000, 4);
    for (unsigned i = 0; i < 2; i++) {
        to[MP_ENTRIES + 20 * i + 1] = (uint8_t)i;
        to[MP_ENTRIES + 20 * i + 3] = 1;
    }
    to[MP_ENTRIES + 40] = 2;
    to[MP_ENTRIES + 43] = 1;
    put_number(to + MP_ENTRIES + 44, 0xfec00000, 4);
    firmware_mend(1, to, MP_END);
    return MP_END;
}

uint32_t
firmware_good(int mp, uint8_t *to)
{
    return mp ? good_mp(to) : good_acpi(to);
}

/* ---- for the fuzzer ------------------------------------------------------ */

static void
eat(const uint8_t *bytes, size_t size)
{
    if (size == 0)
        return;
    firmware_read(bytes[0] & 1, bytes + 1, (uint32_t)size - 1);
    firmware_check();
}

static size_t
seed(unsigned n, uint8_t *to)
{
    if (n > 1)
        return 0;
    to[0] = (uint8_t)n;
    return 1 + firmware_good((int)n, to + 1);
}

static void
mend_input(uint8_t *bytes, size_t size)
{
    if (size > 0)
        firmware_mend(bytes[0] & 1, bytes + 1, (uint32_t)size - 1);
}

const struct feed feed = {.name = "firmware",
                          .max = FIRMWARE_BYTES,
                          .runs = 200000,
                          .eat = eat,
                          .seed = seed,
                          .mend = mend_input};
