// SPDX-License-Identifier: MIT
/*
 * Split virtqueues: how a driver and a virtio device hand buffers to each
 * other.
 *
 * The driver puts chains of descriptors on the ring of available ones; the
 * device returns each on the ring of used ones. A chain is named by its first
 * descriptor. That one, or the first few, are its *front*: they are its own for
 * ever, and where they point is written once, so that giving a buffer to the
 * device again is no more than an entry in the ring. What a chain needs behind
 * its front comes from the descriptors that are left over.
 *
 *   | front | front | ...                | spare ...            |
 *   0       |       2 * q->front         q->fronts              q->size
 *           '- q->front
 *
 * What the device writes is not believed: an id that is not in its hands, or
 * more returns than there are chains, is answered with VIRTQ_BROKEN, and which
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

#include "drv/nic.h"
#include "kernel.h"

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
    uint16_t *next;  /* [K] what comes behind a spare descriptor, on the free
                        list or in a chain, and behind the last of a front */
    uint8_t *held;   /* [K] by first descriptor, of the chains that the device
                        has: 1 and how many spare ones are in it; else 0 */
    uint16_t size;   /* [I] descriptors; a power of two */
    uint16_t front;  /* [I] descriptors of a front */
    uint16_t fronts; /* [I] of all of them */
    uint16_t spare, nspare; /* [K] first free one, and how many */
    uint16_t added;         /* [K] chains ever made available, low bits */
    uint16_t taken;         /* [K] chains ever taken back, likewise */
};

enum virtq_what {
    VIRTQ_NONE,
    VIRTQ_TAKEN,
    VIRTQ_BROKEN, /* the device wrote what cannot be: reset it */
};

/* A chain that the device is done with, and the bytes that it says it wrote. */
struct virtq_taken {
    enum virtq_what what;
    uint16_t first;
    uint32_t bytes;
};

/* Memory for a queue of `size` descriptors, of which `fronts` are for chains
 * whose fronts have `front`. Boot. */
void virtq_alloc(struct virtq *q, uint16_t size, uint16_t front,
                 uint16_t fronts);

/* As new, but that fronts stay as they are: nothing is available or used.
 * needs: the device is reset. */
void virtq_reset(struct virtq *q);

/* Say where descriptor `i` of a chain's front points. Boot. */
void virtq_front(struct virtq *q, uint16_t first, unsigned i,
                 struct nic_piece piece, bool writable);

/* Make a chain available whose front is written. The device sees it with the
 * next virtq_publish(). needs: the device has not got it. */
static inline void
virtq_add(struct virtq *q, uint16_t first)
{
    assert(q->held[first] == 0);
    q->held[first] = 1;
    q->avail->ring[q->added++ & (q->size - 1)] = first;
}

/* Likewise, with pieces behind it that the device may only read; the last
 * descriptor of the front is `bytes` long. needs: count <= nspare. */
void virtq_add_behind(struct virtq *q, uint16_t first, uint32_t bytes,
                      const struct nic_piece *piece, unsigned count);

/* Put the spare descriptors of a chain back on the free list. */
void virtq_free_behind(struct virtq *q, uint16_t first);

/* Take back the chain that the device was done with first. */
static inline struct virtq_taken
virtq_take(struct virtq *q)
{
    const uint16_t index = __atomic_load_n(&q->used->index, __ATOMIC_ACQUIRE);
    const uint16_t there = (uint16_t)(index - q->taken);
    if (there == 0)
        return (struct virtq_taken){.what = VIRTQ_NONE};
    const unsigned at = q->taken & (q->size - 1u);
    const uint32_t id = q->used->ring[at].id;
    if (there > (uint16_t)(q->added - q->taken) || id >= q->fronts ||
        q->held[id] == 0)
        return (struct virtq_taken){.what = VIRTQ_BROKEN};
    if (q->held[id] > 1)
        virtq_free_behind(q, (uint16_t)id);
    q->held[id] = 0;
    q->taken++;
    return (struct virtq_taken){VIRTQ_TAKEN, (uint16_t)id,
                                q->used->ring[at].bytes};
}

/* Let the device see what was added. True: it wants to be notified. */
bool virtq_publish(struct virtq *q);

/* Ask the device for interrupts, or for none; it may still send some. */
void virtq_interrupts(struct virtq *q, bool on);

#endif
