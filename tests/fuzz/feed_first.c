// SPDX-License-Identifier: MIT
/* See feed_first.h. [ELF64] */
#include "feed_first.h"

#include <string.h>

#include <sanitizer/asan_interface.h>

#include "feed.h"
#include "host.h"
#include "tlb/tlb.h"

/* Where host_open() has put its own program. */
static uint8_t *
module(void)
{
    return host_memory(K.boot.modules[0].pa);
}

static void
prepare(void)
{
    static bool opened;
    if (opened) {
        __asan_unpoison_memory_region(module(), FIRST_BYTES);
        host_restore();
        return;
    }
    opened = host_quiet = true;
    host_open(&(struct host_setup){.pages = FIRST_PAGES, .cpus = 1});
    host_save();
}

/* What may be in any first env: nothing writable and executable, all of it
 * the user's. */
static void
check_bindings(exo_page table, unsigned level)
{
    const uint64_t *entry = page_kva(table);
    for (unsigned i = 0; i < (level == 4 ? 255 : 512); i++) {
        if (!(entry[i] & EXO_PTE_P))
            continue;
        PROMISE(entry[i] & EXO_PTE_U);
        exo_page page = (entry[i] & EXO_PTE_PAGE) >> EXO_PAGE_SHIFT;
        PROMISE(K.page_info[page].payer == K.first->index);
        if (level > 1)
            check_bindings(page, level - 1);
        else
            PROMISE(!(entry[i] & EXO_PTE_W) || (entry[i] & EXO_PTE_NX));
    }
}

const char *
first_try(const uint8_t *bytes, uint32_t size)
{
    prepare();
    memcpy(module(), bytes, size);
    K.boot.modules[0].size = size;
    __asan_poison_memory_region(module() + size, FIRST_BYTES - size);
    const char *refusal = host_start();
    if (!refusal)
        check_bindings(K.first->root_pa >> EXO_PAGE_SHIFT, 4);
    return refusal;
}

static void
put_segment(uint8_t *to, uint32_t flags, uint64_t offset, uint64_t va,
            uint64_t file_bytes, uint64_t bytes)
{
    put_number(to + PH_TYPE, 1, 4);
    put_number(to + PH_FLAGS, flags, 4);
    put_number(to + PH_OFFSET, offset, 8);
    put_number(to + PH_VA, va, 8);
    put_number(to + PH_FILE_BYTES, file_bytes, 8);
    put_number(to + PH_BYTES, bytes, 8);
}

uint32_t
first_good(uint8_t *to)
{
    const uint64_t base = EXO_FIRST_STACK_TOP;
    const uint32_t size = 0x1900;
    for (uint32_t i = 0; i < size; i++)
        to[i] = i < 0x200 ? 0 : (uint8_t)(i * 7);
    memcpy(to,
           "\x7f"
           "ELF\2\1\1",
           7);
    put_number(to + ELF_TYPE, 2, 2);
    put_number(to + ELF_MACHINE, 62, 2);
    put_number(to + ELF_ENTRY, base + 0x1010, 8);
    put_number(to + ELF_PHOFF, ELF_HEADERS, 8);
    put_number(to + ELF_PHENTSIZE, PH_SIZE, 2);
    put_number(to + ELF_PHNUM, 3, 2);
    uint8_t *ph = to + ELF_HEADERS;
    put_segment(ph, 4, 0, base, 0x200, 0x200);
    put_segment(ph + PH_SIZE, 5, 0x1000, base + 0x1000, 0x800, 0x800);
    put_segment(ph + 2 * PH_SIZE, 6, 0x1800, base + 0x2800, 0x100, 0x2000);
    return size;
}

static void
eat(const uint8_t *bytes, size_t size)
{
    first_try(bytes, (uint32_t)size);
}

static size_t
seed(unsigned n, uint8_t *to)
{
    return n ? 0 : first_good(to);
}

const struct feed feed = {.name = "first",
                          .max = FIRST_BYTES,
                          .runs = 8000,
                          .eat = eat,
                          .seed = seed};
