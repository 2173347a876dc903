// SPDX-License-Identifier: MIT
/* Where a faulting copy goes on: see user.h. */
#include "tlb/user.h"

extern const char user_copy_begin[], user_copy_end[], user_copy_failed[];

user_copy *user_copy_words = user_copy_words_plain;
user_copy *user_copy_bytes = user_copy_bytes_plain;
bool user_smap;

void
user_init(void)
{
    user_smap = K.features.smap;
    if (!user_smap)
        return;
    user_copy_words = user_copy_words_smap;
    user_copy_bytes = user_copy_bytes_smap;
}

uint64_t
user_copy_fixup(uint64_t rip)
{
    if (rip < (uint64_t)user_copy_begin || rip >= (uint64_t)user_copy_end)
        return 0;
    return (uint64_t)user_copy_failed;
}
