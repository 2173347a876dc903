// SPDX-License-Identifier: MIT
/*
 * The two boot protocols, and what their parsers hand to bootinfo.c.
 *
 * A parser walks one protocol's structures and reports each fact by a bootinfo_
 * call. It reads the loader's memory only through loader_memory(), which
 * refuses what lies beyond the 4 GiB that are mapped.
 *
 * Sources: Multiboot 0.6.96, 3.3; Multiboot 2.0, 3.6.
 */
#ifndef EXO_BOOT_MULTIBOOT_H
#define EXO_BOOT_MULTIBOOT_H

#include <stdint.h>

enum {
    MULTIBOOT1_MAGIC = 0x2badb002, /* EAX at entry */
    MULTIBOOT2_MAGIC = 0x36d76289,
};

/* Memory types of both protocols' maps, as BIOS function E820h has them. */
enum multiboot_memory {
    MULTIBOOT_RAM = 1,
    MULTIBOOT_RESERVED = 2,
    MULTIBOOT_ACPI = 3,
    MULTIBOOT_NVS = 4,
};

void multiboot1_parse(uint32_t info_pa);
void multiboot2_parse(uint32_t info_pa);

/* [pa, pa + len) for reading; stops with a message naming `what` when that is
 * no place a loader can mean. */
const void *loader_memory(uint64_t pa, uint64_t len, const char *what);

/* One entry of the memory map, as the firmware wrote it. */
void bootinfo_add_memory(uint64_t start, uint64_t len, uint32_t type);

/* Strings end within `max` bytes of their address. */
void bootinfo_add_module(uint64_t start, uint64_t end, uint64_t text_pa,
                         uint64_t max);
void bootinfo_set_cmdline(uint64_t text_pa, uint64_t max);
void bootinfo_set_loader(uint64_t text_pa, uint64_t max);

/* A copy of the ACPI root pointer, `len` bytes. */
void bootinfo_set_rsdp(const void *rsdp, uint64_t len);

#endif
