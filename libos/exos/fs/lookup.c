// SPDX-License-Identifier: MIT
/* lookup.c: paths relative to descriptors. */
#include "exos/fs/lookup.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>

#include "exos/fd/table.h"

static long
start_node(int at, const char *path, struct node **node)
{
    *node = path_cwd;
    if (at == AT_FDCWD || (path && *path == '/'))
        return 0;
    const struct file *file = fd_file(at);
    if (!file)
        return -EBADF;
    *node = file->node;
    return *node ? 0 : -ENOTDIR;
}

long
lookup(int at, const char *path, uint32_t flags, char buffer[PATH_BYTES_MAX],
       struct path *out)
{
    struct node *start;
    if (!path)
        return -EFAULT;
    long error = start_node(at, path, &start);
    if (error)
        return error;
    if (*path && *path != '/' && !S_ISDIR(start->mode))
        return -ENOTDIR;
    return path_walk(start, path, flags, buffer, out);
}

long
lookup_node(int at, const char *path, int flags, struct node **node)
{
    char buffer[PATH_BYTES_MAX];
    struct path found;
    uint32_t walk = flags & AT_SYMLINK_NOFOLLOW ? 0 : PATH_FOLLOW;
    if (flags & AT_EMPTY_PATH)
        walk |= PATH_EMPTY;
    long error = lookup(at, path, walk, buffer, &found);
    if (error)
        return error;
    *node = found.node;
    return found.node ? 0 : -ENOENT;
}

long
lookup_new(int at, const char *path, char buffer[PATH_BYTES_MAX],
           struct path *out)
{
    long error = lookup(at, path, 0, buffer, out);
    if (error)
        return error;
    if (out->node)
        return -EEXIST;
    return out->dir->links ? 0 : -ENOENT; // a directory that was removed
}
