// SPDX-License-Identifier: MIT
/*
 * See acpi.h. Everything read here was written by firmware, and is checked
 * before it is used: that it is mapped, long enough, and sums to zero.
 */
#include "drv/acpi.h"

#include "boot/cpu.h"
#include "boot/memory.h"
#include "boot/region.h"
#include "drv/mptable.h"
#include "debug/print.h"
#include "hw.h"
#include "kernel.h"
#include "lib/string.h"

enum {
    TABLE_MAX = 4 << 20, /* bytes; the largest real ones are some 100 KiB */
    BDA_EBDA_SEGMENT = 0x40e,
    BIOS_START = 0xe0000,
    BIOS_END = 0x100000,
    IOAPIC_ALIGN = 256, /* bytes; the least of real chips */
};

struct rsdp {
    char name[8];
    uint8_t checksum;
    char oem[6];
    uint8_t revision;
    uint32_t rsdt_pa;
    uint32_t length;
    uint64_t xsdt_pa;
    uint8_t checksum_all, reserved[3];
} __attribute__((packed));

enum { RSDP_OLD_BYTES = 20 };

struct table_header {
    char name[4];
    uint32_t length;
    uint8_t revision, checksum;
    char oem[6], oem_table[8];
    uint32_t oem_revision, creator, creator_revision;
} __attribute__((packed));

struct acpi_info acpi;

static uint8_t
sum(const void *bytes, uint64_t n)
{
    const uint8_t *b = bytes;
    uint8_t total = 0;
    while (n-- > 0)
        total += *b++;
    return total;
}

static uint64_t
read_le(const void *from, unsigned bytes)
{
    uint64_t value = 0;
    memcpy(&value, from, bytes);
    return value;
}

/* The table at pa when it is whole; NULL when not. */
static const struct table_header *
table_at(uint64_t pa)
{
    struct table_header h;
    if (!memory_is_mapped(pa, sizeof h))
        return NULL;
    memcpy(&h, pa_to_kva(pa), sizeof h);
    if (h.length < sizeof h || h.length > TABLE_MAX ||
        !memory_is_mapped(pa, h.length))
        return NULL;
    const void *table = pa_to_kva(pa);
    return sum(table, h.length) == 0 ? table : NULL;
}

static bool
use_rsdp(uint64_t pa)
{
    struct rsdp r;
    if (!memory_is_mapped(pa, RSDP_OLD_BYTES))
        return false;
    memcpy(&r, pa_to_kva(pa), RSDP_OLD_BYTES);
    if (memcmp(r.name, "RSD PTR ", 8) != 0 ||
        sum(pa_to_kva(pa), RSDP_OLD_BYTES) != 0)
        return false;
    acpi.root_pa = r.rsdt_pa;
    acpi.root_entry_bytes = 4;
    if (r.revision >= 2 && memory_is_mapped(pa, sizeof r)) {
        memcpy(&r, pa_to_kva(pa), sizeof r);
        if (r.xsdt_pa != 0 && sum(&r, sizeof r) == 0) {
            acpi.root_pa = r.xsdt_pa;
            acpi.root_entry_bytes = 8;
        }
    }
    return true;
}

static bool
scan_for_rsdp(uint64_t start, uint64_t end)
{
    if (!memory_is_mapped(start, end - start))
        return false;
    for (uint64_t pa = start; pa + RSDP_OLD_BYTES <= end; pa += 16) {
        const uint64_t *word = pa_to_kva(pa);
        if (*word == 0x2052545020445352 /* "RSD PTR " */ && use_rsdp(pa))
            return true;
    }
    return false;
}

/* Find the root table: the loader's word first, then where BIOSes put it. */
static void
find_root(void)
{
    if (K.boot.rsdp_pa != 0 && use_rsdp(K.boot.rsdp_pa))
        return;
    uint16_t segment = 0;
    if (memory_is_mapped(BDA_EBDA_SEGMENT, 2))
        segment = (uint16_t)read_le(pa_to_kva(BDA_EBDA_SEGMENT), 2);
    const uint64_t ebda = (uint64_t)segment << 4;
    if (scan_for_rsdp(BIOS_START, BIOS_END))
        return;
    if (ebda >= 0x80000 && ebda < 0xa0000 - 1024)
        scan_for_rsdp(ebda, ebda + 1024);
}

const void *
acpi_find(const char *name, uint32_t *length)
{
    if (acpi.root_pa == 0)
        return NULL;
    const struct table_header *root = table_at(acpi.root_pa);
    if (root == NULL)
        return NULL;
    const char *entries = (const char *)(root + 1);
    const unsigned bytes = acpi.root_entry_bytes;
    const unsigned count = (root->length - sizeof *root) / bytes;
    for (unsigned i = 0; i < count; i++) {
        const uint64_t pa = read_le(entries + i * bytes, bytes);
        if (!memory_is_mapped(pa, sizeof(struct table_header)) ||
            memcmp(pa_to_kva(pa), name, 4) != 0)
            continue;
        const struct table_header *table = table_at(pa);
        if (table == NULL) {
            printk("acpi: table %s at 0x%lx is damaged; ignored\n", name, pa);
            continue;
        }
        *length = table->length;
        return table;
    }
    return NULL;
}

/* Can registers be there? Not where memory is, whatever a table says. */
static bool
is_device(uint64_t pa, uint64_t align)
{
    const uint64_t page = pa & ~(uint64_t)(EXO_PAGE_BYTES - 1);
    return page != 0 && pa % align == 0 && pa >> cpu_phys_bits() == 0 &&
           !region_contains(K.boot.ram, K.boot.nram, page,
                            page + EXO_PAGE_BYTES);
}

void
acpi_add_cpu(uint32_t apic_id)
{
    for (unsigned i = 0; i < acpi.ncpus; i++) {
        if (acpi.apic_id[i] == apic_id)
            return;
    }
    if (acpi.ncpus < ACPI_MAX_CPUS)
        acpi.apic_id[acpi.ncpus++] = apic_id;
}

void
acpi_add_ioapic(uint32_t pa, uint32_t gsi_base)
{
    if (is_device(pa, IOAPIC_ALIGN) && acpi.nioapics < ACPI_MAX_IOAPICS)
        acpi.ioapic[acpi.nioapics++] = (struct acpi_ioapic){pa, gsi_base};
}

/* MADT entries [ACPI 5.2.12]. */
enum madt_type {
    MADT_LAPIC = 0,
    MADT_IOAPIC = 1,
    MADT_OVERRIDE = 2,
    MADT_LAPIC_ADDRESS = 5,
    MADT_X2APIC = 9,
};
enum { MADT_CPU_ENABLED = 1 };

static void
madt_override(const uint8_t *e)
{
    if (e[2] != 0 || e[3] >= ARRAY_SIZE(acpi.isa))
        return;
    const unsigned flags = (unsigned)read_le(e + 8, 2);
    acpi.isa[e[3]] = (struct acpi_line){
        .gsi = (uint32_t)read_le(e + 4, 4),
        .active_low = (flags & 3) == 3,
        .level = (flags >> 2 & 3) == 3,
    };
}

static void
madt_entry(const uint8_t *e, unsigned len)
{
    switch (e[0]) {
    case MADT_LAPIC:
        if (len >= 8 && (e[4] & MADT_CPU_ENABLED) && e[3] != 0xff)
            acpi_add_cpu(e[3]);
        break;
    case MADT_IOAPIC:
        if (len >= 12)
            acpi_add_ioapic((uint32_t)read_le(e + 4, 4),
                            (uint32_t)read_le(e + 8, 4));
        break;
    case MADT_OVERRIDE:
        if (len >= 10)
            madt_override(e);
        break;
    case MADT_LAPIC_ADDRESS:
        if (len >= 12)
            acpi.lapic_pa = read_le(e + 4, 8);
        break;
    case MADT_X2APIC:
        if (len >= 16 && (e[8] & MADT_CPU_ENABLED))
            acpi_add_cpu((uint32_t)read_le(e + 4, 4));
        break;
    default:
        break;
    }
}

static void
read_madt(void)
{
    uint32_t length;
    const uint8_t *madt = acpi_find("APIC", &length);
    if (madt == NULL || length < 44)
        return;
    acpi.found_madt = true;
    acpi.lapic_pa = read_le(madt + 36, 4);
    for (uint32_t at = 44; length - at >= 2;) {
        const unsigned len = madt[at + 1];
        if (len < 2 || len > length - at) {
            printk("acpi: MADT entry of %u bytes; the rest is ignored\n", len);
            return;
        }
        madt_entry(madt + at, len);
        at += len;
    }
}

/* FADT fields by offset [ACPI 5.2.9]. */
enum fadt_offset {
    FADT_DSDT = 40,
    FADT_PM1A_CONTROL = 64,
    FADT_PM1B_CONTROL = 68,
    FADT_PM_TIMER = 76,
    FADT_PM_TIMER_LENGTH = 91,
    FADT_BOOT_FLAGS = 109,
    FADT_FLAGS = 112,
    FADT_BYTES = 116, /* of the first version */
};
enum {
    FADT_BOOT_NO_CMOS_RTC = 1u << 5,
    FADT_HW_REDUCED = 1u << 20,
};

static void
read_fadt(void)
{
    uint32_t length;
    const uint8_t *fadt = acpi_find("FACP", &length);
    if (fadt == NULL || length < FADT_BYTES)
        return;
    acpi.found_fadt = true;
    acpi.dsdt_pa = read_le(fadt + FADT_DSDT, 4);
    if (read_le(fadt + FADT_BOOT_FLAGS, 2) & FADT_BOOT_NO_CMOS_RTC)
        acpi.no_cmos_rtc = true;
    if (read_le(fadt + FADT_FLAGS, 4) & FADT_HW_REDUCED)
        return;
    acpi.pm1a_control = (uint16_t)read_le(fadt + FADT_PM1A_CONTROL, 4);
    acpi.pm1b_control = (uint16_t)read_le(fadt + FADT_PM1B_CONTROL, 4);
    if (fadt[FADT_PM_TIMER_LENGTH] == 4)
        acpi.pm_timer_port = (uint16_t)read_le(fadt + FADT_PM_TIMER, 4);
}

/* One small constant of an AML package: a prefixed byte, or zero or one. */
static bool
aml_byte(const uint8_t **at, const uint8_t *end, uint8_t *value)
{
    enum { AML_ZERO = 0x00, AML_ONE = 0x01, AML_BYTE = 0x0a };
    if (*at >= end)
        return false;
    const uint8_t op = *(*at)++;
    if (op == AML_ZERO || op == AML_ONE) {
        *value = op;
        return true;
    }
    if (op != AML_BYTE || *at >= end)
        return false;
    *value = *(*at)++;
    return true;
}

bool
acpi_read_s5(uint8_t *type_a, uint8_t *type_b)
{
    const struct table_header *dsdt = table_at(acpi.dsdt_pa);
    if (acpi.dsdt_pa == 0 || dsdt == NULL)
        return false;
    const uint8_t *aml = (const uint8_t *)dsdt, *end = aml + dsdt->length;
    for (const uint8_t *at = aml + sizeof *dsdt; end - at >= 7; at++) {
        if (memcmp(at, "_S5_\x12", 5) != 0)
            continue;
        /* Package length: 1 to 4 bytes; then the number of elements. */
        at += 5;
        at += 1 + (*at >> 6) + 1;
        return aml_byte(&at, end, type_a) && aml_byte(&at, end, type_b);
    }
    return false;
}

/* What follows the hardware id of a virtio device: somewhere in the rest of the
 * Device object a _CRS of two descriptors, fixed memory and an interrupt. */
static bool
read_virtio(const uint8_t *at, const uint8_t *end, struct acpi_device *device)
{
    enum { MEMORY_BYTES = 12, LINE_BYTES = 9, OBJECT_BYTES = 64 };
    enum { LINE_EDGE = 2, LINE_LOW = 4 };
    if (end - at > OBJECT_BYTES)
        end = at + OBJECT_BYTES;
    for (; end - at >= MEMORY_BYTES + LINE_BYTES; at++) {
        const uint8_t *line = at + MEMORY_BYTES;
        if (memcmp(at, "\x86\x09\x00", 3) != 0 ||
            memcmp(line, "\x89\x06\x00", 3) != 0 || line[4] != 1)
            continue;
        *device = (struct acpi_device){
            .pa = (uint32_t)read_le(at + 4, 4),
            .bytes = (uint32_t)read_le(at + 8, 4),
            .line = {.gsi = (uint32_t)read_le(line + 5, 4),
                     .active_low = (line[3] & LINE_LOW) != 0,
                     .level = (line[3] & LINE_EDGE) == 0},
        };
        return true;
    }
    return false;
}

bool
acpi_find_virtio(unsigned n, struct acpi_device *device)
{
    const struct table_header *dsdt = table_at(acpi.dsdt_pa);
    if (acpi.dsdt_pa == 0 || dsdt == NULL)
        return false;
    const uint8_t *at = (const uint8_t *)(dsdt + 1);
    const uint8_t *end = (const uint8_t *)dsdt + dsdt->length;
    for (; end - at >= 8; at++) {
        if (memcmp(at, "LNRO0005", 8) == 0 && n-- == 0)
            return read_virtio(at + 8, end, device);
    }
    return false;
}

void
acpi_init(void)
{
    for (unsigned i = 0; i < ARRAY_SIZE(acpi.isa); i++)
        acpi.isa[i].gsi = i;
    find_root();
    read_madt();
    read_fadt();
    if (!acpi.found_madt)
        mptable_read();
    if (!is_device(acpi.lapic_pa, EXO_PAGE_BYTES))
        acpi.lapic_pa = 0xfee00000;
    if (acpi.nioapics == 0)
        acpi_add_ioapic(0xfec00000, 0);
}
