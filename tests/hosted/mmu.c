// SPDX-License-Identifier: MIT
/*
 * Page walks, and a TLB that keeps everything it is allowed to keep.
 *
 * An entry is dropped only when the kernel says so (or to make room), so a
 * flush that is missing shows: host_check_tlb() compares every entry a CPU
 * could still use with the tables. Accessed and dirty bits are set on walks as
 * [SDM3 4.8] has it, tags are as in [SDM3 4.10.1].
 */
#include "parts.h"

#include <string.h>

#include "tlb/user.h"

#define CR3_KEEP   (1ull << 63)
#define PTE_GLOBAL 0x100ull
#define LARGE_MASK 0x1fffffull

static uint16_t
pcid_now(const struct host_cpu *h)
{
    return K.features.pcid ? h->cr3 & 0xfff : 0;
}

/* A translation: the rights of the whole way, and the leaf's size. */
struct walk {
    uint64_t *leaf;
    uint64_t pa, bits; /* of the 4 KiB page */
    uint64_t *way[4];
    unsigned levels;
};

static bool
walk(uint64_t root_pa, uint64_t va, struct walk *w)
{
    uint64_t pa = root_pa;
    uint64_t all = EXO_PTE_P | EXO_PTE_W | EXO_PTE_U, nx = 0;
    w->levels = 0;
    for (unsigned level = 4;; level--) {
        uint64_t *entry =
            (uint64_t *)host_memory(pa) + (va >> (3 + 9 * level) & 511);
        if (!(*entry & EXO_PTE_P))
            return false;
        w->way[w->levels++] = w->leaf = entry;
        all &= *entry;
        nx |= *entry & EXO_PTE_NX;
        pa = *entry & EXO_PTE_PAGE;
        bool large = level == 2 && (*entry & EXO_PTE_PS);
        if (level > 1 && !large)
            continue;
        w->pa = large ? pa + (va & LARGE_MASK & ~0xfffull) : pa;
        w->bits = all | nx | (*entry & PTE_GLOBAL) | (large ? EXO_PTE_PS : 0);
        return true;
    }
}

static bool
allows(uint64_t bits, unsigned kind, bool dirty)
{
    if (!(bits & EXO_PTE_U))
        return false;
    if (kind == EXO_BIND_W)
        return (bits & EXO_PTE_W) && dirty;
    return kind != EXO_BIND_X || !(bits & EXO_PTE_NX);
}

static bool
matches(const struct host_tlb *t, uint64_t va, uint16_t pcid)
{
    return t->valid && t->va == (va & ~0xfffull) &&
           (t->pcid == pcid || (t->bits & PTE_GLOBAL));
}

static void
keep(struct host_cpu *h, uint64_t va, const struct walk *w, bool dirty)
{
    for (unsigned i = 0; i < HOST_TLB; i++)
        if (matches(&h->tlb[i], va, pcid_now(h)))
            h->tlb[i].valid = false;
    h->tlb[h->tlb_next++ % HOST_TLB] = (struct host_tlb){
        .va = va & ~0xfffull,
        .pa = w->pa,
        .bits = w->bits,
        .pcid = pcid_now(h),
        .valid = true,
        .dirty = dirty,
    };
}

void *
host_translate(struct host_cpu *h, uint64_t va, unsigned kind)
{
    for (unsigned i = 0; i < HOST_TLB; i++) {
        const struct host_tlb *t = &h->tlb[i];
        if (matches(t, va, pcid_now(h)) && allows(t->bits, kind, t->dirty))
            return (char *)host_memory(t->pa) + (va & 0xfff);
    }
    struct walk w;
    if (va >= 1ull << 47 || !walk(h->cr3 & EXO_PTE_PAGE, va, &w) ||
        !allows(w.bits, kind, true))
        return NULL;
    for (unsigned i = 0; i < w.levels; i++)
        *w.way[i] |= EXO_PTE_A;
    if (kind == EXO_BIND_W)
        *w.leaf |= EXO_PTE_D;
    keep(h, va, &w, *w.leaf & EXO_PTE_D);
    return (char *)host_memory(w.pa) + (va & 0xfff);
}

void *
host_touch(struct host_cpu *h, uint64_t va, unsigned kind)
{
    void *at = host_translate(h, va, kind);
    if (!at)
        host_exception(h, 14, kind == EXO_BIND_W ? 6 : 4, va);
    return at;
}

/* ---- what the kernel does to it ---------------------------------------- */

uint64_t
hw_read_cr2(void)
{
    return host_this()->cr2;
}

void
hw_write_cr3(uint64_t value)
{
    struct host_cpu *h = host_this();
    h->cr3 = value & ~CR3_KEEP;
    if (K.features.pcid && (value & CR3_KEEP))
        return;
    for (unsigned i = 0; i < HOST_TLB; i++)
        if (!(h->tlb[i].bits & PTE_GLOBAL) && h->tlb[i].pcid == pcid_now(h))
            h->tlb[i].valid = false;
}

/* Is this a piece of the page that holds va? A large page is kept in small
 * pieces, and one invalidation drops them all. */
static bool
is_piece(const struct host_tlb *t, uint64_t va)
{
    return t->bits & EXO_PTE_PS ? (t->va ^ va) <= LARGE_MASK
                                : t->va == (va & ~0xfffull);
}

void
hw_invlpg(uint64_t va)
{
    struct host_cpu *h = host_this();
    for (unsigned i = 0; i < HOST_TLB; i++) {
        struct host_tlb *t = &h->tlb[i];
        if (is_piece(t, va) &&
            (t->pcid == pcid_now(h) || (t->bits & PTE_GLOBAL)))
            t->valid = false;
    }
}

void
hw_invpcid(uint64_t type, uint64_t pcid, uint64_t va)
{
    struct host_cpu *h = host_this();
    if (type != HW_INVPCID_ADDRESS)
        panic("INVPCID type %lu", type);
    for (unsigned i = 0; i < HOST_TLB; i++) {
        struct host_tlb *t = &h->tlb[i];
        if (t->pcid == pcid && is_piece(t, va) && !(t->bits & PTE_GLOBAL))
            t->valid = false;
    }
}

static void
check_entry(const struct host_cpu *h, const struct host_tlb *t)
{
    struct walk w;
    bool there = walk(h->cr3 & EXO_PTE_PAGE, t->va, &w);
    if (!there || w.pa != t->pa)
        panic("CPU %u can still use %lx -> page %lu, which is unbound",
              h->c->index, t->va, t->pa >> EXO_PAGE_SHIFT);
    uint64_t more = (t->bits & (EXO_PTE_W | EXO_PTE_U) & ~w.bits) |
                    (~t->bits & w.bits & EXO_PTE_NX);
    if (more)
        panic("CPU %u can still use rights %lx at %lx", h->c->index, more,
              t->va);
    if (t->dirty && !(*w.leaf & EXO_PTE_D))
        panic("CPU %u would lose the dirty bit of %lx", h->c->index, t->va);
}

void
host_check_tlb(void)
{
    for (unsigned c = 0; c < K.ncpus; c++) {
        const struct host_cpu *h = &host_cpus[c];
        if ((h->cr3 & EXO_PTE_PAGE) == K.kernel_root_pa)
            continue;
        for (unsigned i = 0; i < HOST_TLB; i++) {
            const struct host_tlb *t = &h->tlb[i];
            if (t->valid && (t->pcid == pcid_now(h) || (t->bits & PTE_GLOBAL)))
                check_entry(h, t);
        }
    }
}

/* ---- tlb/user.S --------------------------------------------------------- */

bool user_smap;

/* One side of a copy is a buffer on the kernel stack or in memory, the other an
 * address of the user that runs. */
static int
copy(void *to, const void *from, size_t bytes)
{
    bool out = !host_is_kernel(to);
    char *kernel = out ? (char *)from : to;
    uint64_t uva = (uint64_t)(out ? to : from);
    while (bytes) {
        size_t n = EXO_PAGE_BYTES - uva % EXO_PAGE_BYTES;
        n = n < bytes ? n : bytes;
        void *at =
            host_translate(host_this(), uva, out ? EXO_BIND_W : EXO_BIND_R);
        if (!at)
            return 1;
        memcpy(out ? at : kernel, out ? kernel : at, n);
        kernel += n;
        uva += n;
        bytes -= n;
    }
    return 0;
}

static int
copy_words(void *to, const void *from, size_t words)
{
    return copy(to, from, words * 8);
}

user_copy *user_copy_bytes = copy, *user_copy_words = copy_words;

bool
hw_user_load(uint64_t *to, uint64_t uva)
{
    return copy_words(to, (const void *)uva, 1) == 0;
}

bool
hw_user_load3(uint64_t to[3], uint64_t uva)
{
    return copy_words(to, (const void *)uva, 3) == 0;
}

bool
hw_user_store(uint64_t uva, uint64_t word)
{
    return copy_words((void *)uva, &word, 1) == 0;
}

uint64_t
user_fixup(uint64_t rip)
{
    (void)rip;
    return 0;
}
