// SPDX-License-Identifier: MIT
/*
 * See virtio_net.h and nic.h.
 *
 * One receive and one send queue, a frame in one buffer, no control queue. In
 * front of each frame stands a header of the device's (struct header). Before
 * version 1 it is two bytes shorter, and may have to be in a descriptor of its
 * own. Each buffer is a chain of its queue for ever, and is named as one is, by
 * its first descriptor.
 */
#include "drv/virtio_net.h"

#include "boot/memory.h"
#include "debug/print.h"
#include "drv/nic.h"
#include "drv/virtio.h"
#include "kernel.h"
#include "lib/string.h"

enum {
    DEVICE_OLD = 0x1000, /* PCI device ids: may be both, or version 1 only */
    DEVICE_NEW = 0x1041,
    TYPE_NET = 1,
    SUBSYSTEM = 0x2c, /* PCI register; its upper half is the type */

    RECEIVE = 0, /* queues */
    SEND = 1,
    QUEUE_MOST = 256,
    KICK_AFTER = 16, /* buffers given back before the device hears of it */
    FILL_STEP = 32,  /* buffers given at once after a reset */
};

enum feature {
    NET_CSUM = 0,       /* the device fills in checksums */
    NET_GUEST_CSUM = 1, /* it may leave them out, and says so */
    NET_MAC = 5,
    NET_STATUS = 16,
};
#define BIT(n) (UINT64_C(1) << (n))
#define WANTED                                                                 \
    (BIT(NET_CSUM) | BIT(NET_GUEST_CSUM) | BIT(NET_MAC) | BIT(NET_STATUS) |    \
     BIT(VIRTIO_ANY_LAYOUT) | BIT(VIRTIO_VERSION_1))

enum { CONFIG_MAC = 0, CONFIG_STATUS = 6, STATUS_LINK_UP = 1 };

/* In front of each frame. Since version 1 a count of buffers follows, which is
 * for features that are not used: what is sent has 0 there. */
struct header {
    uint8_t flags, gso_type;
    uint16_t bytes, gso_bytes, sum_start, sum_offset;
};
enum header_flag {
    HEADER_NEEDS_SUM = 1, /* received: left out; sent: fill it in */
    HEADER_SUM_GOOD = 2,
};
_Static_assert(sizeof(struct header) == 10, "[VIRTIO1.2 5.1.6]");

/* A send buffer: the frame's header of up to NIC_HEADER bytes behind ours. */
struct slot {
    uint8_t room[16]; /* our header, at its end */
    uint8_t bytes[NIC_HEADER];
    uint64_t cookie;
    bool flying; /* its cookie is still to be given back */
};

/* A receive buffer: likewise. */
struct buffer {
    uint8_t room[16];
    uint8_t bytes[NIC_BUFFER - 16];
};
_Static_assert(sizeof(struct buffer) == NIC_BUFFER, "no holes");

static struct {
    struct virtio dev;
    struct virtq rx, tx;
    uint32_t header_bytes; /* 10 or 12 */
    uint32_t apart;        /* 1: they have a descriptor of their own, else 0 */
    uint64_t features;     /* [I] of the boot; they may not change */
    bool dead;             /* it did not survive a reset */
    bool interrupts;       /* wanted */

    struct buffer *buffer; /* [rx.fronts >> apart] */
    uint16_t current;      /* the one that net has, or rx.fronts */
    uint16_t given;        /* how many were given back, not yet told */
    uint16_t filled;       /* those below were given since the reset */

    struct slot *slot; /* [nslots] */
    uint16_t *free;    /* [nslots] stack of free ones */
    uint16_t nslots, nfree;
    uint16_t nlost, lost_at; /* slots that a reset left behind */
    bool kick;               /* something was sent since the last kick */
} net;

static void reset(void);

static struct header *
header_of(const uint8_t *frame)
{
    return (struct header *)(uintptr_t)(frame - net.header_bytes);
}

/* How many of them are in the descriptor of the frame itself. */
static uint32_t
own_bytes(void)
{
    return net.apart ? 0 : net.header_bytes;
}

static struct slot *
slot_of(unsigned first)
{
    return &net.slot[first >> net.apart];
}

static void
give(uint16_t first)
{
    virtq_add(&net.rx, first);
    net.given++;
}

static void
tell_given(void)
{
    net.given = 0;
    virtio_kick(&net.dev, RECEIVE, &net.rx);
}

/* Give buffers that the device has not had since its reset; true: there are
 * more. */
static bool
fill(void)
{
    for (unsigned i = 0; i < FILL_STEP && net.filled < net.rx.fronts; i++) {
        give(net.filled);
        net.filled = (uint16_t)(net.filled + net.rx.front);
    }
    return net.filled < net.rx.fronts;
}

static bool
receive(struct nic_frame *frame)
{
    if (net.dead)
        return false;
    const struct virtq_taken got = virtq_take(&net.rx);
    if (unlikely(got.what == VIRTQ_BROKEN))
        reset();
    if (got.what != VIRTQ_TAKEN) {
        if (!net.dead)
            fill();
        if (net.given != 0 && !net.dead)
            tell_given();
        return false;
    }
    net.current = got.first;
    const uint8_t *bytes = net.buffer[got.first >> net.apart].bytes;
    const uint32_t count = got.bytes - net.header_bytes; /* or far too long */
    *frame = (struct nic_frame){
        .bytes = bytes,
        .count = count <= NIC_FRAME_MAX ? count : 0,
        .summed = (header_of(bytes)->flags &
                   (HEADER_NEEDS_SUM | HEADER_SUM_GOOD)) != 0 &&
                  nic.rx_sum,
    };
    return true;
}

static void
release(void)
{
    if (net.current == net.rx.fronts) /* there was a reset in between */
        return;
    give(net.current);
    net.current = net.rx.fronts;
    if (net.given >= KICK_AFTER)
        tell_given();
}

static uint8_t *
header(void)
{
    if (net.dead || net.nlost != 0 || net.nfree == 0 ||
        net.tx.nspare < NIC_PIECES_MAX)
        return NULL;
    return slot_of(net.free[net.nfree - 1])->bytes;
}

static void
send(uint32_t header_bytes, const struct nic_piece *pieces, unsigned count,
     struct nic_sum sum, uint64_t cookie)
{
    assert(net.nfree > 0 && count <= NIC_PIECES_MAX);
    const uint16_t first = net.free[--net.nfree];
    struct slot *s = slot_of(first);
    struct header *h = header_of(s->bytes); /* the rest of it stays 0 */
    h->flags = sum.start != 0 ? HEADER_NEEDS_SUM : 0;
    h->sum_start = sum.start;
    h->sum_offset = sum.offset;
    s->cookie = cookie;
    s->flying = true;
    virtq_add_behind(&net.tx, first, own_bytes() + header_bytes, pieces, count);
    net.kick = true;
}

static void
kick(void)
{
    if (net.kick && !net.dead)
        virtio_kick(&net.dev, SEND, &net.tx);
    net.kick = false;
}

static void
free_slot(uint16_t first, uint64_t *cookie)
{
    struct slot *s = slot_of(first);
    s->flying = false;
    *cookie = s->cookie;
    net.free[net.nfree++] = first;
}

/* What was flying when the device was reset, one after the other. */
static bool
sent_lost(uint64_t *cookie)
{
    while (!slot_of(net.lost_at)->flying)
        net.lost_at = (uint16_t)(net.lost_at + net.tx.front);
    free_slot(net.lost_at, cookie);
    net.nlost--;
    return true;
}

static bool
sent(uint64_t *cookie)
{
    if (net.nlost != 0)
        return sent_lost(cookie);
    if (net.dead)
        return false;
    const struct virtq_taken got = virtq_take(&net.tx);
    if (likely(got.what == VIRTQ_TAKEN)) {
        free_slot(got.first, cookie);
        return true;
    }
    if (got.what == VIRTQ_NONE)
        return false;
    reset();
    return net.nlost != 0 && sent_lost(cookie);
}

static void
acknowledge(void)
{
    net.dev.transport->acknowledge(&net.dev);
}

static void
interrupts(bool on)
{
    net.interrupts = on;
    virtq_interrupts(&net.rx, on);
    virtq_interrupts(&net.tx, on);
}

static bool
link_up(void)
{
    return !net.dead && (!virtio_has(&net.dev, NET_STATUS) ||
                         (net.dev.transport->config(&net.dev, CONFIG_STATUS) &
                          STATUS_LINK_UP) != 0);
}

/* Hand both queues over, and the first buffers. */
static bool
begin(void)
{
    virtq_reset(&net.rx);
    virtq_reset(&net.tx);
    if (!virtio_begin(&net.dev, WANTED) || net.dev.features != net.features ||
        !virtio_queue(&net.dev, RECEIVE, &net.rx) ||
        !virtio_queue(&net.dev, SEND, &net.tx))
        return false;
    net.current = net.rx.fronts;
    net.filled = 0;
    fill();
    interrupts(net.interrupts);
    virtio_ready(&net.dev);
    tell_given();
    return true;
}

static void
reset(void)
{
    virtio_stop(&net.dev);
    net.nlost = (uint16_t)(net.nslots - net.nfree);
    net.lost_at = 0;
    net.dead = !begin();
    if (net.dead) {
        virtio_stop(&net.dev);
        printk("exo: the virtio device does not come back after a reset; it "
               "is not used any more\n");
    }
}

static const struct nic_driver driver = {
    .name = "virtio-net",
    .receive = receive,
    .release = release,
    .header = header,
    .send = send,
    .kick = kick,
    .sent = sent,
    .acknowledge = acknowledge,
    .interrupts = interrupts,
    .link_up = link_up,
    .reset = reset,
};

/* Where a front points: at the device's header and the frame behind it. */
static void
aim(struct virtq *q, uint16_t first, const uint8_t *frame, uint32_t bytes,
    bool writable)
{
    const uint64_t pa = kva_to_pa(frame);
    const uint32_t own = own_bytes();
    if (net.apart)
        virtq_front(q, first, 0,
                    (struct nic_piece){pa - net.header_bytes, net.header_bytes},
                    writable);
    virtq_front(q, first, net.apart, (struct nic_piece){pa - own, own + bytes},
                writable);
}

static void
alloc_buffers(uint16_t size)
{
    const uint16_t fit = (uint16_t)(size >> net.apart);
    const uint16_t n = nic_buffers() < fit ? nic_buffers() : fit;
    virtq_alloc(&net.rx, size, (uint16_t)(1 << net.apart),
                (uint16_t)(n << net.apart));
    net.buffer = boot_alloc(sizeof(struct buffer) * n, NIC_BUFFER);
    for (uint16_t i = 0; i < n; i++)
        aim(&net.rx, (uint16_t)(i << net.apart), net.buffer[i].bytes,
            sizeof(net.buffer[i].bytes), true);
}

/* Half of the descriptors are for what lies behind headers. */
static void
alloc_slots(uint16_t size)
{
    const uint16_t fit = (uint16_t)(size / 2 >> net.apart);
    net.nslots = nic_buffers() / 2 < fit ? nic_buffers() / 2 : fit;
    virtq_alloc(&net.tx, size, (uint16_t)(1 << net.apart),
                (uint16_t)(net.nslots << net.apart));
    net.slot = boot_alloc(sizeof(struct slot) * net.nslots, 16);
    net.free = boot_alloc(sizeof(uint16_t) * net.nslots, 2);
    for (; net.nfree < net.nslots; net.nfree++) {
        const uint16_t first = (uint16_t)(net.nfree << net.apart);
        aim(&net.tx, first, slot_of(first)->bytes, 0, false);
        net.free[net.nfree] = first;
    }
}

static bool
alloc_queues(void)
{
    const uint16_t rx = virtio_queue_size(&net.dev, RECEIVE, QUEUE_MOST);
    const uint16_t tx = virtio_queue_size(&net.dev, SEND, QUEUE_MOST);
    if (rx < 16 || tx < 2 * NIC_PIECES_MAX)
        return false;
    alloc_buffers(rx);
    alloc_slots(tx);
    return true;
}

static void
read_mac(void)
{
    if (!virtio_has(&net.dev, NET_MAC)) {
        nic_mac_make_up();
        return;
    }
    for (unsigned i = 0; i < sizeof(nic.mac); i++)
        nic.mac[i] = net.dev.transport->config(&net.dev, CONFIG_MAC + i);
}

/* The device is open: find out what it can do, and let it begin. */
static bool
take(void)
{
    if (!virtio_begin(&net.dev, WANTED))
        return false;
    net.features = net.dev.features;
    net.header_bytes = sizeof(struct header) + (net.dev.old ? 0 : 2);
    net.apart = net.dev.old && !virtio_has(&net.dev, VIRTIO_ANY_LAYOUT);
    read_mac();
    if (!nic_mac_is_good() || !alloc_queues() || !begin()) {
        virtio_stop(&net.dev);
        return false;
    }
    while (fill())
        ;
    tell_given();
    nic.driver = &driver;
    nic.bus = net.dev.transport->name;
    nic.tx_sum = virtio_has(&net.dev, NET_CSUM);
    nic.rx_sum = virtio_has(&net.dev, NET_GUEST_CSUM);
    nic.has_irq = net.dev.has_irq;
    return true;
}

bool
virtio_net_take(const struct pci_function *f)
{
    const bool net_type =
        f->device == DEVICE_NEW ||
        (f->device == DEVICE_OLD && pci_read16(f, SUBSYSTEM + 2) == TYPE_NET);
    if (f->vendor != VIRTIO_VENDOR || !net_type)
        return false;
    return (virtio_pci_open(&net.dev, f) || virtio_port_open(&net.dev, f)) &&
           take();
}

bool
virtio_net_take_mmio(void)
{
    return virtio_mmio_open(&net.dev, TYPE_NET) && take();
}
