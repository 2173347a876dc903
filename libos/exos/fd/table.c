// SPDX-License-Identifier: MIT
/* table.c: the table of descriptors. */
#include "exos/fd/table.h"

#include <errno.h>
#include <fcntl.h>

#include "exos/vm/core.h"
#include "lib/string.h"

#define FIRST_ROOM 64

/* Flags that fcntl(F_SETFL) may change. */
#define CHANGEABLE (O_APPEND | O_NONBLOCK | O_ASYNC | O_DIRECT | O_NOATIME)

struct slot {
    struct file *file;
    int flags; // FD_CLOEXEC
};

static struct slot *table;
static int room;
static int limit = FD_MAX;

struct file *
fd_file(int fd)
{
    return fd >= 0 && fd < room ? table[fd].file : NULL;
}

static bool
make_room(int fd)
{
    int larger = room ? room : FIRST_ROOM;
    while (larger <= fd)
        larger *= 2;
    if (larger == room)
        return true;
    struct slot *copy = core_alloc((size_t)larger * sizeof(*copy));
    if (!copy)
        return false;
    memcpy(copy, table, (size_t)room * sizeof(*copy));
    core_free(table, (size_t)room * sizeof(*copy));
    table = copy;
    room = larger;
    return true;
}

long
fd_install(struct file *file, int least, int flags)
{
    int fd = least;
    while (fd_file(fd))
        fd++;
    if (fd >= limit || !make_room(fd)) {
        file_release(file);
        return fd >= limit ? -EMFILE : -ENOMEM;
    }
    table[fd] = (struct slot){file, flags};
    return fd;
}

long
fd_close(int fd)
{
    struct file *file = fd_file(fd);
    if (!file)
        return -EBADF;
    table[fd] = (struct slot){NULL, 0};
    file_release(file);
    return 0;
}

long
fd_dup(int fd, int least, int flags)
{
    struct file *file = fd_file(fd);
    if (!file)
        return -EBADF;
    if (least < 0 || least >= limit)
        return -EINVAL;
    file_hold(file);
    return fd_install(file, least, flags);
}

long
fd_dup_to(int from, int to, int flags)
{
    struct file *file = fd_file(from);
    if (!file || to < 0 || to >= limit)
        return -EBADF;
    if (!make_room(to))
        return -ENOMEM;
    file_hold(file);
    fd_close(to);
    table[to] = (struct slot){file, flags};
    return to;
}

long
fd_flags(int fd)
{
    return fd_file(fd) ? table[fd].flags : -EBADF;
}

long
fd_set_flags(int fd, int flags)
{
    if (!fd_file(fd))
        return -EBADF;
    table[fd].flags = flags & FD_CLOEXEC;
    return 0;
}

long
fd_status(int fd)
{
    const struct file *file = fd_file(fd);
    return file ? file->flags : -EBADF;
}

long
fd_set_status(int fd, int flags)
{
    struct file *file = fd_file(fd);
    if (!file)
        return -EBADF;
    file->flags = (file->flags & ~CHANGEABLE) | (flags & CHANGEABLE);
    return 0;
}

int
fd_limit(void)
{
    return limit;
}

long
fd_set_limit(uint64_t most)
{
    if (most > FD_MAX)
        return -EPERM;
    limit = (int)most;
    return 0;
}
