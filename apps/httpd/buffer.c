// SPDX-License-Identifier: MIT
/* buffer.c: see buffer.h. */
#include "buffer.h"

#include <stdlib.h>

struct buffer *
pool_take(struct pool *pool)
{
    struct buffer *b = pool->spare;
    if (b) {
        pool->spare = b->next;
    } else {
        b = pool->made < pool->most ? malloc(sizeof(*b)) : NULL;
        if (!b)
            return NULL;
        pool->made++;
    }
    b->start = b->end = 0;
    return b;
}

void
pool_give(struct pool *pool, struct buffer *buffer)
{
    if (!buffer)
        return;
    buffer->next = pool->spare;
    pool->spare = buffer;
}

void
pool_close(struct pool *pool)
{
    for (struct buffer *b; (b = pool->spare);) {
        pool->spare = b->next;
        free(b);
        pool->made--;
    }
}
