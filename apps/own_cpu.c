// SPDX-License-Identifier: MIT
/* own_cpu.c: a search in the exposed slot vectors. */
#include "own_cpu.h"

#include "minimal/minimal.h"

uint32_t
own_cpu(void)
{
    const struct exo_machine *m = exo_machine();
    for (uint32_t cpu = 0; cpu < m->ncpus; cpu++)
        for (uint32_t n = 0; n < m->nslots; n++)
            if (exo_slot_info(cpu, n)->owner == UAREA->self)
                return cpu;
    return EXO_CPU_ANY;
}
