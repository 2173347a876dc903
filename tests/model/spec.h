// SPDX-License-Identifier: MIT
/*
 * What the files of the model share: looking things up, and sets of refusals.
 *
 * A rule returns the set of errors that apply; empty means success. The kernel
 * may report any of them.
 */
#ifndef TEST_SPEC_H
#define TEST_SPEC_H

#include "model.h"

#define ERR(name) (1u << EXO_E_##name)

static inline const struct model_cap *
spec_cap(unsigned me, uint32_t slot)
{
    static const struct model_cap none;
    slot &= 0xff;
    return slot < EXO_CAPS_MAX ? &model.env[me].cap[slot] : &none;
}

static inline bool
spec_covers(const struct model_cap *c, exo_guard guard, unsigned rights)
{
    uint64_t mask = c->length ? ~0ull << (64 - c->length) : 0;
    return !c->opened && (c->rights & rights) == rights &&
           ((c->name ^ guard) & mask) == 0;
}

static inline bool
spec_page(exo_page page)
{
    return page && page < model.npages;
}

static inline bool
spec_table(exo_page page, unsigned level)
{
    return spec_page(page) && model.page[page].use == EXO_USE_TABLE &&
           model.page[page].level == level;
}

static inline unsigned
spec_shift(unsigned level)
{
    return 3 + 9 * level;
}

/* The env with this id, or 0. */
static inline unsigned
spec_env(exo_env id)
{
    unsigned i = EXO_ENV_INDEX(id);
    return i && i < model.nenvs && model.env[i].id == id ? i : 0;
}

/* The table of `level` that maps va under root; 0: none. */
static inline exo_page
spec_walk(exo_page root, uint64_t va, unsigned level)
{
    exo_page table = root;
    for (unsigned l = 4; l > level; l--) {
        uint64_t e = model.page[table].entry[va >> spec_shift(l) & 511];
        if (!(e & EXO_PTE_P) || (e & EXO_PTE_PS))
            return 0;
        table = (e & EXO_PTE_PAGE) >> EXO_PAGE_SHIFT;
    }
    return table;
}

bool spec_fits(unsigned env, uint32_t n);
bool spec_pins(unsigned env, uint32_t n);
unsigned spec_bound(exo_page page);
unsigned spec_writable(exo_page page);
unsigned spec_executable(exo_page page);

/* Take an entry out, or put one in, with the record of it. */
void spec_unbind(exo_page table, unsigned index);
void spec_bind(exo_page table, unsigned index, exo_page page, uint64_t bits);

/* Is there a record to be had for a binding there? */
bool spec_room(exo_page page, exo_page table, unsigned index, bool heir);

/* Stop unless `result` is success or in the set of errors; true: success. */
bool spec_judge(const char *call, uint32_t errors, int64_t result);

bool spec_bind_call(const struct model_args *c, int64_t result);
bool spec_table_make(const struct model_args *c, int64_t result);
bool spec_table_link(const struct model_args *c, int64_t result);
bool spec_table_extra(const struct model_args *c, int64_t result);
bool spec_page_alloc(const struct model_args *c, int64_t result);
bool spec_page_free(const struct model_args *c, int64_t result);
bool spec_page_size(const struct model_args *c, int64_t result);
bool spec_reguard(const struct model_args *c, int64_t result);
bool spec_cap_grant(const struct model_args *c, int64_t result);
bool spec_cap_rest(const struct model_args *c, int64_t result);
bool spec_slot_set(const struct model_args *c, int64_t result);
bool spec_env_account(const struct model_args *c, int64_t result);

#endif
