// SPDX-License-Identifier: MIT
//
// bind.c: pages and bindings: one, a run, scattered ones, and a page's whole
// life. What is unbound has been touched, so that it must be invalidated.
#include "bench.h"

#define MANY      100u
#define BOTH_CAPS EXO_CAPS(ROOT_CAP, ROOT_CAP)

static exo_page page[MANY];
static struct exo_run scattered[MANY];

static uint64_t
arena(uint32_t n)
{
    return ARENA + (uint64_t)n * EXO_PAGE_BYTES;
}

// Writes one run, however often the kernel wants to be called.
static void
bind_run(struct exo_run run)
{
    while (run.count) {
        int64_t done = exo_bind(BOTH_CAPS, 0, &run, 1);
        if (done <= 0)
            return;
        run.va += (uint64_t)done * EXO_PAGE_BYTES;
        run.page += (uint64_t)done;
        run.count -= (uint32_t)done;
    }
}

// Writes runs of one page each.
static void
bind_each(const struct exo_run *runs, uint64_t count)
{
    while (count) {
        int64_t done = exo_bind(BOTH_CAPS, 0, runs, count);
        if (done <= 0)
            return;
        runs += done;
        count -= (uint64_t)done;
    }
}

static void
touch(uint64_t va)
{
    *(volatile uint64_t *)va = va;
}

static bool
is_bound(uint64_t va, exo_page to)
{
    touch(va); // ends the program if it is not
    return exo_page_info(to)->bindings == 1;
}

void
bind_one(void)
{
    struct exo_run bind = {ARENA, 0, 1, EXO_BIND_W}, unbind = {ARENA, 0, 1, 0};
    if (!take_pages("bind_1", page, 1, false))
        return;
    bind.page = page[0];
    row("bind_1|unbind_1", 1);
    for (unsigned i = 0; i < REPETITIONS; i++) {
        BEGIN();
        exo_bind(BOTH_CAPS, 0, &bind, 1);
        END();
        if (!is_bound(ARENA, page[0]))
            give_up("bind_1", "bind", -EXO_E_STATE);
        BEGIN();
        exo_bind(BOTH_CAPS, 0, &unbind, 1);
        END();
    }
    pages_give(&own_pages, page, 1);
}

// Places in the arena and pages, both in an order that is not ascending: 37 and
// 41 have no factor in common with what they run through.
static void
scatter(uint32_t flags)
{
    for (uint32_t i = 0; i < MANY; i++)
        scattered[i] = (struct exo_run){arena(i * 37 * 19 % ARENA_PAGES),
                                        page[i * 41 % MANY], 1, flags};
}

static void
repeat_scattered(void)
{
    row("bind_scattered|unbind_scattered", MANY);
    for (unsigned i = 0; i < REPETITIONS; i++) {
        scatter(EXO_BIND_W);
        BEGIN();
        bind_each(scattered, MANY);
        END();
        for (uint32_t n = 0; n < MANY; n++)
            touch(scattered[n].va);
        scatter(0);
        BEGIN();
        bind_each(scattered, MANY);
        END();
    }
}

void
bind_many(void)
{
    if (!take_pages("bind_run", page, MANY, true))
        return;
    row("bind_run|unbind_run", MANY);
    for (unsigned i = 0; i < REPETITIONS; i++) {
        BEGIN();
        bind_run((struct exo_run){ARENA, page[0], MANY, EXO_BIND_W});
        END();
        for (uint32_t n = 0; n < MANY; n++)
            touch(arena(n));
        BEGIN();
        bind_run((struct exo_run){ARENA, 0, MANY, 0});
        END();
    }
    pages_free(&own_pages, page, MANY);
    if (!take_pages("bind_scattered", page, MANY, false))
        return;
    repeat_scattered();
    pages_free(&own_pages, page, MANY);
}

// Leaves a page on top of the free list that belonged to the peer and was
// written to.
static void
soil(const struct spawn *peer)
{
    exo_page one = EXO_PAGE_ANY;
    exo_page_alloc(BOTH_CAPS, 0, peer->env, &one, 1);
    bind_run((struct exo_run){ARENA, one, 1, EXO_BIND_W});
    touch(ARENA);
    bind_run((struct exo_run){ARENA, 0, 1, 0});
    exo_page_free(ROOT_CAP, &one, 1);
}

// Allocating a page that last belonged to another payer, with its zeroing.
static void
repeat_zeroed(const struct spawn *peer)
{
    row("page_alloc_zeroed", 1);
    for (unsigned i = 0; i < REPETITIONS; i++) {
        exo_page one = EXO_PAGE_ANY;
        soil(peer);
        BEGIN();
        exo_page_alloc(BOTH_CAPS, 0, 0, &one, 1);
        END();
        exo_page_free(ROOT_CAP, &one, 1);
    }
}

void
page_cycle(void)
{
    struct spawn peer;
    row("page_cycle", 1);
    for (unsigned i = 0; i < REPETITIONS; i++) {
        struct exo_run run = {ARENA, 0, 1, EXO_BIND_W};
        exo_page one = EXO_PAGE_ANY;
        BEGIN();
        exo_page_alloc(BOTH_CAPS, 0, 0, &one, 1);
        run.page = one;
        exo_bind(BOTH_CAPS, 0, &run, 1);
        touch(ARENA);
        run.flags = 0;
        exo_bind(BOTH_CAPS, 0, &run, 1);
        exo_page_free(ROOT_CAP, &one, 1);
        END();
    }
    if (!peer_open("page_alloc_zeroed", &peer, "wait"))
        return;
    repeat_zeroed(&peer);
    peer_close(&peer);
}

static uint32_t touched;

// A pager: a fresh page for whatever place is touched.
static void
page_in(struct exo_frame *frame)
{
    exo_page one = EXO_PAGE_ANY;
    uint64_t va = frame->addr & ~(uint64_t)(EXO_PAGE_BYTES - 1);
    if (exo_page_alloc(BOTH_CAPS, 0, 0, &one, 1) != 1)
        return;
    struct exo_run run = {va, one, 1, EXO_BIND_W};
    exo_bind(BOTH_CAPS, 0, &run, 1);
    page[touched++] = one;
}

void
first_touch(void)
{
    upcall_set(UAREA, EXO_UP_FAULT, page_in);
    touched = 0;
    row("first_touch", 1);
    for (uint32_t i = 0; i < REPETITIONS; i++) {
        BEGIN();
        touch(arena(i));
        END();
    }
    upcall_set(UAREA, EXO_UP_FAULT, NULL);
    pages_free(&own_pages, page, touched);
}
