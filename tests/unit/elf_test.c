// SPDX-License-Identifier: MIT
//
// elf_test: hostile program images are refused with a reason, good ones yield
// what libos/lib/elf.h promises. Run on the host under ASan and UBSan.
// Sources: libos/lib/elf.c
#include "lib/elf.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/start.h"

#define PHDR  64
#define BASE  UINT64_C(0x210000)
#define BYTES 0x3000
#define LOADS 3

struct image {
    uint8_t bytes[BYTES];
};

static void
put(struct image *i, unsigned at, uint64_t value, unsigned bytes)
{
    memcpy(i->bytes + at, &value, bytes);
}

// Offsets within a program header.
enum {
    TYPE = 0,
    FLAGS = 4,
    OFFSET = 8,
    VA = 16,
    FILESZ = 32,
    MEMSZ = 40,
    ALIGN = 48,
    PHDR_BYTES = 56
};

static void
put_phdr(struct image *i, unsigned n, unsigned field, uint64_t value)
{
    put(i, PHDR + n * PHDR_BYTES + field, value, field <= FLAGS ? 4 : 8);
}

static void
load(struct image *i, unsigned n, uint32_t flags, uint64_t offset, uint64_t va,
     uint64_t filesz, uint64_t memsz)
{
    put_phdr(i, n, TYPE, 1);
    put_phdr(i, n, FLAGS, flags);
    put_phdr(i, n, OFFSET, offset);
    put_phdr(i, n, VA, va);
    put_phdr(i, n, FILESZ, filesz);
    put_phdr(i, n, MEMSZ, memsz);
    put_phdr(i, n, ALIGN, 4096);
}

// A good program: headers and constants, text, data with bss.
static struct image
good(void)
{
    struct image i = {{0x7f, 'E', 'L', 'F', 2, 1, 1}};
    put(&i, 16, 2, 2);             // type
    put(&i, 18, 62, 2);            // machine
    put(&i, 24, BASE + 0x1010, 8); // entry
    put(&i, 32, PHDR, 8);          // phoff
    put(&i, 54, PHDR_BYTES, 2);    // phentsize
    put(&i, 56, LOADS, 2);         // phnum
    load(&i, 0, ELF_R, 0, BASE, 0x200, 0x200);
    load(&i, 1, ELF_R | ELF_X, 0x1000, BASE + 0x1000, 0x800, 0x800);
    load(&i, 2, ELF_R | ELF_W, 0x1800, BASE + 0x2800, 0x100, 0x2000);
    return i;
}

static const char *
parse(const struct image *i, uint64_t bytes, struct elf_program *program)
{
    // A copy of just the size, unaligned, so that ASan sees every step beyond.
    char *copy = malloc(bytes + 1);
    memcpy(copy + 1, i->bytes, bytes);
    const char *wrong = elf_parse(copy + 1, bytes, program);
    free(copy);
    return wrong;
}

static void
refused(const char *claim, const struct image *i, const char *reason)
{
    struct elf_program program;
    const char *wrong = parse(i, sizeof(i->bytes), &program);
    if (wrong && strstr(wrong, reason))
        return;
    printf("%s: expected \"%s\", got \"%s\"\n", claim, reason,
           wrong ? wrong : "accepted");
    exit(1);
}

static void
test_good(void)
{
    struct image i = good();
    struct elf_program p;
    const char *wrong = parse(&i, sizeof(i.bytes), &p);
    assert(!wrong);
    assert(p.entry == BASE + 0x1010 && p.count == 3 && p.pages == 5);
    assert(p.segment[2].va == BASE + 0x2800 && p.segment[2].pages == 3);
    assert(p.segment[2].file_bytes == 0x100);
    assert(p.segment[2].memory_bytes == 0x2000);
    assert(p.segment[1].flags == (ELF_R | ELF_X));
}

#define REFUSED(reason, ...)                                                   \
    do {                                                                       \
        struct image i = good();                                               \
        __VA_ARGS__;                                                           \
        refused(#__VA_ARGS__, &i, reason);                                     \
    } while (0)

static void
test_header(void)
{
    REFUSED("no ELF file", put(&i, 0, 0, 4));
    REFUSED("another machine", put(&i, 4, 1, 1));
    REFUSED("another machine", put(&i, 5, 2, 1));
    REFUSED("another machine", put(&i, 18, 3, 2));
    REFUSED("fixed address", put(&i, 16, 3, 2));
    REFUSED("unknown size", put(&i, 54, 32, 2));
    REFUSED("unknown size", put(&i, 54, 0, 2));
    REFUSED("no program headers", put(&i, 56, 0, 2));
    REFUSED("no program headers", put(&i, 56, 0xffff, 2));
    REFUSED("cut off", put(&i, 32, BYTES - PHDR_BYTES, 8));
    REFUSED("cut off", put(&i, 32, UINT64_MAX, 8));
    REFUSED("cut off", put(&i, 32, UINT64_MAX - 100, 8));
}

static void
test_segments(void)
{
    REFUSED("more content than room", put_phdr(&i, 2, MEMSZ, 0xff));
    REFUSED("within a segment", put_phdr(&i, 2, FILESZ, 0x1900));
    REFUSED("within a segment", put_phdr(&i, 2, OFFSET, UINT64_MAX - 0x7ff));
    REFUSED("outside the user", put_phdr(&i, 0, VA, 0));
    REFUSED("outside the user", put_phdr(&i, 2, VA, EXO_USER_TOP + 0x800));
    REFUSED("outside the user",
            put_phdr(&i, 2, VA, UINT64_C(0xffffffff80000800)));
    REFUSED("outside the user", put_phdr(&i, 2, VA, EXO_USER_TOP - 0x800));
    REFUSED("outside the user", put_phdr(&i, 2, MEMSZ, UINT64_MAX));
    REFUSED("outside the user", put_phdr(&i, 2, MEMSZ, UINT64_MAX - BASE));
    REFUSED("stack and the u-area", put_phdr(&i, 0, VA, EXO_FIRST_UAREA));
    REFUSED("stack and the u-area", put_phdr(&i, 0, VA, 0x1000);
            put_phdr(&i, 0, MEMSZ, EXO_FIRST_UAREA));
    REFUSED("writable and executable", put_phdr(&i, 1, FLAGS, 7));
    REFUSED("aligned in the file", put_phdr(&i, 1, OFFSET, 0x1001));
    REFUSED("power of two", put_phdr(&i, 1, ALIGN, 4097));
    REFUSED("share a page", put_phdr(&i, 2, VA, BASE + 0x1800));
    REFUSED("share a page", put_phdr(&i, 2, VA, BASE + 0x800));
    REFUSED("share a page", put_phdr(&i, 0, MEMSZ, 0x1001));
}

static void
test_kinds(void)
{
    REFUSED("linked dynamically", put_phdr(&i, 0, TYPE, 3));
    REFUSED("linked dynamically", put_phdr(&i, 2, TYPE, 2));
    REFUSED("executable stack", put_phdr(&i, 2, TYPE, 0x6474e551);
            put_phdr(&i, 2, FLAGS, 7));
    REFUSED("entry point", put(&i, 24, BASE + 0x10, 8));
    REFUSED("entry point", put(&i, 24, BASE + 0x1800, 8));
    REFUSED("entry point", put(&i, 24, 0, 8));
    REFUSED("entry point", put_phdr(&i, 1, FILESZ, 0));
    REFUSED("entry point", put_phdr(&i, 1, TYPE, 0));
}

// A note at 0x2000 of the file, named by the third program header.
static struct image
with_note(uint32_t type, uint32_t bytes, uint32_t flags, uint32_t upcalls,
          uint64_t fs_base)
{
    struct image i = good();
    put_phdr(&i, 2, TYPE, 4);
    put_phdr(&i, 2, OFFSET, 0x2000);
    put_phdr(&i, 2, FILESZ, 32);
    put(&i, 0x2000, 4, 4);
    put(&i, 0x2004, bytes, 4);
    put(&i, 0x2008, type, 4);
    memcpy(i.bytes + 0x200c, "Exo", 4);
    put(&i, 0x2010, flags, 4);
    put(&i, 0x2014, upcalls, 4);
    put(&i, 0x2018, fs_base, 8);
    return i;
}

#define NOTE_REFUSED(reason, ...)                                              \
    do {                                                                       \
        struct image i = with_note(__VA_ARGS__);                               \
        refused(#__VA_ARGS__, &i, reason);                                     \
    } while (0)

static void
test_note(void)
{
    struct elf_program p;
    struct image i = with_note(1, 16, START_WANT_FPU, 3, 0x5000);
    assert(!parse(&i, sizeof(i.bytes), &p));
    assert(p.note.flags == START_WANT_FPU && p.note.upcall_pages == 3);
    assert(p.note.fs_base == 0x5000);
    i = with_note(2, 16, 99, 99, 99); // somebody else's
    assert(!parse(&i, sizeof(i.bytes), &p) && p.note.flags == 0);
    NOTE_REFUSED("unknown size", 1, 12, 1, 1, 0);
    NOTE_REFUSED("cut off", 1, 20, 1, 1, 0);
    NOTE_REFUSED("cut off", 1, 0xffffffff, 1, 1, 0);
    NOTE_REFUSED("does not know", 1, 16, 2, 1, 0);
    NOTE_REFUSED("not possible", 1, 16, 1, 5, 0);
    NOTE_REFUSED("not possible", 1, 16, 1, 1, EXO_USER_TOP);
    REFUSED("cut off", put_phdr(&i, 2, TYPE, 4),
            put_phdr(&i, 2, OFFSET, UINT64_MAX));
    REFUSED("cut off", put_phdr(&i, 2, TYPE, 4),
            put_phdr(&i, 2, FILESZ, BYTES));
}

static void
test_many(void)
{
    struct image i = good();
    put(&i, 56, ELF_SEGMENTS_MAX + 1, 2);
    for (unsigned n = 0; n < ELF_SEGMENTS_MAX + 1; n++)
        load(&i, n, ELF_R, 0, BASE + 0x10000 + n * 0x1000, 0x10, 0x10);
    refused("17 segments", &i, "too many segments");

    i = good();
    load(&i, 2, ELF_R | ELF_W, 0, UINT64_C(0x100000000), 0,
         UINT64_C(0x7e8000000000));
    refused("127 TiB", &i, "more memory than any machine");
}

// Cut anywhere, it is refused or right, and nothing beyond is read.
static void
test_cut(void)
{
    struct image i = good();
    struct elf_program p;
    for (uint64_t bytes = 0; bytes < sizeof(i.bytes); bytes++) {
        const char *wrong = parse(&i, bytes, &p);
        assert(wrong || bytes >= 0x1900);
    }
}

int
main(void)
{
    test_good();
    test_header();
    test_segments();
    test_kinds();
    test_note();
    test_many();
    test_cut();
    return 0;
}
