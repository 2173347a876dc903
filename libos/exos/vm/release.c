// SPDX-License-Identifier: MIT
/*
 * release.c: giving memory back when the kernel asks.
 *
 * In this order: pages taken and not used yet; free pages of the libOS; memory
 * that was never written since it came in; the stack below the stack pointer.
 * None of it is missed: the next touch brings it back as it was. What holds
 * data stays; above the reservation the kernel may take it, and a program whose
 * data was taken cannot go on.
 *
 * The release order in the u-area lists pages of the third kind that are bound
 * read-only: a store to one faults, and the pager takes it off the list before
 * it makes it writable. So the kernel can help itself at any time without
 * asking, and takes nothing else as long as that is enough.
 *
 *   VM-6  an entry of `spare` at which another page is bound than the one in
 *         `order`, or none, was taken by the kernel.
 */
#include "exos/vm/vm.h"

#include <exo/info.h>

#include "exos/crt/crt.h"
#include "exos/vm/core.h"
#include "exos/vm/region.h"
#include "exos/vm/space.h"
#include "lib/peek.h"
#include "lib/string.h"
#include "lib/upcall.h"

#define RED_ZONE 128u
#define ENTRIES  (PAGE_BYTES / sizeof(exo_page)) // of one release page
#define MOST     4u                              // release pages
#define REUSED   8u // pages: one, and tables on the way to it

static exo_page *order; // what the release pages hold, `pages` of them
static uint64_t *spare; // addresses of pages that were not written, or 0
static uint32_t pages, nspare, room; // room: for spare ones
static uint32_t holes; // of the spare ones, withdrawn and not sifted out yet
static uint64_t taken; // of them, by the kernel; space_bound has them yet
static uint64_t last_seen; // pages brought in when it was last looked for more

/* It reads as zeros: nobody stored into it since it came in. */
static bool
is_unwritten(uint64_t va)
{
    uint64_t entry = space_entry(va);
    return entry && !(entry & (EXO_PTE_D | ENTRY_BORROWED));
}

/* And nobody will without a fault. */
static bool
is_spare(uint64_t va)
{
    return is_unwritten(va) && !(space_entry(va) & EXO_PTE_W);
}

/* Was the page of entry `i` taken? There may be a new one in its place. */
static bool
was_taken(uint32_t i)
{
    return spare[i] && peek_page_of(space_entry(spare[i])) != order[i];
}

static void
add(uint64_t va)
{
    order[nspare] = peek_page_of(space_entry(va));
    spare[nspare++] = va;
}

/* Lets the kernel see as much of the order as there is. */
static void
publish(void)
{
    UAREA->release_count = nspare;
}

static void
collect(uint64_t start, uint64_t end)
{
    for (uint64_t va = start; va < end && nspare < room; va += PAGE_BYTES)
        if (is_spare(va))
            add(va);
}

/* Adds spare pages of all memory to the list. needs: none is in it. */
static void
look_for_spare(void)
{
    last_seen = space_filled;
    for (const struct region *r = region_next(0); r && nspare < room;
         r = region_next(r->end))
        if (r->kind == REGION_MEMORY)
            collect(r->start, r->end);
}

/* Keeps of the spare pages those that still are. While the kernel wants pages
 * they keep their places too: it goes through the order once, from the front.
 */
static void
sift(void)
{
    uint32_t kept = 0;
    bool stay = UAREA->revoke.count != 0;
    holes = 0;
    for (uint32_t i = 0; i < nspare; i++) {
        bool gone = was_taken(i);
        bool keep = spare[i] && !gone && is_spare(spare[i]);
        taken += gone;
        holes += !keep && stay;
        if (keep || stay) {
            order[kept] = keep ? order[i] : 0;
            spare[kept++] = keep ? spare[i] : 0;
        }
    }
    nspare = kept;
}

/* Drops spare pages, from the end of the list. Result: how many. */
static uint64_t
drop_known(uint64_t count)
{
    uint64_t given = 0;
    for (uint32_t i = nspare; i-- > 0 && given < count;) {
        uint64_t va = spare[i];
        bool gone = was_taken(i);
        spare[i] = order[i] = 0;
        taken += gone;
        if (va && !gone)
            given += space_empty(va, PAGE_BYTES);
    }
    return given;
}

static uint64_t
drop_spare(uint64_t count)
{
    uint64_t given = drop_known(count);
    if (given < count) {
        look_for_spare();
        given += drop_known(count - given);
    }
    return given;
}

/* Drops other pages that nobody stored into; nobody can while this runs. */
static uint64_t
drop_unwritten(uint64_t count)
{
    uint64_t given = 0;
    for (const struct region *r = region_next(0); r && given < count;
         r = region_next(r->end))
        for (uint64_t va = r->start; va < r->end && given < count;
             va += PAGE_BYTES)
            if (r->kind == REGION_MEMORY && is_unwritten(va))
                given += space_empty(va, PAGE_BYTES);
    return given;
}

/* The stack below what is in use. */
static void
drop_stack(uint64_t rsp)
{
    uint64_t bottom = EXOS_STACK_TOP - EXOS_STACK_BYTES;
    if (rsp <= bottom + RED_ZONE || rsp > EXOS_STACK_TOP)
        return;
    space_empty(bottom, PAGE_DOWN(rsp - RED_ZONE) - bottom);
    pages_trim(&space_pages, PAGES_CACHE);
}

/* Gives back up to `count` pages that nobody would miss. Result: how many. */
static uint64_t
release_pages(uint64_t count)
{
    uint64_t given = pages_trim(&space_pages, count);
    if (given < count) {
        core_trim(count - given);
        given += pages_trim(&space_pages, count - given);
    }
    if (given < count)
        given += drop_spare(count - given);
    if (given < count)
        given += drop_unwritten(count - given);
    pages_trim(&space_pages, PAGES_CACHE);
    return given;
}

bool
release_reuse(void)
{
    space_check();
    return core_trim(REUSED) || drop_spare(REUSED) || drop_unwritten(REUSED);
}

void
release_asked(struct exo_frame *frame)
{
    uint64_t wanted = UAREA->revoke.count;
    space_check();
    sift();
    uint64_t given = release_pages(wanted);
    if (given < wanted && frame)
        drop_stack(frame->rsp);
    publish();
}

/* There are fewer pages than were brought in: if more are missing than were
 * spare, then data is missing. */
void
release_taken(struct exo_frame *frame)
{
    (void)frame;
    space_check();
    UAREA->taken.count = UAREA->taken.more = 0;
    sift();
    uint64_t there = space_count();
    if (there + taken < space_bound)
        crt_die("exos: the machine took back memory that was in use; give this "
                "program a larger reservation\n");
    space_bound = there;
    taken = 0;
    publish();
}

/* Makes room for the entries of `count` release pages. False: no memory. */
static bool
make_room(uint32_t count)
{
    exo_page *larger = core_alloc(count * PAGE_BYTES);
    uint64_t *also = core_alloc(count * PAGE_BYTES);
    if (!larger || !also) {
        core_free(larger, count * PAGE_BYTES);
        core_free(also, count * PAGE_BYTES);
        return false;
    }
    if (nspare) {
        memcpy(larger, order, nspare * sizeof(*order));
        memcpy(also, spare, nspare * sizeof(*spare));
    }
    core_free(order, pages * PAGE_BYTES);
    core_free(spare, pages * PAGE_BYTES);
    order = larger;
    spare = also;
    pages = count;
    room = count * ENTRIES;
    publish();
    for (uint32_t i = 0; i < count; i++)
        UAREA->release[i] =
            peek_page_of(space_entry((uint64_t)order + i * PAGE_BYTES));
    return true;
}

bool
release_open(void)
{
    return make_room(1);
}

/* Memory is looked through only if some was brought in since the last time. */
void
release_sleep(void)
{
    if (nspare || last_seen == space_filled)
        return;
    upcall_hold(UAREA);
    look_for_spare();
    publish();
    upcall_release(UAREA);
}

/* A full list is sifted when that makes room for many, so that it costs each
 * of them little. A page that is left out is found when it is looked for. */
void
release_offer(uint64_t va)
{
    if (nspare == room && holes >= room / 4 && !UAREA->revoke.count) {
        sift();
        publish();
    }
    if (nspare == room && (pages == MOST || !make_room(MOST)))
        return;
    add(va);
    publish();
}

/* Takes entry i off the list. The kernel may have been faster. */
static void
withdraw(uint32_t i)
{
    exo_page page = order[i];
    order[i] = 0;
    __atomic_thread_fence(__ATOMIC_SEQ_CST); // it reads the order, then unbinds
    taken += peek_page_of(space_entry(spare[i])) != page;
    spare[i] = 0;
    holes++;
}

/* From the end: what was read and is then written was often read just now. */
void
release_withdraw(uint64_t start, uint64_t end)
{
    uint64_t left = (end - start) / PAGE_BYTES;
    for (uint32_t i = nspare; i-- > 0 && left;)
        if (spare[i] >= start && spare[i] < end) {
            withdraw(i);
            left--;
        }
}
