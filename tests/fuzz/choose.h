// SPDX-License-Identifier: MIT
/*
 * Choices of arguments, and making calls with them, for the parts of calls.c.
 */
#ifndef TEST_CHOOSE_H
#define TEST_CHOOSE_H

#include "host.h"

uint32_t below(uint32_t n);
bool chance(unsigned percent);

/* A word that no sane caller would pass. */
uint64_t hostile(void);

exo_guard pick_guard(void);
uint32_t pick_cap(void);
uint32_t pick_caps(void);
exo_env pick_env(void);

/* A page of that use that the caller pays for; any page if it has none. */
exo_page pick_mine(unsigned use, bool unbound);

/* Put words where the caller can point to them. */
uint64_t put_words(const void *words, size_t bytes);

/* False: refused, or somebody else runs now. */
bool call(uint64_t nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
          uint64_t e);

/* packets.c: calls about filters and interfaces. */

void packets_act(void);

/* Some id, mostly of one there is. */
exo_filter packets_filter(void);
exo_iface packets_iface(void);

#endif
