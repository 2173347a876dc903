// SPDX-License-Identifier: MIT
/* Program files, fed to libos/lib/elf.c. [ELF64] */
#include <stdlib.h>
#include <string.h>

#include "feed.h"
#include "lib/elf.h"
#include "lib/start.h"

#define BASE UINT64_C(0x210000)

/* elf.h, ELF-1 to ELF-5. */
static void
check(const struct elf_program *p, uint64_t bytes)
{
    uint64_t last = 0, pages = 0;
    unsigned entries = 0;
    PROMISE(p->count > 0 && p->count <= ELF_SEGMENTS_MAX);
    for (uint32_t n = 0; n < p->count; n++) {
        const struct elf_segment *s = &p->segment[n];
        uint64_t end = s->va + s->memory_bytes;
        PROMISE(s->va >= EXO_USER_MIN && s->memory_bytes > 0 && end > s->va);
        PROMISE(end <= EXO_USER_TOP);
        PROMISE(end <= EXO_FIRST_UAREA || s->va >= EXO_FIRST_STACK_TOP);
        PROMISE(n == 0 || s->va / 4096 > last);
        last = (end - 1) / 4096;
        PROMISE(s->pages == last - s->va / 4096 + 1);
        PROMISE(s->file_bytes <= s->memory_bytes);
        PROMISE(s->offset <= bytes && s->file_bytes <= bytes - s->offset);
        PROMISE(!((s->flags & ELF_W) && (s->flags & ELF_X)));
        PROMISE((s->va ^ s->offset) % 4096 == 0);
        pages += s->pages;
        entries += (s->flags & ELF_X) && p->entry >= s->va &&
                   p->entry < s->va + s->file_bytes;
    }
    PROMISE(pages == p->pages && entries == 1);
}

static void
eat(const uint8_t *bytes, size_t size)
{
    struct elf_program p;
    uint8_t *copy = malloc(size + 1); /* unaligned, and just its size */
    memcpy(copy + 1, bytes, size);
    if (!elf_parse(copy + 1, size, &p))
        check(&p, size);
    free(copy);
}

static void
put_segment(uint8_t *to, uint32_t flags, uint64_t offset, uint64_t va,
            uint64_t file_bytes, uint64_t bytes)
{
    put_number(to, 1, 4);
    put_number(to + 4, flags, 4);
    put_number(to + 8, offset, 8);
    put_number(to + 16, va, 8);
    put_number(to + 32, file_bytes, 8);
    put_number(to + 40, bytes, 8);
    put_number(to + 48, 4096, 8);
}

/* Text, constants, and data with zeros behind; its content is no matter. */
static size_t
seed(unsigned n, uint8_t *to)
{
    const size_t size = 0x1900;
    if (n)
        return 0;
    memset(to, 0, size);
    memcpy(to,
           "\x7f"
           "ELF\2\1\1",
           7);
    put_number(to + 16, 2, 2);
    put_number(to + 18, 62, 2);
    put_number(to + 24, BASE + 0x1010, 8);
    put_number(to + 32, 64, 8);
    put_number(to + 54, 56, 2);
    put_number(to + 56, 3, 2);
    put_segment(to + 64, ELF_R, 0, BASE, 0x200, 0x200);
    put_segment(to + 120, ELF_R | ELF_X, 0x1000, BASE + 0x1000, 0x800, 0x800);
    put_segment(to + 176, ELF_R | ELF_W, 0x1800, BASE + 0x2800, 0x100, 0x2000);
    return size;
}

const struct feed feed = {
    .name = "elf", .max = 8192, .runs = 200000, .eat = eat, .seed = seed};
