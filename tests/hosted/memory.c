// SPDX-License-Identifier: MIT
/*
 * Physical memory: an arena in which physical address 0 is the first byte. What
 * lies beyond its end is not mapped. See host.h.
 */
#include "parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <sanitizer/asan_interface.h>

#include "boot/memory.h"

#define ALIGN      (2ull << 20) /* so that large pages are where they seem */
#define RANGES_MAX 4

static unsigned char *arena;
static uint64_t arena_bytes;
static int arena_file = -1;
static struct boot_region mapped[RANGES_MAX];
static unsigned nmapped;

void *
host_memory(uint64_t pa)
{
    if (pa > arena_bytes)
        panic("physical address %lx is beyond memory", pa);
    return arena + pa;
}

uint64_t
host_pa(const void *kva)
{
    uint64_t pa = (uint64_t)((const unsigned char *)kva - arena);
    if (pa >= arena_bytes)
        panic("%p is no physical memory", kva);
    return pa;
}

static _Noreturn void
give_up(const char *what)
{
    perror(what);
    exit(2);
}

void
host_memory_make(uint64_t bytes)
{
    arena_bytes = bytes;
    arena_file = memfd_create("memory", 0);
    if (arena_file < 0 || ftruncate(arena_file, (off_t)bytes) < 0)
        give_up("memfd");
    unsigned char *room =
        mmap(NULL, bytes + 2 * ALIGN, PROT_NONE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (room == MAP_FAILED)
        give_up("mmap");
    room = (void *)(((uint64_t)room + ALIGN - 1) & ~(ALIGN - 1));
    arena = mmap(room, bytes, PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_FIXED | MAP_NORESERVE, arena_file, 0);
    if (arena == MAP_FAILED)
        give_up("mmap");
}

void
host_map_nothing(void)
{
    nmapped = 0;
    __asan_poison_memory_region(arena, arena_bytes);
}

void *
host_map(uint64_t pa, uint64_t bytes)
{
    if (nmapped == RANGES_MAX)
        panic("more than %u ranges", RANGES_MAX);
    mapped[nmapped++] = (struct boot_region){pa, pa + bytes};
    __asan_unpoison_memory_region(arena + pa, bytes);
    return arena + pa;
}

/* boot/memory.c */
bool
memory_is_mapped(uint64_t pa, uint64_t len)
{
    for (unsigned i = 0; i < nmapped; i++)
        if (pa >= mapped[i].start && pa <= mapped[i].end &&
            len <= mapped[i].end - pa)
            return true;
    return false;
}

bool
host_memory_has(const void *at)
{
    const unsigned char *p = at;
    return p >= arena && p < arena + arena_bytes;
}

/* The arena is kept in its file and mapped copy-on-write; dropping the copies
 * brings the kept state back. */

void
host_memory_save(void)
{
    if (mmap(arena, arena_bytes, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_FIXED, arena_file, 0) != arena)
        give_up("mmap");
}

void
host_memory_restore(void)
{
    madvise(arena, arena_bytes, MADV_DONTNEED);
}
