// SPDX-License-Identifier: MIT
/* errors.h: names and sentences of the kernel's errors, from exo/error.def. */
#ifndef LIB_ERRORS_H
#define LIB_ERRORS_H

#include <stdint.h>

/* The name ("LIMIT") or the sentence of a call's result, negated or not.
 * Unknown codes give "?" and "an unknown error". Never null. */
const char *error_name(int64_t result);
const char *error_text(int64_t result);

#endif
