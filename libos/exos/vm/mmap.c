// SPDX-License-Identifier: MIT
/* mmap.c: mappings made and changed by the program. */
#include "exos/vm/vm.h"

#include <errno.h>
#include <sys/mman.h>

#include <exo/info.h>

#include "exos/fs/node.h"
#include "exos/vm/region.h"
#include "exos/vm/space.h"
#include "lib/upcall.h"

#define ALL_PROT (PROT_READ | PROT_WRITE | PROT_EXEC)

static bool
may_write_and_execute(void)
{
    return exo_env_info(UAREA->self)->flags & EXO_ENV_WX;
}

/* 0, or what is wrong with an address range. *end: its end, in whole pages. */
static long
check_range(uint64_t va, uint64_t bytes, uint64_t *end)
{
    if (va % PAGE_BYTES || !bytes || bytes > EXOS_TOP)
        return -EINVAL;
    *end = va + PAGE_UP(bytes);
    return va >= EXO_USER_MIN && *end <= EXOS_TOP && *end > va ? 0 : -ENOMEM;
}

static long
check_prot(int prot)
{
    if (prot & ~ALL_PROT)
        return -EINVAL;
    bool both = (prot & PROT_WRITE) && (prot & PROT_EXEC);
    return both && !may_write_and_execute() ? -EACCES : 0;
}

/* Would the range cover what the program cannot do without? */
static bool
is_ours(uint64_t start, uint64_t end)
{
    for (const struct region *r = region_next(start); r && r->start < end;
         r = region_next(r->end))
        if (r->kind == REGION_PROGRAM || r->kind == REGION_STACK)
            return true;
    return start < EXOS_MMAP && end > EXOS_WINDOW;
}

static bool
is_free(uint64_t start, uint64_t end)
{
    const struct region *r = region_next(start);
    return (!r || r->start >= end) && !is_ours(start, end);
}

/* Chooses the address, and makes it free if the caller insists. */
static long
place(uint64_t va, uint64_t bytes, int flags)
{
    uint64_t end;
    if (flags & MAP_FIXED) {
        long error = check_range(va, bytes, &end);
        if (error)
            return error;
        error = is_ours(va, end) ? -ENOMEM : vm_unmap(va, bytes);
        return error ? error : (long)va;
    }
    if (va % PAGE_BYTES == 0 && check_range(va, bytes, &end) == 0 &&
        is_free(va, end))
        return (long)va;
    va = region_room(bytes);
    return va ? (long)va : -ENOMEM;
}

static long
map_at(uint64_t va, uint64_t bytes, int prot, int flags, struct node *node,
       uint64_t offset)
{
    struct region region = {
        .start = va,
        .end = va + bytes,
        .kind = node ? REGION_FILE : REGION_MEMORY,
        .prot = (uint32_t)prot,
        .node = node,
        .offset = offset,
        .shared = node && (flags & MAP_SHARED),
    };
    region.reserved =
        (prot & PROT_WRITE) && !region.shared && !(flags & MAP_NORESERVE);
    if (region.reserved && !region_may_commit(bytes / PAGE_BYTES))
        return -ENOMEM;
    return region_add(&region) ? (long)va : -ENOMEM;
}

long
vm_map(uint64_t va, uint64_t bytes, int prot, int flags, struct node *node,
       uint64_t offset)
{
    int kind = flags & (MAP_SHARED | MAP_PRIVATE);
    long error = check_prot(prot);
    if (!bytes || offset % PAGE_BYTES ||
        (kind != MAP_SHARED && kind != MAP_PRIVATE))
        return -EINVAL;
    if (error)
        return error;
    if (bytes > EXOS_TOP)
        return -ENOMEM;
    upcall_hold(UAREA);
    long at = place(va, PAGE_UP(bytes), flags);
    if (at > 0)
        at = map_at((uint64_t)at, PAGE_UP(bytes), prot, flags, node, offset);
    upcall_release(UAREA);
    return at;
}

long
vm_unmap(uint64_t va, uint64_t bytes)
{
    uint64_t end;
    long error = check_range(va, bytes, &end);
    if (error)
        return -EINVAL;
    if (is_ours(va, end))
        return -EINVAL;
    upcall_hold(UAREA);
    if (region_remove(va, end)) {
        release_withdraw(va, end);
        space_empty(va, end - va);
    } else {
        error = -ENOMEM;
    }
    upcall_release(UAREA);
    return error;
}

/* Is all of [start, end) mapped? */
static bool
is_mapped(uint64_t start, uint64_t end)
{
    while (start < end) {
        const struct region *r = region_find(start);
        if (!r)
            return false;
        start = r->end;
    }
    return true;
}

static bool
is_in_use(uint64_t start, uint64_t end)
{
    for (; start < end; start += PAGE_BYTES)
        if (space_entry(start) && !(space_entry(start) & ENTRY_BORROWED))
            return true;
    return false;
}

/* What becomes writable now may be used in full later (VM-4). */
static long
reserve(struct region *r, int prot)
{
    uint64_t pages = (r->end - r->start) / PAGE_BYTES;
    struct region copy = *r;
    if (!(prot & PROT_WRITE) || r->reserved || r->shared ||
        r->kind == REGION_STACK)
        return 0;
    if (!region_may_commit(pages))
        return -ENOMEM;
    copy.reserved = true;
    region_replace(r, &copy);
    return 0;
}

static long
protect(uint64_t start, uint64_t end, int prot)
{
    if (!region_split(start, end))
        return -ENOMEM;
    for (uint64_t va = start; va < end;) {
        struct region *r = region_find(va);
        long error = reserve(r, prot);
        if (error)
            return error;
        r->prot = (uint32_t)prot;
        va = r->end;
    }
    region_join(start, end);
    if (prot == PROT_NONE) { // what is in use was refused: borrowed pages only
        space_empty(start, end - start);
        return 0;
    }
    if (prot & PROT_WRITE)
        release_withdraw(start, end);
    return space_protect(start, end - start, vm_rights((uint32_t)prot))
               ? -EACCES
               : 0;
}

long
vm_protect(uint64_t va, uint64_t bytes, int prot)
{
    uint64_t end;
    if (!bytes)
        return 0;
    long error = check_range(va, bytes, &end);
    if (!error)
        error = check_prot(prot);
    if (error)
        return error;
    if (!is_mapped(va, end) || is_ours(va, end))
        return -ENOMEM;
    upcall_hold(UAREA);
    if (prot == PROT_NONE && is_in_use(va, end))
        error = -ENOTSUP;
    else
        error = protect(va, end, prot);
    upcall_release(UAREA);
    return error;
}

/* Gives up what private memory holds; it reads as zeros, or as the file, after
 * that. */
long
vm_advise(uint64_t va, uint64_t bytes, int advice)
{
    uint64_t end;
    if (!bytes)
        return 0;
    long error = check_range(va, bytes, &end);
    if (error)
        return error;
    if (!is_mapped(va, end))
        return -ENOMEM;
    if (advice != MADV_DONTNEED)
        return 0;
    upcall_hold(UAREA);
    release_withdraw(va, end);
    for (const struct region *r = region_find(va); r && r->start < end;
         r = region_next(r->end)) {
        uint64_t from = r->start > va ? r->start : va;
        uint64_t to = r->end < end ? r->end : end;
        if (r->kind == REGION_MEMORY || r->kind == REGION_FILE)
            space_empty(from, to - from);
    }
    upcall_release(UAREA);
    return 0;
}

void
vm_forget(const struct node *node, uint64_t index, uint64_t count)
{
    uint64_t first = index * PAGE_BYTES;
    uint64_t last = count > UINT64_MAX / PAGE_BYTES - index
                        ? UINT64_MAX
                        : (index + count) * PAGE_BYTES;
    for (const struct region *r = region_next(0); r; r = region_next(r->end)) {
        uint64_t bytes = r->end - r->start;
        if (r->node != node || r->offset >= last || r->offset + bytes <= first)
            continue;
        uint64_t from = first > r->offset ? first - r->offset : 0;
        uint64_t to = last - r->offset < bytes ? last - r->offset : bytes;
        for (uint64_t va = r->start + from; va < r->start + to;
             va += PAGE_BYTES)
            if (space_entry(va) & ENTRY_BORROWED)
                space_empty(va, PAGE_BYTES);
    }
}
