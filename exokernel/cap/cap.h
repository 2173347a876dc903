// SPDX-License-Identifier: MIT
/*
 * Capabilities: who may. Accounts: how much.
 *
 * A capability is a prefix over 64-bit guards; one exclusive-or and one mask
 * decide. An account counts, per env and kind of resource, what the env and
 * its descendants use; every charge goes to the env and all its ancestors.
 *
 * CAP-1  the bits of a capability's name outside its mask are zero.
 * CAP-2  an empty slot has rights 0, so it covers nothing.
 * ACC-1  own <= used <= limit for every env; carved <= reserved <= limit.
 * ACC-2  used = own + used of all children; carved = reserved of all children.
 * ACC-3  pinned <= reserved - carved: what cannot be revoked is guaranteed.
 *
 * Policy left to the libOS: what a prefix means, how it is subdivided, who gets
 * how much. How it is taken back: cap_purge sweeps all lists; env_account
 * lowers a limit; reguard takes one resource. [Engler95 3.2], [Hand99 4]
 */
#ifndef EXO_CAP_CAP_H
#define EXO_CAP_CAP_H

#include "kernel.h"

/* Mask of a prefix of `length` bits, 0..64. */
static inline uint64_t
cap_mask(unsigned length)
{
    return length ? ~0ull << (64 - length) : 0;
}

static inline bool
cap_matches(const struct cap *cap, exo_guard guard)
{
    return ((cap->name ^ guard) & cap->mask) == 0;
}

static inline bool
cap_covers(const struct cap *cap, exo_guard guard, unsigned rights)
{
    return cap_matches(cap, guard) && (cap->rights & rights) == rights;
}

extern const struct cap cap_nothing; /* covers nothing */

/* The capability in slot `slot` of a list; an empty one if there is no such
 * slot. Only the low eight bits count, see EXO_CAPS. */
static inline const struct cap *
cap_slot(const struct env *e, uint32_t slot)
{
    slot &= 0xff;
    return likely(slot < EXO_CAPS_MAX) ? &e->cap[slot] : &cap_nothing;
}

/* Is `part` inside what `whole` allows? */
bool cap_is_part(const struct cap *whole, uint64_t name, unsigned length,
                 unsigned rights);

/* Would n more fit e's and every ancestor's limit? */
static inline bool
account_fits(const struct env *e, enum exo_kind kind, uint32_t n)
{
    for (; e; e = e->parent) {
        const struct exo_account *a = &e->info->account[kind];
        if ((uint64_t)a->used + a->promised + n > a->limit)
            return false;
    }
    return true;
}

/* Sort e, a child of the first env, into or out of K.excess. */
void account_sort(struct env *e);
void account_unsort(struct env *e);

/* Add n (perhaps negative) to the use of e and its ancestors; the one below the
 * first env may change its place in K.excess. */
static inline void
account_move(struct env *e, enum exo_kind kind, uint32_t n)
{
    struct env *top = NULL;
    e->info->account[kind].own += n;
    for (; e; e = e->parent) {
        e->info->account[kind].used += n;
        if (e->parent == K.first)
            top = e;
    }
    if (top && kind == EXO_KIND_PAGE)
        account_sort(top);
}

/* Charge n to e and its ancestors. needs: account_fits(). */
static inline void
account_charge(struct env *e, enum exo_kind kind, uint32_t n)
{
    account_move(e, kind, n);
}

static inline void
account_refund(struct env *e, enum exo_kind kind, uint32_t n)
{
    assert(e->info->account[kind].own >= n);
    account_move(e, kind, -n);
}

/* Charge ahead for pages an env is heir of. needs: account_fits(). */
void account_promise(struct env *e, uint32_t n);
void account_unpromise(struct env *e, uint32_t n);

/* Is there room in e's own reservation for n irrevocable ones? */
bool account_pins(const struct env *e, enum exo_kind kind, uint32_t n);

/* Is one more still inside e's own reservation? Such use is never revoked. */
bool account_guaranteed(const struct env *e, enum exo_kind kind);

/* Set reservation and limit of e, carving from its parent; false if the parent
 * has not so much left or e already uses it. */
bool account_set(struct env *e, enum exo_kind kind, struct exo_share share);

/* The env below the first one with most pages above its reservation, or NULL:
 * the kernel's whole policy of whom to ask on shortage. */
struct env *account_victim(void);

/* Pages e holds above its reservation, descendants included. */
uint32_t account_excess(const struct env *e);

/* Panics when an invariant of this room is broken for e. */
void check_cap(const struct env *e);

#endif
