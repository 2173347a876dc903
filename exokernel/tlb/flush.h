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

static inline void
flush_add(struct flush *f, uint64_t va)
{
    if (likely(f->n < FLUSH_SINGLE))
        f->va[f->n] = va;
    f->n++;
}

/* A table went: whatever it mapped is to go. */
static inline void
flush_add_all(struct flush *f)
{
    f->n = FLUSH_SINGLE + 1;
}

/* Drop what was collected, on all CPUs. Returns when it is so. */
void flush_collected(struct flush *f);

static inline void
flush_commit(struct flush *f)
{
    if (f->n)
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
