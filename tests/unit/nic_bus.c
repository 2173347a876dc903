// SPDX-License-Identifier: MIT
/* Finding a network card: on the PCI bus, by an option, or not at all. */
#include "nic_device.h"

#include <string.h>

#include "drv/nic.h"
#include "drv/pci.h"
#include "hosted/claim.h"
#include "kernel.h"

CLAIM(functions_without_a_driver_are_silent)
{
    sim_boot(CARD_E1000);
    want_equal(sim.silent[4] & 4, 0);
    want_equal(sim.silent[5] & 4, 4);
}

CLAIM(a_machine_without_a_card_has_none)
{
    sim_plug(CARD_NONE);
    pci_init();
    nic_init();
    want(nic.driver == NULL && sim.said == 0);
}

CLAIM(a_card_without_an_address_is_not_used)
{
    static const uint32_t bad[] = {0, 0x1000, 0x1001, 0xfffffff0};
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        sim_plug(i % 2 ? CARD_PCI : CARD_E1000);
        memcpy(sim.config + 0x10, &bad[i], 4);
        pci_init();
        nic_init();
        want(nic.driver == NULL);
    }
}

CLAIM(capabilities_that_run_in_a_ring_end)
{
    sim_plug(CARD_PCI);
    sim.config[0x41] = 0x40;
    pci_init();
    nic_init();
    want(nic.driver == NULL);
}

CLAIM(options_name_devices_in_memory)
{
    sim.no_tables = true;
    K.boot.cmdline = "a=1 virtio_mmio.device=512@0xfea00000:4x "
                     "virtio_mmio.device=4K@0xfeb00e00:30 b";
    sim_plug(CARD_MEMORY_1);
    nic_init();
    want(nic.driver != NULL);
    want(sim.said == 2); /* the wrong one is not skipped in silence */
    want_equal(sim.line_gsi, 30);
}

CLAIM(options_that_cannot_be_are_refused)
{
    static const char *const bad[] = {
        "virtio_mmio.device",
        "virtio_mmio.device=",
        "virtio_mmio.device=512",
        "virtio_mmio.device=512@",
        "virtio_mmio.device=512@0xfeb00e00",
        "virtio_mmio.device=512@0xfeb00e00:",
        "virtio_mmio.device=512@0xfeb00e00:256",
        "virtio_mmio.device=512@0x1fffffffff:5",
        "virtio_mmio.device=99999999999999999999@0xfeb00e00:5",
        "virtio_mmio.device=511@0xfeb00e00:5",
        "virtio_mmio.device=512@0xfeb00e02:5",
        "virtio_mmio.device=512@0x1000:5",
        "virtio_mmio.device=512@0:5",
    };
    sim.no_tables = true;
    sim_plug(CARD_MEMORY_2);
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        K.boot.cmdline = bad[i];
        nic_init();
        want(nic.driver == NULL);
    }
}

CLAIM(nonsense_in_configuration_space_is_survived)
{
    for (unsigned round = 0; round < 20000; round++) {
        memset(&nic, 0, sizeof(nic));
        sim_plug(CARD_PCI);
        for (unsigned i = sim_random() % 6; i < 6; i++)
            sim.config[4 + sim_random() % 252] = (uint8_t)sim_random();
        /* What it may map is where its registers are, or nowhere. */
        memcpy(sim.config + 0x10, &(uint32_t){SIM_BAR}, 4);
        for (unsigned at = 0x40; at < 0x90; at++)
            if (sim.config[at + 2] != 0 && sim.config[at] == 9)
                sim.config[at + 10] = sim.config[at + 11] = 0;
        pci_init();
        struct pci_function f = {0x80000000u | SIM_SLOT << 11, 0x1af4, 0x1041};
        struct pci_bar bar;
        unsigned cap = 0;
        for (unsigned i = 0; i < 6; i++)
            pci_bar(&f, i, &bar);
        for (unsigned i = 0; i < 64; i++)
            cap = pci_capability(&f, PCI_CAP_VENDOR, cap);
    }
}
