// SPDX-License-Identifier: MIT
/*
 * radix.h: an array of pointers by index that grows with its highest index and
 * costs little where it is empty: a tree of nodes of 64.
 */
#ifndef EXOS_FS_RADIX_H
#define EXOS_FS_RADIX_H

#include <stdbool.h>
#include <stdint.h>

struct radix {
    void **root;
    unsigned height; // levels; 0: empty
};

/* The pointer at `index`; null: none. */
void *radix_get(const struct radix *radix, uint64_t index);

/* Sets it. False: no memory. */
bool radix_set(struct radix *radix, uint64_t index, void *pointer);

/* Takes out all from `first` on, with `drop` called for each. */
void radix_cut(struct radix *radix, uint64_t first, void drop(void *));

#endif
