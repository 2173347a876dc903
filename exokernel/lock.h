// SPDX-License-Identifier: MIT
/*
 * The kernel lock: one, fair, and never waited for with interrupts missed.
 *
 * Who finds it taken says so in lock_waiters, and who gives it up passes the
 * turn round, to the next CPU by number that waits. It is free then, but for
 * the others only after a while: a CPU that does not come, because its host
 * runs something else, loses its place until it asks anew, as in [He05]
 * (docs/decisions/0027). A CPU that waits serves its mailboxes meanwhile, so
 * the holder can shoot down its TLB or ask it off its env and wait for the
 * answer without a deadlock.
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
    return __atomic_load_n(&K.lock, __ATOMIC_RELAXED) == LOCK_HELD;
}

/* Take the lock if it is free and nobody's turn. */
static inline bool
kernel_try_lock(void)
{
    uint32_t free = 0;
    return __atomic_compare_exchange_n(&K.lock, &free, LOCK_HELD, false,
                                       __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

/* Take the lock when it is this CPU's turn. */
void kernel_lock_wait(struct cpu *c);

/* Give the lock up to one of those that wait. needs: there are such. */
void kernel_pass_turn(const struct cpu *c);

/* Returns when it was taken. */
static inline uint64_t
kernel_lock(struct cpu *c, uint64_t path)
{
    if (unlikely(!kernel_try_lock()))
        kernel_lock_wait(c);
    uint64_t now = hw_rdtsc();
    c->lock_path = path;
    c->lock_tsc = (uint32_t)now;
    return now;
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
    if (unlikely(__atomic_load_n(&K.lock_waiters, __ATOMIC_RELAXED)))
        kernel_pass_turn(c);
    else
        __atomic_store_n(&K.lock, 0, __ATOMIC_RELEASE);
}

static inline void
kernel_unlock(struct cpu *c)
{
    kernel_unlock_at(c, hw_rdtsc());
}

#endif
