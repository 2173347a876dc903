// SPDX-License-Identifier: MIT
/*
 * cache.h: files ready to be sent.
 *
 * An item is a file as an answer needs it: its validators, the fields of its
 * answer written out, and its bytes if they are few, else an open descriptor to
 * send from. The cache keeps the items used last, looks at the file again when
 * an item is older than CACHE_TRUST_MS, and replaces it when the file changed.
 *
 * An item lives until its last user drops it. What the cache itself holds
 * counts as one user.
 */
#ifndef HTTPD_CACHE_H
#define HTTPD_CACHE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "path.h"

#define CACHE_ITEMS    256
#define CACHE_BUCKETS  512  // a power of two
#define CACHE_SMALL    8192 // bytes up to which a file is held in memory
#define CACHE_TRUST_MS 1000

struct item {
    struct item *next; // of its bucket
    uint32_t hash;
    uint32_t users;
    uint64_t used_ms, checked_ms;
    int64_t mtime;    // seconds since 1970
    uint64_t size;    // bytes of the file or of `content`
    char *content;    // owned; null: send from `file`
    int file;         // -1: none
    bool index;       // path ends in "/" and the file is its index.html
    bool weak;        // the tag does not tell versions apart
    char tag[48];     // with its quotes, without W/; "" : there is none
    const char *type; // static
    struct stat stat; // as it was when it was opened
    uint16_t typed;   // fields: validators end and Content-Type begins here
    uint16_t sized;   // ... and here Content-Length
    uint16_t fields_length;
    char fields[320];
    char path[]; // normalised
};

struct cache {
    const char *root; // directory, without a final "/"
    struct item *bucket[CACHE_BUCKETS];
    unsigned count;
    uint64_t hits, misses;
};

/* The item of a normalised path. `now_ms` is monotonic, `now` is the time of
 * day in seconds. Result: 0, and *item with one more user; else a status: 301
 * it is a directory, add a "/"; 403; 404; 500; 503 no memory or no
 * descriptor is left; 200 it is a directory without an index. */
int cache_get(struct cache *cache, const char *path, uint64_t now_ms,
              int64_t now, struct item **item);

/* An item of its own for bytes made on demand, which it now owns. Null: no
 * memory, and the bytes are freed. */
struct item *item_make(char *content, size_t size, const char *type);

/* One user less. */
void item_drop(struct item *item);

/* Drops all that it holds. */
void cache_close(struct cache *cache);

#endif
