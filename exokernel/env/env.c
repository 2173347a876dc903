// SPDX-License-Identifier: MIT
/* Making envs and taking their slots away: see env.h. */
#include "env/env.h"

#include "boot/memory.h"
#include "cap/cap.h"
#include "env/fpu.h"
#include "lib/string.h"
#include "page/page.h"
#include "tlb/tlb.h"

#define PAGES_PER_ENV 12 /* one env slot for so many pages of memory */
#define ENVS_MIN      64
#define ENVS_MAX      65535

void
env_init(void)
{
    uint64_t n = K.boot.ram_pages_total / PAGES_PER_ENV;
    K.nenvs = (uint32_t)(n < ENVS_MIN ? ENVS_MIN : n > ENVS_MAX ? ENVS_MAX : n);
    K.env = boot_alloc(K.nenvs * sizeof(*K.env), 64);
    K.env_generation = boot_alloc(K.nenvs * sizeof(uint64_t), 64);
    K.env_free_next = boot_alloc(K.nenvs * sizeof(uint32_t), 64);
    for (uint32_t i = K.nenvs - 1; i >= 1; i--) {
        K.env_free_next[i] = K.env_free_head;
        K.env_free_head = i;
    }
    ring_init(&K.queue);
    for (unsigned i = 0; i < K.ncpus; i++)
        ring_init(&K.cpu[i]->queue);
    fpu_init();
}

struct env *
env_place(exo_page save)
{
    uint32_t index = K.env_free_head;
    if (!index)
        return NULL;
    K.env_free_head = K.env_free_next[index];
    struct env *e = page_kva(save);
    memset(e, 0, sizeof(*e));
    e->index = index;
    e->id = ++K.env_generation[index] << EXO_ENV_INDEX_BITS | index;
    e->save = save;
    e->cpu = EXO_CPU_ANY;
    e->queue = &K.queue;
    ring_init(&e->callers);
    e->info = &K.env_info[index];
    memset(e->info, 0, sizeof(*e->info));
    e->info->id = e->id;
    e->info->state = EXO_ENV_EMBRYO;
    e->info->born = hw_rdtsc();
    K.env[index] = e;
    return e;
}

void
env_adopt(struct env *parent, struct env *child)
{
    struct env *last = parent->child_last;
    child->parent = parent;
    child->info->parent = parent->id;
    child->sibling_prev = last;
    child->sibling_next = NULL;
    parent->child_last = child;
    if (last)
        last->sibling_next = child;
    else
        parent->child = child;
}

static void
env_orphan(struct env *e)
{
    struct env *parent = e->parent;
    struct env *next = e->sibling_next, *prev = e->sibling_prev;
    if (prev)
        prev->sibling_next = next;
    else if (parent)
        parent->child = next;
    if (next)
        next->sibling_prev = prev;
    else if (parent)
        parent->child_last = prev;
    e->parent = NULL;
}

void
env_child_last(struct env *child)
{
    struct env *parent = child->parent;
    env_orphan(child);
    env_adopt(parent, child);
}

void
env_move(struct env *child, struct env *heir)
{
    account_refund(child->parent, EXO_KIND_ENV, 1);
    for (unsigned kind = 0; kind < EXO_KINDS; kind++) {
        const struct exo_account *a = &child->info->account[kind];
        for (struct env *p = child->parent; p != heir; p = p->parent) {
            struct exo_account *b = &p->info->account[kind];
            b->used -= a->used;
            b->promised -= a->promised;
            b->carved -= a->reserved;
            b->reserved -= a->reserved;
        }
    }
    env_orphan(child);
    env_adopt(heir, child);
    account_charge(heir, EXO_KIND_ENV, 1);
    if (heir == K.first)
        account_sort(child);
    if (child->uarea_page)
        child->uarea->parent = heir->id;
}

/* Envs that share a root stand in a ring; the root's `users` is the index of
 * one of them. */
void
env_use_root(struct env *e, exo_page root)
{
    struct page *p = &K.page[root];
    struct env *other = p->users ? K.env[p->users] : e;
    if (other == e)
        e->root_next = e->root_prev = e;
    e->root_next = other;
    e->root_prev = other->root_prev;
    other->root_prev->root_next = e;
    other->root_prev = e;
    p->users = e->index;
    e->root_pa = root << EXO_PAGE_SHIFT;
    e->info->root = root;
    if (e->info->flags & EXO_ENV_HIDE)
        table_entries(root)[255] = 0;
}

void
env_leave_root(struct env *e)
{
    struct page *p = &K.page[e->root_pa >> EXO_PAGE_SHIFT];
    p->users = e->root_next == e ? 0 : e->root_next->index;
    e->root_next->root_prev = e->root_prev;
    e->root_prev->root_next = e->root_next;
    e->root_next = e->root_prev = NULL;
    e->root_pa = 0;
}

void
env_set_stack(struct env *e, unsigned pages)
{
    char *last = page_kva(e->stack_page[pages - 1]);
    e->stack_bytes = pages * EXO_PAGE_BYTES;
    e->frame_top = (void *)(last + EXO_PAGE_BYTES - sizeof(struct exo_frame));
}

/* Mixes whatever unpredictable there is; the clock page says how much. */
static uint64_t
random_word(struct env *e, unsigned i)
{
    static uint64_t state;
    uint64_t hardware = 0;
    hw_rdrand(&hardware);
    state = (state ^ hw_rdtsc() ^ hardware ^ e->id) + 0x9e3779b97f4a7c15ull + i;
    uint64_t z = state; /* splitmix64 [Steele14] */
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31 ^ hardware;
}

void
env_fill_uarea(struct env *e, uint64_t arg)
{
    struct exo_uarea *u = e->uarea;
    u->self = e->id;
    u->parent = e->parent ? e->parent->id : 0;
    u->arg = arg;
    u->pending = 0;
    u->events = 0;
    memset(&u->revoke, 0, sizeof(u->revoke));
    memset(&u->taken, 0, sizeof(u->taken));
    for (unsigned i = 0; i < ARRAY_SIZE(u->seed); i++)
        u->seed[i] = random_word(e, i);
}

void
env_bury(struct env *e)
{
    uint32_t index = e->index;
    assert(env_state(e) == EXO_ENV_DEAD && !e->child);
    assert(!e->pages && !e->held);
    if (e->parent)
        account_refund(e->parent, EXO_KIND_ENV, 1);
    env_orphan(e);
    memset(e->info, 0, sizeof(*e->info));
    K.env[index] = NULL;
    K.env_free_next[index] = K.env_free_head;
    K.env_free_head = index;
}

void
check_env(const struct env *e)
{
    unsigned state = env_state(e), running = 0;
    for (unsigned i = 0; i < K.ncpus; i++)
        running += K.cpu[i]->current == e;
    assert(running == (state == EXO_ENV_RUNNING) || state >= EXO_ENV_STOPPED);
    assert(K.env[e->index] == e);
    if (state >= EXO_ENV_DYING)
        assert(!e->heap_place[TIMER_WAIT] && !e->heap_place[TIMER_REVOKE]);
    check_cap(e);
    for (unsigned kind = 0; kind < EXO_KINDS; kind++) {
        const struct exo_account *a = &e->info->account[kind];
        uint64_t used = a->own, carved = 0;
        for (const struct env *x = e->child; x; x = x->sibling_next) {
            used += x->info->account[kind].used;
            if (x->info->state != EXO_ENV_DEAD)
                carved += x->info->account[kind].reserved;
        }
        assert(a->used == used && a->carved == carved); /* ACC-2 */
        /* ACC-3; the reservation of a dying env went back to its parent */
        assert(e->closed || a->carved + a->pinned <= a->reserved);
    }
}
