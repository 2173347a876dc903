// SPDX-License-Identifier: MIT
/*
 * The inside of boot_alloc(); what other rooms call is in boot/memory.h.
 */
#ifndef EXO_BOOT_ALLOC_H
#define EXO_BOOT_ALLOC_H

/* All RAM is mapped now: memory above 4 GiB may be handed out too. */
void alloc_allow_high(void);

#endif
