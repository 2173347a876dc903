// SPDX-License-Identifier: MIT
/* Capabilities: see cap.h. Pure logic, also built on the host. */
#include "cap/cap.h"

const struct cap cap_nothing;

bool
cap_is_part(const struct cap *whole, uint64_t name, unsigned length,
            unsigned rights)
{
    return length <= 64 && length >= whole->length &&
           (name & ~cap_mask(length)) == 0 && rights != 0 &&
           cap_covers(whole, name, rights);
}

void
check_cap(const struct env *e)
{
    for (unsigned i = 0; i < EXO_CAPS_MAX; i++) {
        const struct cap *c = &e->cap[i];
        if (c->opened) {
            assert(c->rights == 0);
            continue;
        }
        assert((c->name & ~c->mask) == 0); /* CAP-1 */
        assert(!c->rights || c->mask == cap_mask(c->length));
    }
}
