// SPDX-License-Identifier: MIT
/*
 * random.h: random bytes, from the private seed of this env.
 *
 * A ChaCha20 generator that overwrites its key after every use [RFC8439], so
 * that what was drawn cannot be found again in memory. New entropy (RDRAND
 * where there is one, and the TSC) is mixed in with every refill. How good the
 * seed is: exo_clock.entropy.
 */
#ifndef EXOS_PROC_RANDOM_H
#define EXOS_PROC_RANDOM_H

#include <stddef.h>

void random_bytes(void *to, size_t bytes);

#endif
