// SPDX-License-Identifier: MIT
/*
 * elf.h: what a program file wants in memory, checked.
 *
 * elf_parse() reads a static x86-64 ELF64 executable and yields its segments,
 * or a sentence that says why it will not do. It believes nothing: any bytes
 * may be given, and whatever it yields can be loaded without another check.
 * It touches no memory but the image and the result, makes no calls, and so
 * runs anywhere.
 *
 * What it yields holds:
 *   ELF-1  segments lie in [EXO_USER_MIN, EXO_USER_TOP), outside the block of
 *          the env's own pages (start.h), and no two share a page;
 *   ELF-2  file_bytes <= memory_bytes, and offset + file_bytes is in the image;
 *   ELF-3  no segment is writable and executable;
 *   ELF-4  offset and va agree modulo the page size;
 *   ELF-5  the entry point lies in the file part of an executable segment;
 *   ELF-6  what it asks of its loader is possible: at most 4 upcall pages, and
 *          an FS base in the user part of the address space.
 *
 * Sources: [ELF64] System V ABI, ELF-64 object file format.
 */
#ifndef LIB_ELF_H
#define LIB_ELF_H

#include "lib/start.h"

#define ELF_SEGMENTS_MAX 16

enum elf_flag { ELF_X = 1, ELF_W = 2, ELF_R = 4 };

struct elf_segment {
    uint64_t va;           // where it begins
    uint64_t memory_bytes; // how much it takes there
    uint64_t offset;       // where its content begins in the image
    uint64_t file_bytes;   // how much content there is; the rest is zero
    uint32_t flags;        // enum elf_flag
    uint32_t pages;        // pages it touches
};

struct elf_program {
    uint64_t entry;
    uint32_t count;         // segments, ascending by va
    uint32_t pages;         // of all of them
    struct start_note note; // what it asks of its loader; zeros: nothing
    struct elf_segment segment[ELF_SEGMENTS_MAX];
};

/* Fills `program` from the `bytes` bytes at `image` (any alignment).
 * Result: null, or a sentence for people; then *program is not to be used. */
const char *elf_parse(const void *image, uint64_t bytes,
                      struct elf_program *program);

#endif
