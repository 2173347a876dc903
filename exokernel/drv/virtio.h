// SPDX-License-Identifier: MIT
/*
 * Virtio devices: how one is found, agreed with, given queues and stopped.
 *
 * The same device shows itself in three ways, and each is a transport here:
 * through capabilities of a PCI function (virtio_pci.c), through I/O ports of
 * one, as devices older than version 1 do (virtio_port.c), and through
 * registers in memory on machines without PCI (virtio_mmio.c).
 *
 *   open --> virtio_begin --> virtio_queue, for each --> virtio_ready
 *              ^                                            |
 *              +---------------- virtio_stop ---------------+
 *
 * A driver that meets a value which cannot be stops the device and begins
 * anew. Nothing waits longer than a bounded number of looks.
 *
 * Sources: [VIRTIO1.2 3.1] order of steps, [VIRTIO1.2 4.1] PCI,
 * [VIRTIO1.2 4.2] memory.
 */
#ifndef EXO_DRV_VIRTIO_H
#define EXO_DRV_VIRTIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drv/pci.h"
#include "drv/virtq.h"

enum {
    VIRTIO_VENDOR = 0x1af4,
    VIRTIO_QUEUES = 2, /* as many as any device here uses */
};

/* Features that are no device's own. */
enum virtio_feature {
    VIRTIO_ANY_LAYOUT = 27, /* before version 1: a header need not have a
                               descriptor of its own */
    VIRTIO_VERSION_1 = 32,
};

struct virtio;

/* What differs. All but open-time work may be called at any time. */
struct virtio_transport {
    const char *name;
    bool fixed_size; /* the device decides how long queues are */
    uint8_t (*status)(struct virtio *d);
    void (*set_status)(struct virtio *d, uint8_t status);
    uint64_t (*features)(struct virtio *d);
    void (*accept)(struct virtio *d, uint64_t features);
    uint8_t (*config)(struct virtio *d, unsigned at);        /* a byte of it */
    unsigned (*queue_max)(struct virtio *d, unsigned index); /* 0: none */
    bool (*queue_start)(struct virtio *d, unsigned index,
                        const struct virtq *q);
    void (*notify)(struct virtio *d, unsigned index);
    void (*acknowledge)(struct virtio *d);
    void (*dma)(struct virtio *d, bool on);
};

struct virtio {
    const struct virtio_transport *transport; /* [I] */
    uint64_t features;                        /* [K] agreed on */
    bool old;                                 /* [I] before version 1 */
    bool has_irq, msix;                       /* [I] */
    struct pci_function pci;                  /* [I] if it is one */
    uint16_t port;                            /* [I] first one */
    uint8_t *common, *notify, *isr, *config;  /* [I] registers, as needed */
    uint32_t notify_step, notify_bytes, config_bytes; /* [I] */
    uint8_t *doorbell[VIRTIO_QUEUES];                 /* [K] */
};

/* Use this PCI function. False: it is not usable, or not virtio. */
bool virtio_pci_open(struct virtio *d, const struct pci_function *f);
bool virtio_port_open(struct virtio *d, const struct pci_function *f);

/* Use the first device of that type with registers in memory, among those that
 * the boot options `virtio_mmio.device=SIZE@ADDRESS:LINE` name, or else the
 * DSDT. */
bool virtio_mmio_open(struct virtio *d, uint32_t type);

/* Reset, and agree on features among `wanted`. False: the device will not. */
bool virtio_begin(struct virtio *d, uint64_t wanted);

static inline bool
virtio_has(const struct virtio *d, unsigned feature)
{
    return (d->features >> feature & 1) != 0;
}

/* How long queue `index` is going to be, at most `most` where that is ours to
 * say; 0: the device has no such queue, or none that can be used. */
uint16_t virtio_queue_size(struct virtio *d, unsigned index, uint16_t most);

/* Hand a queue over. needs: virtio_begin(). */
bool virtio_queue(struct virtio *d, unsigned index, struct virtq *q);

/* The device may begin. */
void virtio_ready(struct virtio *d);

/* Reset it. Afterwards it does no DMA: false if it did not answer, and there
 * was no other way to make sure. */
bool virtio_stop(struct virtio *d);

/* Let the device see what was added to a queue, and notify it if it wants. */
void virtio_kick(struct virtio *d, unsigned index, struct virtq *q);

#endif
