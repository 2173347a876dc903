// SPDX-License-Identifier: MIT
/*
 * dispatch.c: upcalls, each to its part.
 *
 *   FAULT        vm/pager.c; what it does not know ends the program
 *   REVOKE       vm/release.c
 *   REPOSSESSED  vm/release.c
 *   EVENT        proc/signal.c: the parent wants the program to end
 *
 * There is no QUANTUM handler: the kernel switches the program transparently,
 * FPU and all.
 */
#include "exos/upcall/dispatch.h"

#include "exos/proc/signal.h"
#include "exos/vm/space.h"
#include "exos/vm/vm.h"
#include "lib/upcall.h"

/* Without a handler the same fault ends the env, and its record shows the
 * registers of the culprit and not those of a handler. */
static void
on_fault(struct exo_frame *frame)
{
    if (!pager_fault(frame))
        upcall_set(UAREA, EXO_UP_FAULT, NULL);
}

static void
on_event(struct exo_frame *frame)
{
    (void)frame;
    uint64_t bits =
        __atomic_fetch_and(&UAREA->events, ~START_EVENT_END, __ATOMIC_SEQ_CST);
    if (bits & START_EVENT_END)
        signal_asked_to_end();
}

void
dispatch_open(void)
{
    upcall_set(UAREA, EXO_UP_FAULT, on_fault);
    upcall_set(UAREA, EXO_UP_REVOKE, release_asked);
    upcall_set(UAREA, EXO_UP_REPOSSESSED, release_taken);
    upcall_set(UAREA, EXO_UP_EVENT, on_event);
    UAREA->event_upcall = START_EVENT_END;
    on_event(NULL); // a bit that was set before raises no upcall
}
