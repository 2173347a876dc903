// SPDX-License-Identifier: MIT
/* dir.c: names in directories; see dir.h. */
#include "exos/fs/dir.h"

#include "exos/fs/node.h"
#include "exos/vm/core.h"
#include "lib/string.h"

#define FIRST_BUCKETS 64u
#define FIRST_COOKIE  2u // 0 and 1 are "." and ".."

static struct entry **bucket;
static uint64_t nbuckets, nentries;

/* FNV-1a, begun with the directory's number. */
static uint64_t
hash(const struct node *dir, struct name name)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325) ^ dir->number;
    for (uint32_t i = 0; i < name.length; i++)
        h = (h ^ (uint8_t)name.at[i]) * UINT64_C(0x100000001b3);
    return h ^ h >> 32;
}

static struct entry **
bucket_of(const struct node *dir, struct name name)
{
    return &bucket[hash(dir, name) & (nbuckets - 1)];
}

static void
chain_up(struct entry *entry)
{
    struct name name = {entry->name, entry->length};
    struct entry **at = bucket_of(entry->dir, name);
    entry->chain = *at;
    *at = entry;
}

/* Keeps chains short: twice as many buckets when there is an entry for each.
 * Without memory for that they only get longer. */
static bool
grow(void)
{
    uint64_t had = nbuckets, more = had ? 2 * had : FIRST_BUCKETS;
    struct entry **old = bucket, **larger;
    if (nentries < nbuckets)
        return true;
    larger = core_alloc(more * sizeof(struct entry *));
    if (!larger)
        return had != 0;
    bucket = larger;
    nbuckets = more;
    for (uint64_t i = 0; i < had; i++)
        for (struct entry *e = old[i], *next; e; e = next) {
            next = e->chain;
            chain_up(e);
        }
    core_free(old, had * sizeof(struct entry *));
    return true;
}

struct entry *
dir_find(const struct node *dir, struct name name)
{
    struct entry *e = nbuckets ? *bucket_of(dir, name) : NULL;
    while (e && (e->dir != dir || e->length != name.length ||
                 memcmp(e->name, name.at, name.length) != 0))
        e = e->chain;
    return e;
}

static uint64_t
entry_bytes(uint32_t length)
{
    return sizeof(struct entry) + length + 1;
}

bool
dir_add(struct node *dir, struct name name, struct node *node)
{
    struct entry *entry;
    if (!grow() || !(entry = core_alloc(entry_bytes(name.length))))
        return false;
    entry->dir = dir;
    entry->node = node;
    entry->length = name.length;
    memcpy(entry->name, name.at, name.length);
    if (!dir->dir.next_cookie)
        dir->dir.next_cookie = FIRST_COOKIE;
    entry->cookie = dir->dir.next_cookie++;
    entry->prev = dir->dir.last;
    if (entry->prev)
        entry->prev->next = entry;
    else
        dir->dir.first = entry;
    dir->dir.last = entry;
    chain_up(entry);
    nentries++;
    dir->size++;
    node->links++;
    if (S_ISDIR(node->mode)) {
        node->dir.parent = dir;
        node->links++; // its "."
        dir->links++;  // its ".."
    }
    node_touch(dir);
    node_touch_meta(node);
    return true;
}

static void
unchain(const struct entry *entry)
{
    struct name name = {entry->name, entry->length};
    struct entry **at = bucket_of(entry->dir, name);
    while (*at != entry)
        at = &(*at)->chain;
    *at = entry->chain;
}

void
dir_remove(struct entry *entry)
{
    struct node *dir = entry->dir, *node = entry->node;
    unchain(entry);
    if (entry->prev)
        entry->prev->next = entry->next;
    else
        dir->dir.first = entry->next;
    if (entry->next)
        entry->next->prev = entry->prev;
    else
        dir->dir.last = entry->prev;
    core_free(entry, entry_bytes(entry->length));
    nentries--;
    dir->size--;
    if (S_ISDIR(node->mode)) {
        node->links--;
        dir->links--;
    }
    node_touch(dir);
    node_unlink(node);
}

struct entry *
dir_from(const struct node *dir, uint64_t cookie)
{
    struct entry *e = dir->dir.first;
    while (e && e->cookie < cookie)
        e = e->next;
    return e;
}

const struct entry *
dir_name_of(const struct node *dir)
{
    const struct entry *e = dir->dir.parent->dir.first;
    while (e && e->node != dir)
        e = e->next;
    return e;
}
