// SPDX-License-Identifier: MIT
/* radix.c: a sparse array of pointers; see radix.h. */
#include "exos/fs/radix.h"

#include <stddef.h>

#include "exos/vm/core.h"

#define BITS  6u
#define FAN   (1u << BITS)
#define BYTES (FAN * sizeof(void *))

static bool
is_covered(const struct radix *radix, uint64_t index)
{
    unsigned bits = radix->height * BITS;
    return bits >= 64 || (radix->height && index >> bits == 0);
}

static unsigned
slot_of(uint64_t index, unsigned level)
{
    return index >> (level * BITS) & (FAN - 1);
}

void *
radix_get(const struct radix *radix, uint64_t index)
{
    void **at = radix->root;
    if (!is_covered(radix, index))
        return NULL;
    for (unsigned level = radix->height; at && level-- > 0;)
        at = at[slot_of(index, level)];
    return at;
}

/* Puts roots above the root until `index` has a place. */
static bool
rise(struct radix *radix, uint64_t index)
{
    while (!is_covered(radix, index)) {
        void **above = core_alloc(BYTES);
        if (!above)
            return false;
        above[0] = radix->root;
        radix->root = above;
        radix->height++;
    }
    return true;
}

bool
radix_set(struct radix *radix, uint64_t index, void *pointer)
{
    if (!rise(radix, index))
        return false;
    void **at = radix->root;
    for (unsigned level = radix->height - 1; level > 0; level--) {
        void **below = at[slot_of(index, level)];
        if (!below) {
            below = core_alloc(BYTES);
            if (!below)
                return false;
            at[slot_of(index, level)] = below;
        }
        at = below;
    }
    at[slot_of(index, 0)] = pointer;
    return true;
}

/* Cuts below `at`, whose first index is `base`. True: nothing is left in it. */
static bool
cut(void **at, unsigned level, uint64_t base, uint64_t first, void drop(void *))
{
    bool empty = true;
    for (unsigned i = 0; i < FAN; i++) {
        uint64_t start = base + ((uint64_t)i << (level * BITS));
        uint64_t last = start + ((UINT64_C(1) << (level * BITS)) - 1);
        if (!at[i])
            continue;
        if (last < first) {
            empty = false;
        } else if (level == 0) {
            drop(at[i]);
            at[i] = NULL;
        } else if (cut(at[i], level - 1, start, first, drop)) {
            core_free(at[i], BYTES);
            at[i] = NULL;
        } else {
            empty = false;
        }
    }
    return empty;
}

void
radix_cut(struct radix *radix, uint64_t first, void drop(void *))
{
    if (!radix->root || !cut(radix->root, radix->height - 1, 0, first, drop))
        return;
    core_free(radix->root, BYTES);
    *radix = (struct radix){NULL, 0};
}
