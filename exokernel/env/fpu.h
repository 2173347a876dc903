// SPDX-License-Identifier: MIT
/*
 * FPU, SSE and AVX registers: see env/switch.h for the rule. [SDM1 13]
 */
#ifndef EXO_ENV_FPU_H
#define EXO_ENV_FPU_H

#include "kernel.h"

/* The initial state, for envs that begin and envs that have none. Boot. */
void fpu_init(void);

/* e leaves the CPU; its registers are kept if it was interrupted. */
void fpu_leave(struct env *e, bool full);

/* Make the registers what e may see. Needed if e uses them, or the CPU is not
 * fpu_off. */
void fpu_enter(struct cpu *c, struct env *e);

/* Is this a state the CPU loads without a fault? For state from users. */
bool fpu_state_is_sane(const void *area);

/* What an env's area holds before it ever ran. */
void fpu_state_reset(void *area);

#endif
