// SPDX-License-Identifier: MIT
/*
 * See virtio_net.h and nic.h.
 *
 * One receive and one send queue, a frame in one buffer, no control queue. In
 * front of each frame stands a header of the device's (struct header). Before
 * version 1 it is two bytes shorter, and may have to be in a descriptor of its
 * own.
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

/* In front of each frame. */
struct header {
    uint8_t flags, gso_type;
    uint16_t bytes, gso_bytes, sum_start, sum_offset;
    uint16_t buffers; /* not before version 1 */
};
enum header_flag {
    HEADER_NEEDS_SUM = 1, /* received: left out; sent: fill it in */
    HEADER_SUM_GOOD = 2,
};
_Static_assert(sizeof(struct header) == 12, "[VIRTIO1.2 5.1.6]");

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
    uint32_t apart;        /* descriptors of a header and what follows */
    uint64_t features;     /* [I] of the boot; they may not change */
    bool dead;             /* it did not survive a reset */
    bool interrupts;       /* wanted */

    struct buffer *buffer; /* [nbuffers] */
    uint16_t nbuffers;
    uint16_t *buffer_of; /* [rx.size] by first descriptor */
    uint16_t current;    /* the buffer that net has, or nbuffers */
    uint16_t given;      /* buffers given back, not yet told */
    uint16_t filled;     /* buffers given since the reset at least once */

    struct slot *slot; /* [nslots] */
    uint16_t nslots, nfree;
    uint16_t *free_slot;     /* [nslots] stack of free ones */
    uint16_t *slot_of;       /* [tx.size] by first descriptor */
    uint16_t nlost, lost_at; /* slots that a reset left behind */
    bool kick;               /* something was sent since the last kick */
} net;

static void reset(void);

/* Fill piece[0..] with a header and `bytes` bytes behind it. Returns how many
 * pieces it took. */
static unsigned
put_front(struct virtq_piece *piece, uint8_t *frame, uint32_t bytes,
          bool writable)
{
    const uint64_t pa = kva_to_pa(frame);
    if (net.apart == 1) {
        piece[0] = (struct virtq_piece){pa - net.header_bytes,
                                        net.header_bytes + bytes, writable};
        return 1;
    }
    piece[0] =
        (struct virtq_piece){pa - net.header_bytes, net.header_bytes, writable};
    piece[1] = (struct virtq_piece){pa, bytes, writable};
    return 2;
}

static void
give(uint16_t buffer)
{
    struct virtq_piece piece[2];
    struct buffer *b = &net.buffer[buffer];
    const unsigned n = put_front(piece, b->bytes, sizeof(b->bytes), true);
    net.buffer_of[virtq_add(&net.rx, piece, n)] = buffer;
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
    for (unsigned i = 0; i < FILL_STEP && net.filled < net.nbuffers; i++)
        give(net.filled++);
    return net.filled < net.nbuffers;
}

static bool
receive(struct nic_frame *frame)
{
    uint16_t first;
    uint32_t bytes;
    const enum virtq_take got =
        net.dead ? VIRTQ_NONE : virtq_take(&net.rx, &first, &bytes);
    if (got == VIRTQ_BROKEN)
        reset();
    if (got != VIRTQ_TAKEN) {
        if (!net.dead)
            fill();
        if (net.given != 0 && !net.dead)
            tell_given();
        return false;
    }
    net.current = net.buffer_of[first];
    const struct buffer *b = &net.buffer[net.current];
    struct header header = {0};
    memcpy(&header, b->bytes - net.header_bytes, net.header_bytes);
    const uint32_t count = bytes - net.header_bytes; /* below 0: too long */
    *frame = (struct nic_frame){
        .bytes = b->bytes,
        .count = count <= NIC_FRAME_MAX ? count : 0,
        .summed = (header.flags & (HEADER_NEEDS_SUM | HEADER_SUM_GOOD)) != 0 &&
                  nic.rx_sum,
    };
    return true;
}

static void
release(void)
{
    if (net.current == net.nbuffers) /* there was a reset in between */
        return;
    give(net.current);
    net.current = net.nbuffers;
    if (net.given >= KICK_AFTER)
        tell_given();
}

static uint8_t *
header(void)
{
    if (net.dead || net.nlost != 0 || net.nfree == 0 ||
        net.tx.nfree < net.apart + NIC_PIECES_MAX)
        return NULL;
    return net.slot[net.free_slot[net.nfree - 1]].bytes;
}

static void
send(uint32_t header_bytes, const struct nic_piece *pieces, unsigned count,
     struct nic_sum sum, uint64_t cookie)
{
    assert(net.nfree > 0 && count <= NIC_PIECES_MAX);
    const uint16_t index = net.free_slot[--net.nfree];
    struct slot *s = &net.slot[index];
    const struct header h = {
        .flags = sum.start != 0 ? HEADER_NEEDS_SUM : 0,
        .sum_start = sum.start,
        .sum_offset = sum.offset,
    };
    memcpy(s->bytes - net.header_bytes, &h, net.header_bytes);
    struct virtq_piece piece[2 + NIC_PIECES_MAX];
    unsigned n = put_front(piece, s->bytes, header_bytes, false);
    for (unsigned i = 0; i < count; i++)
        piece[n++] = (struct virtq_piece){pieces[i].pa, pieces[i].count, false};
    s->cookie = cookie;
    s->flying = true;
    net.slot_of[virtq_add(&net.tx, piece, n)] = index;
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
free_slot(uint16_t index, uint64_t *cookie)
{
    net.slot[index].flying = false;
    *cookie = net.slot[index].cookie;
    net.free_slot[net.nfree++] = index;
}

/* What was flying when the device was reset, one after the other. */
static bool
sent_lost(uint64_t *cookie)
{
    while (!net.slot[net.lost_at].flying)
        net.lost_at++;
    free_slot(net.lost_at++, cookie);
    net.nlost--;
    return true;
}

static bool
sent(uint64_t *cookie)
{
    uint16_t first;
    uint32_t bytes;
    if (net.nlost != 0)
        return sent_lost(cookie);
    if (net.dead)
        return false;
    switch (virtq_take(&net.tx, &first, &bytes)) {
    case VIRTQ_TAKEN:
        free_slot(net.slot_of[first], cookie);
        return true;
    case VIRTQ_BROKEN:
        reset();
        return net.nlost != 0 && sent_lost(cookie);
    default:
        return false;
    }
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
    net.current = net.nbuffers;
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

static void
alloc_buffers(void)
{
    const uint16_t fit = (uint16_t)(net.rx.size / net.apart);
    net.nbuffers = nic_buffers() < fit ? nic_buffers() : fit;
    net.buffer = boot_alloc(sizeof(struct buffer) * net.nbuffers, NIC_BUFFER);
    net.buffer_of = boot_alloc(sizeof(uint16_t) * net.rx.size, 2);
}

static void
alloc_slots(void)
{
    net.nslots = nic_buffers() / 2;
    net.slot = boot_alloc(sizeof(struct slot) * net.nslots, 16);
    net.free_slot = boot_alloc(sizeof(uint16_t) * net.nslots, 2);
    net.slot_of = boot_alloc(sizeof(uint16_t) * net.tx.size, 2);
    for (; net.nfree < net.nslots; net.nfree++)
        net.free_slot[net.nfree] = net.nfree;
}

static bool
alloc_queues(void)
{
    const uint16_t rx = virtio_queue_size(&net.dev, RECEIVE, QUEUE_MOST);
    const uint16_t tx = virtio_queue_size(&net.dev, SEND, QUEUE_MOST);
    if (rx < 16 || tx < 16)
        return false;
    virtq_alloc(&net.rx, rx);
    virtq_alloc(&net.tx, tx);
    alloc_buffers();
    alloc_slots();
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
    net.header_bytes = sizeof(struct header) - (net.dev.old ? 2 : 0);
    net.apart = net.dev.old && !virtio_has(&net.dev, VIRTIO_ANY_LAYOUT) ? 2 : 1;
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
