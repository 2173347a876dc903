// SPDX-License-Identifier: MIT
/* See feed_boot.h. */
#include "feed_boot.h"

#include <string.h>

#include "boot/multiboot.h"
#include "boot/region.h"
#include "feed.h"
#include "host.h"

#define FOUR_GIB (1ull << 32)

extern const char kernel_image_start[], kernel_image_end[];

static uint32_t magic, info_pa;

static void
parse(void)
{
    bootinfo_init(magic, info_pa);
}

const char *
boot_parse(unsigned protocol, uint64_t pa, const uint8_t *bytes, uint32_t size)
{
    static bool made;
    if (!made)
        host_memory_make(FOUR_GIB);
    made = host_quiet = true;
    memset(&K, 0, sizeof(K));
    memcpy(host_memory(pa), bytes, size);
    magic = protocol == BOOT_MB1 ? MULTIBOOT1_MAGIC : MULTIBOOT2_MAGIC;
    info_pa = (uint32_t)pa;
    const char *refusal = host_try(parse);
    memset(host_memory(pa), 0, size);
    return refusal;
}

static void
check_list(const struct boot_region *list, unsigned count)
{
    PROMISE(count <= BOOT_MAX_REGIONS);
    for (unsigned i = 0; i < count; i++) {
        PROMISE(list[i].start < list[i].end);
        PROMISE((list[i].start | list[i].end) % EXO_PAGE_BYTES == 0);
        PROMISE(!i || list[i - 1].end < list[i].start);
    }
}

static bool
meet(const struct boot_region *list, unsigned count, uint64_t start,
     uint64_t end)
{
    for (unsigned i = 0; i < count; i++)
        if (list[i].start < end && start < list[i].end)
            return true;
    return false;
}

static void
check_module(const struct boot_module *m)
{
    const struct bootinfo *b = &K.boot;
    uint64_t image = (uint64_t)kernel_image_start - KVBASE;
    uint64_t image_end = (uint64_t)kernel_image_end - KVBASE;
    PROMISE(m->text && m->args >= m->text);
    PROMISE(m->args <= m->text + strlen(m->text));
    if (!m->size)
        return;
    uint64_t end = (m->pa + m->size + EXO_PAGE_BYTES - 1) & ~0xfffull;
    PROMISE(m->pa % EXO_PAGE_BYTES == 0 && m->pa > 0);
    PROMISE(region_contains(b->ram, b->nram, m->pa, end));
    PROMISE(!meet(b->regions, b->nregions, m->pa, end));
    PROMISE(end <= image || m->pa >= image_end);
    PROMISE(b->trampoline_pa < m->pa || b->trampoline_pa >= end);
}

void
boot_check(void)
{
    const struct bootinfo *b = &K.boot;
    uint64_t image = (uint64_t)kernel_image_start - KVBASE;
    uint64_t image_end = (uint64_t)kernel_image_end - KVBASE;
    check_list(b->regions, b->nregions);
    check_list(b->ram, b->nram);
    check_list(b->reserved, b->nreserved);
    for (unsigned i = 0; i < b->nregions; i++)
        PROMISE(region_contains(b->ram, b->nram, b->regions[i].start,
                                b->regions[i].end));
    for (unsigned i = 0; i < b->nreserved; i++)
        PROMISE(
            !meet(b->ram, b->nram, b->reserved[i].start, b->reserved[i].end));
    PROMISE(b->nram > 0 && b->top_pa == b->ram[b->nram - 1].end);
    PROMISE(b->top_pa <= 1ull << cpu_phys_bits());
    PROMISE(!meet(b->regions, b->nregions, 0, EXO_PAGE_BYTES));
    PROMISE(!meet(b->regions, b->nregions, image, image_end));
    PROMISE(b->trampoline_pa < 0xa0000 && b->trampoline_pa % 4096 == 0);
    PROMISE(!b->trampoline_pa ||
            !meet(b->regions, b->nregions, b->trampoline_pa,
                  b->trampoline_pa + EXO_PAGE_BYTES));
    PROMISE(b->cmdline && b->loader && b->nmodules <= BOOT_MAX_MODULES);
    for (unsigned i = 0; i < b->nmodules; i++)
        check_module(&b->modules[i]);
    (void)boot_option_number("slots", 1); /* whatever the text is */
}

/* ---- good ones ----------------------------------------------------------- */

static const struct {
    uint64_t start, len;
    uint32_t type;
} map[] = {{0, 0x9fc00, MULTIBOOT_RAM},
           {0xf0000, 0x10000, MULTIBOOT_RESERVED},
           {0x100000, BOOT_RAM_END - 0x100000, MULTIBOOT_RAM}};

static uint32_t
good_mb1(uint8_t *to)
{
    memset(to, 0, MB1_END);
    put_number(to, 1 << 2 | 1 << 3 | 1 << 6 | 1 << 9, 4);
    put_number(to + 16, BOOT_INFO + MB1_CMDLINE, 4);
    put_number(to + 20, 2, 4);
    put_number(to + 24, BOOT_INFO + MB1_MODULES, 4);
    put_number(to + 44, 24 * ARRAY_SIZE(map), 4);
    put_number(to + 48, BOOT_INFO + MB1_MAP, 4);
    put_number(to + 64, BOOT_INFO + MB1_CMDLINE, 4); /* the loader's name */
    for (unsigned i = 0; i < ARRAY_SIZE(map); i++) {
        uint8_t *entry = to + MB1_MAP + 24 * i;
        put_number(entry, 20, 4);
        put_number(entry + 4, map[i].start, 8);
        put_number(entry + 12, map[i].len, 8);
        put_number(entry + 20, map[i].type, 4);
    }
    put_number(to + MB1_MODULES, BOOT_MODULE_PA, 4);
    put_number(to + MB1_MODULES + 4, BOOT_MODULE_PA + BOOT_MODULE_BYTES, 4);
    put_number(to + MB1_MODULES + 8, BOOT_INFO + MB1_TEXT, 4);
    put_number(to + MB1_MODULES + 16, 0x600000, 4);
    put_number(to + MB1_MODULES + 20, 0x600001, 4);
    memcpy(to + MB1_CMDLINE, "exo slots=0x20 check", 21);
    memcpy(to + MB1_TEXT, "/boot/init  first one", 22);
    return MB1_END;
}

static void
put_tag(uint8_t *to, uint32_t type, uint32_t size)
{
    put_number(to, type, 4);
    put_number(to + 4, size, 4);
}

static uint32_t
good_mb2(uint8_t *to)
{
    memset(to, 0, MB2_END);
    put_number(to, MB2_END, 4);
    put_tag(to + MB2_CMDLINE, 1, 8 + 13);
    memcpy(to + MB2_CMDLINE + 8, "exo slots=32", 13);
    put_tag(to + MB2_MODULE, 3, 16 + 11);
    put_number(to + MB2_MODULE + 8, BOOT_MODULE_PA, 4);
    put_number(to + MB2_MODULE + 12, BOOT_MODULE_PA + BOOT_MODULE_BYTES, 4);
    memcpy(to + MB2_MODULE + 16, "init first", 11);
    put_tag(to + MB2_MAP, 6, 16 + 24 * ARRAY_SIZE(map));
    put_number(to + MB2_MAP + 8, 24, 4);
    for (unsigned i = 0; i < ARRAY_SIZE(map); i++) {
        uint8_t *entry = to + MB2_MAP + 16 + 24 * i;
        put_number(entry, map[i].start, 8);
        put_number(entry + 8, map[i].len, 8);
        put_number(entry + 16, map[i].type, 4);
    }
    put_tag(to + MB2_RSDP, 15, 8 + 36);
    memcpy(to + MB2_RSDP + 8, "RSD PTR ", 8);
    put_tag(to + MB2_LAST, 0, 8);
    return MB2_END;
}

uint32_t
boot_good(unsigned protocol, uint8_t *to)
{
    return protocol == BOOT_MB1 ? good_mb1(to) : good_mb2(to);
}

/* ---- for the fuzzer ------------------------------------------------------ */

static void
eat(const uint8_t *bytes, size_t size)
{
    if (size == 0)
        return;
    unsigned protocol = bytes[0] & 1 ? BOOT_MB1 : BOOT_MB2;
    if (!boot_parse(protocol, BOOT_INFO, bytes + 1, (uint32_t)size - 1))
        boot_check();
}

static size_t
seed(unsigned n, uint8_t *to)
{
    if (n > 1)
        return 0;
    to[0] = (uint8_t)!n;
    return 1 + boot_good(n ? BOOT_MB2 : BOOT_MB1, to + 1);
}

const struct feed feed = {.name = "boot",
                          .max = BOOT_BYTES,
                          .runs = 300000,
                          .eat = eat,
                          .seed = seed};
