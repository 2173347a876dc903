/* SPDX-License-Identifier: MIT */
/*
 * Memory for lwIP's control blocks and buffers, within a limit.
 *
 * Blocks of up to 2 KiB are kept by size when they are given back, so that
 * under load none of this reaches malloc(). The caller holds whatever lock
 * lwIP itself is called under.
 */
#ifndef EXOS_NET_MEMORY_H
#define EXOS_NET_MEMORY_H

#include <stddef.h>

/* Bytes that may be in use at once; 0, the default, is no limit. An eighth of
   it is for blocks of up to 512 bytes: acknowledgements, which free others. */
void net_memory_set_limit(size_t bytes);

/* Bytes that blocks of data may still take; SIZE_MAX when there is no limit. */
size_t net_memory_room(void);

/* Is that less than an eighth of the limit? */
int net_memory_is_short(void);

/* Bytes in use, and kept for reuse; the headers of blocks included. */
size_t net_memory_used(void);
size_t net_memory_kept(void);

/* How often the limit was in the way. */
size_t net_memory_refused(void);

/* A block aligned to 16 bytes, or NULL: the limit is reached, or malloc() has
   nothing. */
void *net_memory_take(size_t bytes);
void *net_memory_take_zeroed(size_t count, size_t bytes);

/* Gives a block back; NULL is none. */
void net_memory_give(void *block);

/* Returns all that is kept to malloc(); how many bytes that were. */
size_t net_memory_trim(void);

#endif
