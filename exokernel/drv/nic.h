// SPDX-License-Identifier: MIT
/*
 * The network card: what the net room wants of a driver.
 *
 * One card is used, the first that a driver takes. Everything here runs under
 * the kernel lock and never waits. Receive buffers and header buffers are the
 * kernel's, allocated at boot and only when there is a card.
 *
 * Interrupts arrive as VECTOR_DEVICE on the boot CPU, and are off at first.
 * Most cards hold their line until acknowledge(), so it comes before the APIC's
 * end of interrupt; it is one access to a register and needs no lock.
 *
 * NIC-1  what the card writes is checked before it is used: a count or an index
 *        that cannot be is a damaged frame or a reset, never a panic.
 * NIC-2  a card whose buffers were given back reads and writes none of them,
 *        as far as it obeys a reset or its bus keeps it from memory.
 *
 * Drivers: drv/virtio_net.c (PCI, modern and transitional, and MMIO),
 * drv/e1000.c.
 */
#ifndef EXO_DRV_NIC_H
#define EXO_DRV_NIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NIC_FRAME_MAX  1514u
#define NIC_HEADER     128u /* bytes of a frame sent that the kernel copies */
#define NIC_PIECES_MAX 8u
#define NIC_BUFFER     2048u /* bytes of a receive buffer */

/* A frame that was received: the driver's until release(). */
struct nic_frame {
    const uint8_t *bytes;
    uint32_t count; /* at most NIC_FRAME_MAX; 0: it was damaged, drop it */
    bool summed; /* the card checked the transport checksum, and it is right */
};

/* A checksum the card is to fill in, as in struct virtio_net_hdr. */
struct nic_sum {
    uint16_t start, offset; /* start 0: none */
};

/* Memory that is sent behind the header. */
struct nic_piece {
    uint64_t pa;
    uint32_t count;
};

struct nic_driver {
    const char *name;

    /* The oldest received frame; false: there is none. needs: the one before
     * was released. */
    bool (*receive)(struct nic_frame *frame);
    /* Give its buffer back to the card. */
    void (*release)(void);

    /* Where the header of the next frame to send goes, NIC_HEADER bytes; NULL:
     * the card's queue is full. */
    uint8_t *(*header)(void);
    /* Send what is there, and the pieces behind it. `cookie` comes back from
     * sent(). needs: header() gave a place, count <= NIC_PIECES_MAX. */
    void (*send)(uint32_t header_bytes, const struct nic_piece *pieces,
                 unsigned count, struct nic_sum sum, uint64_t cookie);
    /* Tell the card of all frames since the last time. */
    void (*kick)(void);
    /* A frame whose memory the card no longer reads, in any order; false:
     * none. */
    bool (*sent)(uint64_t *cookie);

    /* Acknowledge the card's interrupt. Needs no lock. */
    void (*acknowledge)(void);
    /* Interrupts for what is received and sent, on or off. Whoever switches
     * them on looks once more: what came before may raise none. */
    void (*interrupts)(bool on);
    bool (*link_up)(void);

    /* Stop all DMA at once and start anew: frames on their way are lost, one
     * that was not released is, and sent() then returns all that were flying
     * before header() gives room again. Interrupts stay on or off. */
    void (*reset)(void);
};

struct nic {
    const struct nic_driver *driver; /* [I] NULL: there is no card */
    const char *bus;                 /* [I] how it is reached, for people */
    uint8_t mac[6];                  /* [I] */
    bool tx_sum, rx_sum;             /* [I] what the card does for us */
    bool has_irq;                    /* [I] else it has to be polled */
};

extern struct nic nic;

/* Find a card, set it up, interrupts off. Boot. needs: pci_init(),
 * apic_init_cpu(). */
void nic_init(void);

/* For drivers: how many receive buffers this machine can spare, a multiple of
 * 32; is nic.mac an address that one card can have; and make one up for a card
 * that has none: a local one, another at each boot. */
uint16_t nic_buffers(void);
bool nic_mac_is_good(void);
void nic_mac_make_up(void);

#endif
