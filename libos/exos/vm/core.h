// SPDX-License-Identifier: MIT
/*
 * core.h: memory of the libOS itself.
 *
 * Never faults and is never asked back while it is in use: what a fault handler
 * or an answer to REVOKE needs must be there. Whole pages hold the data of
 * files and what is larger than half a page; smaller objects share pages by
 * size. Pages that were freed stay bound for the next one, up to CORE_SPARE,
 * and are the first that REVOKE gets.
 *
 * Who frees says how large it was, so there are no headers.
 */
#ifndef EXOS_VM_CORE_H
#define EXOS_VM_CORE_H

#include <stddef.h>
#include <stdint.h>

#define CORE_SPARE 32u // free pages kept

/* Memory that reads as zeros; null: the account's limit is reached. */
void *core_alloc(size_t bytes);
void core_free(void *memory, size_t bytes);

/* Gives up to `count` free pages back to the kernel. Result: how many. */
uint64_t core_trim(uint64_t count);

/* Pages that files and the libOS use now. */
uint64_t core_pages(void);

#endif
