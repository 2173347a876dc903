// SPDX-License-Identifier: MIT
/*
 * The bind call: runs of bindings, checked and written.
 *
 * For each page: find its entry, check guard, use, W^X and record room, take
 * the old binding out, write the new one. All refusals come before the first
 * change to that page; a batch stops at the first page that is refused.
 * Accessed bits tell which old entries a TLB may hold [SDM3 4.10.2.3].
 */
#include "cap/cap.h"
#include "env/env.h"
#include "hw.h"
#include "page/page.h"
#include "tlb/tlb.h"
#include "tlb/user.h"

/* Work done while the kernel lock is held, in units of about 50 instructions,
 * which is what a usual page costs: then a table to be found, and a page that
 * goes by the general rules. */
#define BIND_STEP  52
#define COST_TABLE 4
#define COST_SLOW  14

struct binder {
    struct env *me;
    const struct cap *table_cap, *page_cap;
    exo_page root;
    uint64_t leaf; /* va >> 21 of the leaf table `at` is in, or none */
    int shared;    /* that table is linked more than once; -1: not known */
    struct place at;
    int budget; /* units left */
    struct flush flush;
};

#define NO_LEAF UINT64_MAX

/* What each use of a page may be bound as. */
static const uint8_t bindable[] = {
    [EXO_USE_DATA] = EXO_BIND_R | EXO_BIND_W | EXO_BIND_X,
    [EXO_USE_TABLE] = EXO_BIND_R,
    [EXO_USE_UAREA] = EXO_BIND_R | EXO_BIND_W,
    [EXO_USE_STACK] = EXO_BIND_R | EXO_BIND_W,
    [EXO_USE_LOG] = EXO_BIND_R | EXO_BIND_W,
    [EXO_USE_NET] = EXO_BIND_R | EXO_BIND_W,
    [EXO_USE_EXPOSED] = EXO_BIND_R,
};

#define RWX (EXO_BIND_R | EXO_BIND_W | EXO_BIND_X)

static uint64_t
entry_bits(uint32_t flags)
{
    uint64_t bits = EXO_PTE_P | EXO_PTE_U | (flags & EXO_BIND_W) |
                    (flags & EXO_BIND_X ? 0 : EXO_PTE_NX);
    if (unlikely(flags & ~(uint32_t)RWX)) {
        uint64_t soft = flags >> 16;
        bits |= (soft & 7) << 9 | (soft >> 3) << 52;
        bits |= flags & EXO_BIND_HEIR ? EXO_PTE_HEIR : 0;
        bits |= flags & EXO_BIND_LARGE ? EXO_PTE_PS : 0;
    }
    return bits;
}

_Static_assert(EXO_BIND_W == EXO_PTE_W, "the same bit");

/* May `page` be bound so, given that `old` is what it replaces? 0 or error. */
static inline int64_t
bind_check(const struct binder *b, exo_page page, uint32_t flags, uint64_t old)
{
    const struct exo_page_info *info = &K.page_info[page];
    const struct page *p = &K.page[page];
    unsigned rights = flags & EXO_BIND_W ? EXO_READ | EXO_WRITE : EXO_READ;
    if (unlikely(!cap_covers(b->page_cap, info->guard, rights)))
        return -EXO_E_CAP;
    unsigned allowed = info->use < sizeof(bindable) ? bindable[info->use] : 0;
    if (unlikely(flags & RWX & ~allowed))
        return allowed ? -EXO_E_EXCL : -EXO_E_STATE;
    if (unlikely(!(info->flags & EXO_PAGE_LARGE) != !(flags & EXO_BIND_LARGE)))
        return -EXO_E_STATE;
    if (!(flags & (EXO_BIND_W | EXO_BIND_X)) || info->use != EXO_USE_DATA)
        return 0;
    bool same = (old & EXO_PTE_P) && entry_page(old) == page;
    uint32_t nwrite = p->nwrite - (same && (old & EXO_PTE_W));
    uint32_t nexec = p->nexec - (same && !(old & EXO_PTE_NX));
    if (unlikely((flags & EXO_BIND_W) ? nexec : nwrite) &&
        !(b->me->info->flags & EXO_ENV_WX))
        return -EXO_E_EXCL;
    return 0;
}

/* An entry was changed that the CPU may have used. */
static inline void
note_old(struct binder *b, uint64_t va, uint64_t old)
{
    if (!(old & EXO_PTE_A))
        return;
    if (unlikely(b->shared < 0)) {
        b->shared = tlb_is_shared(b->root, va, old & EXO_PTE_PS ? 2 : 1);
        b->flush.everywhere |= b->shared;
    }
    flush_add(&b->flush, va);
}

/* Change rights and soft bits, keep page, heir and size. */
static int64_t
bind_same(struct binder *b, const struct place *at, uint64_t va, uint32_t flags)
{
    uint64_t old = *at->entry;
    if (!(old & EXO_PTE_P))
        return -EXO_E_STATE;
    flags &= ~(uint32_t)(EXO_BIND_HEIR | EXO_BIND_LARGE);
    if (old & EXO_PTE_PS)
        flags |= EXO_BIND_LARGE;
    exo_page page = entry_page(old);
    int64_t error = bind_check(b, page, flags, old);
    if (error)
        return error;
    uint64_t ad = flags & EXO_BIND_CLEAN ? 0 : EXO_PTE_A | EXO_PTE_D;
    uint64_t new = (old & (EXO_PTE_PAGE | EXO_PTE_HEIR)) | entry_bits(flags);
    tlb_count(page, old, -1);
    tlb_count(page, new, 1);
    if (flags & EXO_BIND_W)
        K.page_info[page].flags &= (uint8_t)~EXO_PAGE_ZERO;
    while (!__atomic_compare_exchange_n(at->entry, &old, new | (old & ad),
                                        false, __ATOMIC_ACQ_REL,
                                        __ATOMIC_ACQUIRE))
        ;
    note_old(b, va, old);
    return 0;
}

static int64_t
bind_new(struct binder *b, const struct place *at, uint64_t va, exo_page page,
         uint32_t flags, uint64_t bits)
{
    if (unlikely(!page_valid(page)))
        return -EXO_E_INVAL;
    uint64_t old = *at->entry;
    int64_t error = bind_check(b, page, flags, old);
    if (unlikely(error))
        return error;
    if (unlikely(old & EXO_PTE_P)) {
        /* The old record makes room for the new one in the same place. */
        if (!(tlb_has_room(page, at, flags & EXO_BIND_HEIR) ||
              (entry_page(old) == page &&
               K.page[page].first == (at->table << 9 | at->index) &&
               !(flags & EXO_BIND_HEIR))))
            return -EXO_E_LINK;
    } else if (unlikely(!tlb_has_room(page, at, flags & EXO_BIND_HEIR))) {
        return -EXO_E_LINK;
    }
    if (unlikely(flags & EXO_BIND_HEIR) &&
        !account_fits(page_payer(at->table), EXO_KIND_PAGE, 1))
        return -EXO_E_LIMIT;
    if (unlikely(old & EXO_PTE_P))
        note_old(b, va, tlb_clear(at));
    tlb_set(at, page, page << EXO_PAGE_SHIFT | bits);
    return 0;
}

static int64_t
bind_none(struct binder *b, const struct place *at, uint64_t va)
{
    if (*at->entry & EXO_PTE_P)
        note_old(b, va, tlb_clear(at));
    return 0;
}

/* Find the leaf table for va and check that the caller may write it. */
static inline __attribute__((always_inline)) int64_t
find_leaf(struct binder *b, uint64_t va, unsigned level, uint32_t flags)
{
    struct place *at = &b->at;
    b->shared = -1;
    b->budget -= COST_TABLE;
    if (!tlb_walk(b->root, va, level, at))
        return -EXO_E_TABLE;
    if (unlikely(level == 2) && (*at->entry & EXO_PTE_P) &&
        !(*at->entry & EXO_PTE_PS))
        return -EXO_E_TABLE; /* a table is linked there */
    const struct exo_page_info *table = &K.page_info[at->table];
    if (!cap_covers(b->table_cap, table->guard, EXO_WRITE))
        return -EXO_E_CAP;
    if ((flags & EXO_BIND_X) && (table->flags & EXO_PAGE_SEALED))
        return -EXO_E_EXCL;
    return 0;
}

/* Go to the entry for va; most often it is next to the last one. Executable
 * bindings look at the leaf table each time, for it may be sealed. */
static inline int64_t
go_to(struct binder *b, uint64_t va, uint32_t flags)
{
    if (likely(va >> 21 == b->leaf) && !(flags & EXO_BIND_X)) {
        uint32_t index = va >> EXO_PAGE_SHIFT & 511;
        b->at.entry += (int64_t)index - b->at.index;
        b->at.index = index;
        return 0;
    }
    int64_t error = find_leaf(b, va, 1, flags); /* inlined: level is known */
    b->leaf = error ? NO_LEAF : va >> 21;
    return error;
}

/* The usual case, for speed: small DATA pages bound for the first time, in
 * empty places of one table. Stops at the first page that is anything else.
 * `kind` is the one of R, W and X that is to be counted. */
static inline __attribute__((always_inline)) uint32_t
fill(const struct binder *b, exo_page page, uint32_t n, uint64_t bits,
     unsigned kind)
{
    const uint64_t name = b->page_cap->name, mask = b->page_cap->mask;
    uint64_t place = b->at.table << 9 | b->at.index;
    uint64_t *entry = b->at.entry;
    uint32_t done = 0;
    if (unlikely(page >= K.npages || n > K.npages - page))
        return 0;
    struct exo_page_info *info = &K.page_info[page];
    struct page *p = &K.page[page];
    for (; done < n; done++, entry++, info++, p++) {
        if (unlikely(*entry || p->first || info->use != EXO_USE_DATA ||
                     (info->flags & EXO_PAGE_LARGE) ||
                     ((name ^ info->guard) & mask)))
            break;
        if (kind == EXO_BIND_W) {
            if (unlikely(p->nexec))
                break;
            p->nwrite++;
            info->flags = 0; /* it was EXO_PAGE_ZERO at most */
        } else if (kind == EXO_BIND_X) {
            if (unlikely(p->nwrite))
                break;
            p->nexec++;
        }
        p->first = place + done;
        info->bindings++;
        *entry = (page + done) << EXO_PAGE_SHIFT | bits;
    }
    K.page[b->at.table].entries += done;
    return done;
}

/* The usual case of unbinding: places of one table that are empty or the only
 * one of a DATA page. */
static inline uint32_t
clear(struct binder *b, uint64_t va, uint32_t n)
{
    const uint64_t place = b->at.table << 9 | b->at.index;
    uint64_t *entry = b->at.entry;
    uint32_t done = 0, cleared = 0;
    for (; done < n; done++, entry++) {
        if (!(*entry & EXO_PTE_P))
            continue;
        exo_page page = entry_page(*entry);
        struct exo_page_info *info = &K.page_info[page];
        struct page *p = &K.page[page];
        if (unlikely(info->use != EXO_USE_DATA || p->first != place + done))
            break;
        uint64_t old = __atomic_exchange_n(entry, 0, __ATOMIC_ACQ_REL);
        p->first = 0;
        info->bindings--;
        p->nwrite -= old >> 1 & 1;
        p->nexec -= !(old & EXO_PTE_NX);
        cleared++;
        note_old(b, va + ((uint64_t)done << EXO_PAGE_SHIFT), old);
    }
    K.page[b->at.table].entries -= cleared;
    return done;
}

/* The usual case of EXO_BIND_SAME: small DATA pages. */
static inline uint32_t
change(struct binder *b, uint64_t va, uint32_t n, uint32_t flags)
{
    const struct cap *cap = b->page_cap;
    const uint64_t bits = entry_bits(flags);
    const uint64_t ad = flags & EXO_BIND_CLEAN ? 0 : EXO_PTE_A | EXO_PTE_D;
    const unsigned rights =
        flags & EXO_BIND_W ? EXO_READ | EXO_WRITE : EXO_READ;
    uint64_t *entry = b->at.entry;
    uint32_t done = 0;
    if (unlikely((cap->rights & rights) != rights))
        return 0;
    for (; done < n; done++, entry++, va += EXO_PAGE_BYTES) {
        uint64_t old = *entry;
        exo_page page = entry_page(old);
        struct exo_page_info *info = &K.page_info[page];
        struct page *p = &K.page[page];
        if (unlikely((old & (EXO_PTE_P | EXO_PTE_PS)) != EXO_PTE_P ||
                     info->use != EXO_USE_DATA ||
                     ((cap->name ^ info->guard) & cap->mask)))
            break;
        uint32_t nwrite = p->nwrite - (old >> 1 & 1);
        uint32_t nexec = p->nexec - !(old & EXO_PTE_NX);
        if (unlikely((flags & EXO_BIND_W && nexec) ||
                     (flags & EXO_BIND_X && nwrite)))
            break;
        p->nwrite = nwrite + (flags >> 1 & 1);
        p->nexec = nexec + (flags >> 2 & 1);
        if (flags & EXO_BIND_W)
            info->flags = 0; /* it was EXO_PAGE_ZERO at most */
        uint64_t new = (old & (EXO_PTE_PAGE | EXO_PTE_HEIR)) | bits;
        while (!__atomic_compare_exchange_n(entry, &old, new | (old & ad),
                                            false, __ATOMIC_ACQ_REL,
                                            __ATOMIC_ACQUIRE))
            ;
        note_old(b, va, old);
    }
    return done;
}

/* Do what is usual in one table, at most n pages; how many it was. */
static inline uint32_t
do_quickly(struct binder *b, uint64_t va, exo_page page, uint32_t n,
           uint32_t flags)
{
    const unsigned rights = b->page_cap->rights;
    if (flags & EXO_BIND_SAME)
        return flags & EXO_BIND_HEIR ? 0 : change(b, va, n, flags);
    if (unlikely(flags & EXO_BIND_HEIR))
        return 0;
    if (!(flags & RWX))
        return clear(b, va, n);
    if (flags & EXO_BIND_W)
        return rights & EXO_WRITE && rights & EXO_READ
                   ? fill(b, page, n, entry_bits(flags), EXO_BIND_W)
                   : 0;
    if (!(rights & EXO_READ))
        return 0;
    return flags & EXO_BIND_X ? fill(b, page, n, entry_bits(flags), EXO_BIND_X)
                              : fill(b, page, n, entry_bits(flags), EXO_BIND_R);
}

/* Do one page by the general rules. */
static __attribute__((noinline)) int64_t
do_slowly(struct binder *b, uint64_t va, exo_page page, uint32_t flags)
{
    if (flags & EXO_BIND_SAME)
        return bind_same(b, &b->at, va, flags);
    if (flags & RWX)
        return bind_new(b, &b->at, va, page, flags, entry_bits(flags));
    return bind_none(b, &b->at, va);
}

#define FLAGS_USUAL (RWX | EXO_BIND_SAME | EXO_BIND_CLEAN | 0x03ff0000u)

/* Addresses and flags of a run of small pages. */
static inline bool
run_is_sane(const struct exo_run *run)
{
    return !(run->flags & ~(FLAGS_USUAL | EXO_BIND_HEIR)) &&
           (run->flags & (EXO_BIND_W | EXO_BIND_X)) !=
               (EXO_BIND_W | EXO_BIND_X) &&
           !(run->va & (EXO_PAGE_BYTES - 1)) &&
           run->va - EXO_USER_MIN < EXO_USER_TOP - EXO_USER_MIN &&
           run->count - UINT64_C(1) < (EXO_USER_TOP - run->va) >>
               EXO_PAGE_SHIFT;
}

/* Bind a run of small pages, as far as the budget goes. Returns pages done;
 * *error says why it stopped before the end. */
static inline uint32_t
bind_run(struct binder *b, const struct exo_run *run, int64_t *error)
{
    const uint32_t flags = run->flags;
    uint64_t va = run->va;
    exo_page page = run->page;
    uint32_t left = run->count < BIND_STEP ? run->count : BIND_STEP, done = 0;
    while (done < left && b->budget > 0) {
        *error = go_to(b, va, flags);
        if (unlikely(*error))
            break;
        uint32_t n = 512 - b->at.index;
        n = do_quickly(b, va, page, n < left - done ? n : left - done, flags);
        b->budget -= (int)n;
        if (unlikely(!n)) {
            *error = do_slowly(b, va, page, flags);
            if (*error)
                break;
            n = 1;
            b->budget -= COST_SLOW;
        }
        done += n;
        page += n;
        va += (uint64_t)n << EXO_PAGE_SHIFT;
    }
    return done;
}

/* The same for 2 MiB pages: one by one, by the general rules. */
static __attribute__((noinline)) uint32_t
bind_large_run(struct binder *b, const struct exo_run *run, int64_t *error)
{
    const uint64_t bytes = EXO_LARGE_PAGES * EXO_PAGE_BYTES;
    *error = -EXO_E_INVAL;
    if ((run->flags & ~(FLAGS_USUAL | EXO_BIND_LARGE)) ||
        (run->flags & (EXO_BIND_W | EXO_BIND_X)) == (EXO_BIND_W | EXO_BIND_X) ||
        run->page % EXO_LARGE_PAGES || run->va % bytes || !run->va ||
        run->va >= EXO_USER_TOP || !run->count ||
        run->count > (EXO_USER_TOP - run->va) / bytes)
        return 0;
    uint32_t done = 0;
    b->leaf = NO_LEAF;
    for (; done < run->count && b->budget > 0; done++) {
        b->budget -= COST_SLOW;
        uint64_t va = run->va + done * bytes;
        *error = find_leaf(b, va, 2, run->flags);
        if (!*error)
            *error = do_slowly(b, va, run->page + done * EXO_LARGE_PAGES,
                               run->flags);
        if (*error)
            return done;
    }
    *error = 0;
    return done;
}

int64_t
sys_bind(uint32_t caps, exo_page root, EXO_USER(const struct exo_run) runs,
         uint64_t count)
{
    struct env *me = env_self();
    struct binder b;
    b.me = me;
    b.table_cap = cap_slot(me, caps);
    b.page_cap = cap_slot(me, caps >> 8);
    b.root = root ? root : me->root_pa >> EXO_PAGE_SHIFT;
    b.leaf = NO_LEAF;
    b.budget = BIND_STEP;
    if (unlikely(root && !is_table(root, 4)))
        return -EXO_E_INVAL;
    if (unlikely(
            !cap_covers(b.table_cap, K.page_info[b.root].guard, EXO_WRITE)))
        return -EXO_E_CAP;
    flush_begin(&b.flush, b.root);
    uint32_t done = 0;
    int64_t error = 0;
    for (uint64_t i = 0; i < count && b.budget > 0 && !error; i++) {
        struct exo_run run;
        if (unlikely(!user_get(&run, runs + i * sizeof(run), sizeof(run) / 8)))
            error = -EXO_E_FAULT;
        else if (likely(run_is_sane(&run)))
            done += bind_run(&b, &run, &error);
        else if (run.flags & EXO_BIND_LARGE)
            done += bind_large_run(&b, &run, &error);
        else
            error = -EXO_E_INVAL;
    }
    flush_commit(&b.flush);
    return done ? (int64_t)done : error;
}
