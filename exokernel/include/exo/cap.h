// SPDX-License-Identifier: MIT
/*
 * cap.h: capabilities, which are prefixes.
 *
 * Every resource carries a 64-bit guard. A capability {name, length, rights}
 * covers every guard whose first `length` bits equal those of `name`, as a
 * CIDR block covers addresses. Each env has a list of EXO_CAPS_MAX slots in
 * its save page; a call says which slot it presents, and nothing is allowed
 * because of who the caller is. Derivation only narrows: a longer prefix
 * below, the same rights or fewer. Length 0 with all rights is the machine,
 * and only the first env starts with it.
 */
#ifndef EXO_CAP_H
#define EXO_CAP_H

#include <exo/types.h>

#define EXO_CAPS_MAX 64

enum exo_right {
    EXO_READ = 1,    // bind read-only, inspect
    EXO_WRITE = 2,   // bind writable, modify; for an env: ring, call, yield to
    EXO_GRANT = 4,   // derive and hand on, allocate under, re-guard
    EXO_CONTROL = 8, // start, stop, schedule, revoke, inspect, destroy
    EXO_ALL = 15,
};

struct exo_cap_info {
    uint64_t name;   // the prefix, left-aligned; bits beyond `length` are zero
    uint8_t length;  // bits of `name` that count, 0..64
    uint8_t rights;  // EXO_READ | ...; 0: the slot is empty
    uint16_t opened; // nonzero: the slot is open for a sender (cap_open)
    uint32_t zero;
};

_Static_assert(sizeof(struct exo_cap_info) == 16, "ABI layout");

#endif
