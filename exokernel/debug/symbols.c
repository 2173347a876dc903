// SPDX-License-Identifier: MIT
/*
 * See symbols.h. The table, as tools/symtab writes it:
 *
 *   u32 count
 *   { u32 offset of the function from kernel_text_start;
 *     u32 offset of its name from the names } [count], by rising address
 *   names, each ended by a zero byte
 */
#include "debug/symbols.h"

#include <stddef.h>

struct symbol {
    uint32_t text_offset;
    uint32_t name_offset;
};

struct symbol_table {
    uint32_t count;
    struct symbol symbols[];
};

extern const struct symbol_table kernel_symbols;
extern const char kernel_symbols_end[];
extern const char kernel_text_start[], kernel_text_end[];

const char *
symbol_name(uint64_t kva, uint64_t *offset)
{
    const struct symbol_table *table = &kernel_symbols;
    if (kva < (uint64_t)kernel_text_start || kva >= (uint64_t)kernel_text_end)
        return NULL;
    /* The first link has no table. */
    if ((const char *)table == kernel_symbols_end || table->count == 0)
        return NULL;
    const uint64_t text_offset = kva - (uint64_t)kernel_text_start;
    uint32_t low = 0, high = table->count; /* answer is in [low, high) */
    while (high - low > 1) {
        const uint32_t middle = low + (high - low) / 2;
        if (table->symbols[middle].text_offset <= text_offset)
            low = middle;
        else
            high = middle;
    }
    const struct symbol *found = &table->symbols[low];
    if (found->text_offset > text_offset)
        return NULL;
    const char *names = (const char *)&table->symbols[table->count];
    *offset = text_offset - found->text_offset;
    return names + found->name_offset;
}
