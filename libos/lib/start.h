// SPDX-License-Identifier: MIT
/*
 * start.h: what a program finds when it starts, an agreement between loaders
 * (spawn.c) and libOSes that the kernel knows nothing of.
 *
 * An env's own pages lie together, in one 64 KiB block:
 *
 *   0x200000 u-area   0x203000 upcall stack, up to 4 pages
 *   0x201000 log      0x208000 stack, up to 8 pages, ending at 0x210000
 *
 * These are the EXO_FIRST_* addresses of the first env, for all envs. The
 * libOS's part of the u-area begins with a struct start_block, to which rdi
 * points, and ends with a struct upcall_state (upcall.h). The first env has no
 * start block and starts with rdi = 0.
 */
#ifndef LIB_START_H
#define LIB_START_H

#include <exo/cap.h>
#include <exo/net.h>
#include <exo/layout.h>
#include <exo/upcall.h>

#define START_BLOCK_BYTES  0x10000u // an env's own pages, aligned alike
#define START_UPCALL_FIRST 0x3000u  // offset of the upcall stack ...
#define START_UPCALL_LAST  0x8000u  // ... and of what follows it

#define START_MAGIC      0x74726173u
#define START_ARGS_BYTES 1024u // name and arguments, a zero byte after each
#define START_ARGS_MAX   32u   // the name is the first
#define START_VARS_BYTES 1024u // environment, NAME=VALUE, likewise
#define START_VARS_MAX   32u

/* Slots of the capability list that a loader fills. */
enum start_cap {
    START_CAP_SELF,  // the program's own prefix, all rights
    START_CAP_DOOR,  // WRITE over its parent's env, to ring it
    START_CAP_IMAGE, // READ over the pages of its own image
    START_CAP_NET,   // over its filters, to attach and refine, if it has an
                     // address
    START_CAP_GROUP, // over those it has in common with others, to attach
    START_CAP_FILES, // READ over the pages of its archive of files
    START_CAPS,
};

/* Doorbells every program understands; 0x100 and up are its own. */
#define START_EVENT_END UINT64_C(1) // rung at a program: please end
#define START_EVENT_LOG UINT64_C(2) // rung at a parent: look at my log

/* The guard of an env whose own prefix is `prefix`. Its pages carry the prefix
 * itself, so a door to the env is no door to its memory. */
#define START_ENV_GUARD(prefix) ((prefix) | 1)

/* What a program has of the network. Addresses are in network byte order;
 * `prefix4` or `prefix6` 0: it has none of that kind. */
#define START_PORTS_MAX   9u // the last are those it connects from
#define START_FILTERS_MAX 48u

struct start_ports {
    uint16_t first, last;
    uint16_t protocol; // 6 TCP, 17 UDP; 0: both
};

struct start_net {
    uint8_t address4[4], gateway4[4], dns4[4];
    uint8_t address6[16], gateway6[16], dns6[16];
    uint8_t prefix4, prefix6;
    uint8_t nports;   // ports of the address that are its own; 0: all
    uint8_t nfilters; // 0: it has no network
    uint32_t zero;
    struct start_ports ports[START_PORTS_MAX];
    uint16_t zero2;
    exo_filter filter[START_FILTERS_MAX]; // receive and send: exo_filter_info()
};

struct start_block {
    uint32_t magic;   // START_MAGIC
    uint32_t argc;    // strings in `args`
    exo_guard prefix; // its own part of the name space ...
    uint32_t length;  // ... and how many bits of it are fixed
    uint32_t has_log; // a log page is bound at EXO_FIRST_LOG
    exo_page image;   // first page of its image, contiguous; 0: unknown
    uint64_t image_bytes;
    struct start_net net;
    exo_page files; // first page of an archive of files, contiguous; 0: none
    uint64_t files_bytes;
    uint32_t nvars, zero; // strings in `vars`
    char args[START_ARGS_BYTES];
    char vars[START_VARS_BYTES];
};

_Static_assert(EXO_UAREA_KERNEL + sizeof(struct start_block) <= EXO_PAGE_BYTES,
               "fits the libOS's part of the u-area");
_Static_assert(EXO_FIRST_UAREA % START_BLOCK_BYTES == 0 &&
                   EXO_FIRST_STACK_TOP == EXO_FIRST_UAREA + START_BLOCK_BYTES &&
                   EXO_FIRST_UPCALL == EXO_FIRST_UAREA + START_UPCALL_FIRST,
               "the first env's pages have the shape of a block");

/* What a program asks of its loader, in an ELF note of owner START_NOTE_OWNER
 * and type START_NOTE_TYPE. A program without one is started with no FPU, FS
 * base 0 and the loader's choice of upcall stack. */
#define START_NOTE_OWNER "Exo"
#define START_NOTE_TYPE  1u

enum start_want {
    START_WANT_FPU = 1, // FPU, SSE and AVX: EXO_ENV_FPU
};

struct start_note {
    uint32_t flags; // enum start_want
    uint32_t
        upcall_pages; // of its upcall stack, 1 to 4; 0: as the loader likes
    uint64_t fs_base; // at the first instruction
};

/* The env that runs this program, when it has the first env's layout. */
static inline exo_env
start_self(void)
{
    return ((const struct exo_uarea *)EXO_FIRST_UAREA)->self;
}

/* The start block inside a u-area. */
static inline struct start_block *
start_block(struct exo_uarea *uarea)
{
    return (struct start_block *)((char *)uarea + EXO_UAREA_KERNEL);
}

#endif
