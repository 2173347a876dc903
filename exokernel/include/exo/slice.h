// SPDX-License-Identifier: MIT
/*
 * slice.h: CPU time as slots.
 *
 * Each CPU has a vector of `nslots` slots of `slot_tsc` ticks, run through in
 * order for ever. A slot is owned by an env, guarded and exposed like any
 * resource. Adjacent slots of one owner are one slice. A slot nobody owns, or
 * whose owner cannot run there now, is slack: it goes to the env its sleeping
 * owner named (`donate` of exo_wait), else round robin to whoever is READY.
 */
#ifndef EXO_SLICE_H
#define EXO_SLICE_H

#include <exo/types.h>

struct exo_slot {
    exo_env owner; // 0: nobody
    exo_guard guard;
};

_Static_assert(sizeof(struct exo_slot) == 16, "ABI layout");

/* How slots are named in one word: CPU and position. */
#define EXO_SLOT(cpu, n) ((uint64_t)(cpu) << 32 | (n))

/* Ticks of grace an env has after a QUANTUM upcall: exo_machine.grace_tsc. */

#endif
