// SPDX-License-Identifier: MIT
/* The calls about interfaces: contracts in syscall.def. */
#include "cap/cap.h"
#include "env/env.h"
#include "net/net.h"
#include "page/page.h"
#include "tlb/user.h"

#define OPEN_STEP  32 /* pages of the area taken while the lock is held */
#define CLOSE_STEP 8  /* units of closing, as of reaping */

/* Can the caller donate this page? 0 or error. */
static int64_t
page_check(const struct env *me, const struct cap *cap, exo_page page)
{
    if (!page_valid(page))
        return -EXO_E_STATE;
    const struct exo_page_info *info = &K.page_info[page];
    if (info->payer != me->index || info->use != EXO_USE_DATA ||
        (info->flags & EXO_PAGE_LARGE))
        return -EXO_E_STATE;
    if (K.page[page].nexec)
        return -EXO_E_EXCL;
    return cap_covers(cap, info->guard, EXO_WRITE) ? 0 : -EXO_E_CAP;
}

/* The first pages of a spec: distinct, and each as it must be. */
static int64_t
first_check(const struct env *me, const struct cap *cap,
            const struct exo_iface_spec *s, exo_page area)
{
    const exo_page page[] = {s->state, s->rx, s->tx, area};
    for (unsigned n = 0; n < ARRAY_SIZE(page); n++) {
        int64_t error = page_check(me, cap, page[n]);
        for (unsigned m = 0; m < n; m++)
            if (page[m] == page[n])
                error = -EXO_E_STATE;
        if (error)
            return error;
    }
    return K.page_info[s->state].bindings ? -EXO_E_STATE : 0;
}

/* The interface of the caller whose state is in this page, or NULL. */
static struct iface *
of_state(const struct env *me, exo_page page)
{
    if (!page_valid(page) || K.page_info[page].use != EXO_USE_SAVE)
        return NULL;
    struct iface *i = page_kva(page); /* or an env: then nothing points to it */
    uint32_t index = i->index;
    if (index >= K.net.nifaces || K.net.iface[index] != i)
        return NULL;
    return i->env == me && !i->closing ? i : NULL;
}

/* Add pages to an area; how many, or the error of the first. */
static int64_t
area_add(struct iface *i, const struct cap *cap, const exo_page *page,
         uint32_t n)
{
    for (uint32_t done = 0; done < n; done++) {
        int64_t error = page_check(i->env, cap, page[done]);
        if (!error && !account_pins(i->env, EXO_KIND_PAGE, 1))
            error = -EXO_E_LIMIT;
        if (error)
            return done ? done : error;
        page_hold(page[done], EXO_USE_NET);
        i->area[i->count++] = (uint32_t)page[done];
        i->info->area = i->count;
    }
    return n;
}

int64_t
sys_net_open(uint32_t caps, EXO_USER(const struct exo_iface_spec) spec)
{
    struct env *me = env_self();
    const struct cap *over_pages = cap_slot(me, caps >> 8);
    struct exo_iface_spec s;
    exo_page area[OPEN_STEP];
    if (!user_get(&s, spec, sizeof(s) / 8))
        return -EXO_E_FAULT;
    struct iface *i = of_state(me, s.state);
    uint64_t have = i ? i->count : 0, n = s.count - have;
    if (s.count > EXO_NET_AREA_MAX || s.count <= have)
        return -EXO_E_INVAL;
    n = n < OPEN_STEP ? n : OPEN_STEP;
    if (!user_range(s.area, s.count * 8) ||
        !user_get(area, s.area + have * 8, n))
        return -EXO_E_FAULT;
    if (!i) {
        if (!cap_covers(cap_slot(me, caps), s.guard, EXO_GRANT))
            return -EXO_E_CAP;
        int64_t error = first_check(me, over_pages, &s, area[0]);
        if (error)
            return error;
        if (!account_fits(me, EXO_KIND_RING, 1) ||
            !account_pins(me, EXO_KIND_PAGE, 4))
            return -EXO_E_LIMIT;
        if (!K.net.iface_free)
            return -EXO_E_NONE;
        i = iface_place(me, &s);
    }
    int64_t added = area_add(i, over_pages, area, (uint32_t)n);
    return added < 0 ? added : (int64_t)i->id;
}

/* The interface a call names, if the caller has that right over it. */
static struct iface *
owned(exo_cap cap, exo_iface iface, unsigned right, int64_t *error)
{
    struct env *me = env_self();
    struct iface *i = iface_get(iface);
    *error = -EXO_E_STALE;
    if (!i || i->env == me)
        return i;
    *error = -EXO_E_CAP;
    return cap_covers(cap_slot(me, cap), i->info->guard, right) ? i : NULL;
}

int64_t
sys_net_close(exo_cap cap, exo_iface iface)
{
    int64_t error;
    int budget = CLOSE_STEP;
    struct iface *i = owned(cap, iface, EXO_CONTROL, &error);
    if (!i)
        return error;
    if (!i->closing && i->env != env_self())
        env_tell(i->env, EXO_KIND_RING, i->id);
    return iface_close(i, &budget) ? 0 : -EXO_E_AGAIN;
}

int64_t
sys_net_send(exo_cap cap, exo_iface iface)
{
    int64_t error;
    struct iface *i = owned(cap, iface, EXO_WRITE, &error);
    if (!i)
        return error;
    return i->closing ? -EXO_E_STALE : iface_send(i);
}
