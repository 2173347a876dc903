// SPDX-License-Identifier: MIT
/* See virtio.h: what is the same for all transports. */
#include "drv/virtio.h"

#include "hw.h"

enum virtio_status {
    STATUS_ACKNOWLEDGE = 1,
    STATUS_DRIVER = 2,
    STATUS_DRIVER_OK = 4,
    STATUS_FEATURES_OK = 8,
};

/* Reads of a register until a reset is given up: a millisecond or so. */
enum { RESET_LOOKS = 1000 };

static void
add_status(struct virtio *d, uint8_t bit)
{
    d->transport->set_status(d, (uint8_t)(d->transport->status(d) | bit));
}

static bool
reset(struct virtio *d)
{
    d->transport->set_status(d, 0);
    for (unsigned i = 0; i < RESET_LOOKS; i++) {
        if (d->transport->status(d) == 0)
            return true;
        hw_pause();
    }
    return false;
}

bool
virtio_stop(struct virtio *d)
{
    d->transport->dma(d, false);
    return reset(d);
}

bool
virtio_begin(struct virtio *d, uint64_t wanted)
{
    const struct virtio_transport *t = d->transport;
    if (!reset(d))
        return false;
    add_status(d, STATUS_ACKNOWLEDGE);
    add_status(d, STATUS_DRIVER);
    d->features = t->features(d) & wanted;
    t->accept(d, d->features);
    if (d->old)
        return true;
    if (!virtio_has(d, VIRTIO_VERSION_1))
        return false;
    add_status(d, STATUS_FEATURES_OK);
    return (t->status(d) & STATUS_FEATURES_OK) != 0;
}

uint16_t
virtio_queue_size(struct virtio *d, unsigned index, uint16_t most)
{
    const unsigned size = d->transport->queue_max(d, index);
    if (size > VIRTQ_MAX && d->transport->fixed_size)
        return 0;
    unsigned fit = 1;
    while (fit * 2 <= size && (d->transport->fixed_size || fit * 2 <= most))
        fit *= 2;
    if (size == 0 || (d->transport->fixed_size && fit != size))
        return 0;
    return (uint16_t)fit;
}

bool
virtio_queue(struct virtio *d, unsigned index, struct virtq *q)
{
    return virtio_queue_size(d, index, q->size) == q->size &&
           d->transport->queue_start(d, index, q);
}

void
virtio_ready(struct virtio *d)
{
    d->transport->dma(d, true);
    add_status(d, STATUS_DRIVER_OK);
}

void
virtio_kick(struct virtio *d, unsigned index, struct virtq *q)
{
    if (virtq_publish(q))
        d->transport->notify(d, index);
}
