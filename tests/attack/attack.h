// SPDX-License-Identifier: MIT
/*
 * attack.h: what the attacks have in common.
 *
 * In each, an env that holds nothing but its own prefix tries what it should
 * not, while a neighbour goes on counting in registers and on a stack of its
 * own. Afterwards the neighbour must have gone on, undisturbed and as it was
 * in the exposed pages; the kernel is alive since the test goes on, and the
 * ledger is looked at after every test (tests/lib/clean.c).
 */
#ifndef ATTACK_H
#define ATTACK_H

#include "test.h"

/* Beyond what the ABI and struct own use of a u-area page. */
#define NEIGHBOUR_WORDS 2048

struct neighbour {
    volatile uint64_t rounds;
    volatile uint64_t mismatches; // registers or stack that changed
};

static inline struct neighbour *
neighbour_words(struct exo_uarea *u)
{
    return (struct neighbour *)((char *)u + NEIGHBOUR_WORDS);
}

static inline void
neighbour_run(uint64_t seed)
{
    struct neighbour *n = neighbour_words(uarea());
    volatile uint64_t words[64];
    fill((void *)words, seed, sizeof(words));
    for (;;) {
        n->mismatches += pattern_spin(seed, 50);
        n->mismatches += !is_filled((void *)words, seed, sizeof(words));
        n->rounds++;
        exo_yield(0, 0);
    }
}

static inline struct kid *
neighbour_new(void)
{
    struct kid *k = kid_start(0, neighbour_run, 0x5eed5eed5eed5eed);
    UNTIL(neighbour_words(k->u)->rounds > 2);
    return k;
}

/* Still there, still right, and going on. */
static inline void
neighbour_check(struct kid *k)
{
    struct neighbour *n = neighbour_words(k->u);
    uint64_t before = n->rounds;
    UNTIL(n->rounds > before + 2);
    EQ(n->mismatches, 0);
    CHECK(k->u->events == 0);
    CHECK(kid_info(k)->id == k->id);
    for (unsigned vector = 0; vector < EXO_VECTORS; vector++)
        EQ(kid_info(k)->upcalls[vector], 0);
    EQ(kid_info(k)->account[EXO_KIND_PAGE].own,
       kid_info(k)->account[EXO_KIND_PAGE].used);
}

/* Runs an attack in an env of its own beside a neighbour. */
static inline void
attack(unsigned flags, void (*entry)(uint64_t), uint64_t arg)
{
    struct kid *n = neighbour_new();
    struct kid *k = kid_start(flags, entry, arg);
    EQ(kid_join(k), 0);
    neighbour_check(n);
}

#endif
