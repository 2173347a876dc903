// SPDX-License-Identifier: MIT
/*
 * See mptable.h.
 */
#include "drv/mptable.h"

#include "drv/acpi.h"
#include "boot/memory.h"
#include "kernel.h"
#include "lib/string.h"

struct floating {
    char name[4]; /* "_MP_" */
    uint32_t table_pa;
    uint8_t length, revision, checksum, features[5];
} __attribute__((packed));

struct config {
    char name[4]; /* "PCMP" */
    uint16_t length;
    uint8_t revision, checksum;
    char oem[8], product[12];
    uint32_t oem_table;
    uint16_t oem_size, entries;
    uint32_t lapic_pa;
    uint16_t extended_length;
    uint8_t extended_checksum, reserved;
} __attribute__((packed));

enum mp_entry {
    MP_CPU = 0, /* 20 bytes, all others 8 */
    MP_IOAPIC = 2,
};
enum { MP_ENABLED = 1 };

static uint8_t
sum(const uint8_t *bytes, unsigned n)
{
    uint8_t total = 0;
    while (n-- > 0)
        total += *bytes++;
    return total;
}

static const struct floating *
find(uint64_t start, uint64_t end)
{
    if (!memory_is_mapped(start, end - start))
        return NULL;
    for (uint64_t pa = start; pa + sizeof(struct floating) <= end; pa += 16) {
        const struct floating *f = pa_to_kva(pa);
        if (memcmp(f->name, "_MP_", 4) == 0 && f->length == 1 &&
            sum((const uint8_t *)f, sizeof *f) == 0)
            return f;
    }
    return NULL;
}

static void
read_entries(const struct config *config)
{
    const uint8_t *at = (const uint8_t *)(config + 1);
    const uint8_t *end = (const uint8_t *)config + config->length;
    for (unsigned i = 0; i < config->entries && at < end; i++) {
        const unsigned len = at[0] == MP_CPU ? 20 : 8;
        if (end - at < len)
            return;
        uint32_t address;
        memcpy(&address, at + 4, sizeof address);
        if (at[0] == MP_CPU && (at[3] & MP_ENABLED) && at[1] != 0xff)
            acpi_add_cpu(at[1]);
        else if (at[0] == MP_IOAPIC && (at[3] & MP_ENABLED))
            acpi_add_ioapic(address, 0);
        at += len;
    }
}

void
mptable_read(void)
{
    const struct floating *f = find(0xf0000, 0x100000);
    if (f == NULL)
        f = find(0x9fc00, 0xa0000);
    if (f == NULL || !memory_is_mapped(f->table_pa, sizeof(struct config)))
        return;
    const struct config *config = pa_to_kva(f->table_pa);
    if (memcmp(config->name, "PCMP", 4) != 0 ||
        config->length < sizeof *config ||
        !memory_is_mapped(f->table_pa, config->length) ||
        sum((const uint8_t *)config, config->length) != 0)
        return;
    acpi.lapic_pa = config->lapic_pa;
    read_entries(config);
}
