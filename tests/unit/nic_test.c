// SPDX-License-Identifier: MIT
/*
 * The drivers of network cards, against simulated cards that obey their manuals
 * and then against some that do not.
 */
#include "nic_device.h"

#include <stdlib.h>
#include <string.h>

#include <sanitizer/asan_interface.h>

#include "boot/memory.h"
#include "drv/apic.h"
#include "drv/nic.h"
#include "drv/pci.h"
#include "drv/virtq.h"
#include "hosted/claim.h"
#include "kernel.h"

/* A claim about one card. */
#define ON_CARD(card, kind, name)                                              \
    CLAIM(card##_##name)                                                       \
    {                                                                          \
        sim_boot(kind);                                                        \
        name();                                                                \
    }

/* A claim about every card there is. */
#define EACH_CARD(name)                                                        \
    static void name(void);                                                    \
    ON_CARD(e1000, CARD_E1000, name)                                           \
    ON_CARD(virtio_pci, CARD_PCI, name)                                        \
    ON_CARD(virtio_port, CARD_PORT, name)                                      \
    ON_CARD(virtio_apart, CARD_APART, name)                                    \
    ON_CARD(virtio_memory_1, CARD_MEMORY_1, name)                              \
    ON_CARD(virtio_memory_2, CARD_MEMORY_2, name)                              \
    static void name(void)

/* Frame number n: any length, and a content that follows from n. */
static size_t
make_frame(uint8_t *frame, unsigned n)
{
    const size_t bytes = n % 10 == 0 ? 1514 : 14 + n * 37 % 1500;
    for (size_t i = 0; i < bytes; i++)
        frame[i] = (uint8_t)(n + i * 7);
    return bytes;
}

static bool
arrive(unsigned n)
{
    uint8_t frame[SIM_FRAME];
    const size_t bytes = make_frame(frame, n);
    return sim_arrive(frame, bytes, false);
}

/* Take one frame, which must be number n. */
static void
want_frame(unsigned n)
{
    uint8_t right[SIM_FRAME];
    struct nic_frame got;
    want(nic.driver->receive(&got));
    want_equal(got.count, make_frame(right, n));
    want(memcmp(got.bytes, right, got.count) == 0);
    nic.driver->release();
}

static void
want_no_frame(void)
{
    struct nic_frame got;
    want(!nic.driver->receive(&got));
}

/* Send `bytes` bytes as a header of `front` bytes and pieces of at most `step`.
 * The memory lives as long as the test. */
static void
send(const uint8_t *frame, size_t bytes, size_t front, size_t step,
     struct nic_sum sum, uint64_t cookie)
{
    struct nic_piece piece[NIC_PIECES_MAX];
    unsigned count = 0;
    uint8_t *header = nic.driver->header();
    want(header != NULL);
    if (front > bytes)
        front = bytes;
    memcpy(header, frame, front);
    for (size_t at = front; at < bytes; at += step) {
        const size_t n = bytes - at < step ? bytes - at : step;
        uint8_t *memory = boot_alloc(n, 8);
        memcpy(memory, frame + at, n);
        want(count < NIC_PIECES_MAX);
        piece[count++] = (struct nic_piece){kva_to_pa(memory), (uint32_t)n};
    }
    nic.driver->send((uint32_t)front, piece, count, sum, cookie);
}

static void
send_number(unsigned n)
{
    uint8_t frame[SIM_FRAME];
    const size_t bytes = make_frame(frame, n);
    send(frame, bytes, 14 + n % 115, 200 + n % 300, (struct nic_sum){0, 0}, n);
}

static void
want_sent(unsigned n)
{
    uint8_t right[SIM_FRAME], left[SIM_FRAME];
    want_equal(sim_leave(left), make_frame(right, n));
    want(memcmp(left, right, make_frame(right, n)) == 0);
}

/* ---- what is promised -----------------------------------------------------
 */

EACH_CARD(is_found_with_its_address)
{
    want(memcmp(nic.mac, sim_mac, 6) == 0);
    want(nic.has_irq && nic.driver->link_up());
    want_equal(sim.said, 1);
    want_equal(sim.line_vector, VECTOR_DEVICE);
    want_equal(sim.line_gsi, sim.card >= CARD_MEMORY_1 ? SIM_GSI : SIM_LINE);
}

EACH_CARD(receives_what_arrives_in_order)
{
    unsigned in = 0, out = 0;
    while (out < 2000) {
        for (unsigned i = sim_random() % 12; i > 0; i--)
            in += arrive(in);
        for (unsigned i = sim_random() % 12; i > 0 && out < in; i--)
            want_frame(out++);
        if (out == in)
            want_no_frame();
    }
}

EACH_CARD(loses_no_buffer_when_it_is_flooded)
{
    for (unsigned round = 0; round < 5; round++) {
        unsigned in = 0;
        while (in < 1000 && arrive(in))
            in++;
        /* One may be kept back, so that a full ring is not an empty one. */
        want(in >= 31 && in <= 32);
        for (unsigned i = 0; i < in; i++)
            want_frame(i);
        want_no_frame();
    }
}

EACH_CARD(sends_a_header_and_its_pieces)
{
    uint64_t cookie;
    for (unsigned n = 0; n < 500; n++) {
        send_number(n);
        want_equal(sim.put, sim.taken); /* it was not told yet */
        nic.driver->kick();
        want_sent(n);
        want(nic.driver->sent(&cookie));
        want_equal(cookie, n);
        want(!nic.driver->sent(&cookie));
    }
}

EACH_CARD(sends_up_to_eight_pieces)
{
    uint8_t frame[SIM_FRAME], left[SIM_FRAME];
    const size_t bytes = make_frame(frame, 10);
    for (unsigned i = 0; i < 200; i++) {
        uint64_t cookie;
        send(frame, bytes, 128, (bytes - 128 + 7) / 8, (struct nic_sum){0, 0},
             i);
        nic.driver->kick();
        want_equal(sim_leave(left), bytes);
        want(memcmp(left, frame, bytes) == 0);
        want(nic.driver->sent(&cookie) && cookie == i);
    }
}

/* Fill the queue; how many frames went in. */
static unsigned
fill_queue(unsigned first)
{
    unsigned n = 0;
    while (nic.driver->header() != NULL) {
        send_number(first + n++);
        want(n < 1000);
    }
    nic.driver->kick();
    return n;
}

EACH_CARD(says_when_its_queue_is_full)
{
    unsigned from = 0;
    for (unsigned round = 0; round < 4; round++) {
        uint64_t cookie;
        sim.hold = true;
        const unsigned n = fill_queue(from);
        want(n >= 4);
        want(!nic.driver->sent(&cookie));
        sim.hold = false;
        sim_run();
        for (unsigned i = 0; i < n; i++) {
            want_sent(from + i);
            want(nic.driver->sent(&cookie));
            want_equal(cookie, from + i);
        }
        want(!nic.driver->sent(&cookie) && nic.driver->header() != NULL);
        from += n;
    }
}

EACH_CARD(interrupts_only_when_asked)
{
    arrive(1);
    want_equal(sim.raised, 0);
    want_frame(1);
    nic.driver->interrupts(true);
    const unsigned before = sim.raised;
    arrive(2);
    want(sim.raised > before && sim.line);
    nic.driver->acknowledge();
    want(!sim.line);
    want_frame(2);
    nic.driver->interrupts(false);
    const unsigned quiet = sim.raised;
    arrive(3);
    want_equal(sim.raised, quiet);
    want_frame(3);
}

EACH_CARD(gives_all_back_when_it_is_reset)
{
    bool back[64] = {false};
    uint64_t cookie;
    sim.hold = true;
    const unsigned n = fill_queue(0);
    arrive(5);
    nic.driver->interrupts(true);
    nic.driver->reset();
    want(nic.driver->header() == NULL);
    for (unsigned i = 0; i < n; i++) {
        want(nic.driver->sent(&cookie));
        want(cookie < n && !back[cookie]);
        back[cookie] = true;
    }
    want(!nic.driver->sent(&cookie));
    sim.hold = false;
    want_no_frame();
    for (unsigned i = 0; i < 100; i++) {
        want(arrive(i));
        want_frame(i);
        send_number(i);
        nic.driver->kick();
        want_sent(i);
        want(nic.driver->sent(&cookie) && cookie == i);
    }
    want(sim.raised > 0); /* interrupts are on as they were */
}

EACH_CARD(may_be_reset_with_a_frame_in_hand)
{
    struct nic_frame frame;
    want(arrive(1) && arrive(2));
    want(nic.driver->receive(&frame));
    nic.driver->reset();
    nic.driver->release();
    for (unsigned i = 0; i < 100; i++) {
        want(arrive(i));
        want_frame(i);
    }
}

EACH_CARD(that_never_comes_back_is_left_alone)
{
    uint64_t cookie;
    sim.hold = true;
    const unsigned n = fill_queue(0);
    sim.no_reset = true;
    nic.driver->reset();
    for (unsigned i = 0; i < n; i++)
        want(nic.driver->sent(&cookie));
    want(!nic.driver->sent(&cookie));
    want(nic.driver->header() == NULL && !nic.driver->link_up());
    want_no_frame();
    want(sim.card >= CARD_MEMORY_1 || !sim_may_dma());
    want_equal(sim.said, 2);
    nic.driver->kick();
    nic.driver->interrupts(true);
    nic.driver->reset();
}

EACH_CARD(tells_of_checksums_it_has_seen)
{
    uint8_t frame[100] = {0};
    struct nic_frame got;
    if (!nic.rx_sum)
        return;
    want(sim_arrive(frame, sizeof(frame), true));
    want(sim_arrive(frame, sizeof(frame), false));
    want(nic.driver->receive(&got) && got.summed);
    nic.driver->release();
    want(nic.driver->receive(&got) && !got.summed);
    nic.driver->release();
}

/* Words in network order, added as the Internet does. */
static unsigned
sum_of(const uint8_t *bytes, size_t count)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (uint32_t)bytes[i] << (i % 2 ? 0 : 8);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

static void
fills_in_checksums(void)
{
    uint8_t frame[SIM_FRAME], left[SIM_FRAME];
    uint64_t cookie;
    want(nic.tx_sum);
    for (unsigned n = 30; n < 200; n++) {
        const size_t bytes = make_frame(frame, n);
        const bool fill = n % 3 != 0 && bytes > 60;
        struct nic_sum sum = {fill ? 34 : 0, n % 2 ? 16 : 6};
        send(frame, bytes, 128, 400, sum, n);
        nic.driver->kick();
        want_equal(sim_leave(left), bytes);
        want(nic.driver->sent(&cookie));
        if (!fill) {
            want(memcmp(left, frame, bytes) == 0);
            continue;
        }
        /* The field held part of the sum: with it, all must be ones. */
        unsigned all =
            sum_of(left + 34, bytes - 34) + sum_of(frame + 34 + sum.offset, 2);
        all = (all & 0xffff) + (all >> 16);
        want(all != 0 && all % 0xffff == 0);
        memcpy(left + 34 + sum.offset, frame + 34 + sum.offset, 2);
        want(memcmp(left, frame, bytes) == 0);
    }
}

CLAIM(e1000_fills_in_checksums)
{
    sim_boot(CARD_E1000);
    fills_in_checksums();
}

CLAIM(virtio_pci_fills_in_checksums)
{
    sim.sums = true;
    sim_boot(CARD_PCI);
    want(nic.rx_sum);
    fills_in_checksums();
    tells_of_checksums_it_has_seen();
}

CLAIM(virtio_apart_fills_in_checksums)
{
    sim.sums = true;
    sim_boot(CARD_APART);
    fills_in_checksums();
}

static void
uses_messages(enum card card)
{
    sim.msix = true;
    sim_boot(card);
    want(nic.has_irq);
    want_equal(sim.line_vector, 0);
    nic.driver->interrupts(true);
    want(arrive(1));
    want_equal(sim.message_vector, VECTOR_DEVICE);
    want_frame(1);
    nic.driver->reset();
    want(arrive(2));
    want_equal(sim.raised, 2);
}

CLAIM(virtio_pci_uses_msix_where_there_is_some)
{
    uses_messages(CARD_PCI);
}

CLAIM(virtio_port_uses_msix_where_there_is_some)
{
    uses_messages(CARD_PORT);
}

CLAIM(a_virtio_card_without_an_address_gets_one)
{
    sim.no_mac = true;
    sim_boot(CARD_PCI);
    want(memcmp(nic.mac, sim_mac, 6) != 0 && nic_mac_is_good());
    want(nic.mac[0] & 2); /* local */
    want(arrive(1));
    want_frame(1);
}

/* ---- hostile cards ---------------------------------------------------------
 */

/* The driver must come through and go on working. */
static void
want_alive(void)
{
    uint8_t left[SIM_FRAME];
    struct nic_frame frame;
    uint64_t cookie;
    sim.hold = false;
    while (nic.driver->receive(&frame))
        nic.driver->release();
    while (nic.driver->sent(&cookie))
        ;
    while (sim_leave(left) != 0)
        ;
    for (unsigned i = 0; i < 100; i++) {
        want(arrive(i));
        want_frame(i);
        send_number(i);
        nic.driver->kick();
        want_sent(i);
        want(nic.driver->sent(&cookie) && cookie == i);
    }
}

#define EACH_VIRTIO(name)                                                      \
    static void name(void);                                                    \
    ON_CARD(virtio_pci, CARD_PCI, name)                                        \
    ON_CARD(virtio_apart, CARD_APART, name)                                    \
    ON_CARD(virtio_memory_1, CARD_MEMORY_1, name)                              \
    static void name(void)

EACH_VIRTIO(that_returns_an_id_beyond_the_queue_is_reset)
{
    virtio_return(0, SIM_QUEUE, 100);
    want_no_frame();
    want_equal(virtio_rings[0].done, 0); /* as after a reset */
    virtio_return(0, UINT32_MAX, 100);
    want_no_frame();
    want_alive();
}

EACH_VIRTIO(that_returns_what_it_has_not_is_reset)
{
    struct nic_frame frame;
    want(arrive(1) && nic.driver->receive(&frame));
    virtio_return(0, 0, 100); /* it is in net's hands */
    want_no_frame();
    want_equal(virtio_rings[0].done, 0);
    want_alive();
}

/* The chain that the driver made available next. */
static uint16_t
chain_ahead(unsigned index)
{
    const struct virtio_rings *q = &virtio_rings[index];
    uint16_t first;
    memcpy(&first, sim_memory(q->avail + 4 + 2 * (q->taken % q->size), 2), 2);
    return first;
}

EACH_VIRTIO(that_returns_one_buffer_twice_is_reset)
{
    uint64_t cookie;
    sim.hold = true;
    send_number(0);
    send_number(1);
    nic.driver->kick();
    virtio_return(1, chain_ahead(1), 0);
    virtio_return(1, chain_ahead(1), 0);
    want(nic.driver->sent(&cookie) && cookie == 0);
    want(nic.driver->sent(&cookie) && cookie == 1); /* lost in the reset */
    want(!nic.driver->sent(&cookie));
    want_equal(virtio_rings[1].done, 0);
    want_alive();
}

EACH_VIRTIO(that_returns_the_middle_of_a_chain_is_reset)
{
    const struct nic_piece piece = {EXO_PAGE_BYTES, 100};
    uint64_t cookie;
    sim.hold = true;
    memset(nic.driver->header(), 1, NIC_HEADER);
    nic.driver->send(60, &piece, 1, (struct nic_sum){0, 0}, 7);
    nic.driver->kick();
    uint16_t middle;
    const uint64_t desc = virtio_rings[1].desc + 16 * chain_ahead(1);
    memcpy(&middle, sim_memory(desc + 14, 2), 2);
    virtio_return(1, middle, 0);
    want(nic.driver->sent(&cookie) && cookie == 7); /* lost in the reset */
    want_equal(virtio_rings[1].done, 0);
    want_alive();
}

EACH_VIRTIO(that_returns_more_than_it_has_is_reset)
{
    uint64_t cookie;
    const uint16_t far = 1000;
    memcpy(sim_memory(virtio_rings[0].used + 2, 2), &far, 2);
    want_no_frame();
    memcpy(sim_memory(virtio_rings[1].used + 2, 2), &far, 2);
    want(!nic.driver->sent(&cookie));
    want_alive();
}

EACH_VIRTIO(that_claims_a_wrong_length_gives_a_damaged_frame)
{
    static const uint32_t length[] = {0, 1, 9, 1527, 2048, 65535, UINT32_MAX};
    for (unsigned i = 0; i < ARRAY_SIZE(length); i++) {
        struct nic_frame frame;
        const uint16_t first = chain_ahead(0);
        virtio_rings[0].taken++;
        virtio_return(0, first, length[i]);
        want(nic.driver->receive(&frame));
        want_equal(frame.count, 0);
        nic.driver->release();
    }
    want_alive();
}

CLAIM(e1000_that_reports_nonsense_gives_damaged_frames)
{
    static const struct {
        uint16_t bytes;
        uint8_t status, errors;
    } bad[] = {{1515, 3, 0}, {65535, 3, 0},  {100, 1, 0},
               {100, 3, 1},  {100, 3, 0x80}, {2048, 3, 0}};
    sim_boot(CARD_E1000);
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        struct nic_frame frame;
        want(arrive(1));
        const struct e1000_rings r = e1000_rings();
        uint8_t *desc =
            sim_memory(r.rx + 16 * ((r.rdh + r.nrx - 1) % r.nrx), 16);
        memcpy(desc + 8, &bad[i].bytes, 2);
        desc[12] = bad[i].status;
        desc[13] = bad[i].errors;
        want(nic.driver->receive(&frame));
        want_equal(frame.count, 0);
        nic.driver->release();
    }
    want_alive();
}

/* A piece of memory that the card is to write, gets random bytes. */
static void
scribble(void)
{
    if (sim_is_virtio()) {
        const struct virtio_rings *q = &virtio_rings[sim_random() % 2];
        const uint32_t bytes = 4 + 8 * q->size;
        uint8_t *used = sim_memory(q->used, bytes);
        used[sim_random() % 4 ? sim_random() % bytes : sim_random() % 8] =
            (uint8_t)(sim_random() % 3 ? sim_random() % 8 : sim_random());
    } else {
        const struct e1000_rings r = e1000_rings();
        const bool rx = sim_random() % 2;
        uint8_t *ring = sim_memory(rx ? r.rx : r.tx, 16 * (rx ? r.nrx : r.ntx));
        const unsigned i = sim_random() % (rx ? r.nrx : r.ntx);
        ring[16 * i + (rx ? 8 + sim_random() % 8 : 12)] = (uint8_t)sim_random();
    }
}

/* One thing the net room may do. `flying` frames are on their way. */
static void
use_driver(unsigned *flying, bool back[64], uint32_t *number)
{
    uint8_t left[SIM_FRAME];
    struct nic_frame frame;
    uint64_t cookie;
    while (sim_leave(left) != 0)
        ;
    if (nic.driver->receive(&frame)) {
        want(frame.count <= NIC_FRAME_MAX);
        want(!__asan_region_is_poisoned((void *)(uintptr_t)frame.bytes,
                                        NIC_FRAME_MAX));
        nic.driver->release();
    }
    uint8_t *header = nic.driver->header();
    if (header != NULL && sim_random() % 2) {
        unsigned slot = 0;
        while (slot < 64 && back[slot])
            slot++;
        want(slot < 64);
        memset(header, 1, NIC_HEADER);
        nic.driver->send(60, NULL, 0, (struct nic_sum){0, 0}, slot);
        nic.driver->kick();
        back[slot] = true;
        (*flying)++;
        (*number)++;
    }
    if (nic.driver->sent(&cookie)) {
        want(cookie < 64 && back[cookie]); /* never twice, never invented */
        back[cookie] = false;
        (*flying)--;
    }
}

EACH_CARD(that_writes_nonsense_harms_nobody)
{
    bool back[64] = {false};
    unsigned flying = 0;
    uint32_t number = 0;
    uint64_t cookie;
    for (unsigned step = 0; step < 30000; step++) {
        sim.hold = sim_random() % 2;
        if (sim_random() % 4 == 0)
            scribble();
        if (sim_random() % 3 == 0)
            arrive(step);
        if (sim_random() % 100 == 0)
            nic.driver->reset();
        use_driver(&flying, back, &number);
    }
    want(number > 100);
    nic.driver->reset();
    for (; flying > 0; flying--)
        want(nic.driver->sent(&cookie));
    want(!nic.driver->sent(&cookie));
    want_alive();
}
