// SPDX-License-Identifier: MIT
/* peek.c: reading page tables and other envs' memory; [SDM3 4.5.4]. */
#include "lib/peek.h"

#include <exo/error.h>
#include <exo/info.h>

#include "lib/string.h"
#include "lib/start.h"

#define ROOT_LEVEL 4

/* Reads the word at `offset` of a page through the window's last page. */
static int64_t
read_word(const struct window *window, exo_cap cap, exo_page page,
          uint64_t offset, uint64_t *word)
{
    const char *at =
        window_bind(window, cap, window->pages - 1, &page, 1, EXO_BIND_R);
    if (!at)
        return -EXO_E_CAP;
    memcpy(word, at + offset, sizeof(*word));
    window_clear(window, window->pages - 1, 1);
    return 0;
}

int64_t
peek_entry(const struct window *window, exo_cap cap, exo_page root, uint64_t va,
           unsigned level, uint64_t *entry)
{
    exo_page table = root ? root : exo_env_info(start_self())->root;
    for (unsigned l = ROOT_LEVEL;; l--) {
        uint64_t index = va >> (3 + 9 * l) & 511;
        int64_t error = read_word(window, cap, table, index * 8, entry);
        if (error)
            return error;
        if (!(*entry & EXO_PTE_P))
            return -EXO_E_TABLE;
        if (l == level || (*entry & EXO_PTE_PS))
            return 0;
        table = peek_page_of(*entry);
    }
}

int64_t
peek_page(const struct window *window, exo_cap cap, exo_page root, uint64_t va,
          exo_page *page)
{
    uint64_t entry;
    int64_t error = peek_entry(window, cap, root, va, 1, &entry);
    if (error)
        return error;
    *page = peek_page_of(entry);
    if (entry & EXO_PTE_PS)
        *page += va >> EXO_PAGE_SHIFT & (EXO_LARGE_PAGES - 1);
    return 0;
}

int64_t
peek_read(const struct window *window, exo_cap cap, exo_page root, uint64_t va,
          void *to, uint64_t bytes)
{
    uint64_t done = 0;
    while (done < bytes) {
        exo_page page;
        uint64_t offset = (va + done) % EXO_PAGE_BYTES;
        uint64_t n = EXO_PAGE_BYTES - offset;
        int64_t error = peek_page(window, cap, root, va + done, &page);
        if (error == -EXO_E_TABLE)
            break;
        if (error)
            return error;
        if (n > bytes - done)
            n = bytes - done;
        const char *at =
            window_bind(window, cap, window->pages - 1, &page, 1, EXO_BIND_R);
        if (!at)
            return -EXO_E_CAP;
        memcpy((char *)to + done, at + offset, n);
        window_clear(window, window->pages - 1, 1);
        done += n;
    }
    return (int64_t)done;
}
