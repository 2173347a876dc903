// SPDX-License-Identifier: MIT
/*
 * names.h: words and sentences for the numbers of the ABI, for people and for
 * records that outlive a boot. Never null; unknown numbers give "?".
 */
#ifndef LIB_NAMES_H
#define LIB_NAMES_H

#include <stdint.h>

/* A call's name, by number: "page_alloc". */
const char *name_syscall(uint64_t number);

/* A trace event's name, by enum exo_trace_type: "upcall". */
const char *name_trace(uint32_t type);

/* Why an env ended, by enum exo_end: one word, and a sentence. */
const char *name_end(uint32_t end);
const char *name_end_text(uint32_t end);

/* A CPU exception, by number: "page fault" [SDM3 6.15]. */
const char *name_exception(uint64_t vector);

/* A resource kind, by enum exo_kind, plural: "pages". */
const char *name_kind(uint32_t kind);

#endif
