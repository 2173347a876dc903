// SPDX-License-Identifier: MIT
/*
 * Memory handed out during boot, lowest address first: low memory is broken up
 * by firmware and kernel anyway, so the large aligned runs above stay whole.
 * Whole pages leave K.boot.regions; what is smaller than a page shares one.
 */
#include "boot/alloc.h"

#include "boot/memory.h"
#include "boot/region.h"
#include "kernel.h"
#include "lib/string.h"

static uint64_t highest_pa = UINT64_C(1) << 32;
static uint64_t piece, piece_end; /* pa: rest of the page being shared */
static uint64_t pages_taken;

void
alloc_allow_high(void)
{
    highest_pa = UINT64_MAX;
}

uint64_t
boot_alloc_pages(void)
{
    return pages_taken;
}

static uint64_t
round_up(uint64_t value, uint64_t align)
{
    return (value + align - 1) & ~(align - 1);
}

/* Take whole pages: first fit. */
static uint64_t
take_pages(uint64_t bytes, uint64_t align)
{
    for (unsigned i = 0; i < K.boot.nregions; i++) {
        const struct boot_region r = K.boot.regions[i];
        const uint64_t start = round_up(r.start, align);
        if (start >= r.start && start < r.end && bytes <= r.end - start &&
            start + bytes <= highest_pa) {
            region_remove(K.boot.regions, &K.boot.nregions, start,
                          start + bytes);
            pages_taken += bytes >> EXO_PAGE_SHIFT;
            return start;
        }
    }
    boot_refuse("too little memory: the kernel needs %lu KiB more, the machine "
                "has %lu KiB",
                bytes >> 10, K.boot.ram_pages_total << 2);
}

void *
boot_alloc_raw(size_t bytes, size_t align)
{
    assert(bytes > 0 && (align & (align - 1)) == 0);
    const uint64_t start = round_up(piece, align);
    if (start >= piece && start < piece_end && bytes <= piece_end - start) {
        piece = start + bytes;
        return pa_to_kva(start);
    }
    const uint64_t whole = round_up(bytes, EXO_PAGE_BYTES);
    if (whole < bytes)
        boot_refuse("too little memory: %lu bytes asked for", bytes);
    const uint64_t pa =
        take_pages(whole, align < EXO_PAGE_BYTES ? EXO_PAGE_BYTES : align);
    /* Keep the larger rest for small requests. */
    if (whole - bytes > piece_end - piece) {
        piece = pa + bytes;
        piece_end = pa + whole;
    }
    return pa_to_kva(pa);
}

void *
boot_alloc(size_t bytes, size_t align)
{
    return memset(boot_alloc_raw(bytes, align), 0, bytes);
}
