// SPDX-License-Identifier: MIT
/*
 * Byte channels: the console (0) and the management port (1).
 *
 * A channel is a serial port with a guard. Output goes straight to the port,
 * as much as it takes without waiting. Input is kept in a ring of 256 bytes;
 * what comes faster than it is read is lost, as on any serial line without
 * flow control. The env that read last is told by EXO_EVENT_CHAN.
 *
 * Policy left to the libOS: lines, prompts, who may print. How it is taken
 * back: reguard gives the channel another guard.
 */
#ifndef EXO_CHAN_CHAN_H
#define EXO_CHAN_CHAN_H

/* Let input arrive. Boot. */
void chan_init(void);

/* A port interrupted: take its input, tell the listener. */
void chan_interrupt(void);

#endif
