// SPDX-License-Identifier: MIT
/*
 * protocol.h: the memcached text protocol over a store.
 *
 * Requests: get gets set add replace append prepend cas delete incr decr touch
 * flush_all stats version verbosity. Sources: memcached 1.6's doc/protocol.txt;
 * what is answered to broken requests is as there.
 */
#ifndef KV_PROTOCOL_H
#define KV_PROTOCOL_H

#include "store.h"

#define KV_VERSION "exo-kv 1"

struct kv {
    struct store store;
    uint32_t now;   // seconds since 1970, or since boot
    uint32_t start; // ... when it began
    uint64_t gets, hits, sets;
};

/* Answers the requests in `request` one after the other, as far as the reply
 * has room for at least one value more; what is left of a request that does not
 * end there is an error. Result: bytes of the reply. */
uint32_t kv_answer(struct kv *kv, const char *request, uint32_t bytes,
                   char *reply, uint32_t most);

#endif
