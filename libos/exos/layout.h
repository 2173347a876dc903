// SPDX-License-Identifier: MIT
/*
 * layout.h: the address space of a program on exos.
 *
 *   0x00_00200000  u-area, log, upcall stack, first stack   (lib/start.h)
 *   0x00_00210000  the program: constants, code, data       (program.ld)
 *        behind it the heap, up to                          vm/heap.c
 *   0x08_00000000  window for foreign pages                 vm/space.c
 *   0x08_10000000  its own leaf tables, read-only           vm/space.c
 *   0x08_20000000  rings and buffers of its network         net/stack.c
 *   0x08_40000000  top of the stack, which grows down       vm/stack.c
 *   0x08_40000000  memory of the libOS itself, files' pages vm/core.c
 *   0x14_00000000  its archive of files, read-only          fs/archive.c
 *   0x15_00000000  what mmap() chooses                      vm/mmap.c
 *   0x20_00000000  the end
 *
 * All of it lies under one entry of the root table.
 */
#ifndef EXOS_LAYOUT_H
#define EXOS_LAYOUT_H

#include <stdint.h>

#define EXOS_WINDOW    UINT64_C(0x0800000000)
#define EXOS_LEAVES    UINT64_C(0x0810000000)
#define EXOS_NET       UINT64_C(0x0820000000)
#define EXOS_STACK_TOP UINT64_C(0x0840000000)
#define EXOS_CORE      UINT64_C(0x0840000000)
#define EXOS_ARCHIVE   UINT64_C(0x1400000000)
#define EXOS_MMAP      UINT64_C(0x1500000000)
#define EXOS_TOP       UINT64_C(0x2000000000)

#define EXOS_STACK_BYTES UINT64_C(0x800000) // at most; below it is a guard

#define PAGE_BYTES         UINT64_C(4096)
#define PAGE_DOWN(address) ((uint64_t)(address) & ~(PAGE_BYTES - 1))
#define PAGE_UP(address)   PAGE_DOWN((uint64_t)(address) + PAGE_BYTES - 1)

#endif
