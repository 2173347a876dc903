// SPDX-License-Identifier: MIT
/*
 * Random system calls by random envs on a hosted kernel.
 *
 * calls_step() lets one CPU take its interrupts or whoever runs there make one
 * call, touch memory, or change what its u-area says. All choices come from
 * `random`, so that a seed or a recorded input repeats a run.
 */
#ifndef TEST_CALLS_H
#define TEST_CALLS_H

#include "host.h"

/* Give the first env handlers, so that nothing it meets ends the machine. */
void calls_begin(void);

void calls_step(uint64_t (*random)(void));

/* Calls about packets, too, with a card that does what it likes. Set before the
 * machine boots. */
extern bool calls_packets;
void packets_card(void);

/* Told of each call before it is made; the program supplies it. */
void calls_note(const struct host_cpu *h, uint64_t nr, uint64_t a, uint64_t b,
                uint64_t c, uint64_t d, uint64_t e);

/* And of its result; 0 for one that switched. */
void calls_result(uint64_t nr, int64_t result);

#endif
