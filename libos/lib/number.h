// SPDX-License-Identifier: MIT
/* number.h: numbers from text, as programs get them in arguments. */
#ifndef LIB_NUMBER_H
#define LIB_NUMBER_H

#include <stdint.h>

/* Reads a decimal number. `otherwise` when `text` is null, empty, holds
 * anything but digits or is too large. */
uint64_t number(const char *text, uint64_t otherwise);

#endif
