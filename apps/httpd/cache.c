// SPDX-License-Identifier: MIT
/* cache.c: see cache.h. */
#include "cache.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "date.h"
#include "mime.h"

#define INDEX      "index.html"
#define NAME_BYTES (2 * PATH_BYTES)

/* The clock that stamps files may stand still for this long: a file changed
 * twice within it can look the same, so its tag is no proof yet. */
#define TAG_SETTLES_S 2

static uint32_t
hash_of(const char *path)
{
    uint32_t hash = 2166136261u; // FNV-1a
    for (; *path; path++)
        hash = (hash ^ (unsigned char)*path) * 16777619u;
    return hash;
}

/* The file's name. False: it is too long to be one. */
static bool
name_of(const struct cache *cache, const char *path, bool index,
        char name[NAME_BYTES])
{
    int n = snprintf(name, NAME_BYTES, "%s%s%s", cache->root, path,
                     index ? INDEX : "");
    return n < NAME_BYTES;
}

static int
status_of(int error)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
    case ENAMETOOLONG:
    case ELOOP:
        return 404;
    case EACCES:
    case EPERM:
        return 403;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
        return 503;
    default:
        return 500;
    }
}

/* Writes out the fields of an answer that has the whole item. */
static void
write_fields(struct item *item)
{
    char date[DATE_BYTES];
    size_t n = 0, room = sizeof(item->fields);
    if (item->tag[0]) {
        date_write(date, item->mtime);
        n += (size_t)snprintf(item->fields, room,
                              "Last-Modified: %s\r\nETag: %s%s\r\n", date,
                              item->weak ? "W/" : "", item->tag);
    } else {
        n +=
            (size_t)snprintf(item->fields, room, "Cache-Control: no-store\r\n");
    }
    item->typed = (uint16_t)n;
    n += (size_t)snprintf(item->fields + n, room - n, "Content-Type: %s\r\n%s",
                          item->type,
                          item->tag[0] ? "Accept-Ranges: bytes\r\n" : "");
    item->sized = (uint16_t)n;
    n +=
        (size_t)snprintf(item->fields + n, room - n, "Content-Length: %llu\r\n",
                         (unsigned long long)item->size);
    item->fields_length = (uint16_t)n;
}

static bool
same(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_dev == b->st_dev &&
           a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
           a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* Reads a small file into memory; then its descriptor is not needed. False:
 * it could not be read to its end. */
static bool
read_content(struct item *item)
{
    size_t size = (size_t)item->size, have = 0;
    item->content = malloc(size ? size : 1);
    while (item->content && have < size) {
        ssize_t n = read(item->file, item->content + have, size - have);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        have += (size_t)n;
    }
    if (!item->content)
        return false;
    close(item->file);
    item->file = -1;
    return true;
}

static struct item *
item_new(const char *path)
{
    size_t length = strlen(path);
    struct item *item = calloc(1, sizeof(*item) + length + 1);
    if (!item)
        return NULL;
    memcpy(item->path, path, length);
    item->users = 1;
    item->file = -1;
    return item;
}

/* Fills in what is known of an open regular file. */
static void
describe(struct item *item, int64_t now)
{
    const struct stat *s = &item->stat;
    item->size = (uint64_t)s->st_size;
    item->mtime = (int64_t)s->st_mtim.tv_sec;
    item->weak = now < item->mtime + TAG_SETTLES_S;
    item->type =
        item->index ? "text/html; charset=utf-8" : mime_type(item->path);
    snprintf(item->tag, sizeof(item->tag), "\"%llx-%llx-%lx\"",
             (unsigned long long)item->size, (unsigned long long)item->mtime,
             (unsigned long)s->st_mtim.tv_nsec);
    write_fields(item);
}

/* Opens a file. Result: 0 and *item; else as cache_get(). A directory is
 * EISDIR, told by a status of 301. */
static int
load(const struct cache *cache, const char *path, bool index, int64_t now,
     struct item **loaded)
{
    char name[NAME_BYTES];
    if (!name_of(cache, path, index, name))
        return 404;
    int file = open(name, O_RDONLY | O_NONBLOCK); // do not wait for a pipe
    if (file < 0)
        return status_of(errno);
    struct item *item = item_new(path);
    if (!item || fstat(file, &item->stat) != 0) {
        close(file);
        free(item);
        return 503;
    }
    item->file = file;
    item->index = index;
    int status = S_ISREG(item->stat.st_mode)   ? 0
                 : S_ISDIR(item->stat.st_mode) ? 301
                                               : 403;
    if (!status) {
        describe(item, now);
        if (item->size <= CACHE_SMALL && !read_content(item))
            status = 500;
    }
    if (status) {
        item_drop(item);
        return status;
    }
    *loaded = item;
    return 0;
}

/* A path that ends in "/" is a directory; with its index, if it has one. */
static int
load_any(const struct cache *cache, const char *path, int64_t now,
         struct item **item)
{
    if (path[strlen(path) - 1] != '/')
        return load(cache, path, false, now, item);
    int status = load(cache, path, true, now, item);
    if (status != 404 && status != 301)
        return status;
    struct stat s;
    char name[NAME_BYTES];
    if (!name_of(cache, path, false, name) || stat(name, &s) != 0)
        return 404;
    return S_ISDIR(s.st_mode) ? 200 : 404;
}

static struct item **
find(struct cache *cache, const char *path, uint32_t hash)
{
    struct item **at = &cache->bucket[hash % CACHE_BUCKETS];
    while (*at && ((*at)->hash != hash || strcmp((*at)->path, path) != 0))
        at = &(*at)->next;
    return at;
}

static void
take_out(struct cache *cache, struct item **at)
{
    struct item *item = *at;
    *at = item->next;
    cache->count--;
    item_drop(item);
}

/* Takes out the item used longest ago. */
static void
evict(struct cache *cache)
{
    struct item **oldest = NULL;
    for (unsigned i = 0; i < CACHE_BUCKETS; i++)
        for (struct item **at = &cache->bucket[i]; *at; at = &(*at)->next)
            if (!oldest || (*at)->used_ms < (*oldest)->used_ms)
                oldest = at;
    if (oldest)
        take_out(cache, oldest);
}

/* The file is still the one that was opened, and its tag may be trusted. */
static bool
still_valid(const struct cache *cache, struct item *item, uint64_t now_ms)
{
    struct stat s;
    char name[NAME_BYTES];
    if (!name_of(cache, item->path, item->index, name) || stat(name, &s) != 0 ||
        !same(&s, &item->stat) || item->weak)
        return false;
    item->checked_ms = now_ms;
    return true;
}

int
cache_get(struct cache *cache, const char *path, uint64_t now_ms, int64_t now,
          struct item **found)
{
    uint32_t hash = hash_of(path);
    struct item **at = find(cache, path, hash);
    if (*at && now_ms - (*at)->checked_ms >= CACHE_TRUST_MS &&
        !still_valid(cache, *at, now_ms))
        take_out(cache, at);
    else if (*at) {
        (*at)->used_ms = now_ms;
        (*at)->users++;
        cache->hits++;
        *found = *at;
        return 0;
    }
    cache->misses++;
    struct item *item;
    int status = load_any(cache, path, now, &item);
    if (status)
        return status;
    if (cache->count == CACHE_ITEMS)
        evict(cache);
    item->hash = hash;
    item->used_ms = item->checked_ms = now_ms;
    at = &cache->bucket[hash % CACHE_BUCKETS];
    item->next = *at;
    *at = item;
    cache->count++;
    item->users++;
    *found = item;
    return 0;
}

struct item *
item_make(char *content, size_t size, const char *type)
{
    struct item *item = item_new("");
    if (!item) {
        free(content);
        return NULL;
    }
    item->content = content;
    item->size = size;
    item->type = type;
    write_fields(item);
    return item;
}

void
item_drop(struct item *item)
{
    if (!item || --item->users)
        return;
    if (item->file >= 0)
        close(item->file);
    free(item->content);
    free(item);
}

void
cache_close(struct cache *cache)
{
    for (unsigned i = 0; i < CACHE_BUCKETS; i++)
        while (cache->bucket[i])
            take_out(cache, &cache->bucket[i]);
}
