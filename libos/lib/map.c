// SPDX-License-Identifier: MIT
/* map.c: bindings that bring their tables and link pages with them. */
#include "lib/map.h"

#include <exo/error.h>
#include <exo/syscall.h>

#include "lib/peek.h"

#define ROOT_LEVEL 4
#define LEAF_BYTES UINT64_C(0x200000) // that a leaf table maps
#define WINDOW_RUN 16

int64_t
map_table(struct map *map, uint64_t va, unsigned level, exo_page *table)
{
    exo_page above;
    int64_t error = pages_take(map->pages, table, 1);
    if (error)
        return error;
    error = exo_table_make(map->cap, *table, level, va);
    if (!error) {
        error = exo_table_link(EXO_CAPS(map->cap, map->cap), map->root, va,
                               level, *table);
        if (error == -EXO_E_TABLE && level + 1 < ROOT_LEVEL) {
            error = map_table(map, va, level + 1, &above);
            if (!error)
                error = exo_table_link(EXO_CAPS(map->cap, map->cap), map->root,
                                       va, level, *table);
        }
    }
    if (error)
        pages_free(map->pages, table, 1);
    if (!error && level == 1) {
        map->leaf = *table;
        map->leaf_va = va & ~(LEAF_BYTES - 1);
    }
    return error;
}

/* Puts a link page beside the leaf table of `va`, for the half `va` is in. */
static int64_t
add_link_page(const struct map *map, exo_page table, uint64_t va)
{
    exo_page page;
    uint32_t half = va >> 20 & 1; // 256 entries of 4 KiB
    int64_t error = pages_take(map->pages, &page, 1);
    if (error)
        return error;
    error = exo_table_extra(EXO_CAPS(map->cap, map->cap), table, half, page);
    if (error)
        pages_give(map->pages, &page, 1);
    return error;
}

/* Gives what a refused binding at `va` lacked. Result: 0 try again, or error.
 */
static int64_t
supply(struct map *map, uint64_t va, int64_t refused)
{
    exo_page table;
    uint64_t entry;
    if (refused == -EXO_E_TABLE)
        return map_table(map, va, 1, &table);
    if (refused != -EXO_E_LINK || !map->window)
        return refused;
    if (map->leaf && map->leaf_va == (va & ~(LEAF_BYTES - 1)))
        return add_link_page(map, map->leaf, va);
    int64_t error = peek_entry(map->window, map->cap, map->root, va, 2, &entry);
    if (error)
        return error;
    return add_link_page(map, peek_page_of(entry), va);
}

int64_t
map_runs(struct map *map, exo_cap cap, struct exo_run *runs, uint64_t count)
{
    uint64_t caps = EXO_CAPS(map->cap, cap);
    while (count) {
        if (!runs->count) {
            runs++;
            count--;
            continue;
        }
        int64_t done = exo_bind((uint32_t)caps, map->root, runs, count);
        if (done < 0) {
            int64_t error = supply(map, runs->va, done);
            if (error)
                return error;
            continue;
        }
        while (done) {
            uint32_t n = done < runs->count ? (uint32_t)done : runs->count;
            runs->va += (uint64_t)n << EXO_PAGE_SHIFT;
            runs->page += n;
            runs->count -= n;
            done -= n;
            if (!runs->count) {
                runs++;
                count--;
            }
        }
    }
    return 0;
}

int64_t
map_run(struct map *map, exo_cap cap, uint64_t va, exo_page page,
        uint32_t count, uint32_t flags)
{
    struct exo_run run = {va, page, count, flags};
    return map_runs(map, cap, &run, 1);
}

int64_t
window_open(struct window *window, struct map *own, uint64_t va, uint32_t pages)
{
    exo_page table;
    *window = (struct window){va, pages, own->cap};
    int64_t error = map_table(own, va, 1, &table);
    if (error)
        return error;
    uint64_t last = va + (uint64_t)(pages - 1) * EXO_PAGE_BYTES;
    error = add_link_page(own, table, va);
    if (!error && (va ^ last) >> 20)
        error = add_link_page(own, table, last);
    if (!error)
        own->window = window;
    return error;
}

void *
window_bind(const struct window *window, exo_cap cap, uint32_t at,
            const exo_page *page, uint32_t count, uint32_t flags)
{
    struct map own = {.cap = window->cap};
    struct exo_run run[WINDOW_RUN];
    uint64_t va = window->va + (uint64_t)at * EXO_PAGE_BYTES;
    for (uint32_t done = 0, n; done < count; done += n) {
        n = count - done < WINDOW_RUN ? count - done : WINDOW_RUN;
        for (uint32_t i = 0; i < n; i++)
            run[i] =
                (struct exo_run){va + (uint64_t)(done + i) * EXO_PAGE_BYTES,
                                 page[done + i], 1, flags};
        if (map_runs(&own, cap, run, n)) {
            window_clear(window, at, count);
            return NULL;
        }
    }
    return (void *)va;
}

void
window_clear(const struct window *window, uint32_t at, uint32_t count)
{
    struct map own = {.cap = window->cap};
    map_run(&own, window->cap, window->va + (uint64_t)at * EXO_PAGE_BYTES, 0,
            count, 0);
}
