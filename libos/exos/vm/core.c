// SPDX-License-Identifier: MIT
/*
 * core.c: memory of the libOS itself; see core.h.
 *
 * Pages come one after the other from EXOS_CORE on. A free page that is still
 * bound is in the list `spare`; one that was given back leaves a hole, which is
 * found again by looking for an entry that is not present.
 */
#include "exos/vm/core.h"

#include "exos/vm/space.h"
#include "lib/string.h"
#include "lib/upcall.h"

#define CLASSES     7 // 32, 64 ... 2048 bytes
#define CLASS_LEAST 32u
#define CORE_BATCH  8u // pages bound at a time

struct link {
    struct link *next;
};

static struct link *spare, *object[CLASSES];
static uint64_t nspare, nholes, hole = EXOS_CORE;
static uint64_t end = EXOS_CORE; // behind the last page ever used
static uint64_t used;

static void
push(struct link **list, void *memory)
{
    struct link *link = memory;
    link->next = *list;
    *list = link;
}

static void *
pop(struct link **list)
{
    struct link *link = *list;
    if (link)
        *list = link->next;
    return link;
}

/* Fills one of the holes. False: no memory. */
static bool
fill_hole(void)
{
    while (space_entry(hole))
        hole = hole + PAGE_BYTES < end ? hole + PAGE_BYTES : EXOS_CORE;
    if (space_fill(hole, 1))
        return false;
    nholes--;
    push(&spare, (void *)hole);
    nspare++;
    return true;
}

/* Adds pages to the spare ones. False: no memory. */
static bool
grow(void)
{
    uint32_t count = CORE_BATCH;
    if (nholes)
        return fill_hole();
    if (end + count * PAGE_BYTES > EXOS_ARCHIVE)
        return false;
    if (space_left() < 4 * CORE_BATCH || space_fill(end, count)) {
        count = 1;
        if (space_fill(end, 1))
            return false;
    }
    for (uint32_t i = count; i-- > 0;)
        push(&spare, (void *)(end + i * PAGE_BYTES));
    nspare += count;
    end += count * PAGE_BYTES;
    return true;
}

static void *
take_page(void)
{
    if (!spare && !grow())
        return NULL;
    void *page = pop(&spare);
    nspare--;
    used++;
    return page;
}

uint64_t
core_trim(uint64_t count)
{
    uint64_t given = 0;
    upcall_hold(UAREA);
    while (given < count && spare) {
        void *page = pop(&spare);
        nspare--;
        nholes++;
        given += space_empty((uint64_t)page, PAGE_BYTES);
    }
    upcall_release(UAREA);
    return given;
}

static void
give_page(void *page)
{
    push(&spare, page);
    nspare++;
    used--;
    if (nspare > CORE_SPARE)
        core_trim(1);
}

/* Consecutive pages: what is larger than a page. They come from behind the end,
 * and go back one by one. */
static void *
take_run(uint32_t count)
{
    uint64_t va = end;
    if (va + count * PAGE_BYTES > EXOS_ARCHIVE)
        return NULL;
    for (uint32_t done = 0, n; done < count; done += n) {
        n = count - done < SPACE_RUN_PAGES ? count - done : SPACE_RUN_PAGES;
        if (space_fill(va + done * PAGE_BYTES, n)) {
            space_empty(va, done * PAGE_BYTES);
            return NULL;
        }
    }
    end += count * PAGE_BYTES;
    used += count;
    return (void *)va;
}

static unsigned
class_of(size_t bytes)
{
    unsigned c = 0;
    while (bytes > CLASS_LEAST << c)
        c++;
    return c;
}

static void *
take_object(unsigned c)
{
    size_t bytes = CLASS_LEAST << c;
    if (!object[c]) {
        char *page = take_page();
        if (!page)
            return NULL;
        for (size_t at = PAGE_BYTES; at >= bytes; at -= bytes)
            push(&object[c], page + at - bytes);
    }
    return pop(&object[c]);
}

void *
core_alloc(size_t bytes)
{
    uint64_t pages = (bytes + PAGE_BYTES - 1) / PAGE_BYTES;
    void *memory;
    if (pages > UINT32_MAX)
        return NULL;
    upcall_hold(UAREA);
    if (class_of(bytes < PAGE_BYTES ? bytes : PAGE_BYTES) < CLASSES)
        memory = take_object(class_of(bytes));
    else
        memory = pages == 1 ? take_page() : take_run((uint32_t)pages);
    upcall_release(UAREA);
    if (memory)
        memset(memory, 0, bytes);
    return memory;
}

void
core_free(void *memory, size_t bytes)
{
    if (!memory)
        return;
    upcall_hold(UAREA);
    if (class_of(bytes < PAGE_BYTES ? bytes : PAGE_BYTES) < CLASSES) {
        push(&object[class_of(bytes)], memory);
    } else {
        for (size_t at = 0; at < bytes; at += PAGE_BYTES)
            give_page((char *)memory + at);
    }
    upcall_release(UAREA);
}

uint64_t
core_pages(void)
{
    return used;
}
