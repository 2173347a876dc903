// SPDX-License-Identifier: MIT
/*
 * page.h: what a physical page is, and the exposed table of all of them.
 *
 *           alloc                  table_make, env_create, table_extra
 *   FREE ---------> DATA -----------------------------> TABLE, ROOT-held ...
 *     ^   free       |  ^ page_size(split)                    |
 *     |<-------------+  v page_size(merge)                    | free, death
 *     |             DATA|LARGE + 511 TAIL                     |
 *     +<------------------------------------------------------+
 *
 * A page has one payer, whose account it counts against, and one guard, which
 * says who may bind it. Both stand in struct exo_page_info, exposed read-only
 * to every env as an array indexed by page number (exo_machine.pages).
 */
#ifndef EXO_PAGE_H
#define EXO_PAGE_H

#include <exo/types.h>

#define EXO_PAGE_ANY UINT64_MAX // page_alloc: whichever the kernel has at hand

enum exo_page_use {
    EXO_USE_FREE,   // nobody's
    EXO_USE_NONE,   // not memory (hole, device)
    EXO_USE_KERNEL, // the kernel's own: image, boot-time tables
    EXO_USE_DATA,   // a libOS's memory
    EXO_USE_TAIL,   // inside a 2 MiB page; its head is the aligned page below
    EXO_USE_TABLE,  // a page table of some level, at one fixed address
    EXO_USE_LINK,   // link page beside a table (table_extra)
    EXO_USE_SAVE,   // kernel state of an env or interface: never bindable
    EXO_USE_UAREA,  // an env's u-area
    EXO_USE_STACK,  // part of an env's upcall stack
    EXO_USE_FPU,    // an env's XSAVE area: never bindable
    EXO_USE_LOG,    // an env's log page
    EXO_USE_NET,    // an interface's: buffers and rings, bindable (exo/net.h)
    EXO_USE_EXPOSED // kernel memory that a capability over its guard may read
};

enum exo_page_flag {
    EXO_PAGE_LARGE = 1,    // head of a 2 MiB page
    EXO_PAGE_SEALED = 2,   // a table that takes no new executable binding
    EXO_PAGE_ZERO = 4,     // zeroed and never bound writable since
    EXO_PAGE_USED = 8,     // a FREE page that somebody had before
    EXO_PAGE_LEVEL = 0x70, // level of a table, 1..4, shifted by 4
    EXO_PAGE_PART = 0x80,  // head of a 2 MiB page that is merged in part
};

/* One physical page, as everyone may see it. The kernel writes; readers may
 * see a page change between two loads. */
struct exo_page_info {
    uint64_t guard;    // who may bind it
    uint16_t payer;    // index of the env it is charged to, 0: nobody
    uint8_t use;       // enum exo_page_use
    uint8_t flags;     // enum exo_page_flag
    uint32_t bindings; // entries of page tables that point to it
};

_Static_assert(sizeof(struct exo_page_info) == 16, "ABI layout");

/* Kinds of resources, for accounts, revocation and re-guarding. The numbers
 * are open: a kind without a room in this kernel is refused with EXO_E_INVAL.
 */
enum exo_kind {
    EXO_KIND_PAGE = 0,
    EXO_KIND_ENV = 1,
    EXO_KIND_SLOT = 2,
    EXO_KIND_BLOCK = 3,
    EXO_KIND_ATOM = 4,
    EXO_KIND_RING = 5,
    EXO_KIND_CODE = 6,
    EXO_KIND_MMIO = 7,
    EXO_KIND_PORT = 8,
    EXO_KIND_IRQ = 9,
    EXO_KIND_DMA = 10,
    EXO_KIND_CHAN = 11, // re-guarding only: channels are not counted
    EXO_KINDS = 12,
};

#define EXO_REGUARD_BREAK 0x80000000u // also break the bindings there are

#endif
