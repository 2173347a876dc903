// SPDX-License-Identifier: MIT
/*
 * The first env: the one program the kernel loads itself.
 *
 * It is boot module 0, an ELF64 program. It gets a capability over everything,
 * all memory that is left, the other modules' pages and the places of its own
 * pages that exo/layout.h names. Whatever else runs, it made.
 */
#ifndef EXO_ENV_FIRST_H
#define EXO_ENV_FIRST_H

/* Load it and make it READY. Stops the machine with a sentence if there is no
 * module, or it is not a program that can be loaded. Boot only. */
void first_load(void);

#endif
