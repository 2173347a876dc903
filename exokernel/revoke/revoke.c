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

#define SHORTAGE_BATCH 128 /* pages asked for, so that not each one is */
#define TAKE_STEP      6   /* units of work for each time the alarm rings */
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
asker_remove(struct env *e)
{
    if (e->asker_prev)
        e->asker_prev->asker_next = e->asker_next;
    else
        K.askers = e->asker_next;
    if (e->asker_next)
        e->asker_next->asker_prev = e->asker_prev;
    else
        K.askers_last = e->asker_prev;
    e->asking = false;
}

static void
asker_add(struct env *e)
{
    e->asker_next = NULL;
    e->asker_prev = K.askers_last;
    if (K.askers_last)
        K.askers_last->asker_next = e;
    else
        K.askers = e;
    K.askers_last = e;
    e->asking = true;
}

/* Tell who came first that it is worth asking again. If that was not enough it
 * will be in the list again. */
static void
tell_asker(void)
{
    struct env *e = K.askers;
    if (!e)
        return;
    asker_remove(e);
    env_ring(e, EXO_EVENT_GRANT);
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
    tell_asker(); /* even if it gave less: there may be somebody else to ask */
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
    tell_asker();
}

/* The next page in the libOS's release order, 0 at its end. What it says is
 * checked like any user's word, and what is worthless costs its author. */
static exo_page
next_released(struct env *e, int *budget)
{
    const struct exo_uarea *u = e->uarea;
    uint32_t count = __atomic_load_n(&u->release_count, __ATOMIC_RELAXED);
    count = least(count, RELEASE_MAX);
    while (e->release_next < count && --*budget > 0) {
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
 * else a child above its reservation. NULL: none was found within the budget,
 * or *none says that there is none. */
static struct env *
giver(struct env *e, int *budget, bool *none)
{
    *none = false;
    while (!e->pages) {
        struct env *first = e->child, *child = first;
        while (child && !account_excess(child)) {
            if (--*budget < 0)
                return NULL;
            env_child_last(child); /* the next look begins behind it */
            child = e->child == first ? NULL : e->child;
        }
        if (!child) {
            *none = true;
            return NULL;
        }
        e = child;
    }
    return e;
}

/* 1: a page was taken, 0: the budget ended, -1: there is none to take. */
static int
take_one(struct env *e, int *budget)
{
    bool none;
    struct env *from = giver(e, budget, &none);
    if (!from)
        return none ? -1 : 0;
    exo_page page = next_released(from, budget);
    if (!page)
        page = from->pages;
    if (K.page_info[page].use == EXO_USE_TAIL)
        page &= ~(exo_page)(EXO_LARGE_PAGES - 1);
    if (!tlb_drop(page, budget, env_tell_taken))
        return 0;
    trace(hw_this_cpu(), EXO_TRACE_TAKEN, from, EXO_KIND_PAGE, page);
    env_tell_taken(from, page);
    return 1;
}

/* The deadline passed: take what is missing, in steps. */
static void
expire(struct env *e)
{
    int budget = TAKE_STEP, taken = 1;
    while (e->revoke_left && account_excess(e) && taken > 0)
        taken = take_one(e, &budget);
    if (!e->revoke_left)
        return;
    if (taken < 0 || !account_excess(e))
        finish(e);
    else
        env_timer_arm(hw_this_cpu(), e, TIMER_REVOKE, hw_rdtsc());
}

/* Ask the victim for n pages, or for n more. */
static void
ask_more(struct env *victim, uint32_t n)
{
    if (!victim->revoke_left) {
        /* After one round of the vector whoever owns a slot has had it. */
        revoke_ask(victim, n, hw_rdtsc() + K.nslots * K.slot_tsc, 0);
        return;
    }
    victim->revoke_left =
        least(victim->revoke_left + n, account_excess(victim));
    publish(victim);
    upcall_post(victim, EXO_UP_REVOKE);
}

bool
revoke_shortage(struct env *asker)
{
    struct env *victim = account_victim();
    if (asker->asking)
        return true;
    if (!victim)
        return false;
    const struct exo_account *a = &asker->info->account[EXO_KIND_PAGE];
    uint32_t n = least(SHORTAGE_BATCH, a->reserved - a->carved - a->own);
    n = least(n, account_excess(victim));
    if (n > asker->owed) {
        K.machine->pages_earmarked += n - asker->owed;
        asker->owed = n;
    }
    asker_add(asker);
    ask_more(victim, n);
    return true;
}

/* An env ends: what it waits for, and what is asked of it. */
static void
forget(struct env *e)
{
    if (e->asking)
        asker_remove(e);
    K.machine->pages_earmarked -= e->owed;
    e->owed = 0;
    if (!e->revoke_left)
        return;
    e->revoke_left = 0;
    K.revokes--;
    tell_asker();
}

void
revoke_init(void)
{
    page_on_free = on_free;
    slice_on_revoke = expire;
    env_on_end = forget;
}
