// SPDX-License-Identifier: MIT
/*
 * Filters: the decision trees of net/filter.c against a reference that knows no
 * tree. The reference evaluates each filter's whole conjunction; those that
 * match must be one chain from the outermost to the innermost.
 */
#include "libos.h"

#include "net/filter.h"

#include <stdlib.h>

#define NFILTERS 4096u
#define NATOMS   8192u

static uint64_t state;

static uint32_t
below(uint32_t n)
{
    uint64_t z = state += 0x9e3779b97f4a7c15ull; /* splitmix64 [Steele14] */
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return (uint32_t)((z ^ z >> 31) % n);
}

static void
begin(uint32_t nfilters, uint32_t natoms)
{
    host_boot(&(struct host_setup){.pages = 8192, .cpus = 1});
    filter_init(nfilters, natoms);
}

/* ---- atoms ----------------------------------------------------------------
 */

static uint64_t
ones(unsigned width)
{
    return ~0ull >> (64 - 8 * width);
}

static struct exo_atom
masked(unsigned offset, unsigned width, uint64_t mask, uint64_t value)
{
    return (struct exo_atom){.op = EXO_ATOM_EQ,
                             .width = (uint8_t)width,
                             .offset = (uint16_t)offset,
                             .mask = mask,
                             .value = value};
}

static struct exo_atom
equal(unsigned offset, unsigned width, uint64_t value)
{
    return masked(offset, width, ones(width), value);
}

static struct exo_atom
range(unsigned offset, unsigned width, uint64_t first, uint64_t last)
{
    return (struct exo_atom){.op = EXO_ATOM_RANGE,
                             .width = (uint8_t)width,
                             .offset = (uint16_t)offset,
                             .last = last,
                             .value = first};
}

static struct exo_atom
shift(unsigned offset, unsigned width, uint64_t mask, unsigned bits)
{
    return (struct exo_atom){.op = EXO_ATOM_SHIFT,
                             .width = (uint8_t)width,
                             .offset = (uint16_t)offset,
                             .mask = mask,
                             .shift = (uint8_t)bits};
}

/* ---- the reference --------------------------------------------------------
 */

struct model {
    bool live;
    enum exo_direction direction;
    uint32_t parent, children;
    uint32_t count; /* of all atoms from the root on */
    struct exo_atom atom[EXO_DEPTH_MAX];
};

static struct model model[NFILTERS];

static bool
field(const uint8_t *frame, size_t bytes, uint64_t base,
      const struct exo_atom *a, uint64_t *value)
{
    uint64_t from = base + a->offset;
    if (from + a->width > bytes || from + a->width > EXO_NET_HEADER)
        return false;
    *value = 0;
    for (unsigned i = 0; i < a->width; i++)
        *value = *value << 8 | frame[from + i];
    return true;
}

static bool
matches(const struct model *m, const uint8_t *frame, size_t bytes)
{
    uint64_t base = 0, value;
    for (uint32_t i = 0; i < m->count; i++) {
        const struct exo_atom *a = &m->atom[i];
        if (base > EXO_NET_HEADER || !field(frame, bytes, base, a, &value))
            return false;
        if (a->op == EXO_ATOM_EQ && (value & a->mask) != a->value)
            return false;
        if (a->op == EXO_ATOM_RANGE && (value < a->value || value > a->last))
            return false;
        if (a->op == EXO_ATOM_SHIFT) {
            value &= a->mask;
            base = value > EXO_NET_HEADER ? EXO_NET_HEADER + 1
                                          : base + (value << a->shift);
        }
    }
    return true;
}

/* The innermost that matches; stops the claim unless the others are the
 * filters around it. */
static uint32_t
reference(enum exo_direction direction, const uint8_t *frame, size_t bytes)
{
    uint32_t deepest = 0, found = 0, chain = 0;
    if (bytes < EXO_FRAME_MIN)
        return 0;
    for (uint32_t i = 1; i < NFILTERS; i++) {
        if (!model[i].live || model[i].direction != direction ||
            !matches(&model[i], frame, bytes))
            continue;
        found++;
        if (!deepest || model[i].count > model[deepest].count)
            deepest = i;
    }
    for (uint32_t i = deepest; i; i = model[i].parent)
        chain++;
    want_equal(found, chain);
    return deepest;
}

static int64_t
add(uint32_t index, enum exo_direction direction, uint32_t parent,
    const struct exo_atom *atom, uint32_t count)
{
    int64_t error = filter_check(direction, parent, atom, count);
    if (error)
        return error;
    struct model *m = &model[index];
    *m = (struct model){.live = true, .direction = direction};
    m->parent = parent;
    if (parent) {
        m->count = model[parent].count;
        memcpy(m->atom, model[parent].atom, m->count * sizeof(*atom));
        model[parent].children++;
    }
    memcpy(m->atom + m->count, atom, count * sizeof(*atom));
    m->count += count;
    filter_insert(direction, index, parent, atom, count);
    want_equal(filter_above(index), parent); /* NET-2 */
    return 0;
}

/* A filter for received frames below `parent`. */
#define ADD(index, parent, ...)                                                \
    add(index, EXO_NET_RECEIVE, parent, (struct exo_atom[]){__VA_ARGS__},      \
        sizeof((struct exo_atom[]){__VA_ARGS__}) / sizeof(struct exo_atom))

static void
take(uint32_t index)
{
    filter_extract(index);
    model[index].live = false;
    if (model[index].parent)
        model[model[index].parent].children--;
}

/* Ask both, with no byte behind the frame that could be read unnoticed. */
static uint32_t
ask(enum exo_direction direction, const uint8_t *frame, size_t bytes)
{
    uint8_t *copy = malloc(bytes ? bytes : 1);
    memcpy(copy, frame, bytes);
    uint32_t found = filter_match(direction, copy, bytes);
    free(copy);
    want_equal(found, reference(direction, frame, bytes));
    return found;
}

/* ---- at random ------------------------------------------------------------
 */

/* What is looked at behind so many atoms: mostly the same field, so that
 * filters fit together; the values are few. */
static struct exo_atom
random_atom(uint32_t depth)
{
    static const uint8_t width[] = {1, 2, 4, 8};
    static const uint8_t place[] = {0, 3, 12, 14, 16, 20, 23, 30, 34, 36};
    uint32_t at = depth % ARRAY_SIZE(place);
    unsigned w = width[at % 4], offset = place[at];
    uint32_t way = below(100);
    if (way < 4)
        w = width[below(4)];
    if (way >= 4 && way < 8)
        offset = below(EXO_NET_HEADER);
    if (depth % 5 == 4 && way < 96)
        return shift(offset, 1, 0x1f, 1);
    if (depth % 4 == 2 && way < 98) {
        uint64_t mask = ones(w) & 0xf0f1;
        return masked(offset, w, mask, below(6) & mask);
    }
    if (way % 5)
        return equal(offset, w, below(8));
    uint32_t first = below(12);
    return range(offset, w, first, first + below(4));
}

static void
random_add(void)
{
    struct exo_atom atom[EXO_ATOMS_MAX];
    enum exo_direction direction = below(2);
    uint32_t parent = 0, index = 0;
    for (uint32_t tries = 0; tries < 20 && below(4); tries++) {
        uint32_t i = 1 + below(200);
        if (model[i].live)
            parent = i, direction = model[i].direction;
    }
    for (uint32_t tries = 0; tries < 20 && !index; tries++) {
        uint32_t i = 1 + below(200);
        index = model[i].live ? 0 : i;
    }
    uint32_t count = 1 + below(below(4) ? 3 : EXO_ATOMS_MAX);
    for (uint32_t i = 0; i < count; i++)
        atom[i] = random_atom((parent ? model[parent].count : 0) + i);
    if (index)
        add(index, direction, parent, atom, count);
}

static void
random_take(void)
{
    uint32_t i = 1 + below(200);
    if (model[i].live && !model[i].children)
        take(i);
}

/* Bytes that make the atoms come true, or nearly. */
static void
satisfy(const struct model *m, uint8_t *frame)
{
    uint64_t base = 0, value;
    for (uint32_t i = 0; i < m->count; i++) {
        const struct exo_atom *a = &m->atom[i];
        uint64_t from = base + a->offset;
        if (from + a->width > EXO_NET_HEADER)
            return;
        field(frame, EXO_NET_HEADER, base, a, &value);
        if (a->op == EXO_ATOM_EQ)
            value = (value & ~a->mask) | a->value;
        if (a->op == EXO_ATOM_RANGE)
            value = below(2) ? a->value : a->last;
        for (unsigned j = a->width; j-- && a->op != EXO_ATOM_SHIFT; value >>= 8)
            frame[from + j] = (uint8_t)value;
        if (a->op == EXO_ATOM_SHIFT)
            base += (value & a->mask) << a->shift;
    }
}

static void
random_frames(unsigned n, unsigned *found)
{
    uint8_t frame[200];
    while (n--) {
        for (unsigned i = 0; i < sizeof(frame); i++)
            frame[i] = (uint8_t)(below(3) ? below(8) : below(256));
        const struct model *m = &model[1 + below(200)];
        if (m->live && below(5))
            satisfy(m, frame);
        if (!below(4))
            frame[below(64)] ^= (uint8_t)(1u << below(8));
        size_t bytes = below(3) ? sizeof(frame) : below(sizeof(frame) + 1);
        *found += ask(below(2), frame, bytes) != 0;
    }
}

CLAIM(frames_belong_to_whom_the_reference_says)
{
    unsigned found = 0, most = 0;
    begin(201, 900);
    for (state = 1; state < 40; state++) {
        uint64_t seed = state;
        for (unsigned round = 0; round < 400; round++) {
            for (unsigned i = below(4); i; i--)
                random_add();
            for (unsigned i = below(3); i; i--)
                random_take();
            random_frames(6, &found);
            if (round % 16 == 0)
                check_filters();
        }
        unsigned live = 0;
        for (uint32_t i = 1; i <= 200; i++)
            live += model[i].live;
        most = live > most ? live : most;
        while (live)
            for (uint32_t i = 1; i <= 200; i++)
                if (model[i].live && !model[i].children)
                    take(i), live--;
        check_filters();
        want_equal(filter_nodes(), 0);
        state = seed;
    }
    want(most > 100 && found > 10000);
}

/* ---- one by one -----------------------------------------------------------
 */

static uint8_t udp[64] = {0x52, 0x54, 0,  0x12, 0x34, 0x56, 0x52, 0x54, 0, 0x12,
                          0x34, 0x57, 8,  0,    0x45, 0,    0,    50,   0, 0,
                          0,    0,    64, 17,   0,    0,    10,   0,    2, 2,
                          10,   0,    2,  15,   0x12, 0x34, 0,    53};

#define IP         equal(12, 2, 0x0800)
#define TO(a)      equal(30, 4, 0x0a000200 + (a))
#define WHOLE      masked(20, 2, 0x1fff, 0)
#define PROTO(p)   equal(23, 1, p)
#define OVER_IP    shift(14, 1, 0x0f, 2)
#define PORT(p)    equal(16, 2, p)
#define PORTS(...) range(16, 2, __VA_ARGS__)

static uint32_t
match(void)
{
    return ask(EXO_NET_RECEIVE, udp, sizeof(udp));
}

CLAIM(the_innermost_filter_gets_the_frame)
{
    begin(NFILTERS, NATOMS);
    want_equal(match(), 0);
    want_equal(ADD(1, 0, IP, TO(15)), 0);
    want_equal(match(), 1);
    want_equal(ADD(2, 1, WHOLE, PROTO(17), OVER_IP, PORT(53)), 0);
    want_equal(match(), 2);
    want_equal(ADD(3, 1, WHOLE, PROTO(17), OVER_IP, PORT(54)), 0);
    want_equal(ADD(4, 0, IP, TO(16)), 0);
    want_equal(match(), 2);
    take(2);
    want_equal(match(), 1);
    take(3);
    take(1);
    want_equal(match(), 0);
    take(4);
    want_equal(filter_nodes(), 0);
    check_filters();
}

CLAIM(the_two_directions_know_nothing_of_each_other)
{
    begin(NFILTERS, NATOMS);
    want_equal(ADD(1, 0, IP), 0);
    want_equal(ask(EXO_NET_SEND, udp, sizeof(udp)), 0);
    want_equal(add(2, EXO_NET_SEND, 0, (struct exo_atom[]){TO(15)}, 1), 0);
    want_equal(ask(EXO_NET_SEND, udp, sizeof(udp)), 2);
    want_equal(match(), 1);
}

CLAIM(siblings_cost_no_search)
{
    begin(NFILTERS, NATOMS);
    want_equal(ADD(1, 0, IP, TO(15), WHOLE, PROTO(17), OVER_IP), 0);
    for (uint32_t port = 0; port < 2000; port++)
        want_equal(ADD(10 + port, 1, PORT(port * 31)), 0);
    check_filters();
    for (uint32_t port = 0; port < 2000; port += 7) {
        udp[36] = (uint8_t)(port * 31 >> 8);
        udp[37] = (uint8_t)(port * 31);
        want_equal(match(), 10 + port);
        udp[37] ^= 1;
        want_equal(match(), 1);
    }
    for (uint32_t port = 0; port < 2000; port++)
        take(10 + port);
    check_filters();
    want_equal(match(), 1);
}

CLAIM(ranges_hold_their_ends_and_nothing_more)
{
    begin(NFILTERS, NATOMS);
    want_equal(ADD(1, 0, PORTS(100, 200)), 0);
    want_equal(ADD(2, 0, PORTS(201, 300)), 0);
    want_equal(ADD(3, 0, PORT(99)), 0);
    want_equal(ADD(4, 0, PORT(301)), 0);
    want_equal(ADD(5, 0, PORTS(65535, 65535)), 0);
    want_equal(ADD(6, 0, PORTS(0, 0)), 0);
    static const uint16_t port[] = {0,   1,   98,  99,  100, 150,   200,  201,
                                    300, 301, 302, 399, 400, 65534, 65535};
    for (unsigned i = 0; i < ARRAY_SIZE(port); i++) {
        udp[16] = (uint8_t)(port[i] >> 8);
        udp[17] = (uint8_t)port[i];
        match();
    }
    check_filters();
}

CLAIM(ranges_exclude_what_they_would_share)
{
    begin(NFILTERS, NATOMS);
    want_equal(ADD(1, 0, PORTS(100, 200)), 0);
    want_equal(ADD(2, 0, PORT(300)), 0);
    want_equal(ADD(3, 0, PORT(310)), 0);
    want_equal(ADD(9, 0, PORTS(100, 200)), -EXO_E_BUSY);
    want_equal(ADD(9, 0, PORTS(200, 201)), -EXO_E_EXCL);
    want_equal(ADD(9, 0, PORTS(99, 100)), -EXO_E_EXCL);
    want_equal(ADD(9, 0, PORTS(0, 65535)), -EXO_E_EXCL);
    want_equal(ADD(9, 0, PORTS(120, 130)), -EXO_E_EXCL);
    want_equal(ADD(9, 0, PORT(100)), -EXO_E_EXCL);
    want_equal(ADD(9, 0, PORT(200)), -EXO_E_EXCL);
    want_equal(ADD(9, 0, PORTS(300, 305)), -EXO_E_EXCL);
    want_equal(ADD(9, 0, PORTS(305, 310)), -EXO_E_EXCL);
    want_equal(ADD(9, 0, PORTS(301, 309)), 0);
    want_equal(ADD(8, 0, PORT(305)), -EXO_E_EXCL);
    take(9);
    want_equal(ADD(8, 0, PORT(305)), 0);
}

CLAIM(a_range_among_many_values_is_found_free_or_not)
{
    begin(NFILTERS, NATOMS);
    for (uint32_t i = 0; i < 600; i++)
        want_equal(ADD(10 + i, 0, PORT(1000 + 2 * i)), 0);
    /* Few numbers: each is looked up. */
    want_equal(ADD(1, 0, PORTS(1001, 1001)), 0);
    want_equal(ADD(2, 0, PORTS(1003, 1004)), -EXO_E_EXCL);
    want_equal(ADD(2, 0, PORTS(3000, 3010)), 0);
    /* Too many of both. */
    want_equal(ADD(3, 0, PORTS(4000, 60000)), -EXO_E_LIMIT);
    for (uint32_t i = 0; i < 500; i++)
        take(10 + i);
    want_equal(ADD(3, 0, PORTS(4000, 60000)), 0);
    want_equal(ADD(4, 0, PORTS(2100, 2500)), -EXO_E_EXCL);
    check_filters();
}

CLAIM(a_place_has_so_many_ranges_and_a_way_so_few)
{
    begin(NFILTERS, NATOMS);
    for (uint32_t i = 0; i < EXO_RANGES_AT; i++)
        want_equal(ADD(1 + i, 0, PORTS(10 * i, 10 * i + 5)), 0);
    want_equal(ADD(100, 0, PORTS(60000, 60001)), -EXO_E_LIMIT);
    want_equal(ADD(100, 0, PORT(60000)), 0);
    want_equal(ADD(101, 1, PORTS(0, 1), PORTS(0, 1), PORTS(0, 1)), 0);
    want_equal(ADD(102, 101, PORTS(0, 1)), -EXO_E_INVAL);
    want_equal(ADD(102, 1, PORTS(2, 3), PORTS(2, 3), PORTS(2, 3), PORTS(2, 3)),
               -EXO_E_INVAL);
    want_equal(ADD(102, 101, PORT(1)), 0);
    check_filters();
}

CLAIM(neighbours_look_at_the_same_field)
{
    begin(NFILTERS, NATOMS);
    want_equal(ADD(1, 0, IP, masked(20, 2, 0x1fff, 0)), 0);
    want_equal(ADD(9, 0, equal(13, 2, 1)), -EXO_E_EXCL);
    want_equal(ADD(9, 0, equal(12, 1, 9)), -EXO_E_EXCL);
    want_equal(ADD(9, 0, masked(12, 2, 0xff00, 0x900)), -EXO_E_EXCL);
    want_equal(ADD(9, 0, shift(12, 2, 0xffff, 0)), -EXO_E_EXCL);
    want_equal(ADD(9, 0, IP, equal(20, 2, 1)), -EXO_E_EXCL);
    want_equal(ADD(9, 0, IP, range(20, 2, 1, 2)), -EXO_E_EXCL);
    want_equal(ADD(9, 0, range(12, 2, 1, 2)), 0); /* the mask is full */
    want_equal(ADD(8, 0, IP, masked(20, 2, 0x1fff, 1)), 0);
    want_equal(ADD(2, 1, OVER_IP, PORT(1)), 0);
    want_equal(ADD(7, 1, shift(14, 1, 0x0f, 3), PORT(2)), -EXO_E_EXCL);
    want_equal(ADD(7, 1, shift(14, 1, 0x1f, 2), PORT(2)), -EXO_E_EXCL);
    want_equal(ADD(7, 1, PORT(2)), -EXO_E_EXCL);
    want_equal(ADD(7, 1, OVER_IP, PORT(2)), 0);
    take(2), take(7); /* the field is free to choose again */
    want_equal(ADD(7, 1, PORT(2)), 0);
    check_filters();
}

CLAIM(nobody_refines_what_is_not_his_parent)
{
    begin(NFILTERS, NATOMS);
    want_equal(ADD(1, 0, IP, TO(15)), 0);
    want_equal(ADD(9, 0, IP, TO(15)), -EXO_E_BUSY);
    want_equal(ADD(9, 0, IP, TO(15), PROTO(17)), -EXO_E_EXCL);
    want_equal(ADD(9, 0, IP), -EXO_E_EXCL);
    want_equal(ADD(2, 1, PROTO(17), PORT(1)), 0);
    want_equal(ADD(9, 1, PROTO(17), PORT(1), WHOLE), -EXO_E_EXCL);
    want_equal(ADD(9, 1, PROTO(17)), -EXO_E_EXCL);
    want_equal(ADD(9, 1, PROTO(17), PORT(1)), -EXO_E_BUSY);
    want_equal(ADD(9, 1, PROTO(17), PORT(2)), 0);
}

CLAIM(malformed_atoms_are_refused)
{
    begin(NFILTERS, NATOMS);
    static const uint8_t widths[] = {0, 3, 5, 6, 7, 9, 16, 128, 255};
    for (unsigned i = 0; i < sizeof(widths); i++) {
        struct exo_atom a = equal(0, 1, 0);
        a.width = widths[i];
        a.mask = 0;
        want_equal(ADD(1, 0, a), -EXO_E_INVAL);
    }
    want_equal(ADD(1, 0, masked(0, 1, 0x1ff, 0)), -EXO_E_INVAL);
    want_equal(ADD(1, 0, masked(0, 4, 1ull << 32, 0)), -EXO_E_INVAL);
    want_equal(ADD(1, 0, masked(0, 2, 0xf0, 0x01)), -EXO_E_INVAL);
    want_equal(ADD(1, 0, range(0, 1, 0, 256)), -EXO_E_INVAL);
    want_equal(ADD(1, 0, range(0, 1, 5, 4)), -EXO_E_INVAL);
    want_equal(ADD(1, 0, range(0, 4, 1ull << 32, 1ull << 33)), -EXO_E_INVAL);
    want_equal(ADD(1, 0, shift(0, 1, 0x100, 0)), -EXO_E_INVAL);
    want_equal(ADD(1, 0, shift(0, 1, 0xff, 8)), -EXO_E_INVAL);
    want_equal(ADD(1, 0, shift(0, 8, 0xff, 0)), -EXO_E_INVAL);
    struct exo_atom a = shift(0, 1, 1, 1);
    a.value = 1;
    want_equal(ADD(1, 0, a), -EXO_E_INVAL);
    a = IP, a.zero = 1;
    want_equal(ADD(1, 0, a), -EXO_E_INVAL);
    a = IP, a.zero2 = 1;
    want_equal(ADD(1, 0, a), -EXO_E_INVAL);
    a = IP, a.shift = 1;
    want_equal(ADD(1, 0, a), -EXO_E_INVAL);
    a = PORTS(1, 2), a.shift = 1;
    want_equal(ADD(1, 0, a), -EXO_E_INVAL);
    for (unsigned op = 3; op < 256; op++) {
        a = IP, a.op = (uint8_t)op;
        want_equal(ADD(1, 0, a), -EXO_E_INVAL);
    }
    want_equal(ADD(1, 0, IP, a), -EXO_E_INVAL); /* none of it was done */
    want_equal(filter_nodes(), 0);
}

CLAIM(so_many_atoms_and_no_more)
{
    struct exo_atom atom[EXO_ATOMS_MAX + 1];
    begin(NFILTERS, NATOMS);
    for (unsigned i = 0; i < ARRAY_SIZE(atom); i++)
        atom[i] = equal(i, 1, 0);
    want_equal(filter_check(EXO_NET_RECEIVE, 0, atom, 0), -EXO_E_INVAL);
    want_equal(filter_check(EXO_NET_RECEIVE, 0, atom, 17), -EXO_E_INVAL);
    want_equal(filter_check(EXO_NET_RECEIVE, 0, atom, ~0u), -EXO_E_INVAL);
    uint32_t depth = 0, index = 0;
    while (depth < EXO_DEPTH_MAX) {
        want_equal(add(index + 1, EXO_NET_RECEIVE, index, atom, 16), 0);
        index++, depth += 16;
    }
    want_equal(filter_check(EXO_NET_RECEIVE, index, atom, 1), -EXO_E_INVAL);
    uint8_t frame[64] = {0};
    want_equal(ask(EXO_NET_RECEIVE, frame, sizeof(frame)), index);
    check_filters();
}

/* Every field there can be, and every length of a frame. */
CLAIM(a_frame_that_ends_before_the_field_does_not_match)
{
    uint8_t frame[160];
    begin(NFILTERS, NATOMS);
    for (unsigned i = 0; i < sizeof(frame); i++)
        frame[i] = (uint8_t)(i + 1);
    for (unsigned width = 1; width <= 8; width *= 2)
        for (unsigned at = 0; at + width <= EXO_NET_HEADER; at++) {
            uint64_t value = 0;
            for (unsigned i = 0; i < width; i++)
                value = value << 8 | frame[at + i];
            unsigned end = at + width < 14 ? 14 : at + width;
            for (unsigned sort = 0; sort < (width <= 4 ? 3u : 2u); sort++) {
                if (sort == 0)
                    want_equal(ADD(1, 0, equal(at, width, value)), 0);
                if (sort == 1)
                    want_equal(ADD(1, 0, range(at, width, value, value)), 0);
                if (sort == 2)
                    want_equal(ADD(1, 0, shift(at, width, 0, 0)), 0);
                for (unsigned bytes = end - 2; bytes <= end + 9; bytes++)
                    want_equal(ask(EXO_NET_RECEIVE, frame, bytes),
                               bytes >= end);
                take(1);
            }
        }
    for (unsigned width = 1; width <= 8; width *= 2) {
        want_equal(ADD(1, 0, masked(EXO_NET_HEADER + 1 - width, width, 0, 0)),
                   -EXO_E_INVAL);
        want_equal(ADD(1, 0, masked(0xffff, width, 0, 0)), -EXO_E_INVAL);
    }
}

/* Fields on both sides of the base, wherever it goes. */
CLAIM(a_shift_moves_the_base)
{
    uint8_t frame[200];
    begin(NFILTERS, NATOMS);
    for (unsigned bits = 0; bits < 8; bits++)
        for (unsigned width = 1; width <= 8; width *= 2)
            for (unsigned at = 0; at < 24; at += 5) {
                want_equal(ADD(1, 0, shift(20, 1, 0xff, bits)), 0);
                want_equal(ADD(2, 1, masked(at, width, 0x40, 0x40)), 0);
                want_equal(ADD(3, 2, shift(0, 4, ones(4), bits)), 0);
                want_equal(ADD(4, 3, masked(at, width, 0x10, 0)), 0);
                for (unsigned i = 0; i < 300; i++) {
                    memset(frame, 0, sizeof(frame));
                    for (unsigned j = below(100); j; j--)
                        frame[below(sizeof(frame))] = (uint8_t)below(256);
                    frame[20] = (uint8_t)(below(2) ? below(16) : below(256));
                    ask(EXO_NET_RECEIVE, frame,
                        below(2) ? 200 : 14 + below(130));
                }
                take(4), take(3), take(2), take(1);
            }
}

CLAIM(a_shift_too_far_does_not_come_round)
{
    uint8_t frame[64] = {0};
    begin(NFILTERS, NATOMS);
    want_equal(ADD(1, 0, shift(0, 4, ones(4), 7), equal(20, 1, 0)), 0);
    want_equal(ask(EXO_NET_RECEIVE, frame, sizeof(frame)), 1);
    for (unsigned byte = 0; byte < 3; byte++) {
        frame[byte] = 0x80;
        want_equal(ask(EXO_NET_RECEIVE, frame, sizeof(frame)), 0);
        frame[byte] = 2;
        want_equal(ask(EXO_NET_RECEIVE, frame, sizeof(frame)), 0);
        frame[byte] = 0;
    }
}

CLAIM(the_table_fills_and_empties)
{
    begin(64, 40);
    uint32_t n = 0;
    int64_t error;
    while (!(error = ADD(n + 1, 0, IP, TO(n), PROTO(17))))
        n++;
    want_equal(error, -EXO_E_LIMIT);
    want_equal(n, 19); /* the first field is common to all */
    want_equal(filter_nodes(), 39);
    want_equal(ADD(50, 1, PORT(1)), 0);
    want_equal(ADD(51, 2, PORT(1)), -EXO_E_LIMIT);
    check_filters();
    take(50);
    for (uint32_t i = 1; i <= n; i++)
        take(i);
    want_equal(filter_nodes(), 0);
    check_filters();
    want_equal(ADD(1, 0, IP, TO(1), PROTO(17)), 0);
}
