// SPDX-License-Identifier: MIT
/*
 * caps.h: handing out parts of the name space that capabilities live in.
 *
 * Whoever owns a prefix may cut longer ones out of it for others. A prefix is
 * never issued twice, so that a capability kept by somebody long gone covers
 * nothing of a newcomer [Engler95 3.2]; the counter that makes it so is all
 * there is to keep. Number 0 stays with the issuer: what it owns itself it
 * guards with its bare prefix.
 *
 *   machine  |<------------------ 64 bits ------------------->|
 *   init     |<-- 24: application -->|<-- 16: its child -->|...|
 */
#ifndef LIB_CAPS_H
#define LIB_CAPS_H

#include <exo/cap.h>

struct prefixes {
    exo_guard name;  // the issuer's own prefix ...
    uint32_t length; // ... and how many bits of it are fixed
    uint32_t child;  // length of the prefixes it issues
    uint64_t next;   // number that is issued next
};

/* Starts issuing below a prefix of `length` bits. Those it issues are `bits`
 * longer, at most 56 bits in all, so that each leaves room for 256 guards. */
void prefixes_open(struct prefixes *prefixes, exo_guard name, uint32_t length,
                   uint32_t bits);

/* Takes a prefix that was never issued before; its length is prefixes->child.
 * Errors: LIMIT they are used up. */
int64_t prefixes_issue(struct prefixes *prefixes, exo_guard *name);

/* Derives slot `from` of the caller into slot `to` of `env`, narrowed.
 * control: a slot with CONTROL over a child's env; any for oneself. */
int64_t cap_give(exo_cap from, exo_cap control, exo_env env, exo_cap to,
                 exo_guard name, uint32_t length, uint32_t rights);

#endif
