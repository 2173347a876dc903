// SPDX-License-Identifier: MIT
/*
 * Sets of physical addresses as short sorted lists of ranges.
 *
 * Invariant: REGION-1 a list is sorted, its ranges are not empty and neither
 * overlap nor touch. A full list drops the smallest range to make room: memory
 * is lost, never invented.
 */
#ifndef EXO_BOOT_REGION_H
#define EXO_BOOT_REGION_H

#include <stdbool.h>
#include <stdint.h>

#include "boot/bootinfo.h"

/* Add [start, end) to the list of *count ranges. */
void region_add(struct boot_region *list, unsigned *count, uint64_t start,
                uint64_t end);

/* Take [start, end) out of it. */
void region_remove(struct boot_region *list, unsigned *count, uint64_t start,
                   uint64_t end);

/* Make room where nothing may be lost: the two ranges nearest to each other
 * become one, with what lies between them. */
void region_join(struct boot_region *list, unsigned *count);

/* Is all of [start, end) in it? */
bool region_contains(const struct boot_region *list, unsigned count,
                     uint64_t start, uint64_t end);

#endif
