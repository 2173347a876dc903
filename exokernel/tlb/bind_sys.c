// SPDX-License-Identifier: MIT
/*
 * The bind call: runs of bindings, checked and written.
 *
 * Pages are done leaf table by leaf table: fill(), clear() and change() do what
 * is usual, DATA pages with no other binding. They stop at the first page that
 * is anything else, and that one goes by the general rules, which alone decide
 * what is refused and why. All refusals come before the first change to a page;
 * a batch stops there. Accessed bits tell which old entries a TLB may hold
 * [SDM3 4.10.2.3].
 */
#include "cap/cap.h"
#include "env/env.h"
#include "hw.h"
#include "page/page.h"
#include "tlb/tlb.h"
#include "tlb/user.h"

/* Work done while the kernel lock is held, in units of about 25 instructions: a
 * usual page, what each run takes beside its pages, a table to be found, and
 * what a page takes beside that by the general rules. */
#define BIND_STEP  135
#define COST_PAGE  2
#define COST_RUN   3
#define COST_TABLE 7
#define COST_SLOW  28

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

/* What R, W and X of a run mean: bits of an entry, what it adds to page.counts
 * and what must be zero there (PAGE-4), the rights it takes and which flags of
 * the page it leaves. Some are no binding, and some are not allowed. */
struct kind {
    uint64_t bits, add, bar;
    uint8_t rights, keep;
};

#define NOBODYS   0x80 /* a right that no capability has */
#define ONE_WRITE UINT64_C(1)
#define ONE_EXEC  (UINT64_C(1) << 32)
#define READABLE                                                               \
    {                                                                          \
        EXO_PTE_P | EXO_PTE_U | EXO_PTE_NX, 0, 0, EXO_READ, 0xff               \
    }
#define WRITABLE                                                               \
    {                                                                          \
        EXO_PTE_P | EXO_PTE_U | EXO_PTE_NX | EXO_PTE_W, ONE_WRITE,             \
            0 - ONE_EXEC, EXO_READ | EXO_WRITE, 0                              \
    }
#define EXECUTABLE                                                             \
    {                                                                          \
        EXO_PTE_P | EXO_PTE_U, ONE_EXEC, ONE_EXEC - 1, EXO_READ, 0xff          \
    }

static const struct kind kinds[RWX + 1] = {
    [0] = READABLE, /* of one that keeps its page, for R is implied */
    [EXO_BIND_R] = READABLE,
    [EXO_BIND_W] = WRITABLE,
    [EXO_BIND_R | EXO_BIND_W] = WRITABLE,
    [EXO_BIND_X] = EXECUTABLE,
    [EXO_BIND_R | EXO_BIND_X] = EXECUTABLE,
    [EXO_BIND_W | EXO_BIND_X] = {.rights = NOBODYS},
    [RWX] = {.rights = NOBODYS},
};

static inline const struct kind *
kind_of(uint32_t flags)
{
    return &kinds[flags & RWX];
}

static inline bool
unbinds(uint32_t flags)
{
    return !(flags & (RWX | EXO_BIND_SAME));
}

static inline bool
has_rights(const struct cap *cap, const struct kind *k)
{
    return (cap->rights & k->rights) == k->rights;
}

/* What an entry of a DATA page adds to page.counts. */
static inline uint64_t
counts_of(uint64_t entry)
{
    return (entry >> 1 & ONE_WRITE) + (~entry >> 63) * ONE_EXEC;
}

static uint64_t
soft_bits(uint32_t flags)
{
    uint64_t soft = flags >> 16;
    return (soft & 7) << 9 | (soft >> 3) << 52;
}

static uint64_t
entry_bits(uint32_t flags)
{
    return kind_of(flags)->bits | soft_bits(flags) |
           (flags & EXO_BIND_HEIR ? EXO_PTE_HEIR : 0) |
           (flags & EXO_BIND_LARGE ? EXO_PTE_PS : 0);
}

/* Bits of the old entry that EXO_BIND_SAME keeps. */
static inline uint64_t
kept_bits(uint32_t flags)
{
    return flags & EXO_BIND_CLEAN ? EXO_PTE_HEIR
                                  : EXO_PTE_HEIR | EXO_PTE_A | EXO_PTE_D;
}

/* Write a present entry but for `keep`, which the CPU may be setting bits of.
 * Returns the old one. */
static inline uint64_t
entry_change(uint64_t *entry, uint64_t new, uint64_t keep)
{
    uint64_t old = *entry;
    while (!__atomic_compare_exchange_n(entry, &old, new | (old & keep), false,
                                        __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        ;
    return old;
}

/* An entry and its place, for the general rules. */
struct target {
    struct place at;
    uint64_t va;
    bool shared; /* the table is linked more than once */
};

/* May `page` be bound so, given that `old` is what it replaces? 0 or error. */
static int64_t
bind_check(const struct cap *cap, exo_page page, uint32_t flags, uint64_t old)
{
    const struct exo_page_info *info = &K.page_info[page];
    const struct page *p = &K.page[page];
    const unsigned rights = kind_of(flags)->rights;
    if (!cap_covers(cap, info->guard, rights))
        return -EXO_E_CAP;
    unsigned allowed = info->use < sizeof(bindable) ? bindable[info->use] : 0;
    if (flags & RWX & ~allowed)
        return allowed ? -EXO_E_EXCL : -EXO_E_STATE;
    if ((info->flags & (EXO_PAGE_LARGE | EXO_PAGE_PART)) !=
        (flags & EXO_BIND_LARGE ? EXO_PAGE_LARGE : 0))
        return -EXO_E_STATE;
    if (!(flags & (EXO_BIND_W | EXO_BIND_X)) || info->use != EXO_USE_DATA)
        return 0;
    bool same = (old & EXO_PTE_P) && entry_page(old) == page;
    uint32_t nwrite = p->nwrite - (same && (old & EXO_PTE_W));
    uint32_t nexec = p->nexec - (same && !(old & EXO_PTE_NX));
    if ((flags & EXO_BIND_W ? nexec : nwrite) &&
        !(env_self()->info->flags & EXO_ENV_WX))
        return -EXO_E_EXCL;
    return 0;
}

/* An entry was changed that the CPU may have used. */
static inline void
note_old(struct binder *b, uint64_t va, uint64_t old, bool shared)
{
    if (!(old & EXO_PTE_A))
        return;
    b->flush.everywhere |= shared;
    flush_add(&b->flush, va);
}

/* Change rights and soft bits, keep page, heir and size. */
static int64_t
bind_same(struct binder *b, const struct target *t, uint32_t flags)
{
    uint64_t old = *t->at.entry;
    if (!(old & EXO_PTE_P))
        return -EXO_E_STATE;
    flags &= ~(uint32_t)(EXO_BIND_HEIR | EXO_BIND_LARGE);
    if (old & EXO_PTE_PS)
        flags |= EXO_BIND_LARGE;
    exo_page page = entry_page(old);
    int64_t error = bind_check(b->page_cap, page, flags, old);
    if (error)
        return error;
    uint64_t new = (old & EXO_PTE_PAGE) | entry_bits(flags);
    tlb_count(page, old, -1);
    tlb_count(page, new, 1);
    if (flags & EXO_BIND_W)
        K.page_info[page].flags &= (uint8_t)~EXO_PAGE_ZERO;
    note_old(b, t->va, entry_change(t->at.entry, new, kept_bits(flags)),
             t->shared);
    return 0;
}

static int64_t
bind_new(struct binder *b, const struct target *t, exo_page page,
         uint32_t flags)
{
    const struct place *at = &t->at;
    if (!page_valid(page))
        return -EXO_E_INVAL;
    uint64_t old = *at->entry;
    int64_t error = bind_check(b->page_cap, page, flags, old);
    if (error)
        return error;
    /* The old record makes room for the new one in the same place. */
    bool again = (old & EXO_PTE_P) && entry_page(old) == page &&
                 K.page[page].first == (at->table << 9 | at->index) &&
                 !(flags & EXO_BIND_HEIR);
    if (!again && !tlb_has_room(page, at, flags & EXO_BIND_HEIR))
        return -EXO_E_LINK;
    if (flags & EXO_BIND_HEIR &&
        !account_fits(page_payer(at->table), EXO_KIND_PAGE, 1))
        return -EXO_E_LIMIT;
    if (old & EXO_PTE_P)
        note_old(b, t->va, tlb_clear(at), t->shared);
    tlb_set(at, page, page << EXO_PAGE_SHIFT | entry_bits(flags));
    return 0;
}

/* Do one page by the general rules. 0, or why it is refused. */
static int64_t
bind_one(struct binder *b, const struct target *t, exo_page page,
         uint32_t flags)
{
    b->left -= COST_SLOW;
    if (flags & EXO_BIND_SAME)
        return bind_same(b, t, flags);
    if (flags & RWX)
        return bind_new(b, t, page, flags);
    if (*t->at.entry & EXO_PTE_P)
        note_old(b, t->va, tlb_clear(&t->at), t->shared);
    return 0;
}

static inline uint64_t *
leaf_entry(const struct leaf *leaf, uint64_t vpn)
{
    return leaf->entries + (vpn & 511);
}

static inline uint64_t
leaf_place(const struct leaf *leaf, uint64_t vpn)
{
    return (uint64_t)leaf->table << 9 | (vpn & 511);
}

/* The usual binding is of a DATA page, and its only one. These do one page that
 * is so, for a capability that has the rights; false: it is not, and nothing
 * was done. */

#define ALWAYS static inline __attribute__((always_inline))

ALWAYS bool
fill(uint64_t *entry, uint64_t place, uint64_t new, struct page *p,
     struct exo_page_info *info, const struct kind *k, const struct cap *cap)
{
    if (unlikely(*entry || p->first || info->use != EXO_USE_DATA ||
                 (info->flags & EXO_PAGE_LARGE) || (p->counts & k->bar) ||
                 !cap_matches(cap, info->guard)))
        return false;
    p->first = place;
    p->counts += k->add;
    info->bindings++;
    info->flags &= k->keep;
    *entry = new;
    return true;
}

ALWAYS bool
clear(uint64_t *entry, uint64_t place, uint64_t *old)
{
    exo_page page = entry_page(*entry);
    struct exo_page_info *info = &K.page_info[page];
    struct page *p = &K.page[page];
    if (unlikely(info->use != EXO_USE_DATA || p->first != place))
        return false;
    *old = __atomic_exchange_n(entry, 0, __ATOMIC_ACQ_REL);
    p->first = 0;
    p->counts = likely(--info->bindings == 0) ? 0 : p->counts - counts_of(*old);
    return true;
}

ALWAYS bool
change(uint64_t *entry, uint64_t bits, uint64_t keep, const struct kind *k,
       const struct cap *cap, uint64_t *old)
{
    exo_page page = entry_page(*entry);
    struct exo_page_info *info = &K.page_info[page];
    struct page *p = &K.page[page];
    uint64_t counts =
        likely(info->bindings == 1) ? 0 : p->counts - counts_of(*entry);
    if (unlikely((*entry & (EXO_PTE_P | EXO_PTE_PS)) != EXO_PTE_P ||
                 info->use != EXO_USE_DATA || (counts & k->bar) ||
                 !cap_matches(cap, info->guard)))
        return false;
    p->counts = counts + k->add;
    info->flags &= k->keep; /* it was EXO_PAGE_ZERO at most */
    *old = entry_change(entry, page << EXO_PAGE_SHIFT | bits, keep);
    return true;
}

/* The same for pages [vpn, end) of one leaf table, as far as they are usual.
 * Each returns the first it did not do. */

static inline uint64_t
fill_all(const struct leaf *leaf, uint64_t vpn, uint64_t end,
         const struct cap *cap, exo_page page, uint32_t flags)
{
    const struct kind *k = kind_of(flags);
    uint64_t new = page << EXO_PAGE_SHIFT | k->bits | soft_bits(flags);
    uint64_t *entry = leaf_entry(leaf, vpn), place = leaf_place(leaf, vpn);
    const uint64_t from = vpn;
    if (unlikely(page >= K.npages || end - vpn > K.npages - page))
        return vpn;
    struct exo_page_info *info = &K.page_info[page];
    struct page *p = &K.page[page];
    for (; vpn != end; vpn++) {
        if (!fill(entry++, place++, new, p++, info++, k, cap))
            break;
        new += EXO_PAGE_BYTES;
    }
    leaf->page->entries += (uint32_t)(vpn - from);
    return vpn;
}

static inline uint64_t
clear_all(struct binder *b, const struct leaf *leaf, uint64_t vpn, uint64_t end)
{
    uint64_t *entry = leaf_entry(leaf, vpn), place = leaf_place(leaf, vpn), old;
    uint32_t cleared = 0;
    for (; vpn != end; vpn++, entry++, place++) {
        if (!*entry)
            continue;
        if (!clear(entry, place, &old))
            break;
        cleared++;
        note_old(b, vpn << EXO_PAGE_SHIFT, old, leaf->shared);
    }
    leaf->page->entries -= cleared;
    return vpn;
}

static inline uint64_t
change_all(struct binder *b, const struct leaf *leaf, uint64_t vpn,
           uint64_t end, uint32_t flags)
{
    const struct kind *k = kind_of(flags);
    const uint64_t bits = k->bits | soft_bits(flags), keep = kept_bits(flags);
    uint64_t *entry = leaf_entry(leaf, vpn), old;
    for (; vpn != end; vpn++) {
        if (!change(entry++, bits, keep, k, b->page_cap, &old))
            break;
        note_old(b, vpn << EXO_PAGE_SHIFT, old, leaf->shared);
    }
    return vpn;
}

static inline uint64_t
leaf_key(const struct binder *b, uint64_t vpn)
{
    return b->root << 32 | vpn >> 9;
}

/* Find the leaf table for page number `vpn` by a walk, and keep it in `leaf`.
 * NULL: there is none. */
static __attribute__((noinline)) const struct leaf *
walk_to_leaf(struct binder *b, struct leaf *leaf, uint64_t vpn)
{
    const uint64_t va = vpn << EXO_PAGE_SHIFT;
    struct place at;
    b->left -= COST_TABLE;
    if (!tlb_walk(b->root, va, 1, &at))
        return NULL;
    *leaf = (struct leaf){.key = leaf_key(b, vpn),
                          .entries = table_entries(at.table),
                          .page = &K.page[at.table],
                          .info = &K.page_info[at.table],
                          .table = (uint32_t)at.table,
                          .shared = tlb_is_shared(b->root, va, 1)};
    return leaf;
}

static inline struct leaf *
leaf_slot(struct binder *b, uint64_t vpn)
{
    return &b->leaf[vpn >> 9 & (BIND_LEAVES - 1)];
}

static inline const struct leaf *
find_leaf(struct binder *b, uint64_t vpn)
{
    struct leaf *leaf = leaf_slot(b, vpn);
    return leaf->key == leaf_key(b, vpn) ? leaf : walk_to_leaf(b, leaf, vpn);
}

/* Some link changed since the leaf tables were found. No bind changes one. */
static __attribute__((noinline)) void
forget_leaves(struct binder *b)
{
    for (unsigned i = 0; i < BIND_LEAVES; i++)
        b->leaf[i].key = 0;
    b->links = K.links;
}

/* May entries of a table be written, with these flags? 0 or error. The right to
 * write is the root's, and was seen to be there. */
static inline int64_t
may_write(const struct cap *cap, const struct exo_page_info *table,
          uint32_t flags)
{
    if (unlikely(!cap_matches(cap, table->guard)))
        return -EXO_E_CAP;
    if (unlikely((flags & EXO_BIND_X) && (table->flags & EXO_PAGE_SEALED)))
        return -EXO_E_EXCL;
    return 0;
}

/* The batch ends here. */
static void
stop(struct binder *b, int64_t error)
{
    b->error = error;
    b->left = 0;
}

/* Do one small page by the general rules. False: it is refused. */
static __attribute__((noinline)) bool
bind_slowly(struct binder *b, const struct leaf *leaf, uint64_t vpn,
            exo_page page, uint32_t flags)
{
    const uint32_t index = vpn & 511;
    const struct target t = {{leaf->entries + index, leaf->table, index},
                             vpn << EXO_PAGE_SHIFT,
                             leaf->shared};
    int64_t error = bind_one(b, &t, page, flags);
    if (error)
        stop(b, error);
    return !error;
}

/* Do pages [vpn, end) of one leaf table. Returns the first it did not. */
static inline uint64_t
bind_in_leaf(struct binder *b, const struct leaf *leaf, uint64_t vpn,
             uint64_t end, exo_page page, uint32_t flags)
{
    uint64_t at = vpn;
    if (unbinds(flags))
        at = clear_all(b, leaf, vpn, end);
    else if (unlikely(!has_rights(b->page_cap, kind_of(flags)) ||
                      (flags & EXO_BIND_HEIR)))
        ; /* nothing usual */
    else if (flags & EXO_BIND_SAME)
        at = change_all(b, leaf, vpn, end, flags);
    else
        at = fill_all(leaf, vpn, end, b->page_cap, page, flags);
    if (unlikely(at == vpn) && bind_slowly(b, leaf, vpn, page, flags))
        at++;
    return at;
}

#define FLAGS_SOFT 0x03ff0000u
#define FLAGS_ALL                                                              \
    (RWX | EXO_BIND_SAME | EXO_BIND_CLEAN | EXO_BIND_HEIR | FLAGS_SOFT)

/* A run of 2 MiB pages: one by one, by the general rules. */
static __attribute__((noinline)) void
bind_large_run(struct binder *b, struct exo_run run)
{
    const uint64_t bytes = EXO_LARGE_PAGES * EXO_PAGE_BYTES;
    if ((run.flags & ~(FLAGS_ALL ^ EXO_BIND_HEIR)) != EXO_BIND_LARGE ||
        kind_of(run.flags)->rights == NOBODYS || run.page % EXO_LARGE_PAGES ||
        run.va % bytes || !run.va || run.va >= EXO_USER_TOP || !run.count ||
        run.count > (EXO_USER_TOP - run.va) / bytes) {
        stop(b, -EXO_E_INVAL);
        return;
    }
    for (; run.count && b->left > 0; run.count--) {
        struct target t = {.va = run.va};
        int64_t error = -EXO_E_TABLE; /* or a table is linked there */
        if (tlb_walk(b->root, t.va, 2, &t.at) && !is_link(*t.at.entry))
            error =
                may_write(b->table_cap, &K.page_info[t.at.table], run.flags);
        if (!error) {
            t.shared = tlb_is_shared(b->root, t.va, 2);
            error = bind_one(b, &t, run.page, run.flags);
        }
        if (error) {
            stop(b, error);
            return;
        }
        b->done++;
        b->left -= COST_TABLE;
        run.va += bytes;
        run.page += EXO_LARGE_PAGES;
    }
}

_Static_assert(offsetof(struct exo_run, page) == 8 &&
                   offsetof(struct exo_run, count) == 16 &&
                   offsetof(struct exo_run, flags) == 20,
               "as get_run() takes it apart");

static inline bool
get_run(struct exo_run *run, uint64_t uva)
{
    uint64_t word[3];
    if (!user_get_words3(word, uva))
        return false;
    run->va = word[0], run->page = word[1];
    run->count = (uint32_t)word[2], run->flags = (uint32_t)(word[2] >> 32);
    return true;
}

/* The page number of an address; of one that is no page's it is too large. */
static inline uint64_t
vpn_of(uint64_t va)
{
    return va >> EXO_PAGE_SHIFT | va << (64 - EXO_PAGE_SHIFT);
}

#define VPN_MIN (EXO_USER_MIN >> EXO_PAGE_SHIFT)
#define VPN_TOP (EXO_USER_TOP >> EXO_PAGE_SHIFT)

static inline bool
vpn_is_sane(uint64_t vpn)
{
    return vpn - VPN_MIN < VPN_TOP - VPN_MIN;
}

/* Is this a run of small pages? */
static inline bool
run_is_sane(struct exo_run run, uint64_t vpn)
{
    return vpn_is_sane(vpn) && run.count - UINT64_C(1) < VPN_TOP - vpn &&
           !(run.flags & ~FLAGS_ALL) && kind_of(run.flags)->rights != NOBODYS;
}

/* Do one run, as far as the batch may go. */
static __attribute__((noinline)) void
bind_run(struct binder *b, struct exo_run run)
{
    uint64_t vpn = vpn_of(run.va);
    if (unlikely(!run_is_sane(run, vpn))) {
        bind_large_run(b, run);
        return;
    }
    uint64_t left = (uint32_t)b->left / COST_PAGE + 1;
    left = run.count < left ? run.count : left;
    b->left -= COST_RUN;
    do {
        const struct leaf *leaf = find_leaf(b, vpn);
        int64_t error = -EXO_E_TABLE;
        if (likely(leaf))
            error = may_write(b->table_cap, leaf->info, run.flags);
        if (unlikely(error)) {
            stop(b, error);
            return;
        }
        uint64_t rest = 512 - (vpn & 511);
        uint64_t n =
            bind_in_leaf(b, leaf, vpn, vpn + (left < rest ? left : rest),
                         run.page, run.flags) -
            vpn;
        b->done += (int32_t)n;
        b->left -= (int32_t)n * COST_PAGE;
        vpn += n, run.page += n, left -= n;
    } while (unlikely(left && b->left > 0));
}

/* Do a run of one page straight, where all is usual. False: it is not. */
ALWAYS bool
bind_usual(struct binder *b, struct exo_run run)
{
    const uint64_t vpn = vpn_of(run.va);
    if (unlikely(run.count != 1 || !vpn_is_sane(vpn) ||
                 (run.flags & ~(uint32_t)(RWX | EXO_BIND_SAME))))
        return false;
    const struct leaf *leaf = leaf_slot(b, vpn);
    if (unlikely(leaf->key != leaf_key(b, vpn)))
        return false;
    if (unlikely((leaf->info->flags & EXO_PAGE_SEALED) ||
                 !cap_matches(b->table_cap, leaf->info->guard)))
        return false;
    uint64_t *entry = leaf_entry(leaf, vpn), old;
    if (!run.flags) {
        if (!clear(entry, leaf_place(leaf, vpn), &old))
            return false;
        leaf->page->entries--;
        note_old(b, run.va, old, leaf->shared);
        return true;
    }
    const struct kind *k = kind_of(run.flags);
    const struct cap *cap = b->page_cap;
    if (unlikely(!has_rights(cap, k)))
        return false;
    if (run.flags & EXO_BIND_SAME) {
        if (!change(entry, k->bits, kept_bits(0), k, cap, &old))
            return false;
        note_old(b, run.va, old, leaf->shared);
        return true;
    }
    const exo_page page = run.page;
    if (page >= K.npages ||
        !fill(entry, leaf_place(leaf, vpn), page << EXO_PAGE_SHIFT | k->bits,
              &K.page[page], &K.page_info[page], k, cap))
        return false;
    leaf->page->entries++;
    return true;
}

int64_t
sys_bind(uint32_t caps, exo_page root, EXO_USER(const struct exo_run) runs,
         uint64_t count)
{
    struct cpu *c = hw_this_cpu();
    struct binder *b = &c->binder;
    b->table_cap = cap_slot(c->current, caps);
    b->page_cap = cap_slot(c->current, caps >> 8);
    if (unlikely(root && !is_table(root, 4)))
        return -EXO_E_INVAL;
    b->root = root ? root : c->current->root_pa >> EXO_PAGE_SHIFT;
    if (unlikely(
            !cap_covers(b->table_cap, K.page_info[b->root].guard, EXO_WRITE)))
        return -EXO_E_CAP;
    if (unlikely(b->links != K.links))
        forget_leaves(b);
    b->done = 0;
    b->left = BIND_STEP;
    b->error = 0;
    for (; count && b->left > 0; count--, runs += sizeof(struct exo_run)) {
        struct exo_run run;
        if (unlikely(!get_run(&run, runs))) {
            stop(b, -EXO_E_FAULT);
        } else if (likely(bind_usual(b, run))) {
            b->done++;
            b->left -= COST_RUN + COST_PAGE;
        } else {
            bind_run(b, run);
        }
    }
    if (b->flush.n) {
        b->flush.root = b->root;
        flush_collected(&b->flush);
    }
    return b->done ? b->done : b->error;
}
