// SPDX-License-Identifier: MIT
/*
 * Split virtqueues: how a driver and a virtio device hand buffers to each
 * other.
 *
 * The driver puts chains of descriptors on the ring of available ones; the
 * device returns each by its first descriptor on the ring of used ones. What
 * the device writes is not believed: an id that is not in its hands, or more
 * returns than there are chains, is answered with VIRTQ_BROKEN, and which
 * descriptors are free is kept in memory of our own.
 *
 * Pure: memory and its order, no device registers. tests/unit drives it.
 *
 * Sources: [VIRTIO1.2 2.7].
 */
#ifndef EXO_DRV_VIRTQ_H
#define EXO_DRV_VIRTQ_H

#include <stdbool.h>
#include <stdint.h>

enum {
    VIRTQ_MAX = 1024, /* descriptors of one queue */
    VIRTQ_PAGE = 4096,
};

struct virtq_desc {
    uint64_t pa;
    uint32_t bytes;
    uint16_t flags, next;
};

struct virtq_avail {
    uint16_t flags, index;
    uint16_t ring[];
};

struct virtq_used {
    uint16_t flags, index; /* the device's, not to be trusted */
    struct {
        uint32_t id, bytes;
    } ring[];
};

/* All three parts lie in one run of pages, as the first version of virtio
 * wants it: descriptors, available, and on a new page used. */
struct virtq {
    struct virtq_desc *desc;            /* [I] the device reads them */
    volatile struct virtq_avail *avail; /* [I] likewise */
    volatile struct virtq_used *used;   /* [I] the device writes it */
    uint16_t *next;       /* [K] of a free descriptor, the next free one */
    uint16_t *chain;      /* [K] descriptors of the flying chain that begins
                             here, 0: none does */
    uint16_t size;        /* [I] descriptors; a power of two */
    uint16_t free, nfree; /* [K] first free one, and how many */
    uint16_t added;       /* [K] chains ever made available, low bits */
    uint16_t taken;       /* [K] chains ever taken back, likewise */
    uint16_t flying;      /* [K] chains that the device has */
};

/* A part of a chain. */
struct virtq_piece {
    uint64_t pa;
    uint32_t bytes;
    bool writable; /* by the device; these come last */
};

enum virtq_take {
    VIRTQ_NONE,
    VIRTQ_TAKEN,
    VIRTQ_BROKEN, /* the device wrote what cannot be: reset it */
};

/* Memory for a queue of `size` descriptors. Boot. */
void virtq_alloc(struct virtq *q, uint16_t size);

/* As new: nothing is available, used or flying. needs: the device is reset. */
void virtq_reset(struct virtq *q);

/* Make a chain available; returns its first descriptor. The device sees it with
 * the next virtq_publish(). needs: 0 < count <= nfree. */
uint16_t virtq_add(struct virtq *q, const struct virtq_piece *piece,
                   unsigned count);

/* Let the device see what was added. True: it wants to be notified. */
bool virtq_publish(struct virtq *q);

/* Take back a chain that the device is done with: its first descriptor, and
 * the bytes that the device says it wrote. */
enum virtq_take virtq_take(struct virtq *q, uint16_t *first, uint32_t *bytes);

/* Ask the device for interrupts, or for none; it may still send some. */
void virtq_interrupts(struct virtq *q, bool on);

#endif
