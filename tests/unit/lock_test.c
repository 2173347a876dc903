// SPDX-License-Identifier: MIT
/*
 * Whose turn it is for the kernel lock, and what becomes of a CPU that does not
 * come when it is. What happens while one CPU spins is what the others do
 * meanwhile: `host_on_pause` is called each time it does.
 */
#include "libos.h"

#include "lock.h"

#define FEW  8
#define MANY 100

static unsigned pauses; /* since the turn was passed on */
static bool barged;     /* somebody got the lock in between */

static void
begin(void)
{
    lib_boot(4, NULL);
    pauses = 0;
    kernel_lock(K.cpu[0], 0);
    want(!kernel_try_lock());
}

/* CPU 0 is done. CPU 2 comes before CPU 1, which waits, looks again. */
static void
come_between(void)
{
    host_on_pause = NULL;
    kernel_unlock(K.cpu[0]);
    barged = kernel_try_lock();
}

CLAIM(who_waits_is_served_before_who_comes)
{
    begin();
    host_on_pause = come_between;
    kernel_lock(K.cpu[1], 0);
    want(!host_on_pause && !barged && kernel_is_locked());
    want_equal(K.lock_waiters, 0);
    want(K.cpu[1]->info->lock_wait);
    kernel_unlock(K.cpu[1]);
    want(kernel_try_lock());
}

CLAIM(the_turn_goes_round)
{
    begin();
    K.lock_waiters = 1ull << 1 | 1ull << 3;
    kernel_unlock(K.cpu[0]);
    want_equal(K.lock, LOCK_TURN(1));
    K.lock = LOCK_HELD;
    kernel_unlock(K.cpu[2]);
    want_equal(K.lock, LOCK_TURN(3));
    K.lock = LOCK_HELD;
    kernel_unlock(K.cpu[3]);
    want_equal(K.lock, LOCK_TURN(1));
}

/* CPU 0 gives the lock up when CPU 3 waits already, which does not come. */
static void
pass_over(void)
{
    if (pauses++ == 0)
        kernel_unlock(K.cpu[0]);
    if (pauses > MANY)
        host_on_pause = NULL;
}

CLAIM(who_does_not_come_keeps_others_waiting_for_a_moment)
{
    begin();
    K.lock_waiters = 1ull << 1; /* its host runs something else */
    host_on_pause = pass_over;
    kernel_lock(K.cpu[2], 0);
    want(pauses > FEW && pauses < MANY);
    want_equal(K.lock_waiters, 0); /* it has no place any more */
    kernel_unlock(K.cpu[2]);
    want_equal(K.lock, 0);
}

/* CPU 1 was passed over while it waited, and asks anew. */
static void
lose_place(void)
{
    if (pauses++ == 0)
        K.lock_waiters = 0;
    else
        host_on_pause = NULL;
    if (pauses == 2) {
        want_equal(K.lock_waiters, 1ull << 1);
        kernel_unlock(K.cpu[2]);
        want_equal(K.lock, LOCK_TURN(1));
    }
}

CLAIM(who_was_passed_over_gets_a_place_again)
{
    begin();
    host_on_pause = lose_place;
    kernel_lock(K.cpu[1], 0);
    want_equal(K.lock_waiters, 0);
    want(kernel_is_locked());
}

/* The one whose turn it is comes, late but in time. */
static void
take_turn(void)
{
    if (pauses++ == 0)
        kernel_unlock(K.cpu[0]);
    if (pauses == FEW) {
        want_equal(K.lock, LOCK_TURN(1));
        K.lock = LOCK_HELD;
        K.lock_waiters &= ~(1ull << 1);
    }
    if (pauses == FEW + 4)
        kernel_unlock(K.cpu[1]);
    if (pauses > MANY)
        host_on_pause = NULL;
}

CLAIM(who_comes_late_is_waited_for)
{
    begin();
    K.lock_waiters = 1ull << 1;
    host_on_pause = take_turn;
    kernel_lock(K.cpu[2], 0);
    want_equal(pauses, FEW + 4);
}
