// SPDX-License-Identifier: MIT
/* Where a faulting copy goes on: see user.h. */
#include "tlb/user.h"

extern const char user_copy_begin[], user_copy_end[], user_copy_failed[];

/* STAC and CLAC are to be used. [I] */
bool user_smap;

uint64_t
user_copy_fixup(uint64_t rip)
{
    if (rip < (uint64_t)user_copy_begin || rip >= (uint64_t)user_copy_end)
        return 0;
    return (uint64_t)user_copy_failed;
}
