// SPDX-License-Identifier: MIT
/*
 * PCI: finding functions, their registers, and their interrupts.
 *
 * Configuration space is read by mechanism 1 (two I/O ports), which machines
 * with PCI Express have as well. Addresses and lines are those that firmware
 * gave out; they are checked before they are used, and a function whose are not
 * usable is left alone. pci_init() takes DMA and interrupt lines away from all
 * functions, so nothing that firmware began writes memory later, and no driver
 * shares its line with a device that nobody serves.
 *
 * Sources: PCI Local Bus 3.0, 3.2.2.3.2 (mechanism 1), 6.1 to 6.2.5 (header),
 * 6.7 (capabilities), 6.8.2 (MSI-X).
 */
#ifndef EXO_DRV_PCI_H
#define EXO_DRV_PCI_H

#include <stdbool.h>
#include <stdint.h>

struct pci_function {
    uint32_t address; /* of its configuration space, for mechanism 1 */
    uint16_t vendor, device;
};

/* A range of registers. */
struct pci_bar {
    uint64_t base; /* pa, or a port */
    uint64_t bytes;
    bool io;
};

enum pci_command {
    PCI_IO = 1,
    PCI_MEMORY = 2,
    PCI_DMA = 4,
    PCI_NO_LINE = 1 << 10,
};

enum pci_capability {
    PCI_CAP_VENDOR = 0x09,
    PCI_CAP_MSIX = 0x11,
};

/* Make all functions quiet. Boot; before any driver. */
void pci_init(void);

/* Show every function to `take`, in order, until it says true. Bounded by what
 * buses there are. False: none was taken, or there is no PCI. */
bool pci_find(bool (*take)(const struct pci_function *f));

/* Configuration space; `at` is a multiple of 4 but for the smaller reads. */
uint32_t pci_read(const struct pci_function *f, unsigned at);
uint16_t pci_read16(const struct pci_function *f, unsigned at);
uint8_t pci_read8(const struct pci_function *f, unsigned at);

/* Set and clear bits of enum pci_command. */
void pci_command(const struct pci_function *f, uint16_t set, uint16_t clear);

/* Base address register n (0..5). False: it is not there, or has no address
 * that can be right. */
bool pci_bar(const struct pci_function *f, unsigned n, struct pci_bar *bar);

/* Map `bytes` of memory registers n from `offset` on. NULL: not possible. */
void *pci_map(const struct pci_function *f, unsigned n, uint64_t offset,
              uint64_t bytes);

/* Where the first capability `id` behind place `after` is (0: the first of
 * all); 0: there is none. */
unsigned pci_capability(const struct pci_function *f, enum pci_capability id,
                        unsigned after);

/* Let MSI-X message 0 arrive as `vector` on the boot CPU, the others be masked.
 * False: the function has no MSI-X. */
bool pci_route_msix(const struct pci_function *f, uint8_t vector);

/* The same for its interrupt line. False: it has none that firmware told of. */
bool pci_route_line(const struct pci_function *f, uint8_t vector);

#endif
