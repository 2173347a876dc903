// SPDX-License-Identifier: MIT
/*
 * Heirs: who pays for a page when its payer goes.
 *
 * Must be seen: the page moves to the first heir that lives, at free and at
 * death, bindings intact; heirs are counted ahead; promises end with who made
 * them.
 */
#include "test.h"

#define GUARD UINT64_C(0x7654321000000000)

#define LEAF_SIZE 0x200000ull
#define THERE     (EXO_FIRST_UAREA + 0x30000)

static const struct exo_account *
pages_of(const struct kid *k)
{
    return &kid_info(k)->account[EXO_KIND_PAGE];
}

TEST(heir_takes_the_page_over_when_the_payer_frees_it)
{
    struct kid *k = kid_new(&(struct kid_plan){0}, sleep_forever, 0);
    exo_page a = page_at(SCRATCH);
    *word(SCRATCH) = 321;
    uint32_t used = pages_of(k)->used;
    EQ(bind_one(k->root, THERE, a, R | EXO_BIND_HEIR), 1);
    EQ(pages_of(k)->promised, 1);
    EQ(pages_of(k)->used, used);
    EQ(entry_of(k->root, THERE, 1) & EXO_PTE_HEIR, EXO_PTE_HEIR);
    page_gone(a);
    EQ(exo_page_info(a)->payer, EXO_ENV_INDEX(k->id));
    EQ(exo_page_info(a)->use, EXO_USE_DATA);
    EQ(pages_of(k)->promised, 0);
    EQ(pages_of(k)->used, used + 1);
    EQ(entry_of(k->root, THERE, 1) & EXO_PTE_HEIR, 0);
    EQ(*word(SCRATCH), 321); // all bindings stay
    EQ(exo_page_info(a)->bindings, 2);
    EQ(k->u->taken.count, 0);
}

TEST(heir_takes_the_page_over_when_the_payer_dies)
{
    struct kid *k = kid_new(&(struct kid_plan){0}, sleep_forever, 0);
    struct kid *l = kid_new(&(struct kid_plan){0}, sleep_forever, 0);
    exo_page a;
    pages_new(0, k->id, &a, 1);
    bind_here(SCRATCH, a, RW);
    *word(SCRATCH) = 555;
    EQ(bind_one(k->root, THERE, a, RW), 1);
    EQ(bind_one(l->root, THERE, a, R | EXO_BIND_HEIR), 1);
    EQ(control(k->id, EXO_ENV_DESTROY), 0);
    EQ(exo_page_info(a)->payer, EXO_ENV_INDEX(l->id));
    EQ(exo_page_info(a)->bindings, 2); // k's went with its tables
    EQ(*word(SCRATCH), 555);
    EQ(l->u->taken.count, 0);
    EQ(pages_of(l)->promised, 0);
}

TEST(heirs_inherit_in_turn)
{
    struct kid *k[3];
    exo_page a = page_new(0);
    for (unsigned i = 0; i < 3; i++) {
        k[i] = kid_new(&(struct kid_plan){0}, sleep_forever, 0);
        EQ(bind_one(k[i]->root, THERE, a, R | EXO_BIND_HEIR), 1);
    }
    page_gone(a);
    for (unsigned left = 3; left > 0; left--) {
        uint16_t payer = exo_page_info(a)->payer;
        unsigned i = 0;
        while (i < 3 && EXO_ENV_INDEX(k[i]->id) != payer)
            i++;
        CHECK(i < 3);
        EQ(exo_page_info(a)->bindings, left);
        EQ(control(k[i]->id, EXO_ENV_DESTROY), 0);
        EQ(exo_page_info(a)->bindings, left - 1);
    }
    EQ(exo_page_info(a)->use, EXO_USE_FREE);
}

TEST(heir_is_counted_against_its_limit_at_once)
{
    struct kid *k = kid_new(&(struct kid_plan){.reserved = 20, .limit = 22},
                            sleep_forever, 0);
    exo_page p[40];
    unsigned n = 0;
    while (pages_of(k)->used + pages_of(k)->promised < 22) {
        p[n] = page_new(0);
        EQ(bind_one(k->root, THERE + n * 4096, p[n], R | EXO_BIND_HEIR), 1);
        n++;
    }
    p[n] = page_new(0);
    FAILS(bind_one(k->root, THERE + n * 4096, p[n], R | EXO_BIND_HEIR), LIMIT);
    exo_page more = EXO_PAGE_ANY;
    FAILS(exo_page_alloc(CAPS, 0, k->id, &more, 1), LIMIT);
    EQ(bind_one(k->root, THERE, 0, 0), 1); // a promise given up
    EQ(exo_page_alloc(CAPS, 0, k->id, &more, 1), 1);
}

TEST(heir_of_its_own_page_changes_nothing)
{
    exo_page a = page_new(0);
    bind_here(SCRATCH, a, RW);
    bind_here(SCRATCH + 4096, a, R | EXO_BIND_HEIR);
    EQ(ME->account[EXO_KIND_PAGE].promised, 1);
    page_gone(a);
    EQ(exo_page_info(a)->use, EXO_USE_FREE);
    EQ(ME->account[EXO_KIND_PAGE].promised, 0);
}

TEST(heir_needs_a_link_page)
{
    leaf_ensure(0, 0, 0, SCRATCH, false);
    exo_page a = page_new(0);
    FAILS(bind_one(0, SCRATCH, a, R | EXO_BIND_HEIR), LINK);
    EQ(exo_page_info(a)->bindings, 0);
}

TEST(without_an_heir_the_holders_are_told)
{
    struct kid *k = kid_new(&(struct kid_plan){0}, sleep_forever, 0);
    exo_page a = page_new(0);
    EQ(bind_one(k->root, THERE, a, R), 1);
    page_gone(a);
    EQ(exo_page_info(a)->use, EXO_USE_FREE);
    EQ(k->u->taken.count, 1);
    EQ(k->u->taken.item[0].id, a);
    EQ(k->u->pending & (1u << EXO_UP_REPOSSESSED), 1u << EXO_UP_REPOSSESSED);
    EQ(entry_of(k->root, THERE, 1), 0);
}

TEST(heir_of_a_table_takes_it_over)
{
    struct kid *k = kid_new(&(struct kid_plan){0}, sleep_forever, 0);
    uint64_t va = EXO_FIRST_UAREA + 4 * LEAF_SIZE;
    exo_page leaf = table_new(0, 0, 1, va), a = page_new(0);
    EQ(exo_table_link(CAPS, k->root, va, 1 | EXO_LINK_HEIR, leaf), 0);
    EQ(pages_of(k)->promised, 1);
    EQ(bind_one(k->root, va, a, R), 1);
    uint32_t pinned = pages_of(k)->pinned;
    page_gone(leaf);
    EQ(exo_page_info(leaf)->use, EXO_USE_TABLE);
    EQ(exo_page_info(leaf)->payer, EXO_ENV_INDEX(k->id));
    EQ(pages_of(k)->promised, 0);
    EQ(pages_of(k)->pinned, pinned + 1);
    EQ(entry_of(k->root, va, 1) & EXO_PTE_PAGE, a << 12);
}

TEST(heirs_promises_in_a_table_end_with_its_payer)
{
    struct kid *k = kid_new(&(struct kid_plan){0}, sleep_forever, 0);
    uint64_t va = EXO_FIRST_UAREA + 4 * LEAF_SIZE;
    exo_page leaf = table_new(0, 0, 1, va), a;
    EQ(exo_table_extra(CAPS, leaf, 0, page_new(0)), 0);
    EQ(exo_table_link(CAPS, k->root, va, 1 | EXO_LINK_HEIR, leaf), 0);
    pages_new(0, k->id, &a, 1);
    EQ(bind_one(k->root, va, a, R | EXO_BIND_HEIR), 1); // mine: I pay the leaf
    EQ(ME->account[EXO_KIND_PAGE].promised, 1 + pages_of(k)->promised);
    page_gone(leaf); // the kid's now, and my promise is void
    EQ(exo_page_info(leaf)->payer, EXO_ENV_INDEX(k->id));
    EQ(ME->account[EXO_KIND_PAGE].promised, pages_of(k)->promised);
}

TEST(heirs_in_a_table_that_moved_stand_behind_others)
{
    // k's promise is struck with its table; l, an heir behind it, inherits.
    struct kid *k = kid_new(&(struct kid_plan){0}, sleep_forever, 0);
    struct kid *l = kid_new(&(struct kid_plan){0}, sleep_forever, 0);
    struct kid *m = kid_new(&(struct kid_plan){0}, sleep_forever, 0);
    uint64_t va = EXO_FIRST_UAREA + 4 * LEAF_SIZE;
    exo_page leaf = table_new(0, k->id, 1, va), link, a = page_new(0);
    pages_new(0, k->id, &link, 1);
    EQ(exo_table_extra(CAPS, leaf, 0, link), 0);
    EQ(exo_table_link(CAPS, m->root, va, 1 | EXO_LINK_HEIR, leaf), 0);
    EQ(bind_one(l->root, THERE, a, R | EXO_BIND_HEIR), 1);
    EQ(bind_one(m->root, va, a, R | EXO_BIND_HEIR), 1); // k promises
    EQ(pages_of(k)->promised, 1);
    page_gone(leaf); // m's now, without the promise
    EQ(pages_of(k)->promised, 0);
    page_gone(a);
    EQ(exo_page_info(a)->use, EXO_USE_DATA);
    EQ(exo_page_info(a)->payer, EXO_ENV_INDEX(l->id));
}

TEST(link_pages_go_with_their_table)
{
    // m inherits k's table; k's death must not take it away.
    struct kid *k = kid_new(&(struct kid_plan){0}, sleep_forever, 0);
    struct kid *m = kid_new(&(struct kid_plan){0}, sleep_forever, 0);
    uint64_t va = EXO_FIRST_UAREA + 4 * LEAF_SIZE;
    exo_page leaf = table_new(0, k->id, 1, va), link, a = page_new(0);
    pages_new(0, k->id, &link, 1);
    EQ(exo_table_extra(CAPS, leaf, 0, link), 0);
    EQ(exo_table_link(CAPS, m->root, va, 1 | EXO_LINK_HEIR, leaf), 0);
    bind_here(SCRATCH, a, R);
    EQ(bind_one(m->root, va, a, R), 1);
    page_gone(leaf);
    EQ(exo_page_info(leaf)->payer, EXO_ENV_INDEX(m->id));
    EQ(control(k->id, EXO_ENV_DESTROY), 0);
    EQ(exo_page_info(leaf)->use, EXO_USE_TABLE);
    EQ(exo_page_info(leaf)->payer, EXO_ENV_INDEX(m->id));
    EQ(entry_of(m->root, va, 1) & EXO_PTE_PAGE, a << 12);
}

TEST(root_that_moves_keeps_its_promises)
{
    // A root with an heir's link changes payer when an env is made of it.
    uint64_t va = 0;
    exo_page root = table_new(0, 0, 4, 0), three = table_new(0, 0, 3, va);
    EQ(exo_table_extra(CAPS, root, 0, page_new(0)), 0);
    EQ(exo_table_link(CAPS, root, va, 3 | EXO_LINK_HEIR, three), 0);
    EQ(ME->account[EXO_KIND_PAGE].promised, 1);
    struct exo_env_spec s = {.root = root,
                             .save = page_new(0),
                             .uarea = page_new(0),
                             .stack = {page_new(0)},
                             .rip = EXO_USER_MIN,
                             .cpu = EXO_CPU_ANY};
    s.share[EXO_KIND_PAGE] = (struct exo_share){32, 32};
    int64_t id = exo_env_create(CAPS, &s);
    if (id == -EXO_E_STATE)
        return; // refused: a way to keep the promise, too
    OK(id);
    const struct exo_account *a =
        &exo_env_info((exo_env)id)->account[EXO_KIND_PAGE];
    uint32_t his = a->promised;
    CHECK(his <= 1);
    EQ(ME->account[EXO_KIND_PAGE].promised, his);
    EQ(control((exo_env)id, EXO_ENV_DESTROY), 0);
    EQ(ME->account[EXO_KIND_PAGE].promised, 0);
}
