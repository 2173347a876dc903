// SPDX-License-Identifier: MIT
/* region.c: the sorted table of regions; see region.h. */
#include "exos/vm/region.h"

#include <exo/info.h>

#include "exos/fs/node.h"
#include "exos/vm/core.h"
#include "exos/vm/space.h"
#include "lib/string.h"

#define FIRST_ROOM 64u // regions the table can hold at first

static struct region *table;
static uint32_t count, room;
static uint64_t committed;

/* Index of the first region that ends above `va`. */
static uint32_t
lookup(uint64_t va)
{
    uint32_t low = 0, high = count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (table[middle].end <= va)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct region *
region_next(uint64_t va)
{
    uint32_t i = lookup(va);
    return i < count ? &table[i] : NULL;
}

struct region *
region_find(uint64_t va)
{
    struct region *region = region_next(va);
    return region && region->start <= va ? region : NULL;
}

static uint64_t
weight(const struct region *region)
{
    return region->reserved ? (region->end - region->start) / PAGE_BYTES : 0;
}

static bool
make_room(uint32_t more)
{
    if (count + more <= room)
        return true;
    uint32_t larger = room ? 2 * room : FIRST_ROOM;
    struct region *copy = core_alloc(larger * sizeof(*copy));
    if (!copy)
        return false;
    memcpy(copy, table, count * sizeof(*copy));
    core_free(table, room * sizeof(*copy));
    table = copy;
    room = larger;
    return true;
}

static void
insert(uint32_t i, const struct region *region)
{
    memmove(table + i + 1, table + i, (count - i) * sizeof(*table));
    table[i] = *region;
    count++;
}

static void delete (uint32_t i)
{
    count--;
    memmove(table + i, table + i + 1, (count - i) * sizeof(*table));
}

static bool
agree(const struct region *a, const struct region *b)
{
    return a->end == b->start && a->kind == b->kind && a->prot == b->prot &&
           a->node == b->node && a->shared == b->shared &&
           a->reserved == b->reserved &&
           (!a->node || a->offset + (a->end - a->start) == b->offset);
}

void
region_join(uint64_t start, uint64_t end)
{
    uint32_t i = lookup(start ? start - 1 : 0);
    while (i + 1 < count && table[i].start <= end) {
        if (!agree(&table[i], &table[i + 1])) {
            i++;
            continue;
        }
        if (table[i].node)
            node_release(table[i + 1].node);
        table[i].end = table[i + 1].end;
        delete (i + 1);
    }
}

bool
region_add(const struct region *region)
{
    if (!make_room(1))
        return false;
    insert(lookup(region->start), region);
    if (region->node)
        node_hold(region->node);
    committed += weight(region);
    region_join(region->start, region->end);
    return true;
}

/* Makes `va` an edge. needs: room for one more. */
static void
split_at(uint64_t va)
{
    uint32_t i = lookup(va);
    if (i == count || table[i].start >= va)
        return;
    struct region upper = table[i];
    upper.start = va;
    upper.offset += va - table[i].start;
    table[i].end = va;
    if (upper.node)
        node_hold(upper.node);
    insert(i + 1, &upper);
}

bool
region_split(uint64_t start, uint64_t end)
{
    if (!make_room(2))
        return false;
    split_at(start);
    split_at(end);
    return true;
}

bool
region_remove(uint64_t start, uint64_t end)
{
    if (!region_split(start, end))
        return false;
    uint32_t i = lookup(start);
    while (i < count && table[i].start < end) {
        committed -= weight(&table[i]);
        if (table[i].node) // its pages are unbound while it is known where
            node_release(table[i].node);
        delete (i);
    }
    return true;
}

void
region_replace(struct region *region, const struct region *by)
{
    committed += weight(by) - weight(region);
    *region = *by;
}

uint64_t
region_room(uint64_t bytes)
{
    uint64_t va = EXOS_MMAP;
    for (uint32_t i = lookup(va); i < count; i++) {
        if (table[i].start >= va && table[i].start - va >= bytes)
            return va;
        va = table[i].end > va ? table[i].end : va;
    }
    return bytes <= EXOS_TOP - va ? va : 0;
}

bool
region_may_commit(uint64_t pages)
{
    const volatile struct exo_account *account =
        &exo_env_info(UAREA->self)->account[EXO_KIND_PAGE];
    uint32_t limit = account->limit;
    return pages <= limit && committed <= limit - pages;
}
