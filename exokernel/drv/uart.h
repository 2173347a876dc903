// SPDX-License-Identifier: MIT
/*
 * 16550 serial ports: the console (COM1) and the management channel (COM2).
 *
 * Nothing here waits but uart_put_sync(), whose wait is bounded. Receive
 * interrupts are on once uart_enable_irq() was called; the handler reads until
 * the FIFO is empty. A port that is absent takes no byte and gives none.
 *
 * Sources: National Semiconductor PC16550D data sheet.
 */
#ifndef EXO_DRV_UART_H
#define EXO_DRV_UART_H

#include <stdbool.h>
#include <stddef.h>

enum uart_port {
    UART_CONSOLE = 0, /* 0x3f8, ISA line 4, VECTOR_COM1 */
    UART_MANAGE = 1,  /* 0x2f8, ISA line 3, VECTOR_COM2 */
    UART_PORTS = 2,
};

/* Find and set up both ports: 115,200 baud, 8N1, FIFOs on, interrupts off.
 * Needs nothing; the very first call of the kernel. */
void uart_init(void);

/* Is the port there? */
bool uart_present(unsigned port);

/* Give bytes to the transmitter without waiting: how many it took, 0..n. */
size_t uart_write(unsigned port, const void *buf, size_t n);

/* Take received bytes without waiting: how many there were, 0..n. */
size_t uart_read(unsigned port, void *buf, size_t n);

/* Interrupts on or off: "bytes arrived" always, "transmitter is empty" when
 * `transmit` (switch it off when there is nothing to send). */
void uart_enable_irq(unsigned port, bool transmit);

/*
 * Acknowledge the port's interrupt. Returns what it wants, a mask of UART_RX
 * and UART_TX. Serve it and ask again until 0: the line is edge-triggered, and
 * rises again only after it has fallen.
 */
enum { UART_RX = 1, UART_TX = 2 };
unsigned uart_irq(unsigned port);

/* Write one byte, waiting (bounded) for room. From any context, NMI too. */
void uart_put_sync(unsigned port, char c);

/* Wait (bounded) until the last bit left the port: before power-off. */
void uart_drain(unsigned port);

#endif
