// SPDX-License-Identifier: MIT
/*
 * The kernel half of every address space, and memory handed out during boot.
 *
 *   virtual address        what                               rights
 *   ffff800000000000       physmap: all RAM, ACPI, BIOS area  RW NX global
 *     kernel text, rodata in it                               R  NX
 *   ffffffff80100000       kernel image, 4 KiB pages          text RX,
 *                                                             rodata R,
 *                                                             data RW NX
 *   ffffffffc0000000       stacks, 64 KiB of space per CPU    RW NX
 *   ffffffffe0000000       device registers, uncached         RW NX
 *
 * Invariants: MEM-1 no page is both writable and executable, through any of
 * these mappings. MEM-2 PML4 entries 256..511 never change after memory_init().
 * MEM-3 below every stack lies an unmapped page. MEM-4 the user half of the
 * kernel root is empty.
 *
 * Sources: [SDM3 4.5] 4-level paging, [SDM3 4.10.2.4] global pages.
 */
#ifndef EXO_BOOT_MEMORY_H
#define EXO_BOOT_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Build the final kernel page tables, switch to them, set K.kernel_root_pa.
 * needs: bootinfo_init(), cpu_features_init().
 */
void memory_init(void);

/*
 * Memory for the life of the kernel, only while booting: taken out of
 * K.boot.regions. `align` is a power of two. Stops the machine with "too little
 * memory" when there is none. boot_alloc() returns it zeroed, the raw kind as
 * it was (for arrays whose user writes each element anyway).
 */
void *boot_alloc(size_t bytes, size_t align);
void *boot_alloc_raw(size_t bytes, size_t align);

/* Pages boot_alloc() and its kin have taken so far. */
uint64_t boot_alloc_pages(void);

/* Allocate and map the stacks of CPU `index`; `hw` gets their tops. */
struct cpu_hw;
void memory_map_stacks(unsigned index, struct cpu_hw *hw);

/*
 * Map device registers uncached. Returns where [pa, pa + len) is; the window
 * lasts for the life of the kernel. Boot only. Asking twice for a page gives
 * the same mapping.
 */
void *mmio_map(uint64_t pa, size_t len);

/* Can device registers be at [pa, pa + len)? Not where there is RAM, nor beyond
 * what the CPU can address. For addresses that firmware or a user told. */
bool mmio_is_possible(uint64_t pa, uint64_t len);

/* May [pa, pa + len) be read through the physmap? For firmware tables, whose
 * addresses are not to be trusted. */
bool memory_is_mapped(uint64_t pa, uint64_t len);

/* The CPU whose kernel stacks contain this address, or -1. For entries that
 * may not trust GS base (NMI, #DF, #MC). */
int memory_stack_cpu(uint64_t kva);

/* Panic unless MEM-1, MEM-3 and MEM-4 hold in the kernel root. */
void check_memory(void);

/* Where the kernel stack that contains this address ends; the address itself
 * when none does. */
uint64_t memory_stack_top(uint64_t kva);

#endif
