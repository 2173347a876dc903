// SPDX-License-Identifier: MIT
/*
 * See region.h. Pure logic: the host's unit tests build it as it is.
 */
#include "boot/region.h"

static void
delete_at(struct boot_region *list, unsigned *count, unsigned at)
{
    (*count)--;
    for (unsigned i = at; i < *count; i++)
        list[i] = list[i + 1];
}

static uint64_t
size_of(struct boot_region r)
{
    return r.end - r.start;
}

/* Insert at a place that keeps the list sorted. When it is full the smallest
 * range goes, be it the new one. */
static void
insert_at(struct boot_region *list, unsigned *count, unsigned at,
          struct boot_region new)
{
    if (*count == BOOT_MAX_REGIONS) {
        unsigned smallest = 0;
        for (unsigned i = 1; i < *count; i++) {
            if (size_of(list[i]) < size_of(list[smallest]))
                smallest = i;
        }
        if (size_of(new) <= size_of(list[smallest]))
            return;
        delete_at(list, count, smallest);
        if (smallest < at)
            at--;
    }
    for (unsigned i = *count; i > at; i--)
        list[i] = list[i - 1];
    list[at] = new;
    (*count)++;
}

void
region_add(struct boot_region *list, unsigned *count, uint64_t start,
           uint64_t end)
{
    if (start >= end)
        return;
    /* Swallow all that overlap or touch, then insert the union. */
    unsigned at = 0;
    while (at < *count && list[at].end < start)
        at++;
    while (at < *count && list[at].start <= end) {
        if (list[at].start < start)
            start = list[at].start;
        if (list[at].end > end)
            end = list[at].end;
        delete_at(list, count, at);
    }
    insert_at(list, count, at, (struct boot_region){start, end});
}

void
region_remove(struct boot_region *list, unsigned *count, uint64_t start,
              uint64_t end)
{
    if (start >= end)
        return;
    unsigned at = 0;
    while (at < *count && list[at].end <= start)
        at++;
    while (at < *count && list[at].start < end) {
        const struct boot_region old = list[at];
        delete_at(list, count, at);
        if (old.start < start)
            insert_at(list, count, at++,
                      (struct boot_region){old.start, start});
        if (old.end > end) {
            insert_at(list, count, at, (struct boot_region){end, old.end});
            return;
        }
    }
}

void
region_join(struct boot_region *list, unsigned *count)
{
    unsigned at = 0;
    for (unsigned i = 1; i + 1 < *count; i++) {
        if (list[i + 1].start - list[i].end < list[at + 1].start - list[at].end)
            at = i;
    }
    if (at + 1 < *count) {
        list[at].end = list[at + 1].end;
        delete_at(list, count, at + 1);
    }
}

bool
region_contains(const struct boot_region *list, unsigned count, uint64_t start,
                uint64_t end)
{
    for (unsigned i = 0; i < count; i++) {
        if (list[i].start <= start && end <= list[i].end)
            return start < end;
    }
    return false;
}
