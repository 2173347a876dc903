// SPDX-License-Identifier: MIT
/*
 * The kernel lock: one, fair, and never waited for with interrupts missed.
 *
 * A ticket lock [Mellor-Crummey91]: tickets are served in order. A CPU that
 * waits serves its mailboxes meanwhile, so the holder can shoot down its TLB or
 * ask it off its env and wait for the answer without a deadlock.
 *
 *  flush  flush_wanted counts requests, flush_done answers. The CPU reloads its
 *         root table [SDM3 4.10.5].
 *  kick   kicked != kick_ack: this CPU promises not to return to user mode
 *         before it took the lock and looked at its slots again.
 *
 * kernel_lock() stamps the TSC and kernel_unlock() keeps the longest hold. The
 * system call entry has both inline, in trap/entry.S.
 */
#ifndef EXO_LOCK_H
#define EXO_LOCK_H

#include "kernel.h"
#include "hw.h"

/* Answer what other CPUs want of this one; needs no lock. */
void cpu_answer(struct cpu *c);

static inline void
cpu_serve_mailbox(struct cpu *c)
{
    if (unlikely(__atomic_load_n(&c->flush_wanted, __ATOMIC_ACQUIRE) !=
                     c->flush_done ||
                 __atomic_load_n(&c->kicked, __ATOMIC_ACQUIRE) != c->kick_ack))
        cpu_answer(c);
}

static inline bool
kernel_is_locked(void)
{
    return __atomic_load_n(&K.lock_now, __ATOMIC_RELAXED) !=
           __atomic_load_n(&K.lock_next, __ATOMIC_RELAXED);
}

static inline void
kernel_lock(struct cpu *c, uint64_t path)
{
    uint32_t ticket = __atomic_fetch_add(&K.lock_next, 1, __ATOMIC_ACQ_REL);
    if (unlikely(__atomic_load_n(&K.lock_now, __ATOMIC_ACQUIRE) != ticket)) {
        uint64_t from = hw_rdtsc();
        while (__atomic_load_n(&K.lock_now, __ATOMIC_ACQUIRE) != ticket) {
            cpu_serve_mailbox(c);
            hw_pause();
        }
        uint64_t waited = hw_rdtsc() - from;
        c->info->lock_wait += waited;
        if (c->current)
            c->current->info->lock_wait += waited;
    }
    c->lock_path = path;
    c->lock_tsc = (uint32_t)hw_rdtsc();
}

/* Give the lock up, when it is `now`. */
static inline void
kernel_unlock_at(struct cpu *c, uint64_t now)
{
    uint32_t held = (uint32_t)now - c->lock_tsc;
    if (unlikely(held > c->lock_max)) {
        c->lock_max = c->info->lock_hold_max = held;
        c->info->lock_hold_path = c->lock_path;
    }
    __asm__ volatile("incl %0" : "+m"(K.lock_now) : : "memory");
}

static inline void
kernel_unlock(struct cpu *c)
{
    kernel_unlock_at(c, hw_rdtsc());
}

#endif
