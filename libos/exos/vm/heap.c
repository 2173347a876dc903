// SPDX-License-Identifier: MIT
/* heap.c: the segments of the program, the heap behind them, and the stack. */
#include "exos/vm/vm.h"

#include <errno.h>
#include <sys/mman.h>

#include "exos/vm/region.h"
#include "exos/vm/space.h"
#include "lib/upcall.h"

extern char _end[];

static uint64_t heap_start, heap_end; // in bytes, not pages

bool
vm_open(void)
{
    const struct region program = {
        .start = EXO_FIRST_UAREA,
        .end = PAGE_UP(_end),
        .kind = REGION_PROGRAM,
        .prot = PROT_READ | PROT_WRITE | PROT_EXEC,
    };
    const struct region stack = {
        .start = EXOS_STACK_TOP - EXOS_STACK_BYTES,
        .end = EXOS_STACK_TOP,
        .kind = REGION_STACK,
        .prot = PROT_READ | PROT_WRITE,
    };
    heap_start = heap_end = program.end;
    return space_open() && region_add(&program) && region_add(&stack) &&
           release_open();
}

static long
grow(uint64_t to)
{
    struct region more = {
        .start = PAGE_UP(heap_end),
        .end = PAGE_UP(to),
        .kind = REGION_MEMORY,
        .prot = PROT_READ | PROT_WRITE,
        .reserved = true,
    };
    const struct region *next = region_next(more.start);
    if (to > EXOS_WINDOW || (next && next->start < more.end))
        return -ENOMEM;
    if (more.end > more.start &&
        (!region_may_commit((more.end - more.start) / PAGE_BYTES) ||
         !region_add(&more)))
        return -ENOMEM;
    return 0;
}

static long
shrink(uint64_t to)
{
    uint64_t start = PAGE_UP(to), end = PAGE_UP(heap_end);
    if (start < end) {
        if (!region_remove(start, end))
            return -ENOMEM;
        release_withdraw(start, end);
        space_empty(start, end - start);
    }
    return 0;
}

long
vm_sbrk(long change)
{
    uint64_t before = heap_end;
    if (change < 0 ? (uint64_t)-change > heap_end - heap_start
                   : (uint64_t)change > EXOS_WINDOW)
        return -ENOMEM;
    uint64_t to = heap_end + (uint64_t)change;
    upcall_hold(UAREA);
    long error = change < 0 ? shrink(to) : grow(to);
    if (!error)
        heap_end = to;
    upcall_release(UAREA);
    return error ? error : (long)before;
}
