// SPDX-License-Identifier: MIT
/*
 * tlb.h: bindings of virtual to physical pages, written in runs.
 *
 * The hardware page tables are treated as one large software-managed TLB: a
 * libOS keeps whatever mapping structure it likes and writes bindings here.
 * Table pages are the libOS's own pages, placed and paid for by it
 * (table_make, table_link), and may be bound read-only to read accessed and
 * dirty bits without a call.
 *
 * A page's first binding is recorded with the page. Each further binding needs
 * a link page beside the table that holds it (table_extra), one for each half
 * of the table, so that the kernel can break any binding at a cost that grows
 * with the number of bindings and not with the size of memory.
 */
#ifndef EXO_TLB_H
#define EXO_TLB_H

#include <exo/types.h>

enum exo_bind_flag {
    EXO_BIND_R = 1,      // readable (implied by any binding)
    EXO_BIND_W = 2,      // writable
    EXO_BIND_X = 4,      // executable; never together with EXO_BIND_W
    EXO_BIND_HEIR = 8,   // the table's payer takes the page over if its payer
                         // goes; counted against that payer's limit now
    EXO_BIND_SAME = 16,  // keep the page that is bound, change the rest
    EXO_BIND_CLEAN = 32, // with SAME: clear accessed and dirty
    EXO_BIND_LARGE = 64, // a 2 MiB page; `page` is its head, va aligned alike
};

/* The libOS's own ten bits in a present entry: bits 0..2 become entry bits
 * 9..11, bits 3..9 become entry bits 52..58. */
#define EXO_BIND_SOFT(bits) ((uint32_t)(bits) << 16)

/* `count` pages from `va` on, bound to physical pages from `page` on. Flags 0
 * unbinds. With EXO_BIND_SAME `page` is ignored. */
struct exo_run {
    uint64_t va;
    exo_page page;
    uint32_t count;
    uint32_t flags;
};

_Static_assert(sizeof(struct exo_run) == 24, "ABI layout");

#define EXO_LINK_HEIR 0x100u // table_link: or-ed to the level

/* A table entry as the libOS reads it, [SDM3 4.5.4]. */
#define EXO_PTE_P    UINT64_C(0x001)
#define EXO_PTE_W    UINT64_C(0x002)
#define EXO_PTE_U    UINT64_C(0x004)
#define EXO_PTE_A    UINT64_C(0x020)
#define EXO_PTE_D    UINT64_C(0x040)
#define EXO_PTE_PS   UINT64_C(0x080)
#define EXO_PTE_HEIR (UINT64_C(1) << 59)
#define EXO_PTE_NX   (UINT64_C(1) << 63)
#define EXO_PTE_PAGE UINT64_C(0x000ffffffffff000)

#endif
