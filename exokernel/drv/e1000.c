// SPDX-License-Identifier: MIT
/*
 * See e1000.h and nic.h.
 *
 * Two rings of descriptors. The card owns those from its head up to our tail;
 * it sets DONE in each that it has finished, in order. The head is not read.
 *
 * A frame that is sent is a context descriptor if the card is to fill in a
 * checksum, then one for the header in a slot of ours, then one for each piece.
 * Slots are used in order, as frames are finished in order.
 *
 * A card's own address is in its EEPROM; the receive filter is ours to program,
 * and lets in that address, broadcasts and all multicasts. The numbers in []
 * are sections of [I8254x].
 */
#include "drv/e1000.h"

#include "boot/memory.h"
#include "debug/print.h"
#include "drv/apic.h"
#include "drv/nic.h"
#include "hw.h"
#include "kernel.h"
#include "lib/string.h"

enum {
    VENDOR_INTEL = 0x8086,
    REGISTER_BYTES = 0x20000,
    TX_DESCS = 256,
    RESET_LOOKS = 1000,
    EEPROM_LOOKS = 10000,
    TELL_AFTER = 16, /* buffers given back before the card hears of it */
};

/* Cards that work alike: 82540EM and 82545EM. */
static const uint16_t devices[] = {0x100e, 0x100f};

enum registers {
    REG_CTRL = 0x0000,
    REG_STATUS = 0x0008,
    REG_EERD = 0x0014,
    REG_ICR = 0x00c0,
    REG_IMS = 0x00d0,
    REG_IMC = 0x00d8,
    REG_RCTL = 0x0100,
    REG_TCTL = 0x0400,
    REG_TIPG = 0x0410,
    REG_RDBAL = 0x2800,
    REG_RDBAH = 0x2804,
    REG_RDLEN = 0x2808,
    REG_RDH = 0x2810,
    REG_RDT = 0x2818,
    REG_RDTR = 0x2820,
    REG_TDBAL = 0x3800,
    REG_TDBAH = 0x3804,
    REG_TDLEN = 0x3808,
    REG_TDH = 0x3810,
    REG_TDT = 0x3818,
    REG_RXCSUM = 0x5000,
    REG_MTA = 0x5200, /* 128 words: multicast filter */
    REG_RAL = 0x5400, /* 16 pairs: unicast addresses */
    REG_RAH = 0x5404,
};

enum register_bits {
    CTRL_ASDE = 1 << 5, /* speed as the link has it */
    CTRL_SLU = 1 << 6,  /* link up */
    CTRL_RST = 1 << 26,
    STATUS_LU = 1 << 1,
    EERD_START = 1 << 0,
    EERD_DONE = 1 << 4,
    ICR_TXDW = 1 << 0,
    ICR_LSC = 1 << 2,
    ICR_RXDMT = 1 << 4,
    ICR_RXO = 1 << 6,
    ICR_RXT = 1 << 7,
    RCTL_EN = 1 << 1,
    RCTL_MPE = 1 << 4,    /* all multicasts */
    RCTL_BAM = 1 << 15,   /* broadcasts */
    RCTL_SECRC = 1 << 26, /* without frame check sequence; buffers: 2 KiB */
    TCTL_EN = 1 << 1,
    TCTL_PSP = 1 << 3,                    /* pad short frames */
    TCTL_CT = 0x0f << 4,                  /* collisions, as IEEE 802.3 has it */
    TCTL_COLD = 0x40 << 12,               /* full duplex */
    TIPG_COPPER = 10 | 8 << 10 | 6 << 20, /* [13.4.34] */
    RXCSUM_TCP_UDP = 1 << 9,
};
#define RAH_VALID 0x80000000u

/* Received [3.2.3]. */
struct rx_desc {
    uint64_t pa;
    uint16_t bytes, sum;
    uint8_t status, errors;
    uint16_t special;
};
enum rx_bits {
    RX_DONE = 1,
    RX_END = 2,        /* of the frame: no further descriptor */
    RX_SUM_IGNORE = 4, /* nothing was checked */
    RX_SUM_LOOKED = 32,
    RX_BAD_FRAME = 0x97, /* CRC, symbol, sequence, carrier, data error */
    RX_BAD_SUM = 0x20,
};

/* To send: a context or a piece of a frame [3.3.6, 3.3.7]. */
struct tx_desc {
    union {
        uint64_t pa;
        struct {
            uint8_t ip_start, ip_offset;
            uint16_t ip_end;
            uint8_t sum_start, sum_offset;
            uint16_t sum_end; /* 0: the frame's end */
        };
    };
    uint32_t command;
    uint8_t status, options;
    uint16_t special;
};
_Static_assert(sizeof(struct tx_desc) == 16, "[3.3.7]");
_Static_assert(sizeof(struct rx_desc) == 16, "[3.2.3]");

enum tx_bits {
    TX_CONTEXT = 0 << 20,
    TX_DATA = 1 << 20,
    TX_END = 1 << 24,
    TX_FCS = 1 << 25, /* append the frame check sequence */
    TX_REPORT = 1 << 27,
    TX_EXTENDED = 1 << 29,
    TX_DONE = 1,     /* status */
    TX_FILL_SUM = 2, /* options */
};

struct slot {
    uint8_t bytes[NIC_HEADER];
    uint64_t cookie;
    uint16_t last;  /* its frame's last descriptor */
    uint16_t count; /* of descriptors */
};

static struct {
    struct pci_function pci;
    uint8_t *registers;
    bool dead; /* it did not survive a reset */
    bool interrupts;

    volatile struct rx_desc *rx; /* [nrx] */
    uint8_t *buffer;             /* [nrx][NIC_BUFFER] */
    uint16_t nrx;
    uint16_t rx_next; /* the descriptor that is filled next */
    uint16_t given;   /* buffers given back, not yet told */
    bool held;        /* net has the frame at rx_next */

    volatile struct tx_desc *tx; /* [TX_DESCS] */
    uint16_t tx_tail, tx_told;   /* next to write; what the card knows of */
    uint16_t tx_free;
    struct slot *slot; /* [nslots]: flying are `first` to first + flying */
    uint16_t nslots, first, flying;
    uint16_t lost; /* of those, the first ones died in a reset */
} e;

static uint32_t
get(unsigned at)
{
    return hw_mmio_read32(e.registers + at);
}

static void
set(unsigned at, uint32_t value)
{
    hw_mmio_write32(e.registers + at, value);
}

/* Let the card see descriptors up to its new tail. */
static void
set_tail(unsigned at, uint16_t tail)
{
    __atomic_thread_fence(__ATOMIC_RELEASE);
    set(at, tail);
}

static void
tell_given(void)
{
    /* The tail is the last that is the card's, so that it is never the head. */
    e.given = 0;
    set_tail(REG_RDT, (uint16_t)((e.rx_next + e.nrx - 1) % e.nrx));
}

static bool
receive(struct nic_frame *frame)
{
    const volatile struct rx_desc *d = &e.rx[e.rx_next];
    const uint8_t status = e.dead ? 0 : d->status;
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    if ((status & RX_DONE) == 0) {
        if (e.given != 0 && !e.dead)
            tell_given();
        return false;
    }
    const uint32_t bytes = d->bytes;
    const uint8_t errors = d->errors;
    const bool whole = (status & RX_END) != 0 && (errors & RX_BAD_FRAME) == 0 &&
                       bytes <= NIC_FRAME_MAX;
    *frame = (struct nic_frame){
        .bytes = e.buffer + (size_t)e.rx_next * NIC_BUFFER,
        .count = whole ? bytes : 0,
        .summed = (status & (RX_SUM_LOOKED | RX_SUM_IGNORE)) == RX_SUM_LOOKED &&
                  (errors & RX_BAD_SUM) == 0,
    };
    e.held = true;
    return true;
}

static void
give(uint16_t index)
{
    e.rx[index].status = 0;
    e.rx[index].pa = kva_to_pa(e.buffer + (size_t)index * NIC_BUFFER);
}

static void
release(void)
{
    if (!e.held) /* there was a reset in between */
        return;
    give(e.rx_next);
    e.held = false;
    e.rx_next = (uint16_t)((e.rx_next + 1) % e.nrx);
    if (++e.given >= TELL_AFTER)
        tell_given();
}

static struct slot *
slot_at(unsigned n)
{
    return &e.slot[(e.first + n) % e.nslots];
}

static uint8_t *
header(void)
{
    /* A context, the header, the pieces; and the tail never meets the head. */
    if (e.dead || e.lost != 0 || e.flying == e.nslots ||
        e.tx_free < 2 + NIC_PIECES_MAX + 1)
        return NULL;
    return slot_at(e.flying)->bytes;
}

static void
put(struct tx_desc desc)
{
    e.tx[e.tx_tail] = desc;
    e.tx_tail = (e.tx_tail + 1) % TX_DESCS;
}

static void
put_data(uint64_t pa, uint32_t bytes, bool sum, bool last)
{
    put((struct tx_desc){
        .pa = pa,
        .command = bytes | TX_DATA | TX_EXTENDED | TX_FCS |
                   (last ? TX_END | TX_REPORT : 0),
        .options = sum ? TX_FILL_SUM : 0,
    });
}

static void
send(uint32_t header_bytes, const struct nic_piece *pieces, unsigned count,
     struct nic_sum sum, uint64_t cookie)
{
    assert(e.flying < e.nslots && count <= NIC_PIECES_MAX);
    struct slot *s = slot_at(e.flying++);
    const bool fill = sum.start != 0;
    if (fill)
        put((struct tx_desc){
            .sum_start = (uint8_t)sum.start,
            .sum_offset = (uint8_t)(sum.start + sum.offset),
            .command = TX_CONTEXT | TX_EXTENDED,
        });
    put_data(kva_to_pa(s->bytes), header_bytes, fill, count == 0);
    for (unsigned i = 0; i < count; i++)
        put_data(pieces[i].pa, pieces[i].count, fill, i + 1 == count);
    s->cookie = cookie;
    s->last = (uint16_t)((e.tx_tail + TX_DESCS - 1) % TX_DESCS);
    s->count = (uint16_t)(count + 1 + fill);
    e.tx_free = (uint16_t)(e.tx_free - s->count);
}

static void
kick(void)
{
    if (e.tx_told == e.tx_tail || e.dead)
        return;
    e.tx_told = e.tx_tail;
    set_tail(REG_TDT, e.tx_tail);
}

static bool
sent(uint64_t *cookie)
{
    const struct slot *s = slot_at(0);
    if (e.lost != 0)
        e.lost--;
    else if (e.flying == 0 || (e.tx[s->last].status & TX_DONE) == 0)
        return false;
    else
        e.tx_free = (uint16_t)(e.tx_free + s->count);
    *cookie = s->cookie;
    e.first = (uint16_t)((e.first + 1) % e.nslots);
    e.flying--;
    return true;
}

static void
acknowledge(void)
{
    (void)get(REG_ICR); /* reading clears it, and the line falls [13.4.17] */
}

static void
interrupts(bool on)
{
    e.interrupts = on;
    if (on)
        set(REG_IMS, ICR_TXDW | ICR_LSC | ICR_RXDMT | ICR_RXO | ICR_RXT);
    else
        set(REG_IMC, UINT32_MAX);
}

static bool
link_up(void)
{
    return !e.dead && (get(REG_STATUS) & STATUS_LU) != 0;
}

/* After it the card does no DMA: false if it did not answer; then its bus
 * keeps it from memory. */
static bool
stop(void)
{
    pci_command(&e.pci, 0, PCI_DMA);
    set(REG_IMC, UINT32_MAX);
    set(REG_RCTL, 0);
    set(REG_TCTL, 0);
    set(REG_CTRL, get(REG_CTRL) | CTRL_RST);
    for (unsigned i = 0; i < RESET_LOOKS; i++) {
        if ((get(REG_CTRL) & CTRL_RST) == 0) {
            set(REG_IMC, UINT32_MAX);
            (void)get(REG_ICR);
            return true;
        }
        hw_pause();
    }
    return false;
}

static void
set_ring(unsigned base, volatile void *ring, uint32_t count)
{
    const uint64_t pa = kva_to_pa((void *)(uintptr_t)ring);
    set(base, (uint32_t)pa);
    set(base + 4, (uint32_t)(pa >> 32));
    set(base + 8, count * 16);
    set(base + REG_RDH - REG_RDBAL, 0);
    set(base + REG_RDT - REG_RDBAL, 0);
}

static void
set_filters(void)
{
    const uint8_t *m = nic.mac;
    set(REG_RAL, m[0] | (uint32_t)m[1] << 8 | (uint32_t)m[2] << 16 |
                     (uint32_t)m[3] << 24);
    set(REG_RAH, m[4] | (uint32_t)m[5] << 8 | RAH_VALID);
    for (unsigned i = 1; i < 16; i++) {
        set(REG_RAL + 8 * i, 0);
        set(REG_RAH + 8 * i, 0);
    }
    for (unsigned i = 0; i < 128; i++)
        set(REG_MTA + 4 * i, 0);
}

/* From reset to work. RCTL is written once, and last: QEMU lets nothing in for
 * a second after each write. */
static void
begin(void)
{
    for (uint16_t i = 0; i < e.nrx; i++)
        give(i);
    memset((void *)(uintptr_t)e.tx, 0, sizeof(struct tx_desc) * TX_DESCS);
    e.rx_next = e.given = e.tx_tail = e.tx_told = 0;
    e.held = false;
    e.tx_free = TX_DESCS;
    set(REG_CTRL, (get(REG_CTRL) | CTRL_SLU | CTRL_ASDE) & ~(uint32_t)CTRL_RST);
    set_filters();
    set_ring(REG_RDBAL, e.rx, e.nrx);
    set_ring(REG_TDBAL, e.tx, TX_DESCS);
    set(REG_RDTR, 0);
    set(REG_RXCSUM, RXCSUM_TCP_UDP);
    set(REG_TIPG, TIPG_COPPER);
    pci_command(&e.pci, PCI_DMA, 0);
    set(REG_TCTL, TCTL_EN | TCTL_PSP | TCTL_CT | TCTL_COLD);
    set(REG_RCTL, RCTL_EN | RCTL_MPE | RCTL_BAM | RCTL_SECRC);
    tell_given();
    interrupts(e.interrupts);
}

static void
reset(void)
{
    const bool stopped = stop();
    e.lost = e.flying;
    e.dead = !stopped;
    if (stopped)
        begin();
    else
        printk("exo: the e1000 does not come back after a reset; it is not "
               "used any more\n");
}

static const struct nic_driver driver = {
    .name = "e1000",
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

/* A word of the EEPROM [5.3.1]. */
static bool
read_eeprom(unsigned word, uint16_t *value)
{
    set(REG_EERD, word << 8 | EERD_START);
    for (unsigned i = 0; i < EEPROM_LOOKS; i++) {
        const uint32_t got = get(REG_EERD);
        if ((got & EERD_DONE) != 0) {
            *value = (uint16_t)(got >> 16);
            return true;
        }
        hw_pause();
    }
    return false;
}

static bool
read_mac(void)
{
    for (unsigned i = 0; i < 3; i++) {
        uint16_t word;
        if (!read_eeprom(i, &word))
            return false;
        nic.mac[2 * i] = (uint8_t)word;
        nic.mac[2 * i + 1] = (uint8_t)(word >> 8);
    }
    return nic_mac_is_good();
}

static void
alloc(void)
{
    e.nrx = nic_buffers();
    e.rx = boot_alloc(sizeof(struct rx_desc) * e.nrx, 128);
    e.buffer = boot_alloc((size_t)e.nrx * NIC_BUFFER, NIC_BUFFER);
    e.tx = boot_alloc(sizeof(struct tx_desc) * TX_DESCS, 128);
    e.nslots = nic_buffers() / 2;
    e.slot = boot_alloc(sizeof(struct slot) * e.nslots, 16);
}

static bool
is_one(const struct pci_function *f)
{
    for (unsigned i = 0; i < ARRAY_SIZE(devices); i++) {
        if (f->vendor == VENDOR_INTEL && f->device == devices[i])
            return true;
    }
    return false;
}

bool
e1000_take(const struct pci_function *f)
{
    if (!is_one(f))
        return false;
    e.pci = *f;
    e.registers = pci_map(f, 0, 0, REGISTER_BYTES);
    if (e.registers == NULL)
        return false;
    pci_command(f, PCI_MEMORY, 0);
    if (!stop() || !read_mac())
        return false;
    alloc();
    nic.driver = &driver;
    nic.bus = "PCI";
    nic.tx_sum = nic.rx_sum = true;
    nic.has_irq = pci_route_line(f, VECTOR_DEVICE);
    begin();
    return true;
}
