// SPDX-License-Identifier: MIT
/*
 * Multiboot 2 information: a list of tags, each with its size, 8-aligned.
 */
#include "boot/multiboot.h"

#include <stddef.h>

#include "debug/panic.h"
#include "lib/string.h"

enum tag_type {
    TAG_END = 0,
    TAG_CMDLINE = 1,
    TAG_LOADER = 2,
    TAG_MODULE = 3,
    TAG_MMAP = 6,
    TAG_RSDP_OLD = 14,
    TAG_RSDP_NEW = 15,
};

enum { INFO_MAX = 1 << 20 }; /* bytes; real ones are a few KiB */

struct mb2_tag {
    uint32_t type, size;
};

struct mb2_module {
    struct mb2_tag tag;
    uint32_t start, end;
    /* text follows */
};

struct mb2_mmap {
    struct mb2_tag tag;
    uint32_t entry_size, entry_version;
    /* entries follow */
};

struct mb2_memory {
    uint64_t start, len;
    uint32_t type, reserved;
};

static void
parse_map(const char *tag, uint32_t size)
{
    struct mb2_mmap map;
    if (size < sizeof map)
        return;
    memcpy(&map, tag, sizeof map);
    struct mb2_memory entry;
    if (map.entry_size < sizeof entry)
        boot_refuse("the boot loader's memory map is damaged (entries of %u "
                    "bytes)",
                    map.entry_size);
    for (uint32_t at = sizeof map; size - at >= map.entry_size;
         at += map.entry_size) {
        memcpy(&entry, tag + at, sizeof entry);
        bootinfo_add_memory(entry.start, entry.len, entry.type);
    }
}

static void
parse_module(const char *bytes, uint32_t pa, uint32_t size)
{
    struct mb2_module module;
    if (size <= sizeof module)
        return;
    memcpy(&module, bytes, sizeof module);
    bootinfo_add_module(module.start, module.end, pa + sizeof module,
                        size - sizeof module);
}

/* One tag: `size` bytes at pa, header included. */
static void
parse_tag(const struct mb2_tag *tag, const char *bytes, uint32_t pa)
{
    const uint32_t head = sizeof *tag;
    switch (tag->type) {
    case TAG_CMDLINE:
        bootinfo_set_cmdline(pa + head, tag->size - head);
        break;
    case TAG_LOADER:
        bootinfo_set_loader(pa + head, tag->size - head);
        break;
    case TAG_MODULE:
        parse_module(bytes, pa, tag->size);
        break;
    case TAG_MMAP:
        parse_map(bytes, tag->size);
        break;
    case TAG_RSDP_OLD:
    case TAG_RSDP_NEW:
        bootinfo_set_rsdp(bytes + head, tag->size - head);
        break;
    default:
        break; /* a fact we have no use for */
    }
}

void
multiboot2_parse(uint32_t info_pa)
{
    uint32_t total;
    memcpy(&total, loader_memory(info_pa, 8, "information"), sizeof total);
    if (total < 8 || total > INFO_MAX)
        boot_refuse("the boot loader's information is damaged (%u bytes long)",
                    total);
    const char *info = loader_memory(info_pa, total, "information");
    struct mb2_tag tag;
    for (uint32_t at = 8; total - at >= sizeof tag;) {
        memcpy(&tag, info + at, sizeof tag);
        if (tag.type == TAG_END)
            return;
        if (tag.size < sizeof tag || tag.size > total - at)
            boot_refuse("the boot loader's information is damaged (tag %u of "
                        "%u bytes)",
                        tag.type, tag.size);
        parse_tag(&tag, info + at, info_pa + at);
        const uint32_t step = (tag.size + 7) & ~7u;
        if (step > total - at)
            return;
        at += step;
    }
}
