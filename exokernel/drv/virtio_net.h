// SPDX-License-Identifier: MIT
/*
 * The virtio network device.
 *
 * Sources: [VIRTIO1.2 5.1].
 */
#ifndef EXO_DRV_VIRTIO_NET_H
#define EXO_DRV_VIRTIO_NET_H

#include <stdbool.h>

#include "drv/pci.h"

/* Take this PCI function, if it is such a device, and make it `nic`. */
bool virtio_net_take(const struct pci_function *f);

/* The same for one with registers in memory. */
bool virtio_net_take_mmio(void);

#endif
