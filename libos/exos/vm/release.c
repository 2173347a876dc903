// SPDX-License-Identifier: MIT
/*
 * release.c: giving memory back when the kernel asks.
 *
 * In this order: pages taken and not used yet; free pages of the libOS; the
 * stack below the stack pointer; memory that was never written since it came
 * in. None of it is missed: the next touch brings it back as it was. What holds
 * data stays; above the reservation the kernel may take it, and a program whose
 * data was taken cannot go on.
 *
 * The release order in the u-area lists the pages of the first kind, so that
 * the kernel can help itself without asking.
 */
#include "exos/vm/vm.h"

#include <exo/info.h>

#include "exos/crt/crt.h"
#include "exos/vm/core.h"
#include "exos/vm/region.h"
#include "exos/vm/space.h"
#include "lib/peek.h"
#include "lib/string.h"

#define RED_ZONE 128u

static exo_page *order; // the release page

/* Gives the pages back to the kernel that space_empty() put into the cache. */
static uint64_t
trim(uint64_t count)
{
    return pages_trim(&space_pages, count);
}

/* The stack below what is in use. Result: pages given. */
static uint64_t
drop_stack(uint64_t rsp)
{
    uint64_t bottom = EXOS_STACK_TOP - EXOS_STACK_BYTES;
    if (rsp <= bottom + RED_ZONE || rsp > EXOS_STACK_TOP)
        return 0;
    space_empty(bottom, PAGE_DOWN(rsp - RED_ZONE) - bottom);
    return trim(PAGES_CACHE);
}

/* Memory that still reads as zeros, because nobody stored into it. */
static uint64_t
drop_unwritten(uint64_t count)
{
    uint64_t given = 0;
    for (const struct region *r = region_next(0); r && given < count;
         r = region_next(r->end)) {
        if (r->kind != REGION_MEMORY)
            continue;
        for (uint64_t va = r->start; va < r->end && given < count;
             va += PAGE_BYTES) {
            uint64_t entry = space_entry(va);
            if (!entry || (entry & (EXO_PTE_D | ENTRY_BORROWED)))
                continue;
            space_empty(va, PAGE_BYTES);
            given += trim(1);
        }
    }
    return given;
}

uint64_t
release_pages(uint64_t count)
{
    uint64_t given = trim(count);
    if (given < count) {
        core_trim(count - given);
        given += trim(count - given);
    }
    if (given < count)
        given += drop_unwritten(count - given);
    return given;
}

void
release_asked(struct exo_frame *frame)
{
    uint64_t wanted = UAREA->revoke.count;
    uint64_t given = release_pages(wanted);
    if (given < wanted && frame)
        drop_stack(frame->rsp);
}

/* A page that is gone and was in use is missed here at the latest: there are
 * fewer pages bound than were brought in. */
void
release_taken(struct exo_frame *frame)
{
    (void)frame;
    UAREA->taken.count = UAREA->taken.more = 0;
    if (space_count() < space_bound)
        crt_die("exos: the machine took back memory that was in use; give this "
                "program a larger reservation\n");
}

void
release_publish(void)
{
    if (!order) {
        order = core_alloc(PAGE_BYTES);
        if (!order)
            return;
        UAREA->release[0] = peek_page_of(space_entry((uint64_t)order));
    }
    for (uint32_t i = 0; i < space_pages.cached; i++)
        order[i] = space_pages.cache[i];
    UAREA->release_count = space_pages.cached;
}
