// SPDX-License-Identifier: MIT
/*
 * What a boot loader says: good information is understood, and what is wrong
 * is refused with a sentence or does no harm. [Multiboot 0.6.96; Multiboot 2]
 */
#include "../fuzz/feed_boot.h"

#include <stdio.h>

#include "../fuzz/feed.h"
#include "boot/bootinfo.h"
#include "boot/region.h"
#include "claim.h"
#include "host.h"

struct blob {
    uint8_t bytes[BOOT_BYTES];
    uint32_t size;
};

static struct blob
good(unsigned protocol)
{
    struct blob b = {.size = 0};
    b.size = boot_good(protocol, b.bytes);
    return b;
}

/* Offsets of fields that the claims change. */
enum {
    MB1_FLAGS = 0,
    MB1_UPPER = 8,
    MB1_CMDLINE_PA = 16,
    MB1_COUNT = 20,
    MB1_LIST_PA = 24,
    MB1_MAP_BYTES = 44,
    MB1_MAP_PA = 48,
};

static void
accept(unsigned protocol, const struct blob *b)
{
    const char *why = boot_parse(protocol, BOOT_INFO, b->bytes, b->size);
    if (why)
        claim_fail(__FILE__, __LINE__, "refused: %s", why);
    boot_check();
}

static void
refuse(unsigned protocol, const struct blob *b, const char *reason)
{
    const char *why = boot_parse(protocol, BOOT_INFO, b->bytes, b->size);
    if (!why)
        claim_fail(__FILE__, __LINE__, "not refused, wanted: %s", reason);
    if (!strstr(why, reason))
        claim_fail(__FILE__, __LINE__, "%s; wanted: %s", why, reason);
}

/* A good one with a change, and what is said of it. */
#define REFUSED(protocol, reason, ...)                                         \
    do {                                                                       \
        struct blob b = good(protocol);                                        \
        __VA_ARGS__;                                                           \
        refuse(protocol, &b, reason);                                          \
    } while (0)
#define ACCEPTED(protocol, ...)                                                \
    do {                                                                       \
        struct blob b = good(protocol);                                        \
        __VA_ARGS__;                                                           \
        accept(protocol, &b);                                                  \
    } while (0)
#define SET(at, value, bytes_) put_number(b.bytes + (at), value, bytes_)

CLAIM(both_protocols_say_the_same)
{
    for (unsigned protocol = BOOT_MB1; protocol <= BOOT_MB2; protocol++) {
        ACCEPTED(protocol);
        const struct boot_module *m = &K.boot.modules[0];
        want_equal(K.boot.nram, 2);
        want_equal(K.boot.ram[0].end, 0x9f000);
        want_equal(K.boot.ram[1].end, BOOT_RAM_END);
        want_equal(K.boot.reserved[0].start, 0xf0000);
        want_equal(m->pa, BOOT_MODULE_PA);
        want_equal(m->size, BOOT_MODULE_BYTES);
        want(!strncmp(m->args, "first", 5));
        want_equal(boot_option_number("slots", 1), 32);
        want_equal(K.boot.trampoline_pa, 0x1000);
    }
}

CLAIM(another_loader_is_refused)
{
    static const uint8_t nothing[8];
    for (unsigned i = 0; i < 2; i++) {
        const char *why = boot_parse(BOOT_MB1, i ? BOOT_INFO : 0, nothing, 8);
        want(why && strstr(why, i ? "no memory map" : "is damaged"));
    }
}

CLAIM(information_at_the_end_of_what_is_mapped)
{
    struct blob b = good(BOOT_MB2);
    const uint64_t end = 1ull << 32;
    want(!boot_parse(BOOT_MB2, end - b.size, b.bytes, b.size));
    boot_check();
    for (uint32_t cut = 1; cut < b.size; cut++) {
        if (!boot_parse(BOOT_MB2, end - b.size + cut, b.bytes, b.size - cut))
            claim_fail(__FILE__, __LINE__, "%u bytes beyond are read", cut);
    }
    for (uint32_t size = 1; size < 68; size++)
        want(boot_parse(BOOT_MB1, end - size, b.bytes, size));
}

CLAIM(information_cut_anywhere_is_refused_or_right)
{
    for (unsigned protocol = BOOT_MB1; protocol <= BOOT_MB2; protocol++) {
        struct blob b = good(protocol);
        for (uint32_t size = b.size; size-- > 0;)
            if (!boot_parse(protocol, BOOT_INFO, b.bytes, size))
                boot_check();
    }
}

CLAIM(maps_that_are_damaged)
{
    REFUSED(BOOT_MB1, "no memory map", SET(MB1_FLAGS, 0, 4));
    REFUSED(BOOT_MB1, "no memory map", SET(MB1_MAP_BYTES, 0, 4));
    REFUSED(BOOT_MB1, "no memory map", SET(MB1_MAP_BYTES, 23, 4));
    REFUSED(BOOT_MB1, "damaged", SET(MB1_MAP_PA, 0, 4));
    REFUSED(BOOT_MB1, "damaged", SET(MB1_MAP_BYTES, UINT32_MAX, 4));
    REFUSED(BOOT_MB1, "damaged", SET(MB1_MAP_PA, UINT32_MAX - 8, 4));
    REFUSED(BOOT_MB1, "entry of 0 bytes", SET(MB1_MAP + 24, 0, 4));
    REFUSED(BOOT_MB1, "entry of 19 bytes", SET(MB1_MAP + 24, 19, 4));
    REFUSED(BOOT_MB1, "where the kernel is", SET(MB1_MAP, UINT32_MAX, 4));
    REFUSED(BOOT_MB1, "where the kernel is", SET(MB1_MAP + 48 + 20, 2, 4));
    REFUSED(BOOT_MB2, "entries of 0 bytes", SET(MB2_MAP + 8, 0, 4));
    REFUSED(BOOT_MB2, "entries of 23 bytes", SET(MB2_MAP + 8, 23, 4));
    REFUSED(BOOT_MB2, "no memory map", SET(MB2_MAP + 8, UINT32_MAX, 4));
    REFUSED(BOOT_MB2, "tag 24 of 0", SET(MB2_MAP + 4, 8, 4));
    REFUSED(BOOT_MB2, "tag 6 of 7 bytes", SET(MB2_MAP + 4, 7, 4));
    REFUSED(BOOT_MB2, "tag 6 of", SET(MB2_MAP + 4, UINT32_MAX, 4));
    REFUSED(BOOT_MB2, "(7 bytes long)", SET(0, 7, 4));
    REFUSED(BOOT_MB2, "bytes long)", SET(0, UINT32_MAX, 4));
    ACCEPTED(BOOT_MB1, SET(MB1_MAP + 48, UINT32_MAX - 4, 4)); /* the last */
}

CLAIM(memory_without_a_map_is_what_mem_upper_says)
{
    ACCEPTED(BOOT_MB1, SET(MB1_FLAGS, 1, 4); SET(MB1_UPPER, 0x10000, 4));
    want_equal(K.boot.ram[0].end, 0x4100000);
    ACCEPTED(BOOT_MB1, SET(MB1_FLAGS, 1, 4); SET(MB1_UPPER, UINT32_MAX, 4));
}

/* One entry of a map, in place of the second. */
static void
with_entry(uint64_t start, uint64_t len, uint32_t type)
{
    struct blob b = good(BOOT_MB2);
    const unsigned at = MB2_MAP + 16 + 24;
    SET(at, start, 8);
    SET(at + 8, len, 8);
    SET(at + 16, type, 4);
    accept(BOOT_MB2, &b);
}

CLAIM(ranges_that_wrap_around_claim_no_memory)
{
    const uint64_t ends[] = {0, 1, 0xfff, 0x1000, 0x1001, 0x2000};
    for (unsigned i = 0; i < ARRAY_SIZE(ends); i++)
        for (uint64_t back = 0; back < 0x3000; back += 0x7ff) {
            with_entry(-back - 1, ends[i], 1);
            want_equal(K.boot.ram_pages_total, 0x9f + 0x3f00);
            with_entry(-back - 1, ends[i] + back + 0x800, 1);
            want_equal(K.boot.ram_pages_total, 0x9f + 0x3f00);
        }
    with_entry(0, UINT64_MAX, 1);
    want_equal(K.boot.top_pa, 1ull << cpu_phys_bits());
}

CLAIM(what_is_reserved_is_no_memory)
{
    with_entry(0x200000, 0x1001, 2);
    want(!region_contains(K.boot.ram, K.boot.nram, 0x201000, 0x202000));
    want(region_contains(K.boot.ram, K.boot.nram, 0x202000, 0x203000));
    with_entry(0x2000000, UINT64_MAX - 0x2000000, 2); /* up to the last byte */
    want_equal(K.boot.top_pa, 0x2000000);
    with_entry(0x2000000, UINT64_MAX, 3); /* and around it */
    want_equal(K.boot.top_pa, 0x2000000);
}

/* `n` ranges of a page each, two pages apart. */
static struct blob
many_ranges(unsigned n, uint32_t type)
{
    struct blob b = good(BOOT_MB1);
    unsigned at = MB1_MAP;
    SET(MB1_FLAGS, 1 << 6, 4);
    SET(MB1_MAP_BYTES, 24 * (n + 1), 4);
    SET(at, 20, 4);
    SET(at + 4, 0, 8);
    SET(at + 12, 0x10000000, 8);
    SET(at + 20, 1, 4);
    for (unsigned i = 0; i < n; i++) {
        at += 24;
        SET(at, 20, 4);
        SET(at + 4, 0x1000000 + i * 0x3000ull, 8);
        SET(at + 12, 0x1000, 8);
        SET(at + 20, type, 4);
    }
    b.size = at + 24;
    return b;
}

CLAIM(more_ranges_than_there_is_room_for)
{
    struct blob b = many_ranges(150, 2);
    accept(BOOT_MB1, &b);
    for (unsigned i = 0; i < 150; i++)
        want(!region_contains(K.boot.ram, K.boot.nram, 0x1000000 + i * 0x3000,
                              0x1001000 + i * 0x3000));
    want_equal(K.boot.top_pa, 0x10000000);
    b = many_ranges(150, 1);
    accept(BOOT_MB1, &b);
    want_equal(K.boot.nram, 1);
}

CLAIM(modules_where_none_can_be)
{
    const unsigned one = MB1_MODULES, two = MB1_MODULES + 16;
    REFUSED(BOOT_MB1, "ends before it begins", SET(one, 0x500000, 4));
    REFUSED(BOOT_MB1, "outside memory", SET(one + 4, 0x9000000, 4));
    REFUSED(BOOT_MB1, "outside memory", SET(one + 4, UINT32_MAX, 4));
    REFUSED(BOOT_MB1, "outside memory", SET(one, 0xa0000, 4);
            SET(one + 4, 0xa0001, 4));
    REFUSED(BOOT_MB1, "outside memory", SET(two, 0xfffff000, 4);
            SET(two + 4, UINT32_MAX, 4));
    REFUSED(BOOT_MB1, "outside memory", SET(one, 0, 4); SET(one + 4, 1, 4));
    REFUSED(BOOT_MB1, "on the kernel", SET(one, 0x100000, 4));
    REFUSED(BOOT_MB1, "on the kernel", SET(one, 0x10f000, 4));
    REFUSED(BOOT_MB1, "page aligned", SET(one, BOOT_MODULE_PA + 8, 4));
    REFUSED(BOOT_MB2, "outside memory", SET(MB2_MODULE + 12, UINT32_MAX, 4));
    REFUSED(BOOT_MB2, "ends before", SET(MB2_MODULE + 12, 0, 4));
    ACCEPTED(BOOT_MB1, SET(two, BOOT_MODULE_PA, 4)); /* one in the other */
    ACCEPTED(BOOT_MB1, SET(one, 0x12345, 4); SET(one + 4, 0x12345, 4));
    ACCEPTED(BOOT_MB1, SET(one, 0x1000, 4); SET(one + 4, 0x9f000, 4));
    want_equal(K.boot.trampoline_pa, 0);
}

CLAIM(lists_of_modules_that_are_too_long)
{
    REFUSED(BOOT_MB1, "module list is damaged", SET(MB1_COUNT, UINT32_MAX, 4));
    REFUSED(BOOT_MB1, "module list is damaged", SET(MB1_LIST_PA, 0, 4));
    REFUSED(BOOT_MB1, "module list is damaged",
            SET(MB1_LIST_PA, UINT32_MAX - 16, 4));
    const uint32_t zero = BOOT_INFO + BOOT_BYTES; /* empty ones, no text */
    REFUSED(BOOT_MB1, "more than 64", SET(MB1_LIST_PA, zero, 4);
            SET(MB1_COUNT, 65, 4));
    ACCEPTED(BOOT_MB1, SET(MB1_LIST_PA, zero, 4); SET(MB1_COUNT, 64, 4));
    want_equal(K.boot.nmodules, 64);
}

CLAIM(texts_that_do_not_end)
{
    struct blob b = good(BOOT_MB1);
    b.size = BOOT_BYTES;
    memset(b.bytes + MB1_END, 'x', BOOT_BYTES - MB1_END);
    SET(MB1_CMDLINE_PA, BOOT_INFO + MB1_END, 4);
    accept(BOOT_MB1, &b); /* by the zero behind the information */
    want_equal(strlen(K.boot.cmdline), BOOT_BYTES - MB1_END);
    SET(MB1_CMDLINE_PA, UINT32_MAX, 4);
    accept(BOOT_MB1, &b);
    want_equal(strlen(K.boot.cmdline), 0);
    memset(b.bytes + MB1_MODULES, 0, 64);
    SET(MB1_COUNT, 4, 4);
    for (unsigned i = 0; i < 4; i++)
        SET(MB1_MODULES + 16 * i + 8, BOOT_INFO + MB1_END, 4);
    refuse(BOOT_MB1, &b, "longer than 8192");
    REFUSED(BOOT_MB2, "does not end",
            memset(b.bytes + MB2_CMDLINE + 8, 'x', 13));
    REFUSED(BOOT_MB2, "does not end within 0", SET(MB2_CMDLINE + 4, 8, 4));
    REFUSED(BOOT_MB2, "module string does not end",
            memset(b.bytes + MB2_MODULE + 16, 'x', 11));
    struct blob last = good(BOOT_MB1);
    memset(last.bytes, 0xff, BOOT_BYTES);
    want(boot_parse(BOOT_MB1, (1ull << 32) - BOOT_BYTES, last.bytes,
                    BOOT_BYTES));
}

CLAIM(tags_without_an_end_or_unknown)
{
    ACCEPTED(BOOT_MB2, SET(0, MB2_LAST, 4); b.size = MB2_LAST);
    ACCEPTED(BOOT_MB2, SET(MB2_LAST, 77, 4));
    ACCEPTED(BOOT_MB2, SET(MB2_RSDP, 77, 4));
    /* A root pointer of no bytes, a module without text. */
    ACCEPTED(BOOT_MB2, SET(MB2_RSDP + 4, 8, 4); SET(MB2_RSDP + 8, 77, 4);
             SET(MB2_RSDP + 12, 40, 4));
    ACCEPTED(BOOT_MB2, SET(MB2_MODULE + 4, 16, 4); SET(MB2_MODULE + 16, 77, 4);
             SET(MB2_MODULE + 20, 16, 4));
    want_equal(K.boot.nmodules, 0);
}

/* The command line in memory, as `text` has it. */
static uint64_t
number_of(const char *text)
{
    K.boot.cmdline = text;
    return boot_option_number("n", 77);
}

CLAIM(options_that_are_no_numbers_are_not_used)
{
    want_equal(number_of("n=5"), 5);
    want_equal(number_of("  m=1 n=0x1f "), 31);
    want_equal(number_of("n=18446744073709551615"), UINT64_MAX);
    static const char *const bad[] = {
        "",      "n",    "n=",   "n= 5", "n=-1", "n=0x",
        "n=0xG", "n=5x", "mn=5", "nn=5", "n5",   "n=18446744073709551616"};
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
        want_equal(number_of(bad[i]), 77);
    want_equal(number_of("n=99999999999999999999999999"), 77);
    K.boot.cmdline = "a=b=c d";
    want(!strcmp(boot_option("a"), "b=c d"));
    want(boot_option("d") && !*boot_option("d"));
    want(!boot_option("b") && !boot_option("c"));
}
