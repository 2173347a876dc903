// SPDX-License-Identifier: MIT
/* Memory, bus and firmware around a simulated card: see nic_device.h. */
#include "nic_device.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sanitizer/asan_interface.h>

#include "boot/memory.h"
#include "debug/print.h"
#include "drv/acpi.h"
#include "drv/apic.h"
#include "drv/nic.h"
#include "drv/pci.h"
#include "hosted/claim.h"
#include "kernel.h"

/* Device registers are never touched by themselves: a pointer to them is this
 * plus their physical address. */
#define WINDOW UINT64_C(0x100000000000)

enum { MSIX_AT = 0x98, FIRST_CAP = 0x40 };

struct kernel K;
struct acpi_info acpi;
struct sim sim;
const uint8_t sim_mac[6] = {0x52, 0x54, 0x00, 0x12, 0x34, 0x56};
const uint64_t boot_entry_tsc;

static uint8_t *arena;
static uint64_t arena_used = EXO_PAGE_BYTES;
static struct cpu cpu;
static uint32_t config_address;
static uint8_t msix_table[64];

/* ---- memory ----------------------------------------------------------- */

void *
host_memory(uint64_t pa)
{
    want(pa < SIM_BYTES);
    return arena + pa;
}

uint64_t
host_pa(const void *kva)
{
    const uint64_t pa = (uint64_t)((const uint8_t *)kva - arena);
    want(pa < SIM_BYTES);
    return pa;
}

/* Nothing lies beside what is allocated. */
void *
boot_alloc(size_t bytes, size_t align)
{
    const size_t fence = 64;
    arena_used = (arena_used + fence + align - 1) & ~(uint64_t)(align - 1);
    void *at = arena + arena_used;
    arena_used += bytes;
    want(arena_used + fence < SIM_BYTES);
    __asan_unpoison_memory_region(at, bytes);
    return memset(at, 0, bytes);
}

void *
sim_memory(uint64_t pa, size_t bytes)
{
    want(sim_may_dma());
    want(pa < SIM_BYTES && bytes <= SIM_BYTES - pa);
    if (__asan_region_is_poisoned(arena + pa, bytes))
        claim_fail(__FILE__, __LINE__,
                   "the card was told of %zu bytes at 0x%lx, which are not "
                   "allocated",
                   bytes, (unsigned long)pa);
    return arena + pa;
}

bool
mmio_is_possible(uint64_t pa, uint64_t len)
{
    return pa >= SIM_BYTES && len != 0 && pa < UINT64_C(1) << 40 &&
           len < (UINT64_C(1) << 40) - pa;
}

void *
mmio_map(uint64_t pa, size_t len)
{
    want(mmio_is_possible(pa, len));
    return (void *)(WINDOW + pa);
}

/* ---- PCI -------------------------------------------------------------- */

static uint8_t *
config_of(uint32_t address)
{
    const unsigned bus = address >> 16 & 0xff, slot = address >> 11 & 31;
    const unsigned function = address >> 8 & 7;
    if (bus != 0 || function != 0)
        return NULL;
    if (slot == SIM_SLOT && sim.card != CARD_NONE && sim.card < CARD_MEMORY_1)
        return sim.config;
    return slot == SIM_SLOT + 1 ? sim.silent : NULL;
}

static uint32_t
config_get(unsigned port, unsigned bytes)
{
    const uint8_t *config = config_of(config_address);
    uint32_t value = UINT32_MAX;
    if (config != NULL && config_address >> 31 != 0)
        memcpy(&value, config + (config_address & 0xfc) + (port & 3), bytes);
    return value;
}

/* The bits of a base address register that can be written. */
static uint32_t
bar_mask(const uint8_t *config, unsigned n)
{
    if (config != sim.config)
        return 0;
    if (n == 0 && (sim.card == CARD_PORT || sim.card == CARD_APART))
        return ~63u;
    if (n == 0)
        return sim.card == CARD_E1000 ? ~0x1ffffu : ~0x3fffu;
    return n == 2 && sim.msix ? ~0xfffu : 0;
}

static void
config_put(unsigned port, uint32_t value, unsigned bytes)
{
    uint8_t *config = config_of(config_address);
    const unsigned at = (config_address & 0xfc) + (port & 3);
    if (config == NULL || config_address >> 31 == 0)
        return;
    if (at >= 0x10 && at < 0x28) {
        uint32_t old;
        want(bytes == 4);
        memcpy(&old, config + at, 4);
        value &= bar_mask(config, (at - 0x10) / 4);
        value |= old & (old & 1 ? 3 : 15);
    } else if (at == 4) {
        want(bytes == 2); /* the other half is the status */
    } else if (at != MSIX_AT + 2) {
        return;
    }
    memcpy(config + at, &value, bytes);
}

bool
sim_may_dma(void)
{
    return sim.card >= CARD_MEMORY_1 || (sim.config[4] & 4) != 0;
}

bool
sim_is_virtio(void)
{
    return sim.card > CARD_E1000;
}

static bool
is_decoded(unsigned bit)
{
    return sim.card >= CARD_MEMORY_1 || (sim.config[4] & bit) != 0;
}

static void
put16(unsigned at, unsigned value)
{
    sim.config[at] = (uint8_t)value;
    sim.config[at + 1] = (uint8_t)(value >> 8);
}

static void
put32(unsigned at, uint32_t value)
{
    put16(at, value & 0xffff);
    put16(at + 2, value >> 16);
}

/* Capabilities [VIRTIO1.2 4.1.4]: all in one window of BAR 0. */
static unsigned
put_capability(unsigned at, unsigned type, uint32_t offset, uint32_t length)
{
    const unsigned bytes = type == 2 ? 20 : 16;
    sim.config[at] = 9;
    sim.config[at + 1] = (uint8_t)(at + bytes);
    sim.config[at + 2] = (uint8_t)bytes;
    sim.config[at + 3] = (uint8_t)type;
    put32(at + 8, offset);
    put32(at + 12, length);
    if (type == 2)
        put32(at + 16, 4);
    return at + bytes;
}

static void
put_capabilities(void)
{
    unsigned at = FIRST_CAP, last = 0;
    sim.config[0x34] = sim.card == CARD_PCI ? FIRST_CAP : MSIX_AT;
    sim.config[6] = 16;
    if (sim.card == CARD_PCI) {
        for (unsigned type = 1; type <= 4; type++) {
            last = at;
            at = put_capability(at, type, 0x1000 * (type - 1), 0x100);
        }
        sim.config[last + 1] = MSIX_AT;
    }
    sim.config[MSIX_AT] = sim.msix ? 17 : 1; /* else: power management */
    sim.config[MSIX_AT + 2] = 3;
    put32(MSIX_AT + 4, 2);
}

void
sim_plug(enum card card)
{
    static const uint16_t device[] = {0, 0x100e, 0x1041, 0x1000, 0x1000};
    sim.card = card;
    if (card != CARD_NONE && card < CARD_MEMORY_1) {
        const bool port = card == CARD_PORT || card == CARD_APART;
        put16(0, sim_is_virtio() ? 0x1af4 : 0x8086);
        put16(2, device[card]);
        put16(4, 4); /* firmware left DMA on */
        put16(0x2e, 1);
        put32(0x10, port ? SIM_PORT | 1 : SIM_BAR);
        put32(0x18, sim.msix ? SIM_BAR2 : 0);
        sim.config[0x3c] = SIM_LINE;
        sim.config[0x3d] = 1;
        if (sim_is_virtio())
            put_capabilities();
    }
    memset(sim.silent, 0, sizeof(sim.silent));
    memcpy(sim.silent, "\x34\x12\x78\x56\x07", 5);
    if (sim_is_virtio())
        virtio_plug();
    else
        e1000_plug();
}

void
sim_boot(enum card card)
{
    sim_plug(card);
    pci_init();
    nic_init();
    want(nic.driver != NULL);
}

uint32_t
sim_random(void)
{
    static uint64_t seed = 1;
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 16);
}

/* ---- the bus as drivers use it ------------------------------------------ */

static uint32_t
port_in(uint16_t port, unsigned bytes)
{
    if (port == 0xcf8)
        return config_address;
    if (port >= 0xcfc && port < 0xd00)
        return config_get(port, bytes);
    want(port >= SIM_PORT && port < SIM_PORT + 64 && is_decoded(1));
    return virtio_in((uint16_t)(port - SIM_PORT));
}

static void
port_out(uint16_t port, uint32_t value, unsigned bytes)
{
    if (port == 0xcf8) {
        config_address = value;
    } else if (port >= 0xcfc && port < 0xd00) {
        config_put(port, value, bytes);
    } else {
        want(port >= SIM_PORT && port < SIM_PORT + 64 && is_decoded(1));
        virtio_out((uint16_t)(port - SIM_PORT), value);
    }
}

static uint64_t
register_of(const volatile void *at)
{
    want(is_decoded(2));
    return (uint64_t)at - WINDOW;
}

static uint32_t
memory_in(const volatile void *at, unsigned bytes)
{
    const uint64_t pa = register_of(at);
    if (sim.card >= CARD_MEMORY_1) {
        want(pa >= SIM_MEMORY && pa < SIM_MEMORY + 0x200);
        return virtio_read((uint32_t)(pa - SIM_MEMORY), bytes);
    }
    want(pa >= SIM_BAR && pa < SIM_BAR + 0x20000);
    const uint32_t offset = (uint32_t)(pa - SIM_BAR);
    return sim.card == CARD_E1000 ? e1000_read(offset)
                                  : virtio_read(offset, bytes);
}

static void
memory_out(volatile void *at, uint32_t value, unsigned bytes)
{
    const uint64_t pa = register_of(at);
    if (sim.card >= CARD_MEMORY_1) {
        want(pa >= SIM_MEMORY && pa < SIM_MEMORY + 0x200);
        virtio_write((uint32_t)(pa - SIM_MEMORY), value, bytes);
    } else if (pa >= SIM_BAR2) {
        want(sim.msix && pa < SIM_BAR2 + sizeof(msix_table) && bytes == 4);
        memcpy(msix_table + (pa - SIM_BAR2), &value, 4);
    } else {
        want(pa >= SIM_BAR && pa < SIM_BAR + 0x20000);
        if (sim.card == CARD_E1000)
            e1000_write((uint32_t)(pa - SIM_BAR), value);
        else
            virtio_write((uint32_t)(pa - SIM_BAR), value, bytes);
    }
}

#define ACCESS(bits, letter)                                                   \
    uint##bits##_t hw_in##letter(uint16_t port)                                \
    {                                                                          \
        return (uint##bits##_t)port_in(port, bits / 8);                        \
    }                                                                          \
    void hw_out##letter(uint16_t port, uint##bits##_t value)                   \
    {                                                                          \
        port_out(port, value, bits / 8);                                       \
    }                                                                          \
    uint##bits##_t hw_mmio_read##bits(const volatile void *at)                 \
    {                                                                          \
        return (uint##bits##_t)memory_in(at, bits / 8);                        \
    }                                                                          \
    void hw_mmio_write##bits(volatile void *at, uint##bits##_t value)          \
    {                                                                          \
        memory_out(at, value, bits / 8);                                       \
    }
ACCESS(8, b)
ACCESS(16, w)
ACCESS(32, l)

bool
hw_rdrand(uint64_t *out)
{
    *out = 0;
    return false; /* as on an older machine */
}

uint64_t
hw_rdtsc(void)
{
    return 123456789;
}

void
hw_pause(void)
{
}

/* ---- interrupts --------------------------------------------------------- */

bool
ioapic_route(const struct acpi_line *line, uint8_t vector)
{
    want(line->level);
    sim.line_gsi = line->gsi;
    sim.line_vector = vector;
    return true;
}

bool
ioapic_route_pci(unsigned irq, uint8_t vector)
{
    sim.line_gsi = irq;
    sim.line_vector = vector;
    return true;
}

void
sim_interrupt(void)
{
    const bool messages = (sim.config[MSIX_AT + 3] & 0x80) != 0;
    if (sim.msix && messages) {
        want(msix_table[12] == 0);
        sim.message_vector = msix_table[8];
    } else {
        want(sim.card >= CARD_MEMORY_1 || (sim.config[5] & 4) == 0);
        sim.line = true;
    }
    sim.raised++;
}

bool
acpi_find_virtio(unsigned n, struct acpi_device *device)
{
    *device = (struct acpi_device){
        SIM_MEMORY + 0x200 * n, 0x200, {SIM_GSI, false, true}};
    return n == 0 && sim.card >= CARD_MEMORY_1 && !sim.no_tables;
}

/* ---- frames ------------------------------------------------------------- */

void
sim_send(const uint8_t *frame, size_t bytes)
{
    want(bytes <= SIM_FRAME && sim.put - sim.taken < SIM_FRAMES);
    memcpy(sim.frame[sim.put % SIM_FRAMES].byte, frame, bytes);
    sim.frame[sim.put++ % SIM_FRAMES].bytes = (uint32_t)bytes;
}

size_t
sim_leave(uint8_t *frame)
{
    if (sim.put == sim.taken)
        return 0;
    const size_t bytes = sim.frame[sim.taken % SIM_FRAMES].bytes;
    memcpy(frame, sim.frame[sim.taken++ % SIM_FRAMES].byte, bytes);
    return bytes;
}

bool
sim_arrive(const void *frame, size_t bytes, bool summed)
{
    return sim_is_virtio() ? virtio_arrive(frame, bytes, summed)
                           : e1000_arrive(frame, bytes, summed);
}

void
sim_run(void)
{
    if (sim_is_virtio())
        virtio_run();
    else
        e1000_run();
}

/* ---- the rest of the kernel --------------------------------------------- */

unsigned
cpu_phys_bits(void)
{
    return 40;
}

void
printk(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    sim.said++;
}

static _Noreturn void
die(const char *where, int line, const char *format, va_list args)
{
    char why[300];
    vsnprintf(why, sizeof(why), format, args);
    claim_fail(where, line, "the kernel stopped: %s", why);
}

_Noreturn void
panic_at(const char *file, int line, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    die(file, line, format, args);
}

_Noreturn void
boot_refuse(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    die("boot", 0, format, args);
}

__attribute__((constructor)) static void
make_memory(void)
{
    arena = aligned_alloc(2 << 20, SIM_BYTES);
    __asan_poison_memory_region(arena, SIM_BYTES);
    K.boot.cmdline = "";
    K.boot.ram_pages_total = SIM_BYTES / EXO_PAGE_BYTES;
    K.cpu[0] = &cpu;
}
