// SPDX-License-Identifier: MIT
/* The capability calls: contracts in syscall.def. */
#include "cap/cap.h"
#include "env/env.h"
#include "tlb/user.h"

#define PURGE_SLOTS 10 /* without a step, and nobody waits for it any more */
#define PURGE_STEP  4  /* capability lists swept while the lock is held */

static void
slot_write(struct cap *slot, uint64_t name, unsigned length, unsigned rights)
{
    *slot = (struct cap){.name = name,
                         .mask = cap_mask(length),
                         .length = (uint8_t)length,
                         .rights = (uint8_t)rights};
}

/* Does the purge that goes on hold up who presents a prefix of `length` bits?
 * Who holds a shorter prefix goes first, and nobody waits for one who has
 * stopped. */
static bool
purge_goes_first(unsigned length)
{
    return env_get(K.purge.owner) && length >= K.purge.length &&
           hw_rdtsc() - K.purge.stamp < PURGE_SLOTS * K.slot_tsc;
}

/* A grant of this name: what a purge swept must stay swept, so the grant waits
 * for it, or makes it start over. */
static bool
purge_gives_way(uint64_t name, unsigned length)
{
    if ((name ^ K.purge.name) & K.purge.mask)
        return true;
    if (purge_goes_first(length))
        return false;
    K.purge.owner = 0;
    return true;
}

int64_t
sys_cap_grant(uint32_t caps, exo_env env, exo_cap to, uint64_t name,
              uint32_t length_rights)
{
    struct env *me = env_self();
    const struct cap *from = cap_slot(me, caps);
    unsigned length = length_rights & 0xff, rights = length_rights >> 8;
    if (to >= EXO_CAPS_MAX || length > 64 || rights > EXO_ALL)
        return -EXO_E_INVAL;
    if (!cap_is_part(from, name, length, rights))
        return -EXO_E_CAP;
    struct env *receiver = env ? env_get(env) : me;
    if (!receiver || !env_alive(receiver))
        return -EXO_E_STALE;
    struct cap *slot = &receiver->cap[to];
    if (receiver != me) {
        if (!(from->rights & EXO_GRANT))
            return -EXO_E_CAP;
        bool mine = receiver->parent == me &&
                    cap_covers(cap_slot(me, caps >> 8), receiver->info->guard,
                               EXO_CONTROL);
        if (!mine && !(slot->opened && slot->name == me->id))
            return -EXO_E_BUSY;
        if (!purge_gives_way(name, from->length))
            return -EXO_E_AGAIN;
    }
    slot_write(slot, name, length, rights);
    return 0;
}

int64_t
sys_cap_drop(exo_cap slot)
{
    if (slot >= EXO_CAPS_MAX)
        return -EXO_E_INVAL;
    env_self()->cap[slot] = (struct cap){0};
    return 0;
}

int64_t
sys_cap_open(exo_cap slot, exo_env sender)
{
    if (slot >= EXO_CAPS_MAX)
        return -EXO_E_INVAL;
    struct cap *c = &env_self()->cap[slot];
    if (c->rights)
        return -EXO_E_BUSY;
    if (sender && !env_get(sender))
        return -EXO_E_STALE;
    *c = (struct cap){.name = sender, .opened = sender != 0};
    return 0;
}

int64_t
sys_cap_read(exo_cap slot, EXO_USER(struct exo_cap_info) out)
{
    if (slot >= EXO_CAPS_MAX)
        return -EXO_E_INVAL;
    const struct cap *c = &env_self()->cap[slot];
    struct exo_cap_info info = {.name = c->name,
                                .length = c->length,
                                .rights = c->rights,
                                .opened = c->opened};
    return user_put(out, &info, sizeof(info) / 8) ? 0 : -EXO_E_FAULT;
}

static void
purge_list(struct env *e, uint64_t name, unsigned length)
{
    for (unsigned i = 0; i < EXO_CAPS_MAX; i++) {
        struct cap *c = &e->cap[i];
        if (c->rights && c->length >= length &&
            ((c->name ^ name) & cap_mask(length)) == 0)
            *c = (struct cap){0};
    }
}

/* Is this the next step of the purge that goes on, or may it begin one? */
static bool
purge_goes_on(const struct env *me, uint64_t name, unsigned length,
              uint64_t cursor, unsigned cap_length)
{
    bool mine = K.purge.owner == me->id;
    if (cursor) {
        if (!mine || K.purge.name != name || K.purge.mask != cap_mask(length))
            return false;
    } else {
        if (!mine && purge_goes_first(cap_length))
            return false;
        K.purge.owner = me->id;
        K.purge.name = name;
        K.purge.mask = cap_mask(length);
        K.purge.length = cap_length;
    }
    K.purge.stamp = hw_rdtsc();
    return true;
}

int64_t
sys_cap_purge(exo_cap cap, uint64_t name, uint32_t length, uint64_t cursor)
{
    struct env *me = env_self();
    if (length > 64 || (name & ~cap_mask(length)) || cursor > K.nenvs)
        return -EXO_E_INVAL;
    const struct cap *from = cap_slot(me, cap);
    if (!cap_is_part(from, name, length, EXO_CONTROL))
        return -EXO_E_CAP;
    if (!purge_goes_on(me, name, length, cursor, from->length))
        return -EXO_E_AGAIN;
    unsigned swept = 0;
    for (uint64_t i = cursor ? cursor : 1; i < K.nenvs; i++) {
        if (i - cursor > 16 * PURGE_STEP || swept == PURGE_STEP)
            return (int64_t)i;
        if (!K.env[i] || K.env[i] == me)
            continue;
        purge_list(K.env[i], name, length);
        swept++;
    }
    K.purge.owner = 0;
    return 0;
}
