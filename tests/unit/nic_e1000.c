// SPDX-License-Identifier: MIT
/*
 * A simulated 82540EM: registers, EEPROM, both rings, checksums on the way out.
 * See nic_device.h; the numbers in [] are sections of [I8254x].
 */
#include "nic_device.h"

#include <string.h>

#include "hosted/claim.h"

enum {
    CTRL = 0x0,
    STATUS = 0x8,
    EERD = 0x14,
    ICR = 0xc0,
    IMS = 0xd0,
    IMC = 0xd8,
    RCTL = 0x100,
    TCTL = 0x400,
    RDBAL = 0x2800,
    RDLEN = 0x2808,
    RDH = 0x2810,
    RDT = 0x2818,
    TDBAL = 0x3800,
    TDLEN = 0x3808,
    TDH = 0x3810,
    TDT = 0x3818,
    RAL = 0x5400,

    CTRL_RST = 1 << 26,
    ENABLE = 2,
    CAUSE_SENT = 1,
    CAUSE_RECEIVED = 0x80,
};

static uint32_t reg[0x8000];
static uint32_t mask;
static uint8_t frame[SIM_FRAME];
static size_t have;
static uint32_t context; /* start and offset of a checksum, as it was told */

void
e1000_plug(void)
{
    memset(reg, 0, sizeof(reg));
    reg[STATUS / 4] = 0x80080783;
}

struct e1000_rings
e1000_rings(void)
{
    return (struct e1000_rings){
        .rx = reg[RDBAL / 4] | (uint64_t)reg[RDBAL / 4 + 1] << 32,
        .tx = reg[TDBAL / 4] | (uint64_t)reg[TDBAL / 4 + 1] << 32,
        .nrx = reg[RDLEN / 4] / 16,
        .ntx = reg[TDLEN / 4] / 16,
        .rdh = reg[RDH / 4],
        .rdt = reg[RDT / 4],
        .tdh = reg[TDH / 4],
        .tdt = reg[TDT / 4],
    };
}

static void
cause(uint32_t bits)
{
    reg[ICR / 4] |= bits;
    if (reg[ICR / 4] & mask)
        sim_interrupt();
}

uint32_t
e1000_read(uint32_t at)
{
    want(at % 4 == 0 && at < sizeof(reg));
    const uint32_t value = reg[at / 4];
    if (at == ICR) {
        reg[ICR / 4] = 0;
        sim.line = false;
    }
    return value;
}

static void
read_eeprom(uint32_t value)
{
    const unsigned word = value >> 8 & 0xff;
    uint32_t data = 0xffff;
    if (word < 3)
        data = sim_mac[2 * word] | (uint32_t)sim_mac[2 * word + 1] << 8;
    reg[EERD / 4] = data << 16 | 0x10;
}

void
e1000_write(uint32_t at, uint32_t value)
{
    want(at % 4 == 0 && at < sizeof(reg));
    switch (at) {
    case CTRL:
        reg[CTRL / 4] = value;
        if ((value & CTRL_RST) != 0 && !sim.no_reset) {
            e1000_plug();
            mask = 0;
            have = 0;
        }
        break;
    case EERD:
        read_eeprom(value);
        break;
    case IMS:
        mask |= value;
        cause(0);
        break;
    case IMC:
        mask &= ~value;
        break;
    case TDT:
        reg[at / 4] = value;
        want(value < e1000_rings().ntx);
        e1000_run();
        break;
    default:
        reg[at / 4] = value;
        break;
    }
}

/* Receive [3.2]: one descriptor, buffers of 2 KiB. */
bool
e1000_arrive(const void *bytes, size_t count, bool summed)
{
    const struct e1000_rings r = e1000_rings();
    if ((reg[RCTL / 4] & ENABLE) == 0 || r.rdh == r.rdt)
        return false;
    want(count <= 2048 && r.rx % 16 == 0 && r.nrx % 8 == 0 && r.rdt < r.nrx);
    /* What was programmed is what a frame must be for. */
    want_equal(reg[RAL / 4], sim_mac[0] | sim_mac[1] << 8 | sim_mac[2] << 16 |
                                 (uint32_t)sim_mac[3] << 24);
    uint8_t *desc = sim_memory(r.rx + 16 * r.rdh, 16);
    uint64_t pa;
    memcpy(&pa, desc, 8);
    memcpy(sim_memory(pa, 2048), bytes, count);
    desc[8] = (uint8_t)count, desc[9] = (uint8_t)(count >> 8);
    desc[13] = 0;
    desc[12] = summed ? 0x23 : 7; /* done, end; looked at, or not */
    reg[RDH / 4] = (r.rdh + 1) % r.nrx;
    cause(CAUSE_RECEIVED);
    return true;
}

static void
fill_sum(void)
{
    const unsigned start = context & 0xff, place = context >> 8 & 0xff;
    uint32_t sum = 0;
    want(start < have && place + 2 <= have);
    for (size_t i = start; i < have; i++)
        sum += (uint32_t)frame[i] << ((i - start) % 2 ? 0 : 8);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    frame[place] = (uint8_t)(~sum >> 8);
    frame[place + 1] = (uint8_t)~sum;
}

/* One descriptor [3.3.6, 3.3.7]. */
static void
process(uint8_t *desc)
{
    static bool fill;
    uint32_t command;
    uint64_t pa;
    memcpy(&command, desc + 8, 4);
    memcpy(&pa, desc, 8);
    want((command >> 29 & 1) != 0); /* all are extended */
    if ((command >> 20 & 15) == 0) {
        want(have == 0);
        memcpy(&context, desc + 4, 4);
        return;
    }
    const uint32_t bytes = command & 0xfffff;
    want_equal(command >> 20 & 15, 1);
    want(bytes > 0 && have + bytes <= SIM_FRAME);
    if (have == 0)
        fill = (desc[13] & 2) != 0;
    memcpy(frame + have, sim_memory(pa, bytes), bytes);
    have += bytes;
    if ((command >> 24 & 1) != 0) {
        if (fill)
            fill_sum();
        sim_send(frame, have);
        have = 0;
    }
    if ((command >> 27 & 1) != 0)
        desc[12] |= 1;
}

void
e1000_run(void)
{
    bool any = false;
    if (sim.hold || (reg[TCTL / 4] & ENABLE) == 0)
        return;
    for (struct e1000_rings r = e1000_rings(); r.tdh != r.tdt;
         r = e1000_rings()) {
        process(sim_memory(r.tx + 16 * r.tdh, 16));
        reg[TDH / 4] = (r.tdh + 1) % r.ntx;
        any = true;
    }
    if (any)
        cause(CAUSE_SENT);
}
