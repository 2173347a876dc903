// SPDX-License-Identifier: MIT
/*
 * The kernel lock with a CPU in line that does not run, as its host may have
 * it: what happens while CPU 1 spins is what CPUs 0 and 2 do meanwhile.
 */
#include "libos.h"

#include "lock.h"

static bool taken; /* the lock, while another CPU waited */

/* CPU 0 is done, and CPU 2 comes before CPU 1 looks again. */
static void
overtake(void)
{
    host_on_pause = NULL;
    kernel_unlock(K.cpu[0]);
    taken = kernel_try_lock();
    if (taken)
        kernel_unlock(K.cpu[2]);
}

static void
wait_once(bool guest)
{
    lib_boot(3, NULL);
    K.features.hypervisor = guest;
    kernel_lock(K.cpu[0], 0);
    want(!kernel_try_lock());
    host_on_pause = overtake;
    kernel_lock(K.cpu[1], 0);
    want(!host_on_pause && kernel_is_locked());
    want(K.cpu[1]->info->lock_wait);
    kernel_unlock(K.cpu[1]);
    want(!kernel_is_locked());
}

CLAIM(the_lock_is_had_in_the_order_of_asking)
{
    wait_once(false);
    want(!taken);
}

CLAIM(in_a_guest_a_free_lock_waits_for_no_cpu_that_may_not_run)
{
    wait_once(true);
    want(taken);
}
