// SPDX-License-Identifier: MIT
/* Which card: see nic.h. */
#include "drv/nic.h"

#include "debug/print.h"
#include "drv/e1000.h"
#include "drv/virtio_net.h"
#include "hw.h"
#include "kernel.h"
#include "lib/string.h"

enum {
    BUFFERS_LEAST = 32,
    BUFFERS_MOST = 256,
    PAGES_PER_BUFFER = 128, /* so buffers take 1/256 of memory */
};

struct nic nic;

uint16_t
nic_buffers(void)
{
    const uint64_t want = K.boot.ram_pages_total / PAGES_PER_BUFFER;
    if (want < BUFFERS_LEAST)
        return BUFFERS_LEAST;
    return want < BUFFERS_MOST ? (uint16_t)(want & ~31u) : BUFFERS_MOST;
}

bool
nic_mac_is_good(void)
{
    unsigned sum = 0;
    for (unsigned i = 0; i < sizeof(nic.mac); i++)
        sum |= nic.mac[i];
    return sum != 0 && (nic.mac[0] & 1) == 0;
}

void
nic_mac_make_up(void)
{
    uint64_t random;
    if (!hw_rdrand(&random))
        random = hw_rdtsc();
    const uint8_t mac[] = {0x02, /* local, of one card */
                           'E',
                           'X',
                           (uint8_t)(random >> 16),
                           (uint8_t)(random >> 8),
                           (uint8_t)random};
    memcpy(nic.mac, mac, sizeof(nic.mac));
}

static bool
take(const struct pci_function *f)
{
    return virtio_net_take(f) || e1000_take(f);
}

void
nic_init(void)
{
    if (!pci_find(take) && !virtio_net_take_mmio())
        return;
    const uint8_t *m = nic.mac;
    printk(
        "exo: network card %s (%s), address %02x:%02x:%02x:%02x:%02x:%02x%s\n",
        nic.driver->name, nic.bus, m[0], m[1], m[2], m[3], m[4], m[5],
        nic.has_irq ? "" : ", polled");
}
