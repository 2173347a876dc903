// SPDX-License-Identifier: MIT
/*
 * store.h: a cache in whole pages, which can be taken back page by page.
 *
 * Items are appended to the newest page. When there is no room the oldest page
 * is emptied and becomes the newest; of its items those that were read
 * meanwhile are kept, up to half of it. So there is no list to keep in order at
 * a read, no fragmentation, and giving a page back to the kernel is the same
 * step as making room. The idea is that of segment-structured caches
 * [Segcache21], with segments of one page.
 *
 *   oldest                                    newest
 *   [item item item   ] [item item  ] ... [item item|  room  ]
 *
 * Pure: memory comes from the caller, time is an argument.
 */
#ifndef KV_STORE_H
#define KV_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STORE_PAGE  4096u
#define STORE_KEY   250u  // longest key
#define STORE_VALUE 1024u // longest value
#define STORE_NEVER 0u    // an item that does not expire

/* One item; the key stands behind it, then the value. */
struct store_item {
    uint32_t next;   // in its bucket: place of the next item, 0: none
    uint32_t hash;   // of the key
    uint64_t unique; // different for every value ever stored
    uint32_t flags;  // the client's
    uint32_t expires;
    uint16_t bytes; // of the value
    uint8_t key_bytes;
    uint8_t state; // enum store_state
    uint32_t zero;
};

enum store_state {
    STORE_GONE = 1, // deleted, or written anew elsewhere
    STORE_READ = 2, // since it was written, or kept
};

struct store {
    uint32_t *bucket; // places of items; nbuckets is a power of two
    uint32_t nbuckets;
    char **page;   // by slot; NULL: the slot is free
    uint32_t most; // slots
    uint32_t npages;
    uint32_t oldest, newest; // slots; the pages between are linked
    uint64_t unique, items, evicted, expired;

    /* Asked for another page before items are given up for room: adds one, or
     * answers false. NULL: there are no more. */
    bool (*grow)(struct store *store);
};

/* An empty store without a page. buckets: nbuckets words, zeroed; pages: room
 * for `most` pointers. Both stay the store's. */
void store_open(struct store *store, uint32_t *buckets, uint32_t nbuckets,
                char **pages, uint32_t most);

/* Gives the store another page of STORE_PAGE bytes, 8-aligned. False: it has as
 * many as it can keep. */
bool store_add_page(struct store *store, char *page);

/* Takes the oldest page out of the store; its items are gone. NULL: there are
 * no pages. */
char *store_take_page(struct store *store);

uint32_t store_hash(const char *key, uint32_t bytes);

/* The item of a key, NULL when there is none or it expired. Good until the next
 * call that changes the store. now: seconds. */
struct store_item *store_find(struct store *store, const char *key,
                              uint32_t bytes, uint32_t hash, uint32_t now);

/* A new item for a key, instead of the old one: its value is for the caller to
 * write. NULL: too long, or there is no page. */
struct store_item *store_put(struct store *store, const char *key,
                             uint32_t key_bytes, uint32_t hash, uint32_t bytes);

void store_delete(struct store *store, struct store_item *item);

/* Everything goes. */
void store_clear(struct store *store);

static inline char *
store_key(struct store_item *item)
{
    return (char *)(item + 1);
}

static inline char *
store_value(struct store_item *item)
{
    return store_key(item) + item->key_bytes;
}

#endif
