// SPDX-License-Identifier: MIT
/* Virtqueues by themselves, with a device that returns chains in any order. */
#include "nic_device.h"

#include "drv/virtq.h"
#include "hosted/claim.h"

/* The chain that begins there: every descriptor once. Returns how many. */
static unsigned
mark_chain(const struct virtq *q, unsigned at, bool used[16])
{
    unsigned count = 1;
    for (;; at = q->desc[at].next, count++) {
        want(at < 16 && !used[at]);
        used[at] = true;
        if (!(q->desc[at].flags & 1))
            return count;
    }
}

static void
use_queue(uint16_t front, uint16_t fronts)
{
    struct virtq q;
    unsigned length[16] = {0}, flying = 0, done = 0;
    sim_plug(CARD_NONE);
    virtq_alloc(&q, 16, front, fronts);
    for (unsigned i = 0; i < fronts; i++)
        virtq_front(&q, (uint16_t)(i - i % front), i % front,
                    (struct nic_piece){i, i}, false);
    for (unsigned step = 0; step < 20000; step++) {
        const struct nic_piece piece[4] = {{1, 1}, {2, 2}, {3, 3}, {4, 4}};
        const unsigned n = sim_random() % 5;
        uint16_t first = (uint16_t)(sim_random() % fronts / front * front);
        if (length[first] == 0 && q.nspare >= n) {
            virtq_add_behind(&q, first, 7, piece, n);
            virtq_publish(&q);
            length[first] = front + n;
            flying++;
        } else if (length[first] != 0) {
            q.used->ring[done++ % 16].id = first;
            q.used->index = (uint16_t)done;
            const struct virtq_taken got = virtq_take(&q);
            want(got.what == VIRTQ_TAKEN && got.first == first);
            length[first] = 0;
            flying--;
        }
        unsigned behind = 0;
        bool used[16] = {false};
        for (unsigned i = 0; i < fronts; i++) {
            if (length[i] == 0)
                continue;
            want_equal(mark_chain(&q, i, used), length[i]);
            behind += length[i] - front;
        }
        want_equal(q.nspare, 16 - fronts - behind);
        want_equal((uint16_t)(q.added - q.taken), flying);
        want_equal(virtq_take(&q).what, VIRTQ_NONE);
    }
}

CLAIM(a_queue_never_hands_out_a_descriptor_twice)
{
    use_queue(1, 6);
    use_queue(2, 8);
    use_queue(1, 16);
}
