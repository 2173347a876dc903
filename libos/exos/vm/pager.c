// SPDX-License-Identifier: MIT
/*
 * pager.c: from a fault to a page.
 *
 * Runs on the upcall stack with upcalls masked. It uses nothing that may fault:
 * regions and files' pages are in core memory.
 */
#include "exos/vm/vm.h"

#include <sys/mman.h>

#include "exos/crt/crt.h"
#include "exos/fs/data.h"
#include "exos/fs/node.h"
#include "exos/vm/region.h"
#include "exos/vm/space.h"

#define PAGE_FAULT 14
#define IS_PRESENT 1 // bits of its error code [SDM3 4.7]
#define IS_WRITE   2
#define IS_FETCH   16
#define AHEAD      15u // further pages, where memory is used in order
#define PLENTY     64u // pages that must be left for that

uint32_t
vm_rights(uint32_t prot)
{
    return EXO_BIND_R | (prot & PROT_WRITE ? EXO_BIND_W : 0) |
           (prot & PROT_EXEC ? EXO_BIND_X : 0);
}

/* Brings memory in, and when there is none left, once more with what is only
 * kept for convenience. Result: pages brought in. */
static uint32_t
fill(uint64_t va, uint32_t count)
{
    if (space_fill(va, count) == 0)
        return count;
    if (space_fill(va, 1) == 0)
        return 1;
    return release_reuse() && space_fill(va, 1) == 0;
}

/* The same for a copy of what is there. */
static bool
copy(uint64_t va, uint32_t prot)
{
    return space_copy(va, vm_rights(prot)) == 0 ||
           (release_reuse() && space_copy(va, vm_rights(prot)) == 0);
}

/* How many pages after the one at `va` are worth bringing in with it. */
static uint32_t
count_ahead(const struct region *region, uint64_t va)
{
    uint32_t n = 0;
    if (!space_entry(va - PAGE_BYTES) || space_left() < PLENTY)
        return 0;
    while (n < AHEAD && va + (n + 1) * PAGE_BYTES < region->end &&
           !space_entry(va + (n + 1) * PAGE_BYTES))
        n++;
    return n;
}

static bool
bring_memory(const struct region *region, uint64_t va, bool write)
{
    uint32_t count = 1;
    if (region->kind == REGION_MEMORY && write)
        count += count_ahead(region, va);
    count = fill(va, count);
    if (!count) {
        crt_say("exos: no memory is left; give this program a larger limit\n");
        return false;
    }
    if (count > 1) // clearing them was no store of the program
        space_clean(va, count);
    if (write)
        return true;
    /* It stays read-only until the first store, and so can be taken back. */
    uint32_t rights = vm_rights(region->prot) & ~(uint32_t)EXO_BIND_W;
    if (space_protect(va, PAGE_BYTES, rights | EXO_BIND_CLEAN))
        return false;
    release_offer(va);
    return true;
}

static bool
bring_file(const struct region *region, uint64_t va, bool write)
{
    uint64_t index = (region->offset + (va - region->start)) / PAGE_BYTES;
    struct data_page page;
    uint32_t rights = vm_rights(region->prot);
    if (index * PAGE_BYTES >= region->node->size)
        return false;
    if (!data_page(region->node, index, region->shared, &page))
        return false;
    if (!page.at) // a hole, in a private mapping
        return bring_memory(region, va, write);
    if (!region->shared)
        rights &= ~(uint32_t)EXO_BIND_W;
    if (space_bind(page.cap, va, page.page, 1, rights))
        return false;
    return region->shared || !write || copy(va, region->prot);
}

/* A page that was there, but not with the rights wanted. If the kernel took it
 * since then, the next try brings it back. */
static bool
raise_rights(const struct region *region, uint64_t va, bool write)
{
    if (!(space_entry(va) & ENTRY_BORROWED) && write)
        release_withdraw(va, va + PAGE_BYTES);
    if (!space_entry(va))
        return true;
    if (!(space_entry(va) & ENTRY_BORROWED))
        return space_protect(va, PAGE_BYTES, vm_rights(region->prot)) == 0;
    if (region->shared)
        return bring_file(region, va, write);
    return copy(va, region->prot);
}

static uint32_t
prot_wanted(uint64_t error)
{
    if (error & IS_FETCH)
        return PROT_EXEC;
    return error & IS_WRITE ? PROT_WRITE : PROT_READ;
}

bool
pager_fault(const struct exo_frame *frame)
{
    uint64_t va = PAGE_DOWN(frame->addr);
    if (frame->cause != PAGE_FAULT)
        return false;
    const struct region *region = region_find(frame->addr);
    if (!region || !(region->prot & prot_wanted(frame->error)))
        return false;
    if (frame->error & IS_PRESENT)
        return raise_rights(region, va, frame->error & IS_WRITE);
    if (region->kind == REGION_PROGRAM)
        return false;
    if (region->kind == REGION_FILE)
        return bring_file(region, va, frame->error & IS_WRITE);
    return bring_memory(region, va, frame->error & IS_WRITE);
}
