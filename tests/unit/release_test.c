// SPDX-License-Identifier: MIT
//
// release_test: what exos says may be taken, while it is taken. The table that
// programs see is an array here, and the kernel a function that empties it.
// Run on the host under ASan and UBSan.
// Sources: libos/exos/vm/release.c, libos/exos/vm/pager.c
#include <exo/error.h>
#include <exo/info.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "claim.h"
#include "exos/crt/crt.h"
#include "exos/fs/data.h"
#include "exos/vm/core.h"
#include "exos/vm/region.h"
#include "exos/vm/space.h"
#include "exos/vm/vm.h"
#include "lib/peek.h"
#include "lib/upcall.h"

#define BASE          UINT64_C(0x1500000000)
#define PAGES         3000u
#define ORDER_MOST    2048u
#define PRESENT_WRITE 3 // the page was there, and read-only
#define ABSENT_READ   0

uint64_t space_bound, space_filled;
struct pages space_pages;

static uint64_t entry[PAGES], next_page = 1000;
static uint64_t looks; // at entries
static uint32_t kept;  // pages in the cache
static bool is_full;   // the kernel gives none
static struct region region = {.start = BASE,
                               .end = BASE + PAGES * PAGE_BYTES,
                               .kind = REGION_MEMORY,
                               .prot = PROT_READ | PROT_WRITE};

// ---- what is under them -----------------------------------------------------

static uint64_t *
entry_of(uint64_t va)
{
    return va - BASE < PAGES * PAGE_BYTES ? &entry[(va - BASE) / PAGE_BYTES]
                                          : NULL;
}

uint64_t
space_entry(uint64_t va)
{
    looks++;
    return entry_of(va) ? *entry_of(va) : 0;
}

int64_t
space_fill(uint64_t va, uint32_t count)
{
    if (is_full && kept < count)
        return -EXO_E_NONE;
    for (uint32_t i = 0; i < count; i++)
        entry[(va - BASE) / PAGE_BYTES + i] =
            EXO_PTE_P | EXO_PTE_W | next_page++ << 12;
    kept -= is_full ? count : 0;
    space_bound += count;
    space_filled += count;
    return 0;
}

int64_t
space_protect(uint64_t va, uint64_t bytes, uint32_t flags)
{
    for (uint64_t at = va; at < va + bytes; at += PAGE_BYTES) {
        if (!*entry_of(at))
            return -EXO_E_STATE;
        *entry_of(at) &= ~(uint64_t)EXO_PTE_W;
        *entry_of(at) |= flags & EXO_BIND_W ? EXO_PTE_W : 0;
    }
    return 0;
}

uint64_t
space_empty(uint64_t va, uint64_t bytes)
{
    uint64_t given = 0;
    for (uint64_t at = va; at < va + bytes; at += PAGE_BYTES) {
        given += *entry_of(at) != 0;
        *entry_of(at) = 0;
    }
    space_bound -= given;
    kept += (uint32_t)given;
    return given;
}

uint64_t
space_count(void)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < PAGES; i++)
        count += entry[i] != 0;
    return count;
}

uint64_t
pages_trim(struct pages *pages, uint64_t count)
{
    (void)pages;
    uint64_t given = kept < count ? kept : count;
    kept -= (uint32_t)given;
    return given;
}

static void *core[2]; // what was got last: an order, and what it is about

void *
core_alloc(size_t bytes)
{
    core[0] = core[1];
    return core[1] = calloc(1, bytes);
}

void
core_free(void *memory, size_t bytes)
{
    (void)bytes;
    free(memory);
}

struct region *
region_find(uint64_t va)
{
    return va >= region.start && va < region.end ? &region : NULL;
}

struct region *
region_next(uint64_t va)
{
    return va < region.end ? &region : NULL;
}

void
crt_die(const char *text)
{
    claim_fail(__FILE__, __LINE__, "died: %s", text);
}

void
crt_say(const char *text)
{
    (void)text;
}

// clang-format off
int64_t space_bind(exo_cap cap, uint64_t va, exo_page page, uint32_t count,
                   uint32_t flags)
{ (void)cap; (void)va; (void)page; (void)count; (void)flags; return -1; }
bool data_page(struct node *node, uint64_t index, bool write,
               struct data_page *page)
{ (void)node; (void)index; (void)write; (void)page; return false; }
int64_t space_copy(uint64_t va, uint32_t flags)
{ (void)va; (void)flags; return -1; }
void space_clean(uint64_t va, uint32_t count) { (void)va; (void)count; }
uint64_t core_trim(uint64_t count) { (void)count; return 0; }
uint64_t space_left(void) { return 0; }
void space_check(void) { }
void upcall_hold(struct exo_uarea *u) { (void)u; }
void upcall_release(struct exo_uarea *u) { (void)u; }
// clang-format on

// ---- claims -----------------------------------------------------------------

static void
begin(void)
{
    void *at = mmap(UAREA, sizeof(*UAREA), PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    want(at == UAREA);
    want(release_open());
}

static bool
fault(uint64_t va, uint64_t error)
{
    struct exo_frame frame = {.cause = 14, .error = error, .addr = va};
    return pager_fault(&frame);
}

static void
read_pages(uint32_t from, uint32_t count)
{
    for (uint32_t i = from; i < from + count; i++)
        want(fault(BASE + i * PAGE_BYTES, ABSENT_READ));
}

// The kernel takes the page at `va`, and has not said so yet.
static void
take(uint64_t va)
{
    *entry_of(va) = 0;
}

// The order names pages of the program that nobody wrote to, and no others.
static void
check_order(void)
{
    const exo_page *order = core[0];
    for (uint32_t i = 0; i < UAREA->release_count; i++) {
        bool found = !order[i];
        for (uint32_t n = 0; n < PAGES && !found; n++)
            found = entry[n] >> 12 == order[i] && !(entry[n] & EXO_PTE_W);
        want(found);
    }
}

CLAIM(a_page_that_is_read_can_be_taken)
{
    begin();
    read_pages(0, 1);
    want_equal(UAREA->release_count, 1);
    take(BASE);
    release_taken(NULL);
    want_equal(space_bound, 0);
}

CLAIM(a_page_that_is_written_is_off_the_list)
{
    begin();
    read_pages(0, 3);
    want(fault(BASE + PAGE_BYTES, PRESENT_WRITE));
    want(space_entry(BASE + PAGE_BYTES) & EXO_PTE_W);
    want(release_reuse());
    want(!space_entry(BASE) && !space_entry(BASE + 2 * PAGE_BYTES));
    want(space_entry(BASE + PAGE_BYTES));
}

CLAIM(a_page_taken_between_a_store_and_its_handler_comes_back)
{
    begin();
    read_pages(0, 2);
    take(BASE);
    want(fault(BASE, PRESENT_WRITE)); // it is tried again
    release_taken(NULL);              // and was no loss
    want_equal(space_bound, 1);
    want(fault(BASE, ABSENT_READ));
}

CLAIM(a_page_taken_and_touched_before_it_was_told_is_no_loss)
{
    begin();
    read_pages(0, 3);
    take(BASE);
    read_pages(0, 1);
    release_taken(NULL);
    want_equal(space_bound, 3);
    want_equal(UAREA->release_count, 3);
    check_order();
    take(BASE + PAGE_BYTES);
    read_pages(1, 1);
    want(fault(BASE + PAGE_BYTES, PRESENT_WRITE));
    release_taken(NULL);
    want_equal(space_bound, 3);
    want_equal(UAREA->release_count, 2);
    check_order();
}

// What was said of pages that were spare then must not be heard again when
// others take their places in the list.
CLAIM(the_order_is_right_after_pages_were_used_again)
{
    begin();
    read_pages(0, ORDER_MOST + 400); // the last 400 are not in it
    for (uint32_t i = 0; i < ORDER_MOST; i += 2)
        want(fault(BASE + i * PAGE_BYTES, PRESENT_WRITE));
    read_pages(ORDER_MOST + 400, 1); // room is made
    for (uint32_t i = 1; i < ORDER_MOST; i += 2)
        want(fault(BASE + i * PAGE_BYTES, PRESENT_WRITE));
    want(fault(BASE + (ORDER_MOST + 400) * PAGE_BYTES, PRESENT_WRITE));
    is_full = true;
    read_pages(ORDER_MOST + 401, 60);
    check_order();
}

CLAIM(memory_taken_just_before_it_is_unmapped_is_no_loss)
{
    begin();
    read_pages(0, 4);
    take(BASE + PAGE_BYTES);
    release_withdraw(BASE, BASE + 4 * PAGE_BYTES);
    space_empty(BASE, 4 * PAGE_BYTES);
    release_taken(NULL);
    want_equal(space_bound, 0);
}

CLAIM(a_full_list_costs_the_next_page_nothing)
{
    begin();
    read_pages(0, ORDER_MOST);
    want_equal(UAREA->release_count, ORDER_MOST);
    looks = 0;
    read_pages(ORDER_MOST, 500);
    want(looks < 500 * 10);
}

CLAIM(a_full_list_makes_room_when_many_are_off_it)
{
    begin();
    read_pages(0, ORDER_MOST);
    for (uint32_t i = 0; i < ORDER_MOST / 2; i++)
        want(fault(BASE + i * PAGE_BYTES, PRESENT_WRITE));
    looks = 0;
    read_pages(ORDER_MOST, 500);
    want_equal(UAREA->release_count, ORDER_MOST / 2 + 500);
    want(looks < 500 * 20);
}

CLAIM(while_pages_are_asked_for_they_keep_their_places)
{
    begin();
    read_pages(0, ORDER_MOST);
    UAREA->revoke.count = 1;
    for (uint32_t i = 0; i < ORDER_MOST / 2; i++)
        want(fault(BASE + i * PAGE_BYTES, PRESENT_WRITE));
    read_pages(ORDER_MOST, 500);
    want_equal(UAREA->release_count, ORDER_MOST);
    UAREA->revoke.count = 0;
    read_pages(ORDER_MOST + 500, 1);
    want_equal(UAREA->release_count, ORDER_MOST / 2 + 1);
}

CLAIM(with_nothing_free_a_page_nobody_misses_is_used_again)
{
    begin();
    read_pages(0, 20);
    is_full = true;
    read_pages(20, 100);
    want_equal(space_count() + kept, 20);
    for (uint32_t i = 0; i < PAGES; i++) {
        if (entry[i])
            want(fault(BASE + i * PAGE_BYTES, PRESENT_WRITE));
        entry[i] |= entry[i] ? EXO_PTE_D : 0;
    }
    kept = 0;
    want(!fault(BASE + 200 * PAGE_BYTES, ABSENT_READ));
}
