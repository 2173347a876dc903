// SPDX-License-Identifier: MIT
/*
 * Decision trees of filters: see filter.h.
 *
 * What the fast path of matching wants to know of a node stands in its first
 * four words. A field is compared as it lies in the frame: its *window* is the
 * eight bytes that end where it ends, read as one little-endian word, and mask
 * and value are kept with their bytes in that order.
 *
 *   frame   .. 08 00 45 00 00 54 | 0a 00 02 0f |       field 10.0.2.15, width 4
 *              '------- window, one load ------'
 *
 * Whatever else is below a node (several values, ranges, a SHIFT) is found on
 * the slow path by the field's number.
 */
#include "net/filter.h"

#include "boot/memory.h"
#include "hw.h"
#include "lib/string.h"

#define NOWHERE       0x10000000u /* where a leaf looks: in no frame */
#define FIRST         3u          /* nodes 1 and 2 are the roots */
#define WINDOW_LESS_1 7u
#define SCAN_MAX      128u
#define CHAIN_MAX     16u

/* The field a node looks at. */
struct key {
    uint64_t mask;
    uint16_t offset;
    uint8_t op; /* EQ: values and ranges below; SHIFT: one node below */
    uint8_t width, shift; /* width 0: it looks at none, nothing is below */
};

struct node {
    uint64_t at;          /* of the window, from the base */
    uint64_t mask, value; /* of the only value, as it lies in the window ... */
    struct node *only;    /* ... and where it leads; mask 0, value 1: nowhere */
    struct key key;
    struct node *values, *ranges; /* what is below, by sort; ranges ascend */
    uint32_t nvalues;             /* two or more are in the hash table */
    uint16_t nranges;
    uint16_t filter; /* that ends here, 0: none */

    /* The edge that leads here. */
    struct node *parent, *next, *prev; /* siblings by sort; next free node */
    struct node *chain;                /* in its bucket */
    uint64_t first, last; /* numbers; of a value both are the same */
    uint32_t uses;        /* NET-1; 0: free, or a root of nothing */
    uint8_t depth;        /* atoms above */
    uint8_t ranges_above; /* RANGEs among them */
    bool is_range;
};

static struct node *node;            /* [K] */
static struct node *root[2];         /* [I] of each direction */
static struct node **ends;           /* [K] where each filter ends */
static uint32_t nnodes, nends;       /* [I] */
static struct node *free_head;       /* [K] */
static uint32_t free_count;          /* [K] */
static struct node **bucket;         /* [K] first node of each chain */
static uint64_t bucket_mask, secret; /* [I] */

/* From a number to its place in a window; and back. */
static uint64_t
swap(uint64_t x)
{
    return __builtin_bswap64(x);
}

static uint64_t
full(unsigned width)
{
    return ~0ull >> (64 - 8 * width);
}

/* ---- finding --------------------------------------------------------------
 */

/* Who does not know the secret cannot fill a chain. */
static inline struct node **
bucket_of(const struct node *n, uint64_t value)
{
    __uint128_t product = (value ^ (uint64_t)n) * (__uint128_t)secret;
    return &bucket[((uint64_t)product ^ (uint64_t)(product >> 64)) &
                   bucket_mask];
}

static inline struct node *
find_hashed(const struct node *n, uint64_t value)
{
    struct node *at = *bucket_of(n, value);
    while (at && (at->first != value || at->parent != n))
        at = at->chain;
    return at;
}

static struct node *
find_value(const struct node *n, uint64_t value)
{
    if (n->nvalues > 1)
        return find_hashed(n, value);
    return n->values && n->values->first == value ? n->values : NULL;
}

/* The first range that ends at `value` or behind it. */
static inline struct node *
range_from(const struct node *n, uint64_t value)
{
    struct node *r = n->ranges;
    while (r && r->last < value)
        r = r->next;
    return r;
}

static inline struct node *
find_range(const struct node *n, uint64_t value)
{
    struct node *r = range_from(n, value);
    return r && r->first <= value ? r : NULL;
}

/* ---- matching ------------------------------------------------------------ */

static inline uint64_t
load(const uint8_t *from)
{
    uint64_t window;
    __builtin_memcpy(&window, from, 8);
    return window;
}

/* Where a number leads that is not the only value. */
static inline const struct node *
look_up(const struct node *n, uint64_t number)
{
    const struct node *below = n->nvalues > 1 ? find_hashed(n, number) : NULL;
    return below ? below : find_range(n, number);
}

static uint64_t
shifted(const struct node *n, uint64_t number)
{
    return number << n->key.shift; /* of at most four bytes */
}

/* One step of match_slowly(); NULL: this is the end. */
static const struct node *
step(const struct node *n, const uint8_t *frame, uint64_t limit, uint64_t *base)
{
    uint64_t end = *base + n->at + 8; /* `at` may be negative */
    if (end > limit)
        return NULL;
    uint64_t window =
        end >= 8 ? load(frame + end - 8) : load(frame) << 8 * (8 - end);
    if ((window & n->mask) == n->value)
        return n->only;
    uint64_t number = swap(window) & n->key.mask;
    if (n->key.op != EXO_ATOM_SHIFT)
        return look_up(n, number);
    uint64_t to = *base + shifted(n, number);
    *base = to < limit ? to : limit; /* nothing is looked at behind it */
    return n->only;
}

/* The filter at the end of the way down. */
static uint32_t
passed_last(const struct node *n)
{
    while (!n->filter && n->parent)
        n = n->parent;
    return n->filter;
}

/* What of a frame is looked at. */
static uint64_t
limit_of(size_t bytes)
{
    return bytes < EXO_NET_HEADER ? bytes : EXO_NET_HEADER;
}

/* Goes on where filter_match() does not: the window of a node does not lie
 * wholly between the base and the limit, or its number is in no bucket. `room`
 * is what is left there but for a window. */
static __attribute__((noinline)) uint32_t
match_slowly(const struct node *n, const uint8_t *from, uint64_t room,
             size_t bytes)
{
    uint64_t limit = limit_of(bytes), base = limit - WINDOW_LESS_1 - room;
    const uint8_t *frame = from - base;
    for (const struct node *below = n; below;
         below = step(n, frame, limit, &base))
        n = below;
    return passed_last(n);
}

uint32_t
filter_match(enum exo_direction direction, const uint8_t *frame, size_t bytes)
{
    const struct node *n = root[direction];
    const uint8_t *from = frame;                     /* the base */
    uint64_t room = limit_of(bytes) - WINDOW_LESS_1; /* a window fits below */
    if (unlikely(bytes < EXO_FRAME_MIN))
        return 0;
    while (likely(n->at < room)) {
        if (likely((load(from + n->at) & n->mask) == n->value)) {
            n = n->only;
            continue;
        }
        __asm__("" : "+r"(from)); /* or the steps above would keep more */
        uint64_t number = swap(load(from + n->at)) & n->key.mask;
        if (n->key.op == EXO_ATOM_SHIFT) {
            uint64_t further = shifted(n, number);
            if (unlikely(further >= room))
                break;
            from += further;
            room -= further;
            n = n->only;
        } else {
            const struct node *below =
                n->nvalues > 1 ? find_hashed(n, number) : NULL;
            if (unlikely(!below))
                break;
            n = below;
        }
    }
    if (likely(n->at == NOWHERE))
        return passed_last(n);
    return match_slowly(n, from, room, bytes);
}

/* ---- checking ------------------------------------------------------------ */

static struct key
key_of(const struct exo_atom *a)
{
    return (struct key){
        .op = a->op == EXO_ATOM_SHIFT ? EXO_ATOM_SHIFT : EXO_ATOM_EQ,
        .offset = a->offset,
        .width = a->width,
        .shift = a->shift,
        .mask = a->op == EXO_ATOM_RANGE ? full(a->width) : a->mask};
}

static bool
is_key(const struct key *a, const struct key *b)
{
    return a->op == b->op && a->offset == b->offset && a->width == b->width &&
           a->shift == b->shift && a->mask == b->mask;
}

static bool
is_well_formed(const struct exo_atom *a)
{
    if (a->width == 0 || a->width > 8 || (a->width & (a->width - 1)) ||
        a->offset + a->width > EXO_NET_HEADER || a->zero || a->zero2)
        return false;
    switch (a->op) {
    case EXO_ATOM_EQ:
        return !(a->mask & ~full(a->width)) && !(a->value & ~a->mask) &&
               !a->shift;
    case EXO_ATOM_RANGE:
        return a->last <= full(a->width) && a->value <= a->last && !a->shift;
    case EXO_ATOM_SHIFT:
        return !(a->mask & ~full(a->width)) && a->width <= 4 && !a->value &&
               a->shift <= 7;
    default:
        return false;
    }
}

/* All well formed, and not too many of them below `n`? */
static bool
are_well_formed(const struct node *n, const struct exo_atom *atom,
                uint32_t count)
{
    unsigned ranges = n->ranges_above;
    if (count == 0 || count > EXO_ATOMS_MAX || n->depth + count > EXO_DEPTH_MAX)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        if (!is_well_formed(&atom[i]))
            return false;
        ranges += atom[i].op == EXO_ATOM_RANGE;
    }
    return ranges <= EXO_RANGES_MAX;
}

/* Is there room in the chain where this value would go? */
static bool
chain_has_room(const struct node *n, uint64_t value)
{
    uint32_t length = 0;
    for (const struct node *at = *bucket_of(n, value); at; at = at->chain)
        length++;
    return length + 2 <= CHAIN_MAX; /* two may have to go in at once */
}

/* May a value be put beside what is below `n`? 0 or an error. */
static int64_t
check_value(const struct node *n, uint64_t value)
{
    if (find_range(n, value))
        return -EXO_E_EXCL;
    if (n->nvalues &&
        (!chain_has_room(n, value) || !chain_has_room(n, n->values->first)))
        return -EXO_E_LIMIT;
    return 0;
}

/* The same for a range. If it is short each of its numbers is looked up, else
 * it is compared with all values. */
static int64_t
check_range(const struct node *n, const struct exo_atom *a)
{
    const struct node *r = range_from(n, a->value);
    uint64_t span = a->last - a->value;
    if (r && r->first <= a->last)
        return -EXO_E_EXCL;
    if (n->nranges == EXO_RANGES_AT ||
        (n->nvalues > SCAN_MAX && span >= SCAN_MAX / 4))
        return -EXO_E_LIMIT;
    if (n->nvalues > SCAN_MAX) {
        for (uint64_t i = 0; i <= span; i++)
            if (find_value(n, a->value + i))
                return -EXO_E_EXCL;
        return 0;
    }
    for (const struct node *v = n->values; v; v = v->next)
        if (a->value <= v->first && v->first <= a->last)
            return -EXO_E_EXCL;
    return 0;
}

/* The node to which this atom leads from `n` already, or NULL. needs: `n`
 * looks at the atom's field. */
static struct node *
node_below(const struct node *n, const struct exo_atom *a)
{
    if (a->op == EXO_ATOM_SHIFT)
        return n->values;
    if (a->op == EXO_ATOM_EQ)
        return find_value(n, a->value);
    struct node *r = range_from(n, a->value);
    return r && r->first == a->value && r->last == a->last ? r : NULL;
}

/* One step of checking: where the atom leads, *below NULL: to a new node. */
static int64_t
check_step(const struct node *n, const struct exo_atom *a,
           const struct node **below)
{
    struct key key = key_of(a);
    *below = NULL;
    if (!n->key.width)
        return 0;
    if (!is_key(&n->key, &key))
        return -EXO_E_EXCL;
    *below = node_below(n, a);
    if (*below)
        return 0;
    return a->op == EXO_ATOM_EQ ? check_value(n, a->value) : check_range(n, a);
}

static struct node *
start_of(enum exo_direction direction, uint32_t parent)
{
    assert(parent < nends);
    return parent ? ends[parent] : root[direction];
}

int64_t
filter_check(enum exo_direction direction, uint32_t parent,
             const struct exo_atom *atom, uint32_t count)
{
    const struct node *start = start_of(direction, parent), *n = start;
    uint32_t i = 0;
    if (!are_well_formed(n, atom, count))
        return -EXO_E_INVAL;
    for (; n && i < count; i++) {
        if (n->filter && n != start)
            return -EXO_E_EXCL; /* it would take from that one's frames */
        int64_t error = check_step(n, &atom[i], &n);
        if (error)
            return error;
    }
    if (n)
        return n->filter ? -EXO_E_BUSY : -EXO_E_EXCL;
    return count - i + 1 <= free_count ? 0 : -EXO_E_LIMIT;
}

/* ---- changing ------------------------------------------------------------ */

/* What the fast path is to know, after what is below `n` changed. */
static void
refresh(struct node *n)
{
    n->mask = 0, n->value = 1, n->only = NULL, n->at = NOWHERE;
    if (!n->values && !n->ranges) {
        n->key = (struct key){0};
        return;
    }
    n->at = (uint64_t)n->key.offset + n->key.width - 8;
    if (n->nvalues != 1)
        return;
    n->only = n->values;
    if (n->key.op == EXO_ATOM_EQ) {
        n->mask = swap(n->key.mask);
        n->value = swap(n->only->first);
    }
}

static void
hash_in(struct node *n)
{
    struct node **head = bucket_of(n->parent, n->first);
    n->chain = *head;
    *head = n;
}

static void
hash_out(struct node *n)
{
    struct node **at = bucket_of(n->parent, n->first);
    while (*at != n)
        at = &(*at)->chain;
    *at = n->chain;
}

/* Into the list that begins at *head, behind `prev` (NULL: in front). */
static void
list_in(struct node **head, struct node *n, struct node *prev)
{
    struct node **at = prev ? &prev->next : head;
    n->prev = prev;
    n->next = *at;
    if (n->next)
        n->next->prev = n;
    *at = n;
}

static void
list_out(struct node **head, const struct node *n)
{
    *(n->prev ? &n->prev->next : head) = n->next;
    if (n->next)
        n->next->prev = n->prev;
}

static void
add_value(struct node *parent, struct node *n)
{
    if (parent->nvalues == 1)
        hash_in(parent->values);
    if (parent->nvalues++)
        hash_in(n);
    list_in(&parent->values, n, NULL);
}

static void
add_range(struct node *parent, struct node *n)
{
    struct node *prev = NULL, *at = parent->ranges;
    while (at && at->first < n->first)
        prev = at, at = at->next;
    list_in(&parent->ranges, n, prev);
    parent->nranges++;
}

static struct node *
node_make(struct node *parent, const struct exo_atom *a)
{
    struct node *n = free_head;
    assert(n);
    free_head = n->next;
    free_count--;
    bool is_range = a->op == EXO_ATOM_RANGE;
    *n = (struct node){.parent = parent,
                       .first = a->value,
                       .last = is_range ? a->last : a->value,
                       .depth = (uint8_t)(parent->depth + 1),
                       .ranges_above =
                           (uint8_t)(parent->ranges_above + is_range),
                       .is_range = is_range};
    refresh(n);
    parent->key = key_of(a);
    if (is_range)
        add_range(parent, n);
    else
        add_value(parent, n);
    refresh(parent);
    return n;
}

static void
node_drop(struct node *n)
{
    struct node *parent = n->parent;
    assert(!n->filter && !n->values && !n->ranges);
    if (n->is_range) {
        list_out(&parent->ranges, n);
        parent->nranges--;
    } else {
        list_out(&parent->values, n);
        if (parent->nvalues > 1)
            hash_out(n);
        if (--parent->nvalues == 1)
            hash_out(parent->values);
    }
    refresh(parent);
    *n = (struct node){.next = free_head};
    free_head = n;
    free_count++;
}

void
filter_insert(enum exo_direction direction, uint32_t index, uint32_t parent,
              const struct exo_atom *atom, uint32_t count)
{
    struct node *n = start_of(direction, parent);
    assert(index && index < nends && !ends[index]);
    for (uint32_t i = 0; i < count; i++) {
        struct node *below = n->key.width ? node_below(n, &atom[i]) : NULL;
        n = below ? below : node_make(n, &atom[i]);
    }
    assert(!n->filter && !n->uses); /* NET-2 */
    n->filter = (uint16_t)index;
    ends[index] = n;
    for (; n; n = n->parent)
        n->uses++;
}

void
filter_extract(uint32_t index)
{
    struct node *n = ends[index], *parent;
    assert(n && n->filter == index && n->uses == 1);
    n->filter = 0;
    ends[index] = NULL;
    for (; n; n = parent) {
        parent = n->parent;
        if (--n->uses == 0 && parent)
            node_drop(n);
    }
}

uint32_t
filter_above(uint32_t index)
{
    assert(ends[index]);
    const struct node *n = ends[index]->parent;
    while (!n->filter && n->parent)
        n = n->parent;
    return n->filter;
}

uint32_t
filter_nodes(void)
{
    return nnodes - FIRST - free_count;
}

void
filter_init(uint32_t nfilters, uint32_t natoms)
{
    uint64_t random = 0, buckets = 1;
    while (buckets < 2ull * natoms)
        buckets *= 2;
    nends = nfilters;
    nnodes = natoms + FIRST;
    node = boot_alloc(nnodes * sizeof(*node), 64);
    ends = boot_alloc(nends * sizeof(*ends), 64);
    bucket = boot_alloc(buckets * sizeof(*bucket), 64);
    bucket_mask = buckets - 1;
    hw_rdrand(&random);
    secret = (random ^ hw_rdtsc() * 0x9e3779b97f4a7c15ull) | 1;
    for (unsigned i = 0; i < ARRAY_SIZE(root); i++) {
        root[i] = &node[1 + i];
        refresh(root[i]);
    }
    free_head = NULL;
    free_count = natoms;
    for (uint32_t i = nnodes - 1; i >= FIRST; i--) {
        node[i].next = free_head;
        free_head = &node[i];
    }
}

/* ---- sweeping ------------------------------------------------------------ */

/* What is below a node by values; the number of filters there. */
static uint32_t
check_values(const struct node *n)
{
    uint32_t uses = 0, count = 0;
    const struct node *prev = NULL;
    for (const struct node *v = n->values; v; prev = v, v = v->next) {
        assert(v->parent == n && v->prev == prev && !v->is_range);
        assert(!find_range(n, v->first)); /* NET-3 */
        if (n->key.op == EXO_ATOM_EQ)
            assert(find_value(n, v->first) == v && !(v->first & ~n->key.mask));
        uses += v->uses;
        count++;
    }
    assert(count == n->nvalues);
    assert(n->key.op == EXO_ATOM_EQ || count == 1);
    return uses;
}

static uint32_t
check_ranges(const struct node *n)
{
    uint32_t uses = 0, count = 0;
    const struct node *prev = NULL;
    for (const struct node *r = n->ranges; r; prev = r, r = r->next) {
        assert(r->parent == n && r->prev == prev && r->is_range);
        assert(r->first <= r->last);
        assert(!prev || prev->last < r->first); /* NET-3 */
        uses += r->uses;
        count++;
    }
    assert(count == n->nranges && count <= EXO_RANGES_AT);
    assert(!count || n->key.mask == full(n->key.width));
    return uses;
}

static void
check_node(const struct node *n)
{
    struct node fresh = *n;
    uint32_t uses = check_values(n) + check_ranges(n);
    assert(n->uses == uses + (n->filter != 0)); /* NET-1 */
    assert(!n->filter || ends[n->filter] == n);
    refresh(&fresh);
    assert(memcmp(&fresh.key, &n->key, sizeof(fresh.key)) == 0);
    assert(fresh.at == n->at && fresh.mask == n->mask &&
           fresh.value == n->value && fresh.only == n->only);
    if (!n->parent)
        return;
    assert(n->parent->uses && n->depth == n->parent->depth + 1);
    assert(n->ranges_above == n->parent->ranges_above + n->is_range);
}

void
check_filters(void)
{
    uint32_t used = 0;
    for (unsigned i = 0; i < ARRAY_SIZE(root); i++)
        check_node(root[i]);
    for (uint32_t i = FIRST; i < nnodes; i++) {
        if (!node[i].uses)
            continue;
        check_node(&node[i]);
        used++;
    }
    assert(used == filter_nodes());
    for (uint32_t i = 1; i < nends; i++)
        assert(!ends[i] || ends[i]->filter == i); /* NET-2 */
}
