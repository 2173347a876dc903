// SPDX-License-Identifier: MIT
/* data.c: the content of regular files, page by page; see data.h. */
#include "exos/fs/data.h"

#include <errno.h>

#include "exos/fs/node.h"
#include "exos/vm/core.h"
#include "exos/vm/space.h"
#include "exos/vm/vm.h"
#include "lib/peek.h"
#include "lib/start.h"
#include "lib/string.h"

#define MARGIN 16u // pages that files leave to the program

uint64_t data_pages;

static uint64_t
least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* How much of page `index` is in the archive. */
static uint64_t
base_bytes(const struct data *data, uint64_t index)
{
    uint64_t start = index * PAGE_BYTES;
    if (!data->base || start >= data->base_bytes)
        return 0;
    return least(PAGE_BYTES, data->base_bytes - start);
}

/* The file's own page `index`, made from what is there. Null: no memory. */
static char *
own_page(struct node *node, uint64_t index)
{
    struct data *data = &node->data;
    char *page = radix_get(&data->pages, index);
    if (page)
        return page;
    if (space_left() < MARGIN || !(page = core_alloc(PAGE_BYTES)))
        return NULL;
    if (!radix_set(&data->pages, index, page)) {
        core_free(page, PAGE_BYTES);
        return NULL;
    }
    data_pages++;
    memcpy(page, data->base + index * PAGE_BYTES, base_bytes(data, index));
    vm_forget(node, index, 1);
    return page;
}

static void
drop_page(void *page)
{
    core_free(page, PAGE_BYTES);
    data_pages--;
}

/* Copies a part of one page out. */
static void
read_page(const struct data *data, char *to, uint64_t index, uint64_t from,
          uint64_t bytes)
{
    const char *page = radix_get(&data->pages, index);
    if (page) {
        memcpy(to, page + from, bytes);
        return;
    }
    uint64_t there = base_bytes(data, index);
    uint64_t n = there > from ? least(there - from, bytes) : 0;
    memcpy(to, data->base + index * PAGE_BYTES + from, n);
    memset(to + n, 0, bytes - n);
}

long
data_read(struct node *node, void *to, uint64_t bytes, uint64_t at)
{
    if (at >= node->size)
        return 0;
    bytes = least(bytes, node->size - at);
    for (uint64_t done = 0, n; done < bytes; done += n) {
        uint64_t from = (at + done) % PAGE_BYTES;
        n = least(bytes - done, PAGE_BYTES - from);
        read_page(&node->data, (char *)to + done, (at + done) / PAGE_BYTES,
                  from, n);
    }
    return (long)bytes;
}

const void *
data_span(const struct node *node, uint64_t at, uint64_t *bytes)
{
    static const char zeros[PAGE_BYTES];
    const struct data *data = &node->data;
    uint64_t within = at % PAGE_BYTES;
    if (at >= node->size)
        *bytes = 0;
    else
        *bytes = least(*bytes, node->size - at);
    const char *page = radix_get(&data->pages, at / PAGE_BYTES);
    if (!page && !data->pages.root && at < data->base_bytes) {
        *bytes = least(*bytes, data->base_bytes - at);
        return data->base + at;
    }
    *bytes = least(*bytes, PAGE_BYTES - within);
    if (page)
        return page + within;
    uint64_t there = base_bytes(data, at / PAGE_BYTES);
    if (there <= within)
        return zeros;
    *bytes = least(*bytes, there - within);
    return data->base + at;
}

long
data_write(struct node *node, const void *from, uint64_t bytes, uint64_t at)
{
    uint64_t done = 0;
    if (bytes && (at >= DATA_BYTES_MAX || bytes > DATA_BYTES_MAX - at))
        return -EFBIG;
    while (done < bytes) {
        uint64_t within = (at + done) % PAGE_BYTES;
        uint64_t n = least(bytes - done, PAGE_BYTES - within);
        char *page = own_page(node, (at + done) / PAGE_BYTES);
        if (!page)
            break;
        memcpy(page + within, (const char *)from + done, n);
        done += n;
        if (at + done > node->size)
            node->size = at + done;
    }
    if (done)
        node_touch(node);
    return done || !bytes ? (long)done : -ENOSPC;
}

/* Clears the rest of the page that the end is in, where it is not the
 * archive's. */
static void
clear_tail(struct node *node, uint64_t size)
{
    char *page = radix_get(&node->data.pages, size / PAGE_BYTES);
    uint64_t within = size % PAGE_BYTES;
    if (page && within)
        memset(page + within, 0, PAGE_BYTES - within);
}

long
data_truncate(struct node *node, uint64_t size)
{
    if (size > DATA_BYTES_MAX)
        return -EFBIG;
    if (size < node->size) {
        uint64_t first = (size + PAGE_BYTES - 1) / PAGE_BYTES;
        vm_forget(node, first, UINT64_MAX);
        radix_cut(&node->data.pages, first, drop_page);
        clear_tail(node, size);
        node->data.base_bytes = least(node->data.base_bytes, size);
    }
    node->size = size;
    node_touch(node);
    return 0;
}

long
data_reserve(struct node *node, uint64_t at, uint64_t bytes)
{
    if (!bytes)
        return 0;
    for (uint64_t i = at / PAGE_BYTES; i <= (at + bytes - 1) / PAGE_BYTES; i++)
        if (!own_page(node, i))
            return -ENOSPC;
    return 0;
}

bool
data_page(struct node *node, uint64_t index, bool own, struct data_page *out)
{
    const struct data *data = &node->data;
    const char *page = radix_get(&data->pages, index);
    uint64_t there = base_bytes(data, index);
    *out = (struct data_page){.cap = START_CAP_SELF};
    if (!page && !own && there == PAGE_BYTES && data->base_page) {
        *out = (struct data_page){data->base_page + index, START_CAP_FILES,
                                  data->base + index * PAGE_BYTES};
        return true;
    }
    if (!page && !own && !there)
        return true; // a hole
    page = own_page(node, index);
    if (!page)
        return false;
    out->page = peek_page_of(space_entry((uint64_t)page));
    out->at = page;
    return true;
}
