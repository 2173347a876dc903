// SPDX-License-Identifier: MIT
/*
 * Intel's 82540EM, which QEMU calls e1000 and Bochs has too.
 *
 * Sources: [I8254x].
 */
#ifndef EXO_DRV_E1000_H
#define EXO_DRV_E1000_H

#include <stdbool.h>

#include "drv/pci.h"

/* Take this PCI function, if it is such a card, and make it `nic`. */
bool e1000_take(const struct pci_function *f);

#endif
