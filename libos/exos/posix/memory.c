// SPDX-License-Identifier: MIT
/* memory.c: <sys/mman.h> and the heap. */
#include <fcntl.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "exos/fd/table.h"
#include "exos/fs/node.h"
#include "exos/layout.h"
#include "exos/posix/result.h"
#include "exos/vm/vm.h"

void *
sbrk(ptrdiff_t change)
{
    return (void *)result(vm_sbrk(change));
}

/* The node to map, and whether the file's mode allows it. */
static long
find_node(int fd, int prot, int flags, struct node **node)
{
    const struct file *file = fd_file(fd);
    if (!file)
        return -EBADF;
    int mode = file->flags & O_ACCMODE;
    *node = file->node;
    if (!*node || !S_ISREG((*node)->mode))
        return -ENODEV;
    if (mode == O_WRONLY ||
        ((flags & MAP_SHARED) && (prot & PROT_WRITE) && mode != O_RDWR))
        return -EACCES;
    return 0;
}

void *
mmap(void *at, size_t bytes, int prot, int flags, int fd, off_t offset)
{
    struct node *node = NULL;
    long error = 0;
    if (!(flags & MAP_ANONYMOUS))
        error = find_node(fd, prot, flags, &node);
    if (error)
        return (void *)result(error);
    return (void *)result(vm_map((uint64_t)at, bytes, prot, flags, node,
                                 node ? (uint64_t)offset : 0));
}

int
munmap(void *at, size_t bytes)
{
    return int_result(vm_unmap((uint64_t)at, bytes));
}

int
mprotect(void *at, size_t bytes, int prot)
{
    return int_result(vm_protect((uint64_t)at, bytes, prot));
}

int
madvise(void *at, size_t bytes, int advice)
{
    return int_result(vm_advise((uint64_t)at, bytes, advice));
}

int
posix_madvise(void *at, size_t bytes, int advice)
{
    (void)at, (void)bytes, (void)advice;
    return 0;
}

/* Mappings show the file itself: there is nothing to bring to it. */
int
msync(void *at, size_t bytes, int flags)
{
    (void)bytes, (void)flags;
    return int_result((uint64_t)at % PAGE_BYTES ? -EINVAL : 0);
}

int
mlock(const void *at, size_t bytes)
{
    (void)at, (void)bytes;
    return int_result(-ENOSYS);
}

int
munlock(const void *at, size_t bytes)
{
    (void)at, (void)bytes;
    return int_result(-ENOSYS);
}

int
posix_memalign(void **out, size_t align, size_t bytes)
{
    if (align % sizeof(void *) || (align & (align - 1)) || !align)
        return EINVAL;
    void *memory = memalign(align, bytes);
    if (!memory)
        return ENOMEM;
    *out = memory;
    return 0;
}
