// SPDX-License-Identifier: MIT
/* See pci.h. */
#include "drv/pci.h"

#include <stddef.h>

#include "boot/memory.h"
#include "drv/apic.h"
#include "hw.h"
#include "kernel.h"

enum {
    PORT_ADDRESS = 0xcf8,
    PORT_DATA = 0xcfc,
    MAPPING_MAX = 1 << 20, /* bytes of registers that a driver maps */
    BARS = 6,
    CAPABILITIES_MAX = 48, /* as many as fit in 256 bytes: a ring is noticed */
};
#define ADDRESS_ENABLE 0x80000000u

/* The header, and MSI-X by offset from its capability. */
enum header {
    HEADER_ID = 0x00,
    HEADER_COMMAND = 0x04,
    HEADER_STATUS = 0x06,
    HEADER_TYPE = 0x0e,
    HEADER_BAR = 0x10,
    HEADER_BUSES = 0x18, /* of a bridge: primary, secondary, subordinate */
    HEADER_CAPABILITIES = 0x34,
    HEADER_LINE = 0x3c,
    HEADER_PIN = 0x3d,

    STATUS_CAPABILITIES = 1 << 4,
    TYPE_DEVICE = 0,
    TYPE_BRIDGE = 1,
    TYPE_MANY = 0x80, /* has more than one function */

    MSIX_CONTROL = 2,
    MSIX_TABLE = 4,
    MSIX_ENABLE = 1 << 15,
    MSIX_MASK_ALL = 1 << 14,
    MSIX_ENTRY_BYTES = 16,
};

enum bar_bits {
    BAR_IO = 1,
    BAR_TYPE = 6,
    BAR_64 = 4,
};

static void
select(const struct pci_function *f, unsigned at)
{
    hw_outl(PORT_ADDRESS, f->address | (at & 0xfc));
}

uint32_t
pci_read(const struct pci_function *f, unsigned at)
{
    select(f, at);
    return hw_inl(PORT_DATA);
}

uint16_t
pci_read16(const struct pci_function *f, unsigned at)
{
    return (uint16_t)(pci_read(f, at) >> 8 * (at & 2));
}

uint8_t
pci_read8(const struct pci_function *f, unsigned at)
{
    return (uint8_t)(pci_read(f, at) >> 8 * (at & 3));
}

static void
write32(const struct pci_function *f, unsigned at, uint32_t value)
{
    select(f, at);
    hw_outl(PORT_DATA, value);
}

static void
write16(const struct pci_function *f, unsigned at, uint16_t value)
{
    select(f, at);
    hw_outw((uint16_t)(PORT_DATA + (at & 2)), value);
}

void
pci_command(const struct pci_function *f, uint16_t set, uint16_t clear)
{
    const uint16_t old = pci_read16(f, HEADER_COMMAND);
    write16(f, HEADER_COMMAND, (uint16_t)((old & ~clear) | set));
}

/* Is there a function, and which? */
static bool
look(struct pci_function *f, unsigned bus, unsigned slot, unsigned number)
{
    f->address = ADDRESS_ENABLE | bus << 16 | slot << 11 | number << 8;
    const uint32_t id = pci_read(f, HEADER_ID);
    f->vendor = (uint16_t)id;
    f->device = (uint16_t)(id >> 16);
    return f->vendor != 0xffff && f->vendor != 0;
}

static unsigned
type_of(const struct pci_function *f)
{
    return pci_read8(f, HEADER_TYPE) & ~(unsigned)TYPE_MANY;
}

/* The functions in one slot; *last grows to the highest bus behind a bridge. */
static bool
find_in_slot(unsigned bus, unsigned slot, unsigned *last,
             bool (*take)(const struct pci_function *f))
{
    struct pci_function f;
    for (unsigned number = 0; number < 8; number++) {
        const bool there = look(&f, bus, slot, number);
        if (there && type_of(&f) == TYPE_BRIDGE) {
            const unsigned end = pci_read8(&f, HEADER_BUSES + 2);
            *last = end > *last ? end : *last;
        }
        if (there && take(&f))
            return true;
        /* Only function 0 says whether there are others. */
        if (number == 0 &&
            (!there || !(pci_read8(&f, HEADER_TYPE) & TYPE_MANY)))
            break;
    }
    return false;
}

bool
pci_find(bool (*take)(const struct pci_function *f))
{
    hw_outl(PORT_ADDRESS, ADDRESS_ENABLE);
    if (hw_inl(PORT_ADDRESS) != ADDRESS_ENABLE)
        return false;
    unsigned last = 0;
    for (unsigned bus = 0; bus <= last; bus++) {
        for (unsigned slot = 0; slot < 32; slot++) {
            if (find_in_slot(bus, slot, &last, take))
                return true;
        }
    }
    return false;
}

/* A bridge carries the DMA of those behind it and has none of its own. */
static bool
silence(const struct pci_function *f)
{
    if (type_of(f) == TYPE_DEVICE)
        pci_command(f, PCI_NO_LINE, PCI_DMA);
    return false;
}

void
pci_init(void)
{
    pci_find(silence);
}

/* What stays zero when all bits of a register are set is its size. */
static uint32_t
size_bits(const struct pci_function *f, unsigned at, uint32_t value)
{
    write32(f, at, UINT32_MAX);
    const uint32_t bits = pci_read(f, at);
    write32(f, at, value);
    return bits;
}

/* Ranges are powers of two, and lie at multiples of their size. */
static bool
is_aligned(const struct pci_bar *bar)
{
    return bar->bytes != 0 && (bar->bytes & (bar->bytes - 1)) == 0 &&
           (bar->base & (bar->bytes - 1)) == 0;
}

static bool
read_io_bar(const struct pci_function *f, unsigned at, struct pci_bar *bar)
{
    const uint32_t low = pci_read(f, at);
    const uint32_t bits = size_bits(f, at, low) & ~3u;
    bar->base = low & ~3u;
    bar->bytes = (uint16_t)(~bits + 1); /* the upper half may read as zero */
    return bar->base != 0 && is_aligned(bar) &&
           bar->base + bar->bytes <= UINT64_C(0x10000);
}

static bool
read_memory_bar(const struct pci_function *f, unsigned at, struct pci_bar *bar)
{
    const uint32_t low = pci_read(f, at);
    const bool wide = (low & BAR_TYPE) == BAR_64;
    if (wide && at == HEADER_BAR + 4 * (BARS - 1))
        return false;
    uint64_t bits = size_bits(f, at, low) & ~15u;
    bar->base = low & ~15u;
    if (wide) {
        const uint32_t high = pci_read(f, at + 4);
        bits |= (uint64_t)size_bits(f, at + 4, high) << 32;
        bar->base |= (uint64_t)high << 32;
    } else if (bits != 0) {
        bits |= UINT64_C(0xffffffff) << 32;
    }
    bar->bytes = ~bits + 1;
    return is_aligned(bar) && mmio_is_possible(bar->base, bar->bytes);
}

bool
pci_bar(const struct pci_function *f, unsigned n, struct pci_bar *bar)
{
    const unsigned at = HEADER_BAR + 4 * n;
    if (n >= BARS || type_of(f) != TYPE_DEVICE)
        return false;
    /* Its registers are elsewhere while their size is found out. */
    const uint16_t command = pci_read16(f, HEADER_COMMAND);
    pci_command(f, 0, PCI_IO | PCI_MEMORY);
    bar->io = (pci_read(f, at) & BAR_IO) != 0;
    const bool good =
        bar->io ? read_io_bar(f, at, bar) : read_memory_bar(f, at, bar);
    write16(f, HEADER_COMMAND, command);
    return good;
}

void *
pci_map(const struct pci_function *f, unsigned n, uint64_t offset,
        uint64_t bytes)
{
    struct pci_bar bar;
    if (!pci_bar(f, n, &bar) || bar.io || bytes == 0 || bytes > MAPPING_MAX ||
        offset >= bar.bytes || bytes > bar.bytes - offset)
        return NULL;
    return mmio_map(bar.base + offset, bytes);
}

unsigned
pci_capability(const struct pci_function *f, enum pci_capability id,
               unsigned after)
{
    if (!(pci_read16(f, HEADER_STATUS) & STATUS_CAPABILITIES))
        return 0;
    unsigned at = pci_read8(f, after != 0 ? after + 1 : HEADER_CAPABILITIES);
    for (unsigned i = 0; i < CAPABILITIES_MAX; i++) {
        at &= 0xfc;
        if (at < 0x40)
            return 0;
        if (pci_read8(f, at) == id)
            return at;
        at = pci_read8(f, at + 1);
    }
    return 0;
}

bool
pci_route_msix(const struct pci_function *f, uint8_t vector)
{
    const unsigned cap = pci_capability(f, PCI_CAP_MSIX, 0);
    if (cap == 0 || K.cpu[0]->apic_id > 0xff)
        return false;
    const uint32_t place = pci_read(f, cap + MSIX_TABLE);
    uint8_t *entry = pci_map(f, place & 7, place & ~7u, MSIX_ENTRY_BYTES);
    if (entry == NULL)
        return false;
    pci_command(f, PCI_MEMORY, 0);
    const uint16_t control = pci_read16(f, cap + MSIX_CONTROL);
    write16(f, cap + MSIX_CONTROL,
            (uint16_t)(control | MSIX_ENABLE | MSIX_MASK_ALL));
    /* A message is a write to the CPU's local APIC [SDM3 11.11]. */
    hw_mmio_write32(entry, 0xfee00000 | K.cpu[0]->apic_id << 12);
    hw_mmio_write32(entry + 4, 0);
    hw_mmio_write32(entry + 8, vector);
    hw_mmio_write32(entry + 12, 0); /* not masked; the others still are */
    write16(f, cap + MSIX_CONTROL,
            (uint16_t)((control & ~MSIX_MASK_ALL) | MSIX_ENABLE));
    return true;
}

bool
pci_route_line(const struct pci_function *f, uint8_t vector)
{
    const unsigned pin = pci_read8(f, HEADER_PIN);
    const unsigned line = pci_read8(f, HEADER_LINE);
    if (pin == 0 || line == 0 || line > 15 || !ioapic_route_pci(line, vector))
        return false;
    pci_command(f, 0, PCI_NO_LINE);
    return true;
}
