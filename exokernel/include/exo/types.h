// SPDX-License-Identifier: MIT
/*
 * types.h: identifiers, units and the pointer wall of the exo ABI.
 *
 * Every header in this directory is the ABI: kernel, libOSes and host tests
 * compile the same text, and each header compiles alone. Nothing here depends
 * on more than the freestanding C headers.
 *
 * An env id is an index and a generation. Ids are never issued twice, so a
 * stale id is an error (EXO_E_STALE) and never names a newcomer:
 *
 *   63                                   16 15             0
 *  +----------------------------------------+---------------+
 *  |           generation (>= 1)            |     index     |   0 = "myself"
 *  +----------------------------------------+---------------+   or "nobody"
 */
#ifndef EXO_TYPES_H
#define EXO_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t exo_env;   // env id: generation << 16 | index
typedef uint64_t exo_page;  // physical page number (physical address >> 12)
typedef uint64_t exo_guard; // 64-bit name a resource carries; see exo/cap.h
typedef uint64_t exo_tsc;   // absolute time in TSC ticks; see exo_clock
typedef uint32_t exo_cap;   // index of a slot in the caller's capability list

/* EXO_USER(T) is a pointer to T for user code. In the kernel it is a plain
 * integer, so that the kernel cannot dereference it by accident. */
#ifdef EXO_KERNEL
#define EXO_USER(T) uint64_t
#else
#define EXO_USER(T) T *
#endif

#define EXO_PAGE_SHIFT  12
#define EXO_PAGE_BYTES  4096u
#define EXO_LARGE_PAGES 512u // small pages in a 2 MiB page

#define EXO_ENV_INDEX_BITS 16
#define EXO_ENV_INDEX(id)  ((uint32_t)((id)&0xffff))

#define EXO_NEVER UINT64_MAX // a deadline that never comes

/* Two capability slots in one argument; each call says what `a` and `b` cover.
 */
#define EXO_CAPS(a, b) ((uint32_t)(a) | (uint32_t)(b) << 8)

#endif
