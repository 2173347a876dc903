// SPDX-License-Identifier: MIT
/* Where a faulting copy goes on: see user.h. */
#include "tlb/user.h"

/* From section .fixups: instructions from `begin` to before `end`, and where to
 * go on if one of them faults. */
struct fixup {
    uint64_t begin, end, to;
};
extern const struct fixup kernel_fixups[], kernel_fixups_end[];

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
user_fixup(uint64_t rip)
{
    for (const struct fixup *f = kernel_fixups; f < kernel_fixups_end; f++)
        if (rip >= f->begin && rip < f->end)
            return f->to;
    return 0;
}
