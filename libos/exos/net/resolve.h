// SPDX-License-Identifier: MIT
/*
 * resolve.h: addresses of a name, from /etc/hosts and from the name server that
 * the manifest names.
 */
#ifndef EXOS_NET_RESOLVE_H
#define EXOS_NET_RESOLVE_H

#include <stdbool.h>
#include <stdint.h>

#define RESOLVE_MOST 16

struct resolved {
    int family;
    uint8_t bytes[16]; // 4 of them for AF_INET
};

/* Addresses of `name`, of one family or, with AF_UNSPEC, of both, into `out`,
 * which has room for RESOLVE_MOST. Waits for the name server.
 * Result: how many; or EAI_NONAME, EAI_AGAIN, EAI_FAIL. */
int resolve(const char *name, int family, struct resolved *out);

/* The name of an address in /etc/hosts. False: there is none. */
bool resolve_back(const struct resolved *address, char *name, int size);

#endif
