// SPDX-License-Identifier: MIT
/*
 * Virtio by PCI as it was before version 1: registers are I/O ports, and the
 * device decides how long queues are.
 *
 * Sources: [VIRTIO1.2 4.1.4.10].
 */
#include "drv/virtio.h"

#include "drv/apic.h"
#include "hw.h"
#include "kernel.h"

enum ports {
    PORT_FEATURES = 0,
    PORT_ACCEPT = 4,
    PORT_QUEUE_PAGE = 8,
    PORT_QUEUE_SIZE = 12,
    PORT_QUEUE_SELECT = 14,
    PORT_NOTIFY = 16,
    PORT_STATUS = 18,
    PORT_ISR = 19,
    PORT_CONFIG = 20, /* with MSI-X two vectors stand here, ... */
    PORT_CONFIG_VECTOR = 20,
    PORT_QUEUE_VECTOR = 22,
    PORT_CONFIG_MSIX = 24, /* ... and the device's own are here */
    PORT_LEAST = 32,       /* ports of a device that we can use */
};
enum { NO_VECTOR = 0xffff };

static uint16_t
at(const struct virtio *d, unsigned port)
{
    return (uint16_t)(d->port + port);
}

static uint8_t
status(struct virtio *d)
{
    return hw_inb(at(d, PORT_STATUS));
}

static void
set_status(struct virtio *d, uint8_t value)
{
    hw_outb(at(d, PORT_STATUS), value);
}

static uint64_t
features(struct virtio *d)
{
    return hw_inl(at(d, PORT_FEATURES));
}

static void
accept(struct virtio *d, uint64_t value)
{
    hw_outl(at(d, PORT_ACCEPT), (uint32_t)value);
}

static uint8_t
config(struct virtio *d, unsigned offset)
{
    const unsigned first = d->msix ? PORT_CONFIG_MSIX : PORT_CONFIG;
    return first + offset < d->config_bytes ? hw_inb(at(d, first + offset)) : 0;
}

static unsigned
queue_max(struct virtio *d, unsigned index)
{
    hw_outw(at(d, PORT_QUEUE_SELECT), (uint16_t)index);
    return hw_inw(at(d, PORT_QUEUE_SIZE));
}

static bool
queue_start(struct virtio *d, unsigned index, const struct virtq *q)
{
    const uint64_t page = kva_to_pa(q->desc) / VIRTQ_PAGE;
    if (page > UINT32_MAX)
        return false;
    hw_outw(at(d, PORT_QUEUE_SELECT), (uint16_t)index);
    if (d->msix) {
        hw_outw(at(d, PORT_CONFIG_VECTOR), NO_VECTOR);
        hw_outw(at(d, PORT_QUEUE_VECTOR), 0);
        if (hw_inw(at(d, PORT_QUEUE_VECTOR)) != 0)
            return false;
    }
    hw_outl(at(d, PORT_QUEUE_PAGE), (uint32_t)page);
    return true;
}

static void
notify(struct virtio *d, unsigned index)
{
    hw_outw(at(d, PORT_NOTIFY), (uint16_t)index);
}

static void
acknowledge(struct virtio *d)
{
    if (!d->msix)
        (void)hw_inb(at(d, PORT_ISR));
}

static void
dma(struct virtio *d, bool on)
{
    pci_command(&d->pci, on ? PCI_DMA : 0, on ? 0 : PCI_DMA);
}

static const struct virtio_transport by_port = {
    .name = "PCI, before version 1",
    .fixed_size = true,
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

bool
virtio_port_open(struct virtio *d, const struct pci_function *f)
{
    struct pci_bar bar;
    if (!pci_bar(f, 0, &bar) || !bar.io || bar.bytes < PORT_LEAST)
        return false;
    *d = (struct virtio){
        .transport = &by_port,
        .old = true,
        .pci = *f,
        .port = (uint16_t)bar.base,
        .config_bytes = (uint32_t)bar.bytes,
    };
    pci_command(f, PCI_IO, 0);
    d->msix = pci_route_msix(f, VECTOR_DEVICE);
    d->has_irq = d->msix || pci_route_line(f, VECTOR_DEVICE);
    return true;
}
