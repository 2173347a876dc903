// SPDX-License-Identifier: MIT
/* Waiting for the kernel lock: see lock.h. */
#include "lock.h"

static void
spin(struct cpu *c)
{
    cpu_serve_mailbox(c);
    hw_pause();
}

static void
wait_for_turn(struct cpu *c)
{
    uint32_t ticket = __atomic_fetch_add(&K.lock_next, 1, __ATOMIC_ACQ_REL);
    while (__atomic_load_n(&K.lock_now, __ATOMIC_ACQUIRE) != ticket)
        spin(c);
}

void
kernel_lock_wait(struct cpu *c)
{
    uint64_t from = hw_rdtsc();
    if (K.features.hypervisor)
        while (!kernel_try_lock())
            spin(c);
    else
        wait_for_turn(c);
    uint64_t waited = hw_rdtsc() - from;
    c->info->lock_wait += waited;
    if (c->current)
        c->current->info->lock_wait += waited;
}
