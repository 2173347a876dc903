// SPDX-License-Identifier: MIT
/*
 * See uart.h.
 */
#include "drv/uart.h"

#include <stdint.h>

#include "hw.h"

/* Registers, as offsets from the base port. */
enum uart_register {
    UART_DATA = 0,
    UART_DIVISOR_LOW = 0, /* while LCR_DLAB */
    UART_IER = 1,
    UART_DIVISOR_HIGH = 1, /* while LCR_DLAB */
    UART_IIR = 2,          /* read */
    UART_FCR = 2,          /* write */
    UART_LCR = 3,
    UART_MCR = 4,
    UART_LSR = 5,
    UART_SCRATCH = 7,
};

enum uart_bits {
    IER_RX = 0x01,
    IER_TX = 0x02,
    IIR_NONE = 0x01,  /* no interrupt is pending */
    IIR_CAUSE = 0x0e, /* 2: transmitter empty; others: look at LSR */
    IIR_CAUSE_TX = 0x02,
    IIR_FIFOS = 0xc0,
    FCR_ENABLE_AND_CLEAR = 0x07,
    LCR_8N1 = 0x03,
    LCR_DLAB = 0x80,
    MCR_DTR_RTS_OUT2 = 0x0b, /* OUT2 gates the interrupt line on PCs */
    LSR_RX = 0x01,
    LSR_TX_ROOM = 0x20,  /* the transmit FIFO is empty */
    LSR_TX_EMPTY = 0x40, /* and the shifter too */
};

enum {
    FIFO_BYTES = 16,
    /* A byte takes 87 us at 115,200 baud; a port access on a real machine
     * about 1 us. A port that stays full for this many looks is stuck. */
    WAIT_LOOKS = 20000,
};

/* What the driver keeps about each port. [I] but stuck */
static struct {
    uint16_t base; /* 0: absent */
    uint8_t fifo;  /* bytes its transmitter takes when empty */
    bool stuck;    /* last wait ran out: do not wait again */
} ports[UART_PORTS];

static bool
probe(uint16_t base)
{
    hw_outb(base + UART_SCRATCH, 0x5a);
    if (hw_inb(base + UART_SCRATCH) != 0x5a)
        return false;
    hw_outb(base + UART_SCRATCH, 0xa5);
    return hw_inb(base + UART_SCRATCH) == 0xa5;
}

static void
init_port(unsigned port, uint16_t base)
{
    if (!probe(base))
        return;
    hw_outb(base + UART_IER, 0);
    hw_outb(base + UART_LCR, LCR_DLAB);
    hw_outb(base + UART_DIVISOR_LOW, 1);
    hw_outb(base + UART_DIVISOR_HIGH, 0);
    hw_outb(base + UART_LCR, LCR_8N1);
    hw_outb(base + UART_FCR, FCR_ENABLE_AND_CLEAR);
    hw_outb(base + UART_MCR, MCR_DTR_RTS_OUT2);
    const bool fifo = (hw_inb(base + UART_IIR) & IIR_FIFOS) == IIR_FIFOS;
    ports[port].fifo = fifo ? FIFO_BYTES : 1;
    ports[port].base = base;
}

void
uart_init(void)
{
    init_port(UART_CONSOLE, 0x3f8);
    init_port(UART_MANAGE, 0x2f8);
}

bool
uart_present(unsigned port)
{
    return ports[port].base != 0;
}

size_t
uart_write(unsigned port, const void *buf, size_t n)
{
    const uint16_t base = ports[port].base;
    const uint8_t *bytes = buf;
    if (base == 0 || n == 0 || (hw_inb(base + UART_LSR) & LSR_TX_ROOM) == 0)
        return 0;
    if (n > ports[port].fifo)
        n = ports[port].fifo;
    for (size_t i = 0; i < n; i++)
        hw_outb(base + UART_DATA, bytes[i]);
    return n;
}

size_t
uart_read(unsigned port, void *buf, size_t n)
{
    const uint16_t base = ports[port].base;
    uint8_t *bytes = buf;
    size_t got = 0;
    if (base == 0)
        return 0;
    while (got < n && (hw_inb(base + UART_LSR) & LSR_RX) != 0)
        bytes[got++] = hw_inb(base + UART_DATA);
    return got;
}

void
uart_enable_irq(unsigned port, bool transmit)
{
    const uint16_t base = ports[port].base;
    if (base != 0)
        hw_outb(base + UART_IER, IER_RX | (transmit ? IER_TX : 0));
}

unsigned
uart_irq(unsigned port)
{
    const uint16_t base = ports[port].base;
    unsigned wants = 0;
    if (base == 0)
        return 0;
    const uint8_t iir = hw_inb(base + UART_IIR);
    if ((iir & IIR_NONE) != 0)
        return 0;
    if ((iir & IIR_CAUSE) == IIR_CAUSE_TX)
        wants |= UART_TX;
    if ((hw_inb(base + UART_LSR) & LSR_RX) != 0)
        wants |= UART_RX;
    return wants;
}

/* Wait until LSR shows `bits`, but not for ever. */
static bool
wait_for(unsigned port, uint8_t bits)
{
    const unsigned looks = ports[port].stuck ? 1 : WAIT_LOOKS;
    for (unsigned i = 0; i < looks; i++) {
        if ((hw_inb(ports[port].base + UART_LSR) & bits) == bits) {
            ports[port].stuck = false;
            return true;
        }
        hw_pause();
    }
    ports[port].stuck = true;
    return false;
}

void
uart_put_sync(unsigned port, char c)
{
    if (ports[port].base != 0 && wait_for(port, LSR_TX_ROOM))
        hw_outb(ports[port].base + UART_DATA, (uint8_t)c);
}

void
uart_drain(unsigned port)
{
    for (unsigned i = 0; ports[port].base != 0 && i < FIFO_BYTES; i++) {
        if (wait_for(port, LSR_TX_EMPTY))
            return;
    }
}
