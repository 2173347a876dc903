// SPDX-License-Identifier: MIT
/* See virtq.h. */
#include "drv/virtq.h"

#include "boot/memory.h"
#include "kernel.h"
#include "lib/string.h"

enum desc_flag {
    DESC_NEXT = 1,
    DESC_WRITE = 2,
};
enum {
    AVAIL_NO_INTERRUPT = 1,
    USED_NO_NOTIFY = 1,
};

static uint64_t
avail_offset(unsigned size)
{
    return sizeof(struct virtq_desc) * size;
}

/* Both rings have a word more behind them, for a feature that is not used. */
static uint64_t
used_offset(unsigned size)
{
    const uint64_t end = avail_offset(size) + sizeof(struct virtq_avail) +
                         sizeof(uint16_t) * (size + 1);
    return (end + VIRTQ_PAGE - 1) & ~(uint64_t)(VIRTQ_PAGE - 1);
}

static uint64_t
queue_bytes(unsigned size)
{
    return used_offset(size) + sizeof(struct virtq_used) +
           sizeof(((struct virtq_used *)0)->ring[0]) * size + sizeof(uint16_t);
}

void
virtq_alloc(struct virtq *q, uint16_t size)
{
    assert(size > 0 && size <= VIRTQ_MAX && (size & (size - 1)) == 0);
    uint8_t *memory = boot_alloc(queue_bytes(size), VIRTQ_PAGE);
    q->desc = (void *)memory;
    q->avail = (void *)(memory + avail_offset(size));
    q->used = (void *)(memory + used_offset(size));
    q->next = boot_alloc(sizeof(*q->next) * size, sizeof(*q->next));
    q->chain = boot_alloc(sizeof(*q->chain) * size, sizeof(*q->chain));
    q->size = size;
    virtq_reset(q);
}

void
virtq_reset(struct virtq *q)
{
    memset(q->desc, 0, queue_bytes(q->size));
    for (unsigned i = 0; i < q->size; i++) {
        q->next[i] = (uint16_t)(i + 1);
        q->chain[i] = 0;
    }
    q->free = 0;
    q->nfree = q->size;
    q->added = q->taken = q->flying = 0;
}

uint16_t
virtq_add(struct virtq *q, const struct virtq_piece *piece, unsigned count)
{
    assert(count > 0 && count <= q->nfree);
    const uint16_t first = q->free;
    uint16_t at = first;
    for (unsigned i = 0; i < count; i++, at = q->next[at])
        q->desc[at] = (struct virtq_desc){
            .pa = piece[i].pa,
            .bytes = piece[i].bytes,
            .flags = (uint16_t)((piece[i].writable ? DESC_WRITE : 0) |
                                (i + 1 < count ? DESC_NEXT : 0)),
            .next = i + 1 < count ? q->next[at] : 0,
        };
    q->free = at;
    q->nfree = (uint16_t)(q->nfree - count);
    q->chain[first] = (uint16_t)count;
    q->avail->ring[q->added++ & (q->size - 1)] = first;
    q->flying++;
    return first;
}

bool
virtq_publish(struct virtq *q)
{
    __atomic_store_n(&q->avail->index, q->added, __ATOMIC_RELEASE);
    /* Who sees no wish to be notified must have let the device see what is
     * available first [VIRTIO1.2 2.7.13.4.1]. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return (q->used->flags & USED_NO_NOTIFY) == 0;
}

/* Put a chain's descriptors back on the free list. */
static void
free_chain(struct virtq *q, uint16_t first)
{
    uint16_t last = first;
    for (unsigned i = 1; i < q->chain[first]; i++)
        last = q->next[last];
    q->next[last] = q->free;
    q->free = first;
    q->nfree = (uint16_t)(q->nfree + q->chain[first]);
    q->chain[first] = 0;
}

enum virtq_take
virtq_take(struct virtq *q, uint16_t *first, uint32_t *bytes)
{
    const uint16_t index = __atomic_load_n(&q->used->index, __ATOMIC_ACQUIRE);
    const uint16_t there = (uint16_t)(index - q->taken);
    if (there == 0)
        return VIRTQ_NONE;
    const unsigned at = q->taken & (q->size - 1u);
    const uint32_t id = q->used->ring[at].id;
    if (there > q->flying || id >= q->size || q->chain[id] == 0)
        return VIRTQ_BROKEN;
    *first = (uint16_t)id;
    *bytes = q->used->ring[at].bytes;
    free_chain(q, (uint16_t)id);
    q->taken++;
    q->flying--;
    return VIRTQ_TAKEN;
}

void
virtq_interrupts(struct virtq *q, bool on)
{
    q->avail->flags = on ? 0 : AVAIL_NO_INTERRUPT;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}
