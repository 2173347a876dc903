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
#include "hw.h"
#include "page/page.h"
#include "tlb/tlb.h"
#include "tlb/user.h"

/* Pages done while the kernel lock is held. */
#define BIND_STEP 64

struct binder {
    struct env *me;
    const struct cap *table_cap, *page_cap;
    exo_page root;
    struct flush flush;
};

/* What each use of a page may be bound as. */
static const uint8_t bindable[] = {
    [EXO_USE_DATA] = EXO_BIND_R | EXO_BIND_W | EXO_BIND_X,
    [EXO_USE_TABLE] = EXO_BIND_R,
    [EXO_USE_UAREA] = EXO_BIND_R | EXO_BIND_W,
    [EXO_USE_STACK] = EXO_BIND_R | EXO_BIND_W,
    [EXO_USE_LOG] = EXO_BIND_R | EXO_BIND_W,
    [EXO_USE_EXPOSED] = EXO_BIND_R,
};

#define RWX (EXO_BIND_R | EXO_BIND_W | EXO_BIND_X)

static uint64_t
entry_bits(uint32_t flags)
{
    uint64_t soft = flags >> 16;
    uint64_t bits = EXO_PTE_P | EXO_PTE_U | (soft & 7) << 9 | (soft >> 3) << 52;
    if (flags & EXO_BIND_W)
        bits |= EXO_PTE_W;
    if (!(flags & EXO_BIND_X))
        bits |= EXO_PTE_NX;
    if (flags & EXO_BIND_HEIR)
        bits |= EXO_PTE_HEIR;
    if (flags & EXO_BIND_LARGE)
        bits |= EXO_PTE_PS;
    return bits;
}

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
    if (unlikely(!(info->flags & EXO_PAGE_LARGE) !=
                 !(flags & EXO_BIND_LARGE)) &&
        info->use == EXO_USE_DATA)
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

static inline void
note_old(struct binder *b, const struct place *at, uint64_t va, uint64_t old)
{
    if (!(old & EXO_PTE_A))
        return;
    b->flush.everywhere |= at->shared;
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
    note_old(b, at, va, old);
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
        note_old(b, at, va, tlb_clear(at));
    tlb_set(at, page, page << EXO_PAGE_SHIFT | bits);
    return 0;
}

static int64_t
bind_none(struct binder *b, const struct place *at, uint64_t va)
{
    if (*at->entry & EXO_PTE_P)
        note_old(b, at, va, tlb_clear(at));
    return 0;
}

/* Find the leaf table for va and check that the caller may write it. */
static int64_t
find_leaf(struct binder *b, uint64_t va, unsigned level, uint32_t flags,
          struct place *at)
{
    if (!tlb_walk(b->root, va, level, at))
        return -EXO_E_TABLE;
    if (level == 2 && (*at->entry & EXO_PTE_P) && !(*at->entry & EXO_PTE_PS))
        return -EXO_E_TABLE; /* a table is linked there */
    if (!cap_covers(b->table_cap, K.page_info[at->table].guard, EXO_WRITE))
        return -EXO_E_CAP;
    if ((flags & EXO_BIND_X) &&
        (K.page_info[at->table].flags & EXO_PAGE_SEALED))
        return -EXO_E_EXCL;
    return 0;
}

static bool
run_is_sane(const struct exo_run *run, unsigned shift)
{
    uint32_t kinds = RWX | EXO_BIND_HEIR | EXO_BIND_SAME | EXO_BIND_CLEAN |
                     EXO_BIND_LARGE | 0x03ff0000u;
    uint32_t flags = run->flags;
    if (run->count == 0)
        return false;
    if ((flags & ~kinds) || ((flags & EXO_BIND_W) && (flags & EXO_BIND_X)))
        return false;
    if (run->va & ((1ull << shift) - 1))
        return false;
    if (run->va < EXO_USER_MIN || run->va >= EXO_USER_TOP ||
        run->count > (EXO_USER_TOP - run->va) >> shift)
        return false;
    if ((flags & EXO_BIND_LARGE) &&
        ((flags & EXO_BIND_HEIR) || run->page % EXO_LARGE_PAGES))
        return false;
    return true;
}

/* Bind a run, at most `limit` pages. Returns pages done; *error says why it
 * stopped before the end. */
static uint32_t
bind_run(struct binder *b, const struct exo_run *run, uint32_t limit,
         int64_t *error)
{
    bool large = run->flags & EXO_BIND_LARGE;
    unsigned level = large ? 2 : 1, shift = large ? 21 : 12;
    uint64_t va = run->va, bits = entry_bits(run->flags);
    exo_page page = run->page;
    struct place at = {0};
    uint32_t done = 0;
    *error = run_is_sane(run, shift) ? 0 : -EXO_E_INVAL;
    if (run->count < limit)
        limit = run->count;
    for (; !*error && done < limit; done++) {
        if (done == 0 || at.index == 511) {
            *error = find_leaf(b, va, level, run->flags, &at);
            if (*error)
                break;
        } else {
            at.index++;
            at.entry++;
            if (unlikely(large))
                *error = find_leaf(b, va, level, run->flags, &at);
            if (unlikely(*error))
                break;
        }
        if (run->flags & EXO_BIND_SAME)
            *error = bind_same(b, &at, va, run->flags);
        else if (run->flags & RWX)
            *error = bind_new(b, &at, va, page, run->flags, bits);
        else
            *error = bind_none(b, &at, va);
        if (unlikely(*error))
            break;
        va += 1ull << shift;
        page += large ? EXO_LARGE_PAGES : 1;
    }
    return done;
}

int64_t
sys_bind(uint32_t caps, exo_page root, EXO_USER(const struct exo_run) runs,
         uint64_t count)
{
    struct env *me = hw_this_cpu()->current;
    struct binder b = {.me = me,
                       .table_cap = cap_slot(me, caps),
                       .page_cap = cap_slot(me, caps >> 8)};
    b.root = root ? root : me->root_pa >> EXO_PAGE_SHIFT;
    if (unlikely(root && !is_table(root, 4)))
        return -EXO_E_INVAL;
    if (unlikely(
            !cap_covers(b.table_cap, K.page_info[b.root].guard, EXO_WRITE)))
        return -EXO_E_CAP;
    b.flush.root = b.root;
    uint64_t done = 0;
    int64_t error = 0;
    for (uint64_t i = 0; i < count && done < BIND_STEP && !error; i++) {
        struct exo_run run;
        if (unlikely(
                !user_get(&run, runs + i * sizeof(run), sizeof(run) / 8))) {
            error = -EXO_E_FAULT;
            break;
        }
        done += bind_run(&b, &run, BIND_STEP - (uint32_t)done, &error);
    }
    flush_commit(&b.flush);
    return done ? (int64_t)done : error;
}
