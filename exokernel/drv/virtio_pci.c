// SPDX-License-Identifier: MIT
/*
 * Virtio by PCI, version 1: registers in memory, found through capabilities.
 *
 * Sources: [VIRTIO1.2 4.1.4].
 */
#include "drv/virtio.h"

#include "drv/apic.h"
#include "hw.h"
#include "kernel.h"

/* A capability, by offset; and what it may be of. */
enum capability {
    CAP_TYPE = 3,
    CAP_BAR = 4,
    CAP_OFFSET = 8,
    CAP_LENGTH = 12,
    CAP_NOTIFY_STEP = 16,

    TYPE_COMMON = 1,
    TYPE_NOTIFY = 2,
    TYPE_ISR = 3,
    TYPE_DEVICE = 4,

    CAPABILITIES_MAX = 16,
    WINDOW_MAX = 1 << 16, /* bytes of a structure that are mapped */
};

/* The common structure. */
enum common {
    COMMON_FEATURE_SELECT = 0,
    COMMON_FEATURE = 4,
    COMMON_ACCEPT_SELECT = 8,
    COMMON_ACCEPT = 12,
    COMMON_CONFIG_VECTOR = 16,
    COMMON_STATUS = 20,
    COMMON_QUEUE_SELECT = 22,
    COMMON_QUEUE_SIZE = 24,
    COMMON_QUEUE_VECTOR = 26,
    COMMON_QUEUE_ENABLE = 28,
    COMMON_QUEUE_NOTIFY = 30,
    COMMON_QUEUE_DESC = 32,
    COMMON_QUEUE_AVAIL = 40,
    COMMON_QUEUE_USED = 48,
    COMMON_BYTES = 56,
};
enum { NO_VECTOR = 0xffff };

static uint8_t
status(struct virtio *d)
{
    return hw_mmio_read8(d->common + COMMON_STATUS);
}

static void
set_status(struct virtio *d, uint8_t value)
{
    hw_mmio_write8(d->common + COMMON_STATUS, value);
}

static uint64_t
features(struct virtio *d)
{
    uint64_t all = 0;
    for (unsigned i = 0; i < 2; i++) {
        hw_mmio_write32(d->common + COMMON_FEATURE_SELECT, i);
        all |= (uint64_t)hw_mmio_read32(d->common + COMMON_FEATURE) << 32 * i;
    }
    return all;
}

static void
accept(struct virtio *d, uint64_t value)
{
    for (unsigned i = 0; i < 2; i++) {
        hw_mmio_write32(d->common + COMMON_ACCEPT_SELECT, i);
        hw_mmio_write32(d->common + COMMON_ACCEPT, (uint32_t)(value >> 32 * i));
    }
}

static uint8_t
config(struct virtio *d, unsigned at)
{
    return at < d->config_bytes ? hw_mmio_read8(d->config + at) : 0;
}

static unsigned
queue_max(struct virtio *d, unsigned index)
{
    hw_mmio_write16(d->common + COMMON_QUEUE_SELECT, (uint16_t)index);
    return hw_mmio_read16(d->common + COMMON_QUEUE_SIZE);
}

static void
write_address(struct virtio *d, unsigned at, const volatile void *kva)
{
    const uint64_t pa = kva_to_pa((const void *)kva);
    hw_mmio_write32(d->common + at, (uint32_t)pa);
    hw_mmio_write32(d->common + at + 4, (uint32_t)(pa >> 32));
}

static bool
queue_start(struct virtio *d, unsigned index, const struct virtq *q)
{
    const uint16_t vector = d->msix ? 0 : NO_VECTOR;
    hw_mmio_write16(d->common + COMMON_CONFIG_VECTOR, NO_VECTOR);
    hw_mmio_write16(d->common + COMMON_QUEUE_SELECT, (uint16_t)index);
    hw_mmio_write16(d->common + COMMON_QUEUE_SIZE, q->size);
    hw_mmio_write16(d->common + COMMON_QUEUE_VECTOR, vector);
    if (hw_mmio_read16(d->common + COMMON_QUEUE_VECTOR) != vector)
        return false;
    const uint64_t bell =
        (uint64_t)hw_mmio_read16(d->common + COMMON_QUEUE_NOTIFY) *
        d->notify_step;
    if (bell + sizeof(uint16_t) > d->notify_bytes)
        return false;
    d->doorbell[index] = d->notify + bell;
    write_address(d, COMMON_QUEUE_DESC, q->desc);
    write_address(d, COMMON_QUEUE_AVAIL, q->avail);
    write_address(d, COMMON_QUEUE_USED, q->used);
    hw_mmio_write16(d->common + COMMON_QUEUE_ENABLE, 1);
    return true;
}

static void
notify(struct virtio *d, unsigned index)
{
    hw_mmio_write16(d->doorbell[index], (uint16_t)index);
}

static void
acknowledge(struct virtio *d)
{
    if (!d->msix) /* reading it lets the line fall */
        (void)hw_mmio_read8(d->isr);
}

static void
dma(struct virtio *d, bool on)
{
    pci_command(&d->pci, on ? PCI_DMA : 0, on ? 0 : PCI_DMA);
}

static const struct virtio_transport by_capability = {
    .name = "PCI",
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

/* Map the structure that a capability describes, if it has `least` bytes. */
static uint8_t *
map_structure(const struct pci_function *f, unsigned cap, uint32_t least,
              uint32_t *bytes)
{
    uint32_t length = pci_read(f, cap + CAP_LENGTH);
    if (length < least)
        return NULL;
    *bytes = length < WINDOW_MAX ? length : WINDOW_MAX;
    return pci_map(f, pci_read8(f, cap + CAP_BAR),
                   pci_read(f, cap + CAP_OFFSET), *bytes);
}

/* The first usable structure of each type counts [VIRTIO1.2 4.1.4.1]. */
static void
use_structure(struct virtio *d, unsigned cap)
{
    const struct pci_function *f = &d->pci;
    uint32_t bytes;
    switch (pci_read8(f, cap + CAP_TYPE)) {
    case TYPE_COMMON:
        if (d->common == NULL)
            d->common = map_structure(f, cap, COMMON_BYTES, &bytes);
        break;
    case TYPE_NOTIFY:
        if (d->notify == NULL)
            d->notify =
                map_structure(f, cap, sizeof(uint16_t), &d->notify_bytes);
        d->notify_step = pci_read(f, cap + CAP_NOTIFY_STEP);
        break;
    case TYPE_ISR:
        if (d->isr == NULL)
            d->isr = map_structure(f, cap, 1, &bytes);
        break;
    case TYPE_DEVICE:
        if (d->config == NULL)
            d->config = map_structure(f, cap, 1, &d->config_bytes);
        break;
    default:
        break;
    }
}

bool
virtio_pci_open(struct virtio *d, const struct pci_function *f)
{
    *d = (struct virtio){.transport = &by_capability, .pci = *f};
    unsigned cap = 0;
    for (unsigned i = 0; i < CAPABILITIES_MAX; i++) {
        cap = pci_capability(f, PCI_CAP_VENDOR, cap);
        if (cap == 0)
            break;
        use_structure(d, cap);
    }
    if (d->common == NULL || d->notify == NULL || d->isr == NULL)
        return false;
    pci_command(f, PCI_MEMORY, 0);
    d->msix = pci_route_msix(f, VECTOR_DEVICE);
    d->has_irq = d->msix || pci_route_line(f, VECTOR_DEVICE);
    return true;
}
