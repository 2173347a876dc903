// SPDX-License-Identifier: MIT
/* caps.c: issuing prefixes and handing on capabilities. */
#include "lib/caps.h"

#include <exo/error.h>
#include <exo/syscall.h>

#define LONGEST 56

void
prefixes_open(struct prefixes *prefixes, exo_guard name, uint32_t length,
              uint32_t bits)
{
    uint32_t child = length + bits < LONGEST ? length + bits : LONGEST;
    *prefixes = (struct prefixes){name, length, child, 1};
}

int64_t
prefixes_issue(struct prefixes *prefixes, exo_guard *name)
{
    if (prefixes->child <= prefixes->length ||
        prefixes->next >> (prefixes->child - prefixes->length))
        return -EXO_E_LIMIT;
    *name = prefixes->name | prefixes->next++ << (64 - prefixes->child);
    return 0;
}

int64_t
cap_give(exo_cap from, exo_cap control, exo_env env, exo_cap to, exo_guard name,
         uint32_t length, uint32_t rights)
{
    return exo_cap_grant(EXO_CAPS(from, control), env, to, name,
                         length | rights << 8);
}
