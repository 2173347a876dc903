// SPDX-License-Identifier: MIT
/* The calls about filters: contracts in syscall.def. */
#include "cap/cap.h"
#include "env/env.h"
#include "net/filter.h"
#include "net/net.h"
#include "tlb/user.h"

#define REMOVE_STEP 8 /* units of work while the lock is held */

#define SPEC_WORDS (offsetof(struct exo_filter_spec, atom) / 8)
#define ATOM_WORDS (sizeof(struct exo_atom) / 8)

/* The spec and as many atoms as it says, all read once. */
static int64_t
spec_get(struct exo_filter_spec *s, uint64_t uva)
{
    if (!user_get(s, uva, SPEC_WORDS))
        return -EXO_E_FAULT;
    uint32_t flags =
        s->direction == EXO_NET_SEND ? EXO_FILTER_LOCAL : EXO_FILTER_SHARED;
    if (s->direction > EXO_NET_SEND || (s->flags & ~flags) || s->zero ||
        s->count == 0 || s->count > EXO_ATOMS_MAX)
        return -EXO_E_INVAL;
    return user_get(s->atom, uva + 8 * SPEC_WORDS, s->count * ATOM_WORDS)
               ? 0
               : -EXO_E_FAULT;
}

/* May a filter be made below this one with that capability? */
static int64_t
parent_check(const struct cap *cap, const struct exo_filter_spec *s)
{
    uint32_t parent = EXO_NET_INDEX(s->parent);
    if (!s->parent)
        return cap_covers(cap, 0, EXO_GRANT) ? 0 : -EXO_E_CAP;
    if (!filter_is(s->parent))
        return -EXO_E_STALE;
    if (!cap_covers(cap, K.net.filter_info[parent].guard, EXO_GRANT))
        return -EXO_E_CAP;
    if (filter_is_leaving(parent))
        return -EXO_E_STALE;
    if (K.net.filter_info[parent].direction != s->direction)
        return -EXO_E_INVAL;
    return K.net.filter[parent].nest < EXO_NEST_MAX ? 0 : -EXO_E_LIMIT;
}

static int64_t
payer_check(const struct env *me, const struct cap *cap, exo_env id,
            struct env **payer)
{
    *payer = id ? env_get(id) : env_self();
    if (!*payer || !env_alive(*payer))
        return -EXO_E_STALE;
    return *payer == me || cap_covers(cap, (*payer)->info->guard, EXO_CONTROL)
               ? 0
               : -EXO_E_CAP;
}

int64_t
sys_filter_add(uint32_t caps, EXO_USER(const struct exo_filter_spec) spec)
{
    struct env *me = env_self(), *payer;
    struct exo_filter_spec s;
    const struct cap *cap = cap_slot(me, caps);
    int64_t error = spec_get(&s, spec);
    if (!error)
        error = parent_check(cap, &s);
    if (!error)
        error = payer_check(me, cap, s.payer, &payer);
    if (error)
        return error;
    if (!cap_covers(cap_slot(me, caps >> 8), s.guard, EXO_GRANT))
        return -EXO_E_CAP;
    error = filter_check(s.direction, EXO_NET_INDEX(s.parent), s.atom, s.count);
    if (error)
        return error;
    if (!account_fits(payer, EXO_KIND_ATOM, s.count + 1))
        return -EXO_E_LIMIT;
    if (!K.net.filter_free)
        return -EXO_E_NONE;
    return (int64_t)filter_place(payer, &s);
}

int64_t
sys_filter_remove(exo_cap cap, exo_filter filter)
{
    struct env *me = env_self();
    int budget = REMOVE_STEP;
    if (!filter_is(filter))
        return -EXO_E_STALE;
    uint32_t index = EXO_NET_INDEX(filter);
    const struct exo_filter_info *info = &K.net.filter_info[index];
    if (info->payer != me->index &&
        !cap_covers(cap_slot(me, cap), info->guard, EXO_CONTROL))
        return -EXO_E_CAP;
    return filter_remove(index, me, &budget) ? 0 : -EXO_E_AGAIN;
}

/* What may be done with a filter by whom, and what that needs. */
static unsigned
right_to(uint32_t index, enum exo_attach how)
{
    if (how == EXO_ATTACH_TAP)
        return EXO_CONTROL;
    return K.net.filter_info[index].flags & EXO_FILTER_SHARED ? EXO_READ
                                                              : EXO_WRITE;
}

static int64_t
attach(const struct env *me, uint32_t caps, uint32_t index, struct iface *i,
       enum exo_attach how)
{
    uint32_t most = how == EXO_ATTACH_TAP ? EXO_TAPS_MAX : EXO_SHARERS_MAX;
    bool costs = net_link_costs(index, how);
    if (!cap_covers(cap_slot(me, caps), K.net.filter_info[index].guard,
                    right_to(index, how)) ||
        !cap_covers(cap_slot(me, caps >> 8), i->info->guard, EXO_WRITE))
        return -EXO_E_CAP;
    if (i->closing || !env_alive(i->env) || filter_is_leaving(index))
        return -EXO_E_STALE;
    if (net_link_find(index, i, how))
        return -EXO_E_STATE;
    if (!costs && net_link_count(index, how))
        return -EXO_E_BUSY;
    if (costs && (net_link_count(index, how) >= most ||
                  !account_fits(i->env, EXO_KIND_ATOM, 1)))
        return -EXO_E_LIMIT;
    net_link_make(index, i, how);
    return 0;
}

/* As attached, and as a tap. */
static int64_t
detach(const struct env *me, uint32_t caps, uint32_t index, struct iface *i)
{
    const struct exo_filter_info *info = &K.net.filter_info[index];
    if (i->env != me &&
        !cap_covers(cap_slot(me, caps), info->guard, EXO_CONTROL))
        return -EXO_E_CAP;
    uint32_t attached = net_link_find(index, i, EXO_ATTACH);
    uint32_t tap = net_link_find(index, i, EXO_ATTACH_TAP);
    if (!attached && !tap)
        return -EXO_E_STATE;
    if (attached)
        net_link_break(attached);
    if (tap)
        net_link_break(tap);
    if (i->env != me)
        env_tell(i->env, EXO_KIND_ATOM, info->id);
    return 0;
}

int64_t
sys_filter_attach(uint32_t caps, exo_filter filter, exo_iface iface,
                  uint32_t how)
{
    const struct env *me = env_self();
    struct iface *i = iface_get(iface);
    uint32_t index = EXO_NET_INDEX(filter);
    if (how > EXO_ATTACH_TAP)
        return -EXO_E_INVAL;
    if (!filter_is(filter) || !i)
        return -EXO_E_STALE;
    return how == EXO_ATTACH_NOT ? detach(me, caps, index, i)
                                 : attach(me, caps, index, i, how);
}
