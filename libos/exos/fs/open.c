// SPDX-License-Identifier: MIT
/* open.c: from a path to an open file. */
#include "exos/fs/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>

#include "exos/fd/pipe.h"
#include "exos/fd/table.h"
#include "exos/fs/data.h"
#include "exos/fs/device.h"
#include "exos/fs/lookup.h"

#define PERMISSIONS 07777u

/* What of the flags is done when open() returns. */
#define ONLY_AT_OPEN (O_CREAT | O_EXCL | O_TRUNC | O_NOCTTY | O_CLOEXEC)

static long
regular_read(struct file *file, const struct iovec *to, int count, uint64_t *at)
{
    long done = 0;
    for (int i = 0; i < count; i++) {
        long got = data_read(file->node, to[i].iov_base, to[i].iov_len, *at);
        done += got;
        *at += (uint64_t)got;
        if ((size_t)got < to[i].iov_len)
            break;
    }
    return done;
}

static long
regular_write(struct file *file, const struct iovec *from, int count,
              uint64_t *at)
{
    long done = 0;
    for (int i = 0; i < count; i++) {
        long put =
            data_write(file->node, from[i].iov_base, from[i].iov_len, *at);
        if (put < 0)
            return done ? done : put;
        done += put;
        *at += (uint64_t)put;
        if ((size_t)put < from[i].iov_len)
            break;
    }
    return done;
}

static const struct file_ops regular_ops = {
    .read = regular_read, .write = regular_write, .seekable = true};

static long
directory_read(struct file *file, const struct iovec *to, int count,
               uint64_t *at)
{
    (void)file, (void)to, (void)count, (void)at;
    return -EISDIR;
}

static const struct file_ops directory_ops = {.read = directory_read,
                                              .seekable = true};
static const struct file_ops path_ops = {0}; // O_PATH: to stat and to walk from

static const struct file_ops *
ops_of(const struct node *node, int flags)
{
    if (flags & O_PATH)
        return &path_ops;
    if (S_ISDIR(node->mode))
        return &directory_ops;
    return S_ISCHR(node->mode) ? node->device->ops : &regular_ops;
}

static long
check_open(const struct node *node, int flags)
{
    bool writes = (flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC);
    if (S_ISLNK(node->mode) && !(flags & O_PATH))
        return -ELOOP; // O_NOFOLLOW
    if ((flags & O_DIRECTORY) && !S_ISDIR(node->mode))
        return -ENOTDIR;
    if (S_ISDIR(node->mode) && (writes || (flags & O_CREAT)) &&
        !(flags & O_PATH))
        return -EISDIR;
    return 0;
}

/* Opens a node. The descriptor holds it. */
static long
open_node(struct node *node, int flags)
{
    long error = check_open(node, flags);
    if (error)
        return error;
    if (S_ISFIFO(node->mode) && !(flags & O_PATH))
        return pipe_open_node(node, flags);
    if ((flags & O_TRUNC) && S_ISREG(node->mode) && !(flags & O_PATH))
        data_truncate(node, 0);
    struct file *file =
        file_new(ops_of(node, flags), flags & ~ONLY_AT_OPEN, NULL);
    if (!file)
        return -ENOMEM;
    node_hold(node);
    file->node = node;
    return fd_install(file, 0, flags & O_CLOEXEC ? FD_CLOEXEC : 0);
}

/* The permissions that the umask leaves. */
static mode_t
permitted(mode_t mode)
{
    mode_t mask = fs_umask(0);
    fs_umask(mask);
    return mode & ~mask & PERMISSIONS;
}

static long
create(const struct path *place, int flags, mode_t mode)
{
    if (place->must_be_dir)
        return -EISDIR;
    if (!place->dir->links)
        return -ENOENT;
    struct node *node = node_new(S_IFREG | permitted(mode));
    if (!node)
        return -ENOSPC;
    long fd = -ENOSPC;
    if (dir_add(place->dir, place->last, node)) {
        fd = open_node(node, flags & ~O_TRUNC);
        if (fd < 0)
            dir_remove(dir_find(place->dir, place->last));
    }
    node_release(node);
    return fd;
}

/* A regular file without a name, in a directory that is there. */
static long
create_nameless(const struct node *dir, int flags, mode_t mode)
{
    if (!S_ISDIR(dir->mode))
        return -ENOTDIR;
    if ((flags & O_ACCMODE) == O_RDONLY)
        return -EINVAL;
    struct node *node = node_new(S_IFREG | permitted(mode));
    if (!node)
        return -ENOSPC;
    long fd = open_node(node, flags & ~O_TMPFILE);
    node_release(node);
    return fd;
}

/* /dev/fd/N is another descriptor for the file of N. Result: N; -1: no. */
static int
descriptor_of(const struct path *path)
{
    int fd = 0;
    if (path->dir != fs_dev_fd)
        return -1;
    for (uint32_t i = 0; i < path->last.length; i++) {
        char c = path->last.at[i];
        if (c < '0' || c > '9' || i == 4)
            return -1;
        fd = fd * 10 + (c - '0');
    }
    return fd;
}

long
fs_open(int at, const char *path, int flags, mode_t mode)
{
    char buffer[PATH_BYTES_MAX];
    struct path found;
    bool exclusive = (flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL);
    bool nameless = (flags & O_TMPFILE) == O_TMPFILE;
    uint32_t walk = (flags & O_NOFOLLOW) || exclusive ? 0 : PATH_FOLLOW;
    long error = lookup(at, path, walk, buffer, &found);
    if (error)
        return error;
    int fd = descriptor_of(&found);
    if (fd >= 0)
        return fd_dup(fd, 0, flags & O_CLOEXEC ? FD_CLOEXEC : 0);
    if (found.node && nameless)
        return create_nameless(found.node, flags, mode);
    if (found.node)
        return exclusive ? -EEXIST : open_node(found.node, flags);
    return flags & O_CREAT ? create(&found, flags, mode) : -ENOENT;
}
