// SPDX-License-Identifier: MIT
/* Invalidation: see flush.h. */
#include "tlb/flush.h"

#include "drv/apic.h"
#include "hw.h"

#define CR3_KEEP (1ull << 63) /* do not drop this PCID's entries */

static uint64_t
generation_of(uint64_t root_pa)
{
    return K.page[root_pa >> EXO_PAGE_SHIFT].generation + K.generation;
}

static struct pcid_entry *
pcid_find(struct cpu *c, uint64_t root_pa)
{
    for (unsigned i = 0; i < ARRAY_SIZE(c->pcid); i++)
        if (c->pcid[i].root_pa == root_pa)
            return &c->pcid[i];
    return NULL;
}

static struct pcid_entry *
pcid_oldest(struct cpu *c)
{
    struct pcid_entry *oldest = &c->pcid[0];
    for (unsigned i = 1; i < ARRAY_SIZE(c->pcid); i++)
        if (c->pcid[i].used < oldest->used)
            oldest = &c->pcid[i];
    return oldest;
}

/* PCID 0 is the kernel's own root; entry i is PCID i + 1. */
static uint64_t
pcid_of(struct cpu *c, const struct pcid_entry *e)
{
    return (uint64_t)(e - c->pcid) + 1;
}

void
flush_load_tagged(struct cpu *c, uint64_t root_pa)
{
    if (root_pa == K.kernel_root_pa) {
        hw_write_cr3(root_pa);
        return;
    }
    struct pcid_entry *e = pcid_find(c, root_pa);
    uint64_t now = generation_of(root_pa), keep = CR3_KEEP;
    if (!e) {
        e = pcid_oldest(c);
        e->root_pa = root_pa;
        keep = 0;
    } else if (e->generation != now) {
        keep = 0;
    }
    e->generation = now;
    e->used = c->info->stamp;
    hw_write_cr3(root_pa | pcid_of(c, e) | keep);
}

bool
flush_is_loaded(exo_page root)
{
    for (unsigned i = 0; i < K.ncpus; i++)
        if (K.cpu[i]->root_pa == root << EXO_PAGE_SHIFT)
            return true;
    return false;
}

/* Drop everything this CPU's TLB knows of the root that is loaded. */
static __attribute__((noinline)) void
flush_current(struct cpu *c)
{
    c->info->full_flushes++;
    uint64_t pcid = 0;
    if (K.features.pcid && c->root_pa != K.kernel_root_pa) {
        struct pcid_entry *e = pcid_find(c, c->root_pa);
        e->generation = generation_of(c->root_pa);
        pcid = pcid_of(c, e);
    }
    hw_write_cr3(c->root_pa | pcid);
}

/* A root that does not run here: spare its other entries if the CPU can drop
 * single ones; else the generation drops them all when it runs. */
static __attribute__((noinline)) void
flush_absent(struct cpu *c, const struct flush *f, uint64_t root_pa)
{
    struct pcid_entry *e = K.features.invpcid && f->n <= FLUSH_SINGLE
                               ? pcid_find(c, root_pa)
                               : NULL;
    if (!e || e->generation + 1 != generation_of(root_pa))
        return;
    for (unsigned i = 0; i < f->n; i++)
        hw_invpcid(HW_INVPCID_ADDRESS, pcid_of(c, e), f->va[i]);
    e->generation = generation_of(root_pa);
}

/* Drop them on this CPU, in the one address space that changed. */
static inline void
flush_here(struct cpu *c, const struct flush *f, uint64_t root_pa)
{
    uint32_t n = f->n;
    if (c->root_pa != root_pa) {
        flush_absent(c, f, root_pa);
        return;
    }
    if (n > FLUSH_SINGLE) {
        flush_current(c);
        return;
    }
    for (uint32_t i = 0; i < n; i++)
        hw_invlpg(f->va[i]);
    if (K.features.pcid)
        pcid_find(c, root_pa)->generation = generation_of(root_pa);
}

void
flush_serve(struct cpu *c)
{
    uint32_t wanted = __atomic_load_n(&c->flush_wanted, __ATOMIC_ACQUIRE);
    if (wanted == c->flush_done)
        return;
    c->info->flushes++;
    flush_current(c);
    __atomic_store_n(&c->flush_done, wanted, __ATOMIC_RELEASE);
}

static bool
flush_concerns(const struct cpu *c, const struct flush *f, uint64_t root_pa)
{
    if (f->everywhere)
        return c->root_pa != K.kernel_root_pa;
    return c->root_pa == root_pa;
}

static __attribute__((noinline)) void
flush_others(struct cpu *me, const struct flush *f, uint64_t root_pa)
{
    for (unsigned i = 0; i < K.ncpus; i++) {
        struct cpu *c = K.cpu[i];
        if (c == me || !flush_concerns(c, f, root_pa))
            continue;
        __atomic_store_n(&c->flush_wanted, c->flush_wanted + 1,
                         __ATOMIC_RELEASE);
        apic_ipi(c, VECTOR_FLUSH);
        if (me->current)
            me->current->info->flushes++;
    }
    for (unsigned i = 0; i < K.ncpus; i++) {
        struct cpu *c = K.cpu[i];
        while (c != me && __atomic_load_n(&c->flush_done, __ATOMIC_ACQUIRE) !=
                              c->flush_wanted)
            hw_pause();
    }
}

void
flush_collected(struct flush *f)
{
    struct cpu *me = hw_this_cpu();
    uint64_t root_pa = f->root << EXO_PAGE_SHIFT;
    if (unlikely(f->everywhere)) {
        K.generation++;
        flush_current(me);
    } else {
        K.page[f->root].generation++;
        flush_here(me, f, root_pa);
    }
    if (K.ncpus > 1)
        flush_others(me, f, root_pa);
    f->n = 0;
    f->everywhere = false;
}
