// SPDX-License-Identifier: MIT
/*
 * Names of the kernel's functions, for backtraces.
 *
 * The table is made by tools/symtab from a first link and linked into the
 * second; it lies behind the text, so adding it moves no function.
 */
#ifndef EXO_DEBUG_SYMBOLS_H
#define EXO_DEBUG_SYMBOLS_H

#include <stdint.h>

/* The function that contains this text address and the offset into it; NULL
 * when it is none of the kernel's. */
const char *symbol_name(uint64_t kva, uint64_t *offset);

#endif
