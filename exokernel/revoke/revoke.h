// SPDX-License-Identifier: MIT
/*
 * Visible revocation: ask, wait, take, tell.
 *
 *   ask    REVOKE upcall {kind, count, deadline}; the libOS chooses what to
 *          give back, and page_free counts it
 *   take   after the deadline: pages in the libOS's release order, then
 *          whichever, only above the reservation, a bounded number at a time
 *   tell   REPOSSESSED, with the list in the u-area; the env goes on
 *
 * Who asks: a manager with CONTROL, or the kernel when a guaranteed allocation
 * finds nothing free. Then the pages that become free are earmarked for the
 * asker, who is told by EXO_EVENT_GRANT.
 *
 * How it is taken back: a request ends when it is met, at its deadline, or with
 * either env.
 *
 * REVOKE-1  nothing is taken from an env whose pages are within its
 * reservation. REVOKE-2  an env is asked by one request at a time.
 *
 * Policy left to the libOS: what to give. Policy here: one line, the victim on
 * shortage is the application most above its reservation (account_victim).
 * [Engler95 3.3, 3.4], [Hand99 4.3]
 */
#ifndef EXO_REVOKE_REVOKE_H
#define EXO_REVOKE_REVOKE_H

#include "kernel.h"

void revoke_init(void);

/* A guaranteed allocation of `asker` found nothing free: make somebody give.
 * False: nobody has anything above its reservation. */
bool revoke_shortage(struct env *asker);

/* `payer` got a page: less is owed to it. */
static inline void
revoke_granted(struct env *payer)
{
    if (likely(!payer->owed))
        return;
    payer->owed--;
    K.machine->pages_earmarked--;
}

/* Ask e for at most count pages by the deadline; how many it will have to
 * give. needs: e alive, no request pending. */
uint32_t revoke_ask(struct env *e, uint32_t count, exo_tsc deadline,
                    exo_env asker);

#endif
