// SPDX-License-Identifier: MIT
/*
 * The kernel under KASAN and UBSan: `make SAN=1`.
 *
 * KASAN keeps one shadow byte for each 8 bytes of the kernel image and of the
 * kernel stacks: 0 all may be touched, 1..7 the first that many, negative none.
 * The compiler poisons the space between variables and calls the checks in
 * sanitize.c before each access; other memory is not checked. UBSan calls a
 * handler for each undefined operation. Every finding is a panic.
 *
 *   shadow of va = (va >> 3) + SANITIZE_OFFSET
 *   image:  KVBASE + 8 MiB, 1 MiB, part of the image's bss (kernel.ld)
 *   stacks: KVBASE + 136 MiB, mapped with each stack
 *
 * An ordinary build links sanitize_none.c instead.
 */
#ifndef EXO_DEBUG_SANITIZE_H
#define EXO_DEBUG_SANITIZE_H

#include <stdint.h>

/* Start checking globals. needs: nothing but the image's shadow. */
void sanitize_init(void);

/* Where the shadow of [start, start + bytes) is and how long, page aligned;
 * length 0: no shadow wanted. */
uint64_t sanitize_shadow(uint64_t start, uint64_t bytes, uint64_t *shadow);

#endif
