// SPDX-License-Identifier: MIT
/*
 * layout.h: the virtual address map, with who may do what.
 *
 *                                                        kernel  user
 *  0xffffffffffffffff +----------------------------+
 *                     | device registers           |       RW     --
 *  0xffffffffe0000000 +----------------------------+
 *                     | kernel stacks, guard pages |       RW     --
 *  0xffffffffc0000000 +----------------------------+
 *                     | kernel image               |  RX/R/RW     --
 *  0xffffffff80000000 +----------------------------+
 *                     | (nothing)                  |
 *                     +----------------------------+
 *                     | all physical memory        |       RW     --
 *  0xffff800000000000 +----------------------------+
 *                     | (non-canonical)            |
 *  0x0000800000000000 +----------------------------+
 *                     | exposed pages              |        R     R-
 *  EXO_INFO           +----------------------------+ 0x00007f8000000000
 *                     | the libOS's own            |       --    as bound
 *  EXO_USER_MIN       +----------------------------+ 0x0000000000001000
 *                     | page zero, never bound     |
 *                     +----------------------------+
 *
 * The user half below EXO_INFO is the libOS's to lay out; the kernel looks at
 * none of it. The kernel's half is the same in every root table and fixed at
 * boot. EXO_INFO fills one entry of the root table (512 GiB), which the kernel
 * owns; it also keeps the last page below the non-canonical hole unbindable,
 * so that no `syscall` instruction can return to a non-canonical address.
 */
#ifndef EXO_LAYOUT_H
#define EXO_LAYOUT_H

#include <exo/types.h>

#define EXO_USER_MIN UINT64_C(0x0000000000001000)
#define EXO_USER_TOP UINT64_C(0x00007f8000000000) // first address not bindable
#define EXO_INFO     UINT64_C(0x00007f8000000000) // struct exo_machine is here

/* Where the kernel puts the first env's own pages; it lays out no other env.
 * Loaders use the same places, so that a small program, its stacks and its
 * u-area share one leaf table. Pages between them are never bound. */
#define EXO_FIRST_UAREA     UINT64_C(0x200000) // struct exo_uarea
#define EXO_FIRST_LOG       UINT64_C(0x201000) // struct exo_log
#define EXO_FIRST_UPCALL    UINT64_C(0x203000) // upcall stack, up to 4 pages
#define EXO_FIRST_STACK     UINT64_C(0x208000) // stack, up to 8 pages below ...
#define EXO_FIRST_STACK_TOP UINT64_C(0x210000) // ... here; programs link above

#endif
