// SPDX-License-Identifier: MIT
/* Waiting for the kernel lock: see lock.h. */
#include "lock.h"

/* Looks at a lock that is free, but another's turn, until it passes that one
 * over. Who runs sees its turn within a few. */
#define PATIENCE 32

/* `seen` and `looks` are what earlier tries saw, and how often in a row. */
static bool
try_in_turn(uint32_t mine, uint32_t *seen, unsigned *looks)
{
    uint32_t word = __atomic_load_n(&K.lock, __ATOMIC_RELAXED);
    *looks = word == *seen ? *looks + 1 : 0;
    *seen = word;
    if (word == LOCK_HELD || (word && word != mine && *looks < PATIENCE))
        return false;
    if (!__atomic_compare_exchange_n(&K.lock, &word, LOCK_HELD, false,
                                     __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
        return false;
    if (word && word != mine)
        __atomic_fetch_and(&K.lock_waiters, ~(1ull << LOCK_WHOSE(word)),
                           __ATOMIC_RELAXED);
    return true;
}

void
kernel_lock_wait(struct cpu *c)
{
    uint64_t from = hw_rdtsc(), me = 1ull << c->index;
    uint32_t seen = LOCK_HELD;
    unsigned looks = 0;
    do {
        if (!(__atomic_load_n(&K.lock_waiters, __ATOMIC_RELAXED) & me))
            __atomic_fetch_or(&K.lock_waiters, me, __ATOMIC_RELAXED);
        cpu_serve_mailbox(c);
        hw_pause();
    } while (!try_in_turn(LOCK_TURN(c->index), &seen, &looks));
    __atomic_fetch_and(&K.lock_waiters, ~me, __ATOMIC_RELAXED);
    uint64_t waited = hw_rdtsc() - from;
    c->info->lock_wait += waited;
    if (c->current)
        c->current->info->lock_wait += waited;
}

/* The turn goes round by CPU number. */
void
kernel_pass_turn(const struct cpu *c)
{
    uint64_t waiters = __atomic_load_n(&K.lock_waiters, __ATOMIC_RELAXED);
    uint64_t behind = waiters & (~1ull << c->index);
    unsigned next = (unsigned)__builtin_ctzll(behind ? behind : waiters);
    __atomic_store_n(&K.lock, LOCK_TURN(next), __ATOMIC_RELEASE);
}
