// SPDX-License-Identifier: MIT
/* Visible revocation: see revoke.h. */
#include "revoke/revoke.h"

#include "cap/cap.h"
#include "debug/trace.h"
#include "env/env.h"
#include "env/upcall.h"
#include "page/page.h"
#include "slice/slice.h"
#include "tlb/tlb.h"

#define SHORTAGE_BATCH 16 /* pages asked for, so that not each one is */
#define SHORTAGE_SLOTS 10 /* the kernel's deadline, in slots */
#define TAKE_STEP      16 /* units of work for each time the alarm rings */
#define RELEASE_MAX    2048

static uint32_t
least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static void
publish(struct env *e)
{
    __atomic_store_n(&e->uarea->revoke.count, e->revoke_left, __ATOMIC_RELEASE);
}

uint32_t
revoke_ask(struct env *e, uint32_t count, exo_tsc deadline, exo_env asker)
{
    struct cpu *c = hw_this_cpu();
    count = least(count, account_excess(e));
    if (!count)
        return 0;
    e->revoke_left = e->revoke_asked = count;
    e->revoke_from = hw_rdtsc();
    e->release_next = 0;
    e->info->revokes++;
    e->uarea->revoke = (struct exo_revoke){
        .kind = EXO_KIND_PAGE, .deadline = deadline, .asker = asker};
    publish(e);
    K.revokes++;
    env_timer_arm(c, e, TIMER_REVOKE, deadline);
    slice_arm(c);
    trace(c, EXO_TRACE_REVOKE, e, EXO_KIND_PAGE, count);
    upcall_post(e, EXO_UP_REVOKE);
    return count;
}

static void
finish(struct env *e)
{
    uint64_t us = (hw_rdtsc() - e->revoke_from) * 1000 / K.tsc_khz;
    unsigned bucket = us ? 64 - (unsigned)__builtin_clzll(us) : 0;
    e->info->revoke_latency[bucket < 16 ? bucket : 15]++;
    e->revoke_left = 0;
    publish(e);
    K.revokes--;
    env_timer_cancel(e, TIMER_REVOKE);
}

/* Tell those whose pages are there now, first come first. */
static void
tell_askers(void)
{
    while (K.askers && K.machine->pages_free >= K.askers->owed) {
        struct env *e = K.askers;
        K.askers = e->asker_next;
        if (!K.askers)
            K.askers_end = &K.askers;
        e->asker_next = NULL;
        if (env_alive(e))
            env_ring(e, EXO_EVENT_GRANT);
    }
}

/* A page became free: it counts for every request above its payer. */
static void
on_free(struct env *payer)
{
    for (struct env *e = payer; e; e = e->parent) {
        if (!e->revoke_left)
            continue;
        e->info->revoked++;
        e->revoke_left--;
        publish(e);
        if (!e->revoke_left)
            finish(e);
    }
    tell_askers();
}

/* The next page in the libOS's release order, 0 at its end. What it says is
 * checked like any user's word. */
static exo_page
next_released(struct env *e)
{
    const struct exo_uarea *u = e->uarea;
    uint32_t count = __atomic_load_n(&u->release_count, __ATOMIC_RELAXED);
    count = least(count, RELEASE_MAX);
    while (e->release_next < count) {
        uint32_t i = e->release_next++;
        exo_page list = uarea_read(&u->release[i / 512]);
        if (!page_valid(list) || K.page_info[list].payer != e->index ||
            K.page_info[list].use != EXO_USE_DATA)
            continue;
        exo_page page = uarea_read((uint64_t *)page_kva(list) + i % 512);
        if (page_valid(page) && K.page_info[page].payer == e->index &&
            K.page_info[page].use == EXO_USE_DATA)
            return page;
    }
    return 0;
}

/* Who of e and its descendants gives the next page: e itself while it has any,
 * else a child above its reservation. */
static struct env *
giver(struct env *e)
{
    while (!e->pages) {
        struct env *child = e->child;
        while (child && !account_excess(child))
            child = child->sibling_next;
        if (!child)
            return NULL;
        e = child;
    }
    return e;
}

static bool
take_one(struct env *e, int *budget)
{
    struct env *from = giver(e);
    if (!from)
        return false;
    exo_page page = next_released(from);
    if (!page)
        page = from->pages;
    if (K.page_info[page].use == EXO_USE_TAIL)
        page &= ~(exo_page)(EXO_LARGE_PAGES - 1);
    if (!tlb_drop(page, budget, env_tell_taken))
        return false;
    trace(hw_this_cpu(), EXO_TRACE_TAKEN, from, EXO_KIND_PAGE, page);
    env_tell_taken(from, page);
    return true;
}

/* The deadline passed: take what is missing, in steps. */
static void
expire(struct env *e)
{
    int budget = TAKE_STEP;
    while (e->revoke_left && account_excess(e) && budget > 0)
        if (!take_one(e, &budget))
            break;
    if (!e->revoke_left)
        return;
    if (!account_excess(e) || !giver(e))
        finish(e);
    else
        env_timer_arm(hw_this_cpu(), e, TIMER_REVOKE, hw_rdtsc());
}

bool
revoke_shortage(struct env *asker)
{
    if (asker->owed)
        return true;
    struct env *victim = account_victim();
    if (!victim && !K.dying_head)
        return false;
    const struct exo_account *a = &asker->info->account[EXO_KIND_PAGE];
    uint32_t n = least(SHORTAGE_BATCH, a->reserved - a->carved - a->own);
    asker->owed = n;
    K.machine->pages_earmarked += n;
    asker->asker_next = NULL;
    *K.askers_end = asker;
    K.askers_end = &asker->asker_next;
    if (!victim)
        return true;
    if (victim->revoke_left) {
        victim->revoke_left =
            least(victim->revoke_left + n, account_excess(victim));
        publish(victim);
        upcall_post(victim, EXO_UP_REVOKE);
        return true;
    }
    revoke_ask(victim, n, hw_rdtsc() + SHORTAGE_SLOTS * K.slot_tsc, 0);
    return true;
}

void
revoke_granted(struct env *payer)
{
    if (likely(!payer->owed))
        return;
    payer->owed--;
    K.machine->pages_earmarked--;
}

/* An env that is owed pages ends. */
static void
forget(struct env *e)
{
    for (struct env **at = &K.askers; *at; at = &(*at)->asker_next) {
        if (*at != e)
            continue;
        *at = e->asker_next;
        if (!*at)
            K.askers_end = at;
        break;
    }
    K.machine->pages_earmarked -= e->owed;
    e->owed = 0;
    if (e->revoke_left) {
        e->revoke_left = 0;
        K.revokes--;
    }
}

void
revoke_init(void)
{
    page_on_free = on_free;
    slice_on_revoke = expire;
    env_on_end = forget;
}
