// SPDX-License-Identifier: MIT
/*
 * Multiboot 1 information: a fixed structure whose flags say which fields hold.
 */
#include "boot/multiboot.h"

#include <stddef.h>

#include "debug/panic.h"
#include "lib/string.h"

enum info_flags {
    INFO_MEMORY = 1u << 0,
    INFO_CMDLINE = 1u << 2,
    INFO_MODULES = 1u << 3,
    INFO_MMAP = 1u << 6,
    INFO_LOADER = 1u << 9,
};

struct mb1_info {
    uint32_t flags;
    uint32_t mem_lower, mem_upper; /* KiB from 0, from 1 MiB */
    uint32_t boot_device;
    uint32_t cmdline;
    uint32_t mods_count, mods_addr;
    uint32_t syms[4];
    uint32_t mmap_length, mmap_addr;
    uint32_t drives_length, drives_addr;
    uint32_t config_table;
    uint32_t loader_name;
};

struct mb1_module {
    uint32_t start, end, text, reserved;
};

struct mb1_memory {
    uint32_t size; /* of the rest of the entry */
    uint64_t start, len;
    uint32_t type;
} __attribute__((packed));

enum { TEXT_MAX = 4096 };

static void
parse_map(uint32_t pa, uint32_t len)
{
    const char *map = loader_memory(pa, len, "memory map");
    struct mb1_memory entry;
    for (uint32_t at = 0; len - at >= sizeof entry;) {
        memcpy(&entry, map + at, sizeof entry);
        if (entry.size < sizeof entry - sizeof entry.size)
            boot_refuse("the boot loader's memory map is damaged (entry of %u "
                        "bytes)",
                        entry.size);
        bootinfo_add_memory(entry.start, entry.len, entry.type);
        const uint64_t step = (uint64_t)entry.size + sizeof entry.size;
        if (step > len - at)
            break;
        at += (uint32_t)step;
    }
}

static void
parse_modules(uint32_t pa, uint32_t count)
{
    const char *list = loader_memory(
        pa, (uint64_t)count * sizeof(struct mb1_module), "module list");
    for (uint32_t i = 0; i < count; i++) {
        struct mb1_module module;
        memcpy(&module, list + i * sizeof module, sizeof module);
        bootinfo_add_module(module.start, module.end, module.text, TEXT_MAX);
    }
}

void
multiboot1_parse(uint32_t info_pa)
{
    struct mb1_info info;
    memcpy(&info, loader_memory(info_pa, sizeof info, "information"),
           sizeof info);
    if (info.flags & INFO_MMAP) {
        parse_map(info.mmap_addr, info.mmap_length);
    } else if (info.flags & INFO_MEMORY) {
        bootinfo_add_memory(0, (uint64_t)info.mem_lower << 10, MULTIBOOT_RAM);
        bootinfo_add_memory(1 << 20, (uint64_t)info.mem_upper << 10,
                            MULTIBOOT_RAM);
    }
    if (info.flags & INFO_CMDLINE)
        bootinfo_set_cmdline(info.cmdline, TEXT_MAX);
    if (info.flags & INFO_LOADER)
        bootinfo_set_loader(info.loader_name, TEXT_MAX);
    if (info.flags & INFO_MODULES)
        parse_modules(info.mods_addr, info.mods_count);
}
