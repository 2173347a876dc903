// SPDX-License-Identifier: MIT
/* greed.c: taking all the memory there is. */
#include "greed.h"

#define POOL_MAX ((MINIMAL_WINDOW - MINIMAL_POOL) / EXO_PAGE_BYTES)

static uint64_t
pattern(uint64_t index)
{
    return index * UINT64_C(0x9e3779b97f4a7c15) + 1;
}

static volatile uint64_t *
word_of(uint64_t index)
{
    return (volatile uint64_t *)(MINIMAL_POOL + index * EXO_PAGE_BYTES);
}

/* The content of a page follows from its place, so losing it costs nothing. */
static void
fill(uint64_t index, void *at)
{
    *(uint64_t *)at = pattern(index);
}

uint64_t
greed_take(uint64_t pages)
{
    const struct exo_env_info *me = exo_env_info(UAREA->self);
    const struct exo_account *account = &me->account[EXO_KIND_PAGE];
    if (!pages || pages > account->limit)
        pages = account->limit;
    if (pages > POOL_MAX)
        pages = POOL_MAX;
    if (pool_open(pages, fill) != 0)
        return 0;
    for (uint64_t i = 0; i < pages && !pool_counts.out; i++)
        (void)*word_of(i);
    print("took %lu pages; %u pages in use, %u of them guaranteed\n",
          pool_counts.have, account->used, account->reserved);
    return pages;
}

uint64_t
greed_check(uint64_t first, uint64_t count)
{
    uint64_t wrong = 0;
    for (uint64_t i = first; i < first + count; i++)
        wrong += *word_of(i) != pattern(i);
    return wrong;
}
