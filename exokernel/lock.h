// SPDX-License-Identifier: MIT
/*
 * The kernel lock: one, fair, and never waited for with interrupts missed.
 *
 * A ticket lock [Mellor-Crummey91]: whoever finds it taken draws a ticket, and
 * tickets are served in order. A CPU that waits serves its mailboxes meanwhile,
 * so the holder can shoot down its TLB or ask it off its env and wait for the
 * answer without a deadlock.
 *
 * In a guest nobody draws tickets: the CPU whose turn it is may be one that its
 * host does not run now, and all the others would spin until it does. There
 * they try until they find the lock free (docs/decisions/0027).
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

/* Take the lock if nobody has it, nor a ticket for it. */
static inline bool
kernel_try_lock(void)
{
    uint32_t now = __atomic_load_n(&K.lock_now, __ATOMIC_RELAXED);
    return __atomic_load_n(&K.lock_next, __ATOMIC_RELAXED) == now &&
           __atomic_compare_exchange_n(&K.lock_next, &now, now + 1, false,
                                       __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

/* Take the lock, which somebody has. */
void kernel_lock_wait(struct cpu *c);

static inline void
kernel_lock(struct cpu *c, uint64_t path)
{
    if (unlikely(!kernel_try_lock()))
        kernel_lock_wait(c);
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

/* Let others have the lock in between, those without tickets, too. */
static inline void
kernel_relock(struct cpu *c, uint64_t path)
{
    kernel_unlock(c);
    if (K.features.hypervisor)
        hw_pause();
    kernel_lock(c, path);
}

#endif
