/* SPDX-License-Identifier: MIT */
/* Memory for lwIP: see memory.h. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

#define UNIT    64 /* sizes are rounded up to this */
#define CLASSES 33 /* the last one has 2 KiB, without the header */
#define SMALL   512

/* In front of each block. 16 bytes, so that what follows is aligned. */
struct header {
    size_t bytes; /* with this header */
    struct header *next;
};

static struct {
    struct header *kept[CLASSES + 1]; /* by bytes / UNIT */
    size_t limit, used, kept_bytes, refused;
} memory;

/* Data may have seven eighths of the limit, so that there is room for the
   segments without data that will free some of it. */
static size_t
data_limit(void)
{
    return memory.limit - memory.limit / 8;
}

static int
is_too_much(size_t bytes)
{
    size_t limit = bytes > SMALL ? data_limit() : memory.limit;
    return memory.limit && memory.used + bytes > limit;
}

void
net_memory_set_limit(size_t bytes)
{
    memory.limit = bytes;
}

size_t
net_memory_room(void)
{
    if (!memory.limit)
        return SIZE_MAX;
    return memory.used < data_limit() ? data_limit() - memory.used : 0;
}

int
net_memory_is_short(void)
{
    return net_memory_room() < memory.limit / 8;
}

size_t
net_memory_used(void)
{
    return memory.used;
}

size_t
net_memory_kept(void)
{
    return memory.kept_bytes;
}

size_t
net_memory_refused(void)
{
    return memory.refused;
}

void *
net_memory_take(size_t size)
{
    size_t bytes = (size + sizeof(struct header) + UNIT - 1) & -(size_t)UNIT;
    size_t class = bytes / UNIT;
    if (bytes < size || is_too_much(bytes)) {
        memory.refused++;
        return NULL;
    }
    struct header *block = class <= CLASSES ? memory.kept[class] : NULL;
    if (block) {
        memory.kept[class] = block->next;
        memory.kept_bytes -= bytes;
    } else if ((block = malloc(bytes))) {
        block->bytes = bytes;
    } else {
        return NULL;
    }
    memory.used += bytes;
    return block + 1;
}

void *
net_memory_take_zeroed(size_t count, size_t size)
{
    size_t bytes;
    void *block = __builtin_mul_overflow(count, size, &bytes)
                      ? NULL
                      : net_memory_take(bytes);
    return block ? memset(block, 0, bytes) : NULL;
}

void
net_memory_give(void *given)
{
    if (!given)
        return;
    struct header *block = (struct header *)given - 1;
    size_t class = block->bytes / UNIT;
    memory.used -= block->bytes;
    if (class > CLASSES) {
        free(block);
        return;
    }
    block->next = memory.kept[class];
    memory.kept[class] = block;
    memory.kept_bytes += block->bytes;
}

size_t
net_memory_trim(void)
{
    size_t bytes = memory.kept_bytes;
    for (size_t i = 0; i <= CLASSES; i++)
        while (memory.kept[i]) {
            struct header *block = memory.kept[i];
            memory.kept[i] = block->next;
            free(block);
        }
    memory.kept_bytes = 0;
    return bytes;
}
