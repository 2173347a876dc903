// SPDX-License-Identifier: MIT
/*
 * greed.h: what hoarder and miser have in common: taking all the memory there
 * is, and saying so.
 */
#ifndef APPS_GREED_H
#define APPS_GREED_H

#include "minimal/minimal.h"

#define QUIET   (200 * CLOCK_MS)
#define CHECKED 4096 // pages looked at again in the end

/* Fills a pool up to `pages` pages (0: this env's limit) or until there is no
 * memory left, and prints how much that was. Result: pages of the pool; 0: it
 * could not be opened. */
uint64_t greed_take(uint64_t pages);

/* Looks at pages [first, first + count) of the pool, whose content comes back
 * when it is gone. Result: pages that are wrong. */
uint64_t greed_check(uint64_t first, uint64_t count);

#endif
