// SPDX-License-Identifier: MIT
/*
 * A simulated virtio network device, reached in all the ways there are. See
 * nic_device.h; the numbers in [] are sections of [VIRTIO1.2].
 */
#include "nic_device.h"

#include <string.h>

#include "hosted/claim.h"

enum {
    DRIVER_OK = 4,
    FEATURES_OK = 8,
    F_CSUM = 0,
    F_GUEST_CSUM = 1,
    F_MAC = 5,
    F_STATUS = 16,
    F_ANY_LAYOUT = 27,
    F_VERSION_1 = 32,
    F_INDIRECT = 28, /* offered, and not to be accepted without being asked */
};
#define BIT(n) (UINT64_C(1) << (n))

struct virtio_rings virtio_rings[2];

static struct {
    uint8_t status, isr;
    uint64_t accepted;
    unsigned feature_word, accept_word, queue;
    uint32_t page_bytes;
    uint16_t queue_vector[2];
} v;

static bool
is_old(void)
{
    return sim.card != CARD_PCI && sim.card != CARD_MEMORY_2;
}

static uint64_t
offered(void)
{
    uint64_t all = BIT(F_STATUS) | BIT(F_INDIRECT);
    if (!sim.no_mac)
        all |= BIT(F_MAC);
    if (sim.sums)
        all |= BIT(F_CSUM) | BIT(F_GUEST_CSUM);
    if (!is_old())
        all |= BIT(F_VERSION_1);
    else if (sim.card != CARD_APART)
        all |= BIT(F_ANY_LAYOUT);
    return all;
}

static unsigned
header_bytes(void)
{
    return is_old() ? 10 : 12;
}

void
virtio_plug(void)
{
    memset(&v, 0, sizeof(v));
    memset(virtio_rings, 0, sizeof(virtio_rings));
    v.queue_vector[0] = v.queue_vector[1] = 0xffff;
}

static void
set_status(uint8_t status)
{
    if (status == 0) {
        if (!sim.no_reset)
            virtio_plug();
        return;
    }
    if ((status & FEATURES_OK) != 0)
        want((v.accepted & ~offered()) == 0 && v.accepted >> F_VERSION_1 & 1);
    if ((status & DRIVER_OK) != 0)
        want(is_old() || (status & FEATURES_OK) != 0);
    v.status = status;
}

static uint8_t
device_config(unsigned at)
{
    return at < 6 && !sim.no_mac ? sim_mac[at] : at == 6 ? 1 : 0;
}

static struct virtio_rings *
selected(void)
{
    static struct virtio_rings none;
    return v.queue < 2 ? &virtio_rings[v.queue] : &none;
}

/* As it was before version 1: one run of pages [2.7.2]. */
static void
use_page(uint32_t page, uint32_t size)
{
    struct virtio_rings *q = selected();
    q->size = size;
    q->desc = (uint64_t)page * 4096;
    q->avail = q->desc + 16 * size;
    q->used = (q->avail + 4 + 2 * size + 2 + 4095) & ~4095ull;
    q->ready = page != 0;
}

static void
set_half(uint64_t *address, bool high, uint32_t value)
{
    if (high)
        *address = (*address & 0xffffffff) | (uint64_t)value << 32;
    else
        *address = (*address & ~0xffffffffull) | value;
}

static void
check_ready(void)
{
    const struct virtio_rings *q = selected();
    want(q->size > 0 && q->size <= SIM_QUEUE && !(q->size & (q->size - 1)));
    want(q->desc % 16 == 0 && q->avail % 2 == 0 && q->used % 4 == 0);
}

static void
accept(unsigned word, uint32_t value)
{
    want((v.status & (FEATURES_OK | DRIVER_OK)) == 0);
    set_half(&v.accepted, word != 0, value);
}

/* ---- by PCI capabilities [4.1.4.3] -------------------------------------- */

static uint32_t
common_read(uint32_t at)
{
    switch (at) {
    case 4:
        return (uint32_t)(offered() >> (v.feature_word ? 32 : 0));
    case 20:
        return v.status;
    case 24:
        return v.queue < 2 ? SIM_QUEUE : 0;
    case 26:
        return v.queue < 2 ? v.queue_vector[v.queue] : 0xffff;
    case 30:
        return v.queue;
    default:
        return 0;
    }
}

static void
common_write(uint32_t at, uint32_t value)
{
    struct virtio_rings *q = selected();
    switch (at) {
    case 0:
        v.feature_word = value;
        break;
    case 8:
        v.accept_word = value;
        break;
    case 12:
        accept(v.accept_word, value);
        break;
    case 20:
        set_status((uint8_t)value);
        break;
    case 22:
        v.queue = value;
        break;
    case 24:
        q->size = value;
        break;
    case 26:
        if (v.queue < 2)
            v.queue_vector[v.queue] = (uint16_t)value;
        break;
    case 28:
        check_ready();
        q->ready = true;
        break;
    case 32:
    case 36:
        set_half(&q->desc, at == 36, value);
        break;
    case 40:
    case 44:
        set_half(&q->avail, at == 44, value);
        break;
    case 48:
    case 52:
        set_half(&q->used, at == 52, value);
        break;
    default:
        want(at == 16); /* the vector of changes */
    }
}

static uint32_t
take_isr(void)
{
    const uint8_t isr = v.isr;
    v.isr = 0;
    sim.line = false;
    return isr;
}

/* ---- by registers in memory [4.2.2, 4.2.4] ------------------------------- */

static uint32_t
memory_read(uint32_t at)
{
    if (at >= 0x100)
        return device_config(at - 0x100);
    switch (at) {
    case 0x00:
        return 0x74726976;
    case 0x04:
        return is_old() ? 1 : 2;
    case 0x08:
        return 1;
    case 0x10:
        return (uint32_t)(offered() >> (v.feature_word ? 32 : 0));
    case 0x34:
        return v.queue < 2 ? SIM_QUEUE : 0;
    case 0x60:
        return v.isr;
    case 0x70:
        return v.status;
    default:
        return 0;
    }
}

static void
memory_write_2(uint32_t at, uint32_t value)
{
    struct virtio_rings *q = selected();
    want(!is_old());
    if (at == 0x44) {
        check_ready();
        q->ready = value == 1;
    } else {
        uint64_t *address = at < 0x90   ? &q->desc
                            : at < 0xa0 ? &q->avail
                                        : &q->used;
        set_half(address, at % 8 != 0, value);
    }
}

static void
memory_write(uint32_t at, uint32_t value)
{
    switch (at) {
    case 0x14:
        v.feature_word = value;
        break;
    case 0x20:
        accept(v.accept_word, value);
        break;
    case 0x24:
        v.accept_word = value;
        break;
    case 0x28:
        v.page_bytes = value;
        break;
    case 0x30:
        v.queue = value;
        break;
    case 0x38:
        selected()->size = value;
        break;
    case 0x3c:
        want(is_old() && value == 4096);
        break;
    case 0x40:
        want(is_old() && v.page_bytes == 4096);
        use_page(value, selected()->size);
        check_ready();
        break;
    case 0x50:
        virtio_run();
        break;
    case 0x64:
        v.isr &= (uint8_t)~value;
        sim.line = v.isr != 0;
        break;
    case 0x70:
        set_status((uint8_t)value);
        break;
    default:
        memory_write_2(at, value);
    }
}

/* ---- by ports [4.1.4.10] --------------------------------------------------
 */

uint32_t
virtio_in(uint16_t at)
{
    const unsigned config = sim.msix ? 24 : 20;
    switch (at) {
    case 0:
        return (uint32_t)offered();
    case 12:
        return v.queue < 2 ? SIM_QUEUE : 0;
    case 18:
        return v.status;
    case 19:
        return take_isr();
    default:
        if (sim.msix && at == 22)
            return v.queue < 2 ? v.queue_vector[v.queue] : 0xffff;
        want(at >= config);
        return device_config(at - config);
    }
}

void
virtio_out(uint16_t at, uint32_t value)
{
    switch (at) {
    case 4:
        accept(0, value);
        break;
    case 8:
        use_page(value, SIM_QUEUE);
        break;
    case 14:
        v.queue = value;
        break;
    case 16:
        virtio_run();
        break;
    case 18:
        set_status((uint8_t)value);
        break;
    case 22:
        want(sim.msix && v.queue < 2);
        v.queue_vector[v.queue] = (uint16_t)value;
        break;
    default:
        want(sim.msix && at == 20);
    }
}

uint32_t
virtio_read(uint32_t at, unsigned bytes)
{
    if (sim.card >= CARD_MEMORY_1) {
        want(bytes == (at < 0x100 ? 4 : 1));
        return memory_read(at);
    }
    switch (at >> 12) {
    case 0:
        return common_read(at);
    case 2:
        return take_isr();
    default:
        want(at >> 12 == 3);
        return device_config(at & 0xfff);
    }
}

void
virtio_write(uint32_t at, uint32_t value, unsigned bytes)
{
    if (sim.card >= CARD_MEMORY_1) {
        want(bytes == 4);
        memory_write(at, value);
    } else if (at >> 12 == 0) {
        common_write(at, value);
    } else {
        want_equal(at, 0x1000 + 4 * value); /* its own place to notify */
        virtio_run();
    }
}

/* ---- queues [2.7] -------------------------------------------------------- */

static uint16_t
get16(uint64_t pa)
{
    uint16_t value;
    memcpy(&value, sim_memory(pa, 2), 2);
    return value;
}

static void
interrupt(const struct virtio_rings *q)
{
    if ((get16(q->avail) & 1) != 0)
        return;
    if (sim.msix && sim.card <= CARD_APART)
        want_equal(v.queue_vector[q - virtio_rings], 0);
    v.isr |= 1;
    sim_interrupt();
}

void
virtio_return(unsigned index, uint32_t id, uint32_t bytes)
{
    struct virtio_rings *q = &virtio_rings[index];
    const uint32_t entry[2] = {id, bytes};
    memcpy(sim_memory(q->used + 4 + 8 * (q->done % q->size), 8), entry, 8);
    q->done++;
    memcpy(sim_memory(q->used + 2, 2), &q->done, 2);
}

/* The next chain the driver made available; false: there is none. */
static bool
next_chain(struct virtio_rings *q, uint16_t *first)
{
    if ((v.status & DRIVER_OK) == 0 || !q->ready ||
        get16(q->avail + 2) == q->taken)
        return false;
    *first = get16(q->avail + 4 + 2 * (q->taken % q->size));
    q->taken++;
    want(*first < q->size);
    return true;
}

struct desc {
    uint64_t pa;
    uint32_t bytes;
    uint16_t flags, next;
};

static struct desc
desc_at(const struct virtio_rings *q, unsigned index)
{
    struct desc d;
    want(index < q->size);
    memcpy(&d, sim_memory(q->desc + 16 * index, 16), 16);
    return d;
}

/* Move bytes between `at` and a chain; returns how many its parts hold. Without
 * any layout, the first part must be just a header [5.1.6.6]. */
static size_t
move(const struct virtio_rings *q, unsigned first, uint8_t *at, size_t bytes,
     bool in)
{
    size_t total = 0;
    unsigned parts = 0;
    for (unsigned i = first;; parts++) {
        const struct desc d = desc_at(q, i);
        want(parts < q->size && d.bytes > 0);
        want(((d.flags & 2) != 0) == in);
        if (parts == 0 && sim.card == CARD_APART)
            want_equal(d.bytes, header_bytes());
        uint8_t *part = sim_memory(d.pa, d.bytes);
        const size_t n = total >= bytes            ? 0
                         : bytes - total < d.bytes ? bytes - total
                                                   : d.bytes;
        memcpy(in ? part : at + total, in ? at + total : part, n);
        total += d.bytes;
        i = d.next;
        if ((d.flags & 1) == 0)
            return total;
    }
}

bool
virtio_arrive(const void *frame, size_t bytes, bool summed)
{
    struct virtio_rings *q = &virtio_rings[0];
    uint8_t all[SIM_FRAME] = {0};
    uint16_t first;
    if (!next_chain(q, &first))
        return false;
    want(header_bytes() + bytes <= sizeof(all));
    all[0] = summed ? 2 : 0;
    memcpy(all + header_bytes(), frame, bytes);
    const size_t room = move(q, first, all, header_bytes() + bytes, true);
    want(room >= header_bytes() + 1514);
    virtio_return(0, first, (uint32_t)(header_bytes() + bytes));
    interrupt(q);
    return true;
}

static void
fill_sum(uint8_t *frame, size_t bytes, unsigned start, unsigned offset)
{
    uint32_t sum = 0;
    want(start + offset + 2 <= bytes);
    for (size_t i = start; i < bytes; i++)
        sum += (uint32_t)frame[i] << ((i - start) % 2 ? 0 : 8);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    frame[start + offset] = (uint8_t)(~sum >> 8);
    frame[start + offset + 1] = (uint8_t)~sum;
}

void
virtio_run(void)
{
    struct virtio_rings *q = &virtio_rings[1];
    uint8_t all[SIM_FRAME];
    uint16_t first;
    bool any = false;
    while (!sim.hold && next_chain(q, &first)) {
        const size_t bytes = move(q, first, all, sizeof(all), false);
        uint8_t *frame = all + header_bytes();
        want(bytes > header_bytes() && bytes <= sizeof(all) && all[1] == 0);
        if ((all[0] & 1) != 0) {
            want((v.accepted & BIT(F_CSUM)) != 0);
            fill_sum(frame, bytes - header_bytes(),
                     all[6] | (unsigned)all[7] << 8,
                     all[8] | (unsigned)all[9] << 8);
        }
        sim_send(frame, bytes - header_bytes());
        virtio_return(1, first, 0);
        any = true;
    }
    if (any)
        interrupt(q);
}
