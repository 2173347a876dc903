// SPDX-License-Identifier: MIT
/* A cache in whole pages: see store.h. */
#include "store.h"

#include "lib/string.h"

/* How each page begins. A place is a page's slot and an offset in units of 8;
 * no item is at offset 0, so place 0 is none. */
struct head {
    uint32_t used; // bytes, these included
    uint32_t next; // slot of the next newer page
};

#define FIRST ((uint32_t)sizeof(struct head))

static struct head *
head_of(const struct store *s, uint32_t slot)
{
    return (struct head *)s->page[slot];
}

static uint32_t
place_of(uint32_t slot, uint32_t offset)
{
    return slot << 9 | offset >> 3;
}

static struct store_item *
item_at(const struct store *s, uint32_t place)
{
    return (struct store_item *)(s->page[place >> 9] + ((place & 511) << 3));
}

static uint32_t
room_for(uint32_t key_bytes, uint32_t bytes)
{
    return (uint32_t)(sizeof(struct store_item) + key_bytes + bytes + 7) & ~7u;
}

static uint32_t *
bucket_of(const struct store *s, uint32_t hash)
{
    return &s->bucket[hash & (s->nbuckets - 1)];
}

void
store_open(struct store *s, uint32_t *buckets, uint32_t nbuckets, char **pages,
           uint32_t most)
{
    *s = (struct store){
        .bucket = buckets, .nbuckets = nbuckets, .page = pages, .most = most};
}

/* A page becomes the newest. */
static void
append_page(struct store *s, uint32_t slot)
{
    if (s->npages++)
        head_of(s, s->newest)->next = slot;
    else
        s->oldest = slot;
    s->newest = slot;
}

/* The oldest page, taken out of the row. needs: there is one. */
static uint32_t
remove_page(struct store *s)
{
    uint32_t slot = s->oldest;
    s->oldest = head_of(s, slot)->next;
    s->npages--;
    return slot;
}

bool
store_add_page(struct store *s, char *page)
{
    uint32_t slot = 0;
    while (slot < s->most && s->page[slot])
        slot++;
    if (slot == s->most)
        return false;
    s->page[slot] = page;
    *head_of(s, slot) = (struct head){FIRST, 0};
    append_page(s, slot);
    return true;
}

uint32_t
store_hash(const char *key, uint32_t bytes)
{
    uint64_t h = UINT64_C(0x9e3779b97f4a7c15) ^ bytes, word;
    for (; bytes >= sizeof(word); bytes -= 8, key += 8) {
        memcpy(&word, key, sizeof(word));
        h = (h ^ word) * UINT64_C(0xff51afd7ed558ccd);
        h ^= h >> 32;
    }
    word = 0;
    memcpy(&word, key, bytes);
    h = (h ^ word) * UINT64_C(0xff51afd7ed558ccd);
    return (uint32_t)(h ^ h >> 32);
}

static void
link_item(struct store *s, struct store_item *item, uint32_t place)
{
    uint32_t *head = bucket_of(s, item->hash);
    item->next = *head;
    *head = place;
    s->items++;
}

static void
unlink_item(struct store *s, struct store_item *item)
{
    uint32_t *at = bucket_of(s, item->hash);
    while (item_at(s, *at) != item)
        at = &item_at(s, *at)->next;
    *at = item->next;
    s->items--;
}

void
store_delete(struct store *s, struct store_item *item)
{
    unlink_item(s, item);
    item->state = STORE_GONE;
}

struct store_item *
store_find(struct store *s, const char *key, uint32_t bytes, uint32_t hash,
           uint32_t now)
{
    for (uint32_t place = *bucket_of(s, hash); place;) {
        struct store_item *item = item_at(s, place);
        place = item->next;
        if (item->hash != hash || item->key_bytes != bytes ||
            memcmp(store_key(item), key, bytes) != 0)
            continue;
        if (!item->expires || item->expires > now) {
            item->state = STORE_READ;
            return item;
        }
        store_delete(s, item);
        s->expired++;
        return NULL;
    }
    return NULL;
}

/* Empties a page but for items read since they were written or kept last, which
 * move to its front, `keep` bytes of them at most. */
static void
compact(struct store *s, uint32_t slot, uint32_t keep)
{
    char *page = s->page[slot];
    uint32_t end = head_of(s, slot)->used, to = FIRST;
    for (uint32_t at = FIRST, bytes; at < end; at += bytes) {
        struct store_item *item = (struct store_item *)(page + at);
        bytes = room_for(item->key_bytes, item->bytes);
        if (item->state == STORE_GONE)
            continue;
        unlink_item(s, item);
        if (item->state != STORE_READ || to + bytes > keep) {
            s->evicted++;
            continue;
        }
        memmove(page + to, item, bytes);
        item = (struct store_item *)(page + to);
        item->state = 0;
        link_item(s, item, place_of(slot, to));
        to += bytes;
    }
    head_of(s, slot)->used = to;
}

/* The oldest page becomes the newest, with room. */
static void
recycle(struct store *s)
{
    uint32_t slot = remove_page(s);
    compact(s, slot, STORE_PAGE / 2);
    append_page(s, slot);
}

char *
store_take_page(struct store *s)
{
    if (!s->npages)
        return NULL;
    uint32_t slot = remove_page(s);
    char *page = s->page[slot];
    compact(s, slot, 0);
    s->page[slot] = NULL;
    return page;
}

struct store_item *
store_put(struct store *s, const char *key, uint32_t key_bytes, uint32_t hash,
          uint32_t bytes)
{
    uint32_t need = room_for(key_bytes, bytes);
    if (!key_bytes || key_bytes > STORE_KEY || bytes > STORE_VALUE ||
        !s->npages)
        return NULL;
    struct store_item *old = store_find(s, key, key_bytes, hash, 0);
    if (old)
        store_delete(s, old);
    if (head_of(s, s->newest)->used + need > STORE_PAGE &&
        !(s->grow && s->grow(s)))
        recycle(s);
    uint32_t at = head_of(s, s->newest)->used;
    struct store_item *item = (struct store_item *)(s->page[s->newest] + at);
    *item = (struct store_item){.hash = hash,
                                .unique = ++s->unique,
                                .bytes = (uint16_t)bytes,
                                .key_bytes = (uint8_t)key_bytes};
    memcpy(store_key(item), key, key_bytes);
    link_item(s, item, place_of(s->newest, at));
    head_of(s, s->newest)->used = at + need;
    return item;
}

void
store_clear(struct store *s)
{
    memset(s->bucket, 0, s->nbuckets * sizeof(*s->bucket));
    s->items = 0;
    for (uint32_t slot = 0; slot < s->most; slot++)
        if (s->page[slot])
            head_of(s, slot)->used = FIRST;
}
