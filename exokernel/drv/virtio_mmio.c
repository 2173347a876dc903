// SPDX-License-Identifier: MIT
/*
 * Virtio by registers in memory, for machines without PCI; both versions of
 * them. Such devices cannot be searched for: the boot options name them in the
 * words of Linux (virtio_mmio.device=SIZE@ADDRESS:LINE), or the DSDT does.
 *
 * Sources: [VIRTIO1.2 4.2.2] version 2, [VIRTIO1.2 4.2.4] version 1.
 */
#include "drv/virtio.h"

#include "boot/bootinfo.h"
#include "boot/memory.h"
#include "debug/print.h"
#include "drv/acpi.h"
#include "drv/apic.h"
#include "hw.h"
#include "kernel.h"

enum registers {
    REG_MAGIC = 0x00,
    REG_VERSION = 0x04,
    REG_TYPE = 0x08,
    REG_FEATURES = 0x10,
    REG_FEATURES_SELECT = 0x14,
    REG_ACCEPT = 0x20,
    REG_ACCEPT_SELECT = 0x24,
    REG_PAGE_BYTES = 0x28, /* version 1 */
    REG_QUEUE_SELECT = 0x30,
    REG_QUEUE_MAX = 0x34,
    REG_QUEUE_SIZE = 0x38,
    REG_QUEUE_ALIGN = 0x3c, /* version 1 */
    REG_QUEUE_PAGE = 0x40,  /* version 1 */
    REG_QUEUE_READY = 0x44,
    REG_NOTIFY = 0x50,
    REG_ISR = 0x60,
    REG_ISR_ACK = 0x64,
    REG_STATUS = 0x70,
    REG_QUEUE_DESC = 0x80,
    REG_QUEUE_AVAIL = 0x90,
    REG_QUEUE_USED = 0xa0,
    REG_CONFIG = 0x100,
    REG_BYTES = 0x200, /* as much is mapped */
};
enum {
    MAGIC = 0x74726976,
    DEVICES_MAX = 24, /* that are looked at */
};

static uint32_t
get(const struct virtio *d, unsigned at)
{
    return hw_mmio_read32(d->common + at);
}

static void
set(const struct virtio *d, unsigned at, uint32_t value)
{
    hw_mmio_write32(d->common + at, value);
}

static uint8_t
status(struct virtio *d)
{
    return (uint8_t)get(d, REG_STATUS);
}

static void
set_status(struct virtio *d, uint8_t value)
{
    set(d, REG_STATUS, value);
    if (value != 0 && d->old)
        set(d, REG_PAGE_BYTES, VIRTQ_PAGE);
}

static uint64_t
features(struct virtio *d)
{
    uint64_t all = 0;
    for (unsigned i = 0; i < (d->old ? 1 : 2); i++) {
        set(d, REG_FEATURES_SELECT, i);
        all |= (uint64_t)get(d, REG_FEATURES) << 32 * i;
    }
    return all;
}

static void
accept(struct virtio *d, uint64_t value)
{
    for (unsigned i = 0; i < (d->old ? 1 : 2); i++) {
        set(d, REG_ACCEPT_SELECT, i);
        set(d, REG_ACCEPT, (uint32_t)(value >> 32 * i));
    }
}

static uint8_t
config(struct virtio *d, unsigned at)
{
    return at < REG_BYTES - REG_CONFIG
               ? hw_mmio_read8(d->common + REG_CONFIG + at)
               : 0;
}

static unsigned
queue_max(struct virtio *d, unsigned index)
{
    set(d, REG_QUEUE_SELECT, index);
    return get(d, REG_QUEUE_MAX);
}

static void
set_address(struct virtio *d, unsigned at, const volatile void *kva)
{
    const uint64_t pa = kva_to_pa((const void *)kva);
    set(d, at, (uint32_t)pa);
    set(d, at + 4, (uint32_t)(pa >> 32));
}

static bool
queue_start(struct virtio *d, unsigned index, const struct virtq *q)
{
    set(d, REG_QUEUE_SELECT, index);
    set(d, REG_QUEUE_SIZE, q->size);
    if (d->old) {
        const uint64_t page = kva_to_pa(q->desc) / VIRTQ_PAGE;
        if (page > UINT32_MAX)
            return false;
        set(d, REG_QUEUE_ALIGN, VIRTQ_PAGE);
        set(d, REG_QUEUE_PAGE, (uint32_t)page);
        return true;
    }
    set_address(d, REG_QUEUE_DESC, q->desc);
    set_address(d, REG_QUEUE_AVAIL, q->avail);
    set_address(d, REG_QUEUE_USED, q->used);
    set(d, REG_QUEUE_READY, 1);
    return true;
}

static void
notify(struct virtio *d, unsigned index)
{
    set(d, REG_NOTIFY, index);
}

static void
acknowledge(struct virtio *d)
{
    set(d, REG_ISR_ACK, get(d, REG_ISR));
}

/* Nothing stands between such a device and memory but its own reset. */
static void
dma(struct virtio *d, bool on)
{
    (void)d, (void)on;
}

static const struct virtio_transport by_memory = {
    .name = "memory",
    .status = status,
    .set_status = set_status,
    .features = features,
    .accept = accept,
    .config = config,
    .queue_max = queue_max,
    .queue_start = queue_start,
    .notify = notify,
    .acknowledge = acknowledge,
    .dma = dma,
};

/* Is a device of that type there? */
static bool
open_at(struct virtio *d, const struct acpi_device *where, uint32_t type)
{
    if (where->pa % 4 != 0 || where->bytes < REG_BYTES ||
        !mmio_is_possible(where->pa, REG_BYTES))
        return false;
    *d = (struct virtio){
        .transport = &by_memory,
        .common = mmio_map(where->pa, REG_BYTES),
    };
    const uint32_t version = get(d, REG_VERSION);
    if (get(d, REG_MAGIC) != MAGIC || version < 1 || version > 2 ||
        get(d, REG_TYPE) != type)
        return false;
    d->old = version == 1;
    d->has_irq = ioapic_route(&where->line, VECTOR_DEVICE);
    return true;
}

/* A size may be in KiB: "4K". */
static bool
parse_size(const char **text, uint64_t *bytes)
{
    if (!boot_number(text, bytes) || *bytes > UINT32_MAX)
        return false;
    if (**text == 'K') {
        *bytes <<= 10;
        (*text)++;
    }
    return *bytes <= UINT32_MAX;
}

/* "512@0xfeb00e00:12" */
static bool
parse_option(const char *text, struct acpi_device *where)
{
    uint64_t bytes, pa, line;
    if (!parse_size(&text, &bytes) || *text++ != '@' ||
        !boot_number(&text, &pa) || *text++ != ':' ||
        !boot_number(&text, &line) || (*text != ' ' && *text != '\0') ||
        pa > UINT32_MAX || line > UINT8_MAX)
        return false;
    *where = (struct acpi_device){
        .pa = (uint32_t)pa,
        .bytes = (uint32_t)bytes,
        .line = {.gsi = (uint32_t)line, .level = true},
    };
    return true;
}

/* The n-th place where a device may be, in *where; no bytes of it: the option
 * that should tell is wrong. False: there are no more. */
static bool
next_place(const char **option, unsigned *n, struct acpi_device *where)
{
    if (*n == 0)
        *option = boot_option_next("virtio_mmio.device", *option);
    if (*option == NULL)
        return acpi_find_virtio((*n)++, where);
    if (!parse_option(*option, where)) {
        *where = (struct acpi_device){.bytes = 0};
        printk("exo: virtio: the option virtio_mmio.device=%.40s is not "
               "SIZE@ADDRESS:LINE; ignored\n",
               *option);
    }
    return true;
}

bool
virtio_mmio_open(struct virtio *d, uint32_t type)
{
    struct acpi_device where;
    const char *option = NULL;
    unsigned n = 0;
    for (unsigned i = 0; i < DEVICES_MAX; i++) {
        if (!next_place(&option, &n, &where))
            return false;
        if (open_at(d, &where, type))
            return true;
    }
    return false;
}
