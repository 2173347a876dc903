// SPDX-License-Identifier: MIT
/*
 * The network card: what the net room wants of a driver.
 *
 * One card is used, the first that a driver takes. Everything here runs under
 * the kernel lock and never waits. Receive buffers and header buffers are the
 * kernel's, allocated at boot and only when there is a card.
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

/* A frame that was received: the driver's until nic_release(). */
struct nic_frame {
    const uint8_t *bytes;
    uint32_t count;
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

    /* The oldest received frame; false: there is none. */
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
    /* A frame whose memory the card no longer reads; false: none. */
    bool (*sent)(uint64_t *cookie);

    /* Acknowledge the card's interrupt; interrupts on or off. */
    void (*acknowledge)(void);
    void (*interrupts)(bool on);
    bool (*link_up)(void);

    /* Stop all DMA at once and start anew: frames on their way are lost, and
     * sent() then returns all that were flying. */
    void (*reset)(void);
};

struct nic {
    const struct nic_driver *driver; /* [I] NULL: there is no card */
    uint8_t mac[6];                  /* [I] */
    bool tx_sum, rx_sum;             /* [I] what the card does for us */
    bool has_irq;                    /* [I] else it has to be polled */
};

extern struct nic nic;

/* Find a card, set it up, interrupts off. Boot. */
void nic_init(void);

#endif
