// SPDX-License-Identifier: MIT
/* See pick.h. */
#include "pick.h"

#include <string.h>

#include "env/env.h"
#include "tlb/tlb.h"

struct who who;

static bool kept[16384]; /* pages */

void
pick_begin(void)
{
    for (exo_page p = 1; p < K.npages && p < ARRAY_SIZE(kept); p++)
        kept[p] = K.page_info[p].payer == K.first->index;
}

uint32_t
below(uint32_t n)
{
    return (uint32_t)(who.random() % n);
}

bool
chance(unsigned percent)
{
    return below(100) < percent;
}

uint64_t
hostile(void)
{
    static const uint64_t words[] = {0,
                                     1,
                                     0x7f,
                                     0x1000,
                                     0xfff,
                                     0x1ff,
                                     0x200,
                                     UINT32_MAX,
                                     1ull << 31,
                                     1ull << 32,
                                     1ull << 63,
                                     UINT64_MAX,
                                     UINT64_MAX - 7,
                                     0x800000000000ull,
                                     0x7ffffffff000ull,
                                     0xffff800000000000ull,
                                     0xffffffff80100000ull,
                                     EXO_USER_TOP,
                                     EXO_USER_TOP - 4096,
                                     EXO_USER_TOP - 8};
    return chance(70) ? words[below(ARRAY_SIZE(words))] : who.random();
}

/* Few guards, all inside one another. */
exo_guard
pick_guard(void)
{
    static const exo_guard guards[] = {
        0, 1ull << 63, 3ull << 62, 0xc1ull << 56, 0xc2ull << 56, 1};
    return chance(97) ? guards[below(ARRAY_SIZE(guards))] : who.random();
}

uint32_t
pick_cap(void)
{
    return chance(85) ? 0 : below(chance(90) ? 6 : 300);
}

uint32_t
pick_caps(void)
{
    return EXO_CAPS(pick_cap(), pick_cap());
}

/* Addresses in few tables: three leaf tables of which two are neighbours. */
uint64_t
pick_va(void)
{
    static const uint64_t base[] = {0x200000, 0x400000, 0x40000000,
                                    0x8000000000ull, EXO_USER_TOP - 0x200000};
    if (chance(3))
        return hostile();
    uint64_t va = base[below(chance(80) ? 2 : ARRAY_SIZE(base))];
    va += (uint64_t)below(chance(70) ? 24 : 512) * EXO_PAGE_BYTES;
    bool stack =
        who.env == K.first && va - EXO_FIRST_STACK < 8 * EXO_PAGE_BYTES;
    return stack ? va + 8 * EXO_PAGE_BYTES : va;
}

/* The first env keeps what it was born with, to make calls from. */
static bool
is_kept(exo_page page)
{
    return page < ARRAY_SIZE(kept) && kept[page];
}

bool
is_mine(exo_page page, unsigned use, bool unbound)
{
    const struct exo_page_info *info = &K.page_info[page];
    return info->payer == who.env->index && info->use == use &&
           (!unbound || !info->bindings) && !is_kept(page);
}

/* A page of that use that the caller pays for; any page if it has none. */
exo_page
pick_mine(unsigned use, bool unbound)
{
    uint32_t n = 0;
    exo_page found = below((uint32_t)K.npages);
    for (exo_page p = 1; p < K.npages; p++)
        if (is_mine(p, use, unbound) && below(++n) == 0)
            found = p;
    return found;
}

exo_page
pick_page(void)
{
    unsigned way = below(100);
    if (way < 50)
        return pick_mine(EXO_USE_DATA, chance(50));
    if (way < 65)
        return pick_mine(EXO_USE_TABLE, false);
    if (way < 70)
        return pick_mine(EXO_USE_DATA, true) & ~511ull;
    if (way < 75)
        return hostile();
    if (way < 85)
        return below((uint32_t)K.npages) & ~511ull;
    exo_page page = below((uint32_t)K.npages);
    return is_kept(page) ? 0 : page;
}

struct env *
pick_env_at_all(void)
{
    uint32_t n = 0;
    struct env *found = who.env;
    for (uint32_t i = 1; i < K.nenvs; i++)
        if (K.env[i] && below(++n) == 0)
            found = K.env[i];
    return found;
}

exo_env
pick_env(void)
{
    unsigned way = below(100);
    if (way < 10)
        return 0;
    if (way < 13)
        return hostile();
    struct env *e = pick_env_at_all();
    if (way < 60 && who.env->child) {
        e = who.env->child;
        while (e->sibling_next && chance(60))
            e = e->sibling_next;
    }
    /* The first one ends the machine: leave it alone, mostly. */
    if (e == K.first && chance(99))
        return 0;
    return e->id;
}

exo_page
pick_root(void)
{
    unsigned way = below(100);
    if (way < 60)
        return 0;
    if (way < 70)
        return pick_page();
    return pick_env_at_all()->root_pa >> EXO_PAGE_SHIFT;
}

/* A page of writable memory of the caller for call arguments; 0: none. */
uint64_t
scratch(void)
{
    for (unsigned i = 0; i < 24; i++) {
        uint64_t va = (i < 4 ? EXO_FIRST_STACK_TOP - (i + 1) * EXO_PAGE_BYTES
                             : 0x400000 + i * EXO_PAGE_BYTES);
        if (host_translate(who.cpu, va, EXO_BIND_W))
            return va;
    }
    return 0;
}

/* Put words where the caller can point to them. */
uint64_t
put_words(const void *words, size_t bytes)
{
    if (chance(2))
        return hostile();
    uint64_t va = scratch();
    if (va)
        memcpy(host_translate(who.cpu, va, EXO_BIND_W), words, bytes);
    return va;
}

/* The first env never sleeps for ever: nobody could wake it. */
uint64_t
pick_deadline(void)
{
    unsigned way = below(10);
    if (who.env == K.first || way < 7)
        return host_clock + below(1000000);
    return way < 9 ? EXO_NEVER : hostile();
}
