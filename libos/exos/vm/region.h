// SPDX-License-Identifier: MIT
/*
 * region.h: what each part of the address space is meant to hold.
 *
 * The page tables say what is there now; regions say what may appear. They are
 * kept sorted by address and never overlap (VM-1); neighbours that agree in
 * everything are one (VM-2). A region of a file keeps the file alive (VM-3).
 */
#ifndef EXOS_VM_REGION_H
#define EXOS_VM_REGION_H

#include <stdbool.h>
#include <stdint.h>

struct node;

enum region_kind {
    REGION_PROGRAM, // bound by the loader, never brought in
    REGION_MEMORY,  // zeros when it is first touched
    REGION_STACK,   // the same, from the top down
    REGION_FILE,    // pages of a file
};

struct region {
    uint64_t start, end;
    uint32_t kind;
    uint32_t prot;     // PROT_READ | PROT_WRITE | PROT_EXEC
    struct node *node; // FILE
    uint64_t offset;   // of `start` in the file
    bool shared;       // FILE: stores go to the file
    bool reserved;     // counts as memory that may be needed (VM-4)
};

/* The region that `va` is in; null: none. */
struct region *region_find(uint64_t va);

/* The first region that ends above `va`; null: none. */
struct region *region_next(uint64_t va);

/* Adds a region. needs: nothing in its place. False: no memory. */
bool region_add(const struct region *region);

/* Takes [start, end) out of all regions, cutting them where it must. False: no
 * memory for the cut, nothing was done. */
bool region_remove(uint64_t start, uint64_t end);

/* Splits regions so that `start` and `end` are edges. False: no memory. */
bool region_split(uint64_t start, uint64_t end);

/* Makes one of neighbours that agree, around [start, end). */
void region_join(uint64_t start, uint64_t end);

/* Gives a region other properties, at the same place. */
void region_replace(struct region *region, const struct region *by);

/* Room for `bytes` bytes, at or above EXOS_MMAP; 0: there is none. */
uint64_t region_room(uint64_t bytes);

/* Is there memory for so many more pages that are `reserved`, if all of them
 * come to be used (VM-4)? */
bool region_may_commit(uint64_t pages);

#endif
