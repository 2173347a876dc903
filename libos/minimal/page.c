// SPDX-License-Identifier: MIT
/* page.c: this env's pages and address space. Tables are made when a binding
 * needs them (lib/map.h), so nothing here knows of levels. */
#include "minimal/minimal.h"

#define WINDOW_PAGES 20

struct pages page_own = {.cap = START_CAP_SELF};
struct map page_map = {.cap = START_CAP_SELF, .pages = &page_own};

static struct window window;
static uint64_t memory_end = MINIMAL_MEMORY;

int64_t
page_take(exo_page *page)
{
    int64_t error;
    while ((error = pages_take(&page_own, page, 1)) == -EXO_E_WAIT)
        event_wait(EXO_EVENT_GRANT, clock_after(CLOCK_S));
    return error;
}

int64_t
page_bind(uint64_t va, exo_page page)
{
    int64_t error;
    while ((error = map_run(&page_map, START_CAP_SELF, va, page, 1,
                            EXO_BIND_W)) == -EXO_E_WAIT) // for a table
        event_wait(EXO_EVENT_GRANT, clock_after(CLOCK_S));
    return error;
}

/* Binds a fresh page at `va` and clears it. */
static int64_t
add_zeroed(uint64_t va)
{
    exo_page page;
    int64_t error = page_take(&page);
    if (error)
        return error;
    bool zero = pages_is_zero(page);
    error = page_bind(va, page);
    if (error)
        pages_give(&page_own, &page, 1);
    else if (!zero)
        memset((void *)va, 0, EXO_PAGE_BYTES);
    return error;
}

void *
page_grow(uint64_t count)
{
    void *start = (void *)memory_end;
    int64_t error = 0;
    if (count > (MINIMAL_POOL - memory_end) / EXO_PAGE_BYTES)
        return NULL;
    upcall_hold(UAREA); // REVOKE uses page_own too
    for (; !error && count; count--) {
        error = add_zeroed(memory_end);
        if (!error)
            memory_end += EXO_PAGE_BYTES;
    }
    upcall_release(UAREA);
    return error ? NULL : start;
}

struct window *
page_window(void)
{
    if (!window.pages)
        window_open(&window, &page_map, MINIMAL_WINDOW, WINDOW_PAGES);
    return page_map.window;
}
