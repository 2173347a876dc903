// SPDX-License-Identifier: MIT
/*
 * elf.c: ELF64 parsing with hostile input in mind; see elf.h.
 *
 * Every number from the file is compared before it is added to another, so
 * that nothing wraps around.
 */
#include "lib/elf.h"

#include "lib/start.h"
#include "lib/string.h"

#define ELF_EXEC        2
#define ELF_X86_64      62
#define ELF_LOAD        1
#define ELF_DYNAMIC     2
#define ELF_INTERP      3
#define ELF_NOTE        4
#define ELF_STACK       0x6474e551u // PT_GNU_STACK
#define ELF_HEADERS_MAX 64

struct elf_header {
    uint8_t ident[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, phoff, shoff;
    uint32_t flags;
    uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};

struct elf_phdr {
    uint32_t type, flags;
    uint64_t offset, va, pa, file_bytes, memory_bytes, align;
};

_Static_assert(sizeof(struct elf_header) == 64, "[ELF64]");
_Static_assert(sizeof(struct elf_phdr) == 56, "[ELF64]");

static const char *
check_header(const struct elf_header *header, uint64_t bytes)
{
    static const uint8_t ident[7] = {0x7f, 'E', 'L', 'F', 2, 1, 1};

    if (memcmp(header->ident, ident, 4) != 0)
        return "it is no ELF file";
    if (memcmp(header->ident, ident, sizeof(ident)) != 0 ||
        header->machine != ELF_X86_64)
        return "it is an ELF file for another machine";
    if (header->type != ELF_EXEC)
        return "it is no executable linked to a fixed address";
    if (header->phentsize != sizeof(struct elf_phdr))
        return "its program headers have an unknown size";
    if (header->phnum == 0 || header->phnum > ELF_HEADERS_MAX)
        return "it has no program headers, or too many";
    if (header->phoff > bytes ||
        bytes - header->phoff < header->phnum * sizeof(struct elf_phdr))
        return "it is cut off within its program headers";
    return NULL;
}

static const char *
check_load(const struct elf_phdr *p, uint64_t bytes)
{
    if (p->file_bytes > p->memory_bytes)
        return "a segment has more content than room";
    if (p->offset > bytes || bytes - p->offset < p->file_bytes)
        return "it is cut off within a segment";
    if (p->va < EXO_USER_MIN || p->va >= EXO_USER_TOP ||
        EXO_USER_TOP - p->va < p->memory_bytes)
        return "a segment lies outside the user part of the address space";
    if (p->va < EXO_FIRST_STACK_TOP &&
        p->va + p->memory_bytes > EXO_FIRST_UAREA)
        return "a segment lies where the stack and the u-area go";
    if ((p->flags & ELF_W) && (p->flags & ELF_X))
        return "a segment is both writable and executable";
    if ((p->va ^ p->offset) % EXO_PAGE_BYTES != 0)
        return "a segment is not aligned in the file as in memory";
    if (p->align > 1 && (p->align & (p->align - 1)) != 0)
        return "a segment's alignment is no power of two";
    return NULL;
}

/* First and last page of a segment. */
static uint64_t
first_page(const struct elf_segment *s)
{
    return s->va / EXO_PAGE_BYTES;
}

static uint64_t
last_page(const struct elf_segment *s)
{
    return (s->va + s->memory_bytes - 1) / EXO_PAGE_BYTES;
}

static const char *
add_segment(const struct elf_phdr *p, struct elf_program *program)
{
    struct elf_segment *s = &program->segment[program->count];

    if (program->count == ELF_SEGMENTS_MAX)
        return "it has too many segments";
    *s = (struct elf_segment){p->va,         p->memory_bytes, p->offset,
                              p->file_bytes, p->flags & 7,    0};
    if (program->count && first_page(s) <= last_page(s - 1))
        return "two segments share a page, or are not in ascending order";
    uint64_t pages = last_page(s) - first_page(s) + 1;
    if (pages > UINT32_MAX / 2 || program->pages > UINT32_MAX / 2)
        return "it wants more memory than any machine has";
    s->pages = (uint32_t)pages;
    program->pages += s->pages;
    program->count++;
    return NULL;
}

/* A note's header; name and content follow, each padded to 4 bytes. */
struct elf_note {
    uint32_t name_bytes, content_bytes, type;
};

/* Takes what a note asks, if it is ours. */
static const char *
read_note(const struct elf_note *note, const char *name,
          struct elf_program *program)
{
    struct start_note *want = &program->note;
    if (note->type != START_NOTE_TYPE ||
        note->name_bytes != sizeof(START_NOTE_OWNER) ||
        memcmp(name, START_NOTE_OWNER, sizeof(START_NOTE_OWNER)) != 0)
        return NULL;
    if (note->content_bytes != sizeof(*want))
        return "its note to the loader has an unknown size";
    memcpy(want, name + sizeof(START_NOTE_OWNER), sizeof(*want));
    if (want->flags & ~(uint32_t)START_WANT_FPU)
        return "its note asks for what this loader does not know";
    if (want->upcall_pages > 4 || want->fs_base >= EXO_USER_TOP)
        return "its note asks for what is not possible";
    return NULL;
}

/* Looks through the notes of a segment. */
static const char *
read_notes(const char *image, uint64_t bytes, const struct elf_phdr *p,
           struct elf_program *program)
{
    struct elf_note note;
    uint64_t left = p->file_bytes;
    if (p->offset > bytes || bytes - p->offset < left)
        return "it is cut off within a note";
    const char *at = image + p->offset;
    while (left >= sizeof(note)) {
        memcpy(&note, at, sizeof(note));
        uint64_t name = ((uint64_t)note.name_bytes + 3) & ~UINT64_C(3);
        uint64_t all =
            name + (((uint64_t)note.content_bytes + 3) & ~UINT64_C(3));
        at += sizeof(note);
        left -= sizeof(note);
        if (all > left)
            return "it is cut off within a note";
        const char *wrong = read_note(&note, at, program);
        if (wrong)
            return wrong;
        at += all;
        left -= all;
    }
    return NULL;
}

static const char *
add_phdr(const struct elf_phdr *p, const char *image, uint64_t bytes,
         struct elf_program *program)
{
    if (p->type == ELF_INTERP || p->type == ELF_DYNAMIC)
        return "it is linked dynamically; link it with -static";
    if (p->type == ELF_STACK && (p->flags & ELF_X))
        return "it asks for an executable stack";
    if (p->type == ELF_NOTE)
        return read_notes(image, bytes, p, program);
    if (p->type != ELF_LOAD || p->memory_bytes == 0)
        return NULL;
    const char *wrong = check_load(p, bytes);
    return wrong ? wrong : add_segment(p, program);
}

static const char *
check_entry(const struct elf_program *program)
{
    for (uint32_t i = 0; i < program->count; i++) {
        const struct elf_segment *s = &program->segment[i];
        if ((s->flags & ELF_X) && program->entry >= s->va &&
            program->entry - s->va < s->file_bytes)
            return NULL;
    }
    return "its entry point is not in its code";
}

const char *
elf_parse(const void *image, uint64_t bytes, struct elf_program *program)
{
    const char *base = image, *wrong;
    struct elf_header header;

    if (bytes < sizeof(header))
        return "it is too short for an ELF file";
    memcpy(&header, base, sizeof(header));
    wrong = check_header(&header, bytes);
    *program = (struct elf_program){.entry = header.entry};
    for (unsigned i = 0; !wrong && i < header.phnum; i++) {
        struct elf_phdr p;
        memcpy(&p, base + header.phoff + i * sizeof(p), sizeof(p));
        wrong = add_phdr(&p, base, bytes, program);
    }
    if (wrong)
        return wrong;
    return check_entry(program);
}
