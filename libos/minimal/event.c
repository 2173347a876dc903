// SPDX-License-Identifier: MIT
/*
 * event.c: waiting for event bits of the u-area.
 *
 * The kernel and other envs set bits atomically, the program clears them with
 * an atomic operation, and exo_wait looks at them under the kernel lock before
 * it sleeps: no wake-up is lost.
 */
#include "minimal/minimal.h"

uint64_t
event_take(uint64_t bits)
{
    return __atomic_fetch_and(&UAREA->events, ~bits, __ATOMIC_SEQ_CST) & bits;
}

void
event_raise(uint64_t bits)
{
    __atomic_fetch_or(&UAREA->events, bits, __ATOMIC_SEQ_CST);
}

uint64_t
event_wait(uint64_t bits, exo_tsc deadline)
{
    for (;;) {
        uint64_t got = event_take(bits);
        if (got)
            return got;
        if (exo_wait(bits, deadline, 0) == -EXO_E_TIME)
            return event_take(bits);
    }
}

void
event_sleep(uint64_t ns)
{
    event_wait(0, clock_after(ns));
}

/* The EVENT upcall: the parent asks this program to end. */
static void
on_event(struct exo_frame *frame)
{
    (void)frame;
    if (UAREA->events & UAREA->event_upcall & START_EVENT_END)
        exit(0);
}

void
event_keep_end(void)
{
    UAREA->event_upcall &= ~START_EVENT_END;
}

void
event_open(void)
{
    upcall_set(UAREA, EXO_UP_EVENT, on_event);
    UAREA->event_upcall = START_EVENT_END;
    on_event(NULL); // a bit that was set before raises no upcall
}
