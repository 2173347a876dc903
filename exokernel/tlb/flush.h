// SPDX-License-Identifier: MIT
/*
 * Invalidation: no CPU uses a binding after the call that removed it returns.
 *
 * A call collects what it changed in a struct flush and commits it once. The
 * commit drops stale entries here, asks the CPUs on which the root is live (all
 * of them if the table is shared) through their mailboxes, and waits for every
 * answer.
 *
 * With PCID a CPU's TLB also keeps entries of roots that do not run. Each such
 * root is remembered in cpu.pcid[] with a generation: the root's own flushes
 * plus those that concern every root. When it runs again and the sum differs,
 * its entries are dropped as CR3 is loaded. The tag is a cache and shows
 * nowhere in the ABI. [SDM3 4.10]
 */
#ifndef EXO_TLB_FLUSH_H
#define EXO_TLB_FLUSH_H

#include "hw.h"
#include "kernel.h"

#define FLUSH_SINGLE 8 /* more pages than this, and all go at once */

struct flush {
    exo_page root;   /* address space that changed */
    bool everywhere; /* a shared table changed: any root may be concerned */
    bool whole;      /* too many, or a table: not page by page */
    unsigned n;
    uint64_t va[FLUSH_SINGLE];
};

static inline void
flush_add(struct flush *f, uint64_t va)
{
    if (likely(f->n < FLUSH_SINGLE))
        f->va[f->n++] = va;
    else
        f->whole = true;
}

static inline void
flush_begin(struct flush *f, exo_page root)
{
    f->root = root;
    f->everywhere = f->whole = false;
    f->n = 0;
}

/* Drop what was collected, on all CPUs. Returns when it is so. */
void flush_collected(struct flush *f);

static inline void
flush_commit(struct flush *f)
{
    if (f->n || f->whole)
        flush_collected(f);
}

/* Load a root table into CR3, with what the TLB still knows of it. */
void flush_load_tagged(struct cpu *c, uint64_t root_pa);

static inline void
flush_load_root(struct cpu *c, uint64_t root_pa)
{
    c->root_pa = root_pa;
    if (unlikely(K.features.pcid))
        flush_load_tagged(c, root_pa);
    else
        hw_write_cr3(root_pa);
}

/* Is this root table in some CPU's CR3? Then it must stay one. */
bool flush_is_loaded(exo_page root);

/* Answer a shoot-down on this CPU. Needs no lock. */
void flush_serve(struct cpu *c);

#endif
