// SPDX-License-Identifier: MIT
/*
 * A simulated bus with one simulated network card, for the drivers of
 * exokernel/drv in an ordinary process.
 *
 * nic_device.c has memory, the bus and the firmware's tables; nic_e1000.c and
 * nic_virtio.c have the cards. Each card does what its manual says and no more:
 * it stops the test when it is told of memory that nobody allocated, when it
 * has to read or write while its bus may not, or when a rule of its own is
 * broken. What a hostile card would write, tests write into its rings.
 */
#ifndef TEST_NIC_DEVICE_H
#define TEST_NIC_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum card {
    CARD_NONE,
    CARD_E1000,
    CARD_PCI,      /* virtio, version 1 */
    CARD_PORT,     /* virtio, older, with any layout */
    CARD_APART,    /* the same without */
    CARD_MEMORY_1, /* virtio, registers in memory */
    CARD_MEMORY_2,
};

#define SIM_BYTES  (16u << 20)
#define SIM_BAR    0xfe000000u /* memory registers of the card */
#define SIM_BAR2   0xfe100000u /* its MSI-X table, if it has one */
#define SIM_PORT   0xc000u
#define SIM_MEMORY 0xfeb00e00u
#define SIM_SLOT   3u
#define SIM_LINE   11u
#define SIM_GSI    30u
#define SIM_QUEUE  64u /* descriptors of a virtio queue */
#define SIM_FRAME  4096u
#define SIM_FRAMES 1024u

extern const uint8_t sim_mac[6];

/* What the card is, and how it behaves. */
struct sim {
    enum card card;
    bool msix;           /* it has MSI-X */
    bool sums;           /* virtio: it offers checksums */
    bool no_mac;         /* virtio: it has no address of its own */
    bool no_reset;       /* it never comes out of a reset again */
    bool hold;           /* it takes frames to send and finishes none */
    uint8_t config[256]; /* of its PCI function */
    uint8_t silent[256]; /* of another function, that nobody drives */
    uint8_t line_vector, message_vector; /* where its interrupts go */
    uint32_t line_gsi;
    unsigned raised; /* interrupts so far */
    bool line;       /* its line is up */
    unsigned said;   /* lines that the driver printed */
    bool no_tables;  /* the DSDT says nothing of it */

    /* Frames it sent. */
    struct {
        uint32_t bytes;
        uint8_t byte[SIM_FRAME];
    } frame[SIM_FRAMES];
    unsigned put, taken;
};
extern struct sim sim;

/* Plug the card in: before pci_init() and nic_init(). */
void sim_plug(enum card card);

/* Plug it and start its driver, which must like it. */
void sim_boot(enum card card);

/* Random numbers, the same in every run. */
uint32_t sim_random(void);

/* A frame arrives. False: the card has no room for it. summed: the card is to
 * say that its checksum is right. */
bool sim_arrive(const void *frame, size_t bytes, bool summed);

/* Send what the driver queued (unless `hold`). */
void sim_run(void);

/* The oldest frame the card sent, up to SIM_FRAME bytes; 0: none. */
size_t sim_leave(uint8_t *frame);

/* Between the files. */
bool sim_may_dma(void);
void *sim_memory(uint64_t pa, size_t bytes); /* as the card sees it */
void sim_interrupt(void);
void sim_send(const uint8_t *frame, size_t bytes);
bool sim_is_virtio(void);

/* Registers of the cards, by offset. */
uint32_t e1000_read(uint32_t at);
void e1000_write(uint32_t at, uint32_t value);
void e1000_plug(void);
bool e1000_arrive(const void *frame, size_t bytes, bool summed);
void e1000_run(void);

uint32_t virtio_read(uint32_t at, unsigned bytes);
void virtio_write(uint32_t at, uint32_t value, unsigned bytes);
uint32_t virtio_in(uint16_t at);
void virtio_out(uint16_t at, uint32_t value);
void virtio_plug(void);
bool virtio_arrive(const void *frame, size_t bytes, bool summed);
void virtio_run(void);

/* What the driver told the e1000 of its rings. */
struct e1000_rings {
    uint64_t rx, tx;
    uint32_t nrx, ntx, rdh, rdt, tdh, tdt;
};
struct e1000_rings e1000_rings(void);

/* What the driver told a virtio device of queue 0 and 1. */
struct virtio_rings {
    uint64_t desc, avail, used;
    uint32_t size;
    uint16_t taken, done; /* chains taken from `avail`, returned by `used` */
    bool ready;
};
extern struct virtio_rings virtio_rings[2];

/* Return a chain of queue `index`: as the device does, or a hostile one. */
void virtio_return(unsigned index, uint32_t id, uint32_t bytes);

#endif
