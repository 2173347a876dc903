// SPDX-License-Identifier: MIT
/*
 * Choices that calls.c makes and its parts share: who calls, with what.
 */
#ifndef TEST_PICK_H
#define TEST_PICK_H

#include "host.h"

extern struct host_cpu *h; /* the CPU that acts, and who runs there */
extern struct env *me;

uint32_t below(uint32_t n);
bool chance(unsigned percent);
uint64_t hostile(void);
exo_guard pick_guard(void);
uint32_t pick_caps(void);
exo_page pick_mine(unsigned use, bool unbound);
exo_env pick_env(void);
uint64_t put_words(const void *words, size_t bytes);
bool call(uint64_t nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
          uint64_t e);

/* packets.c */
void packets_step(void);

#endif
