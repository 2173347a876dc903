// SPDX-License-Identifier: MIT
/*
 * The program that the kernel loads itself: a good one is in memory as its
 * headers say, a bad one is refused with a sentence, and nothing outside the
 * module is read.
 */
#include "../fuzz/feed_first.h"

#include "../fuzz/feed.h"
#include "claim.h"
#include "host.h"

struct blob {
    uint8_t bytes[FIRST_BYTES];
    uint32_t size;
};

static struct blob
good(void)
{
    struct blob b = {.size = 0};
    b.size = first_good(b.bytes);
    return b;
}

static void
refuse(const struct blob *b, const char *reason)
{
    const char *why = first_try(b->bytes, b->size);
    if (!why)
        claim_fail(__FILE__, __LINE__, "not refused, wanted: %s", reason);
    if (!strstr(why, reason))
        claim_fail(__FILE__, __LINE__, "%s; wanted: %s", why, reason);
}

static void
accept(const struct blob *b)
{
    const char *why = first_try(b->bytes, b->size);
    if (why)
        claim_fail(__FILE__, __LINE__, "refused: %s", why);
}

#define SET(at, value, bytes_) put_number(b.bytes + (at), value, bytes_)
#define SEGMENT(n, field)      (ELF_HEADERS + (n)*PH_SIZE + (field))
#define SET_SEGMENT(n, field, value)                                           \
    SET(SEGMENT(n, field), value, (field) <= PH_FLAGS ? 4 : 8)
#define REFUSED(reason, ...)                                                   \
    do {                                                                       \
        struct blob b = good();                                                \
        __VA_ARGS__;                                                           \
        refuse(&b, reason);                                                    \
    } while (0)
#define ACCEPTED(...)                                                          \
    do {                                                                       \
        struct blob b = good();                                                \
        __VA_ARGS__;                                                           \
        accept(&b);                                                            \
    } while (0)

static const uint64_t base = EXO_FIRST_STACK_TOP;

CLAIM(a_good_program_is_in_memory_as_it_says)
{
    struct blob b = good();
    accept(&b);
    struct host_cpu *h = &host_cpus[0];
    want_equal(h->user.rip, base + 0x1010);
    want(!memcmp(host_translate(h, base + 0x1000, EXO_BIND_X), b.bytes + 0x1000,
                 0x800));
    want(!host_translate(h, base + 0x1000, EXO_BIND_W));
    want(!host_translate(h, base, EXO_BIND_X));
    want(!host_translate(h, base + 0x2800, EXO_BIND_X));
    const uint8_t *data = host_translate(h, base + 0x2800, EXO_BIND_W);
    want(!memcmp(data, b.bytes + 0x1800, 0x100));
    for (unsigned i = 0; i < 0x700; i++) {
        want_equal(data[0x100 + i], 0);
        want_equal(data[-1 - (int)i], 0);
    }
    want(!host_translate(h, base + 0x5000, EXO_BIND_R));
}

CLAIM(a_module_that_is_no_program)
{
    REFUSED("is not a static ELF64", b.size = 0);
    REFUSED("is not a static ELF64", b.size = 63);
    for (unsigned at = 0; at < 7; at++)
        REFUSED("is not a static ELF64", b.bytes[at] ^= 1);
    REFUSED("is not a static ELF64", SET(ELF_TYPE, 3, 2));
    REFUSED("is not a static ELF64", SET(ELF_MACHINE, 3, 2));
}

CLAIM(headers_that_lie_elsewhere)
{
    const uint64_t places[] = {8192,  0x18ff,     0x1901,         1,
                               60,    UINT64_MAX, UINT64_MAX - 7, 1ull << 63,
                               0x18f8};
    for (unsigned i = 0; i < ARRAY_SIZE(places); i++)
        REFUSED("headers lie outside", SET(ELF_PHOFF, places[i], 8));
    REFUSED("headers lie outside", SET(ELF_PHENTSIZE, 0, 2));
    REFUSED("headers lie outside", SET(ELF_PHENTSIZE, 57, 2));
    REFUSED("headers lie outside", SET(ELF_PHNUM, 17, 2));
    REFUSED("headers lie outside", SET(ELF_PHNUM, UINT16_MAX, 2));
    REFUSED("headers lie outside", b.size = ELF_HEADERS + 3 * PH_SIZE - 1);
}

CLAIM(entry_points_that_are_no_user_addresses)
{
    const uint64_t entries[] = {0,
                                EXO_USER_MIN - 1,
                                EXO_USER_TOP,
                                1ull << 47,
                                0xffff7fffffffffffull,
                                0xffff800000000000ull,
                                0xffffffff80100000ull,
                                UINT64_MAX};
    for (unsigned i = 0; i < ARRAY_SIZE(entries); i++)
        REFUSED("is not a user address", SET(ELF_ENTRY, entries[i], 8));
}

CLAIM(segments_outside_the_file_or_the_user)
{
    const uint64_t vas[] = {0,
                            EXO_FIRST_UAREA,
                            EXO_FIRST_STACK_TOP - 1,
                            EXO_USER_TOP - 0x100,
                            EXO_USER_TOP,
                            1ull << 47,
                            0xffff800000000000ull,
                            UINT64_MAX,
                            UINT64_MAX - 0xfff};
    for (unsigned i = 0; i < ARRAY_SIZE(vas); i++)
        REFUSED("lies outside", SET_SEGMENT(0, PH_VA, vas[i]));
    REFUSED("lies outside", SET_SEGMENT(2, PH_OFFSET, 0x1801));
    REFUSED("lies outside", SET_SEGMENT(2, PH_OFFSET, UINT64_MAX));
    REFUSED("lies outside", SET_SEGMENT(2, PH_OFFSET, UINT64_MAX - 0xff));
    REFUSED("lies outside", SET_SEGMENT(2, PH_FILE_BYTES, 0x101));
    REFUSED("lies outside", SET_SEGMENT(2, PH_FILE_BYTES, 0x2001));
    REFUSED("lies outside", SET_SEGMENT(2, PH_BYTES, 0xff));
    REFUSED("lies outside", SET_SEGMENT(2, PH_BYTES, UINT64_MAX));
    REFUSED("lies outside", SET_SEGMENT(2, PH_BYTES, EXO_USER_TOP));
    REFUSED("lies outside", b.size--);
}

CLAIM(segments_that_overlap_or_may_do_everything)
{
    REFUSED("share the page", SET_SEGMENT(1, PH_VA, base));
    REFUSED("share the page", SET_SEGMENT(2, PH_VA, base + 0x1fff));
    REFUSED("share the page", SET_SEGMENT(0, PH_BYTES, 0x1001));
    REFUSED("share the page", SET_SEGMENT(2, PH_VA, base));
    REFUSED("writable and executable", SET_SEGMENT(1, PH_FLAGS, 7));
    REFUSED("writable and executable", SET_SEGMENT(2, PH_FLAGS, UINT32_MAX));
}

CLAIM(segments_that_do_not_fit_in_memory)
{
    REFUSED("too little memory", SET_SEGMENT(2, PH_BYTES, 64ull << 20));
    REFUSED("too little memory", SET_SEGMENT(2, PH_BYTES, 1ull << 46));
}

CLAIM(odd_but_good_programs)
{
    ACCEPTED(SET_SEGMENT(2, PH_BYTES, 0)); /* as good as absent, */
    REFUSED("lies outside", SET_SEGMENT(2, PH_BYTES, 1));
    ACCEPTED(SET_SEGMENT(2, PH_TYPE, 77)); /* and unknown kinds, too */
    ACCEPTED(SET_SEGMENT(2, PH_VA, base + 0x40000000));
    ACCEPTED(SET_SEGMENT(2, PH_VA, EXO_USER_TOP - 0x2000));
    ACCEPTED(SET_SEGMENT(2, PH_VA, base + 0x2801)); /* aligned as it likes */
    ACCEPTED(SET_SEGMENT(2, PH_FILE_BYTES, 0);
             SET_SEGMENT(2, PH_OFFSET, 0x1900));
    ACCEPTED(SET(ELF_PHNUM, 0, 2)); /* it will fault, at once */
}

CLAIM(a_program_cut_anywhere_is_refused)
{
    struct blob b = good();
    while (--b.size)
        want(first_try(b.bytes, b.size));
}
