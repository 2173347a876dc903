// SPDX-License-Identifier: MIT
/* See virtq.h. */
#include "drv/virtq.h"

#include "boot/memory.h"
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
virtq_alloc(struct virtq *q, uint16_t size, uint16_t front, uint16_t fronts)
{
    assert(size > 0 && size <= VIRTQ_MAX && (size & (size - 1)) == 0);
    assert(front > 0 && fronts % front == 0 && fronts <= size);
    uint8_t *memory = boot_alloc(queue_bytes(size), VIRTQ_PAGE);
    q->desc = (void *)memory;
    q->avail = (void *)(memory + avail_offset(size));
    q->used = (void *)(memory + used_offset(size));
    q->next = boot_alloc(sizeof(*q->next) * size, sizeof(*q->next));
    q->held = boot_alloc(sizeof(*q->held) * fronts, 1);
    q->size = size;
    q->front = front;
    q->fronts = fronts;
    virtq_reset(q);
}

void
virtq_reset(struct virtq *q)
{
    memset((void *)q->avail, 0, queue_bytes(q->size) - avail_offset(q->size));
    memset(q->held, 0, sizeof(*q->held) * q->fronts);
    for (unsigned i = q->fronts; i < q->size; i++)
        q->next[i] = (uint16_t)(i + 1);
    q->spare = q->fronts;
    q->nspare = (uint16_t)(q->size - q->fronts);
    q->added = q->taken = 0;
}

void
virtq_front(struct virtq *q, uint16_t first, unsigned i, struct nic_piece piece,
            bool writable)
{
    const bool last = i + 1 == q->front;
    assert(i < q->front && first < q->fronts && first % q->front == 0);
    q->desc[first + i] = (struct virtq_desc){
        .pa = piece.pa,
        .bytes = piece.count,
        .flags =
            (uint16_t)((writable ? DESC_WRITE : 0) | (last ? 0 : DESC_NEXT)),
        .next = (uint16_t)(last ? 0 : first + i + 1),
    };
}

void
virtq_add_behind(struct virtq *q, uint16_t first, uint32_t bytes,
                 const struct nic_piece *piece, unsigned count)
{
    assert(count <= q->nspare);
    unsigned at = first + q->front - 1u;
    struct virtq_desc *d = &q->desc[at];
    d->bytes = bytes;
    for (unsigned i = 0; i < count; i++) {
        q->next[at] = q->spare;
        at = q->spare;
        q->spare = q->next[at];
        d->flags = DESC_NEXT;
        d->next = (uint16_t)at;
        d = &q->desc[at];
        d->pa = piece[i].pa;
        d->bytes = piece[i].count;
    }
    d->flags = 0;
    q->nspare = (uint16_t)(q->nspare - count);
    virtq_add(q, first);
    q->held[first] = (uint8_t)(1 + count);
}

void
virtq_free_behind(struct virtq *q, uint16_t first)
{
    const unsigned front = first + q->front - 1u, count = q->held[first] - 1u;
    unsigned last = front;
    for (unsigned i = 0; i < count; i++)
        last = q->next[last];
    q->next[last] = q->spare;
    q->spare = q->next[front];
    q->nspare = (uint16_t)(q->nspare + count);
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

void
virtq_interrupts(struct virtq *q, bool on)
{
    q->avail->flags = on ? 0 : AVAIL_NO_INTERRUPT;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}
