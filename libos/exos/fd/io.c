// SPDX-License-Identifier: MIT
/* io.c: reading, writing and positions, by descriptor. */
#include "exos/fd/io.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/ioctl.h>

#include "exos/fd/table.h"
#include "exos/fs/data.h"
#include "exos/fs/node.h"

#define VECTORS_MAX 1024

/* 0, or what is wrong with a vector. */
static long
check_vector(const struct iovec *vector, int count)
{
    size_t sum = 0;
    if (count < 0 || count > VECTORS_MAX)
        return -EINVAL;
    for (int i = 0; i < count; i++) {
        if (vector[i].iov_len > (size_t)SSIZE_MAX - sum)
            return -EINVAL;
        sum += vector[i].iov_len;
    }
    return 0;
}

static long
open_for(int fd, int not_this, struct file **file)
{
    *file = fd_file(fd);
    if (!*file || ((*file)->flags & O_PATH) ||
        ((*file)->flags & O_ACCMODE) == not_this)
        return -EBADF;
    return 0;
}

/* at: null is the file's own position. */
static long
read_at(int fd, const struct iovec *to, int count, uint64_t *at)
{
    struct file *file;
    long error = open_for(fd, O_WRONLY, &file);
    if (!error && at && !file->ops->seekable)
        error = -ESPIPE;
    if (!error)
        error = check_vector(to, count);
    if (!error && !file->ops->read)
        error = -EINVAL;
    if (error)
        return error;
    file_hold(file);
    long got = file_read(file, to, count, at ? at : &file->at);
    file_release(file);
    return got;
}

static long
write_at(int fd, const struct iovec *from, int count, uint64_t *at)
{
    struct file *file;
    long error = open_for(fd, O_RDONLY, &file);
    if (!error && at && !file->ops->seekable)
        error = -ESPIPE;
    if (!error)
        error = check_vector(from, count);
    if (!error && !file->ops->write)
        error = -EINVAL;
    if (error)
        return error;
    file_hold(file);
    if (!at && file->ops->seekable && (file->flags & O_APPEND))
        file->at = file->node->size;
    long put = file_write(file, from, count, at ? at : &file->at);
    file_release(file);
    return put;
}

long
io_readv(int fd, const struct iovec *to, int count)
{
    return read_at(fd, to, count, NULL);
}

long
io_writev(int fd, const struct iovec *from, int count)
{
    return write_at(fd, from, count, NULL);
}

long
io_preadv(int fd, const struct iovec *to, int count, off_t at)
{
    uint64_t position = (uint64_t)at;
    return at < 0 ? -EINVAL : read_at(fd, to, count, &position);
}

long
io_pwritev(int fd, const struct iovec *from, int count, off_t at)
{
    uint64_t position = (uint64_t)at;
    return at < 0 ? -EINVAL : write_at(fd, from, count, &position);
}

long
io_seek(int fd, off_t by, int whence)
{
    struct file *file = fd_file(fd);
    off_t base, to;
    if (!file)
        return -EBADF;
    if (!file->ops->seekable)
        return -ESPIPE;
    switch (whence) {
    case SEEK_SET:
        base = 0;
        break;
    case SEEK_CUR:
        base = (off_t)file->at;
        break;
    case SEEK_END:
        base = (off_t)file->node->size;
        break;
    default:
        return -EINVAL;
    }
    if (__builtin_add_overflow(base, by, &to))
        return -EOVERFLOW;
    if (to < 0)
        return -EINVAL;
    file->at = (uint64_t)to;
    return to;
}

long
io_stat(int fd, struct stat *out)
{
    struct file *file = fd_file(fd);
    if (!file)
        return -EBADF;
    if (file->ops->stat)
        return file->ops->stat(file, out);
    if (!file->node)
        return -EINVAL;
    node_stat(file->node, out);
    return 0;
}

long
io_control(int fd, unsigned long request, void *argument)
{
    struct file *file = fd_file(fd);
    if (!file || (file->flags & O_PATH))
        return -EBADF;
    if (request == FIONBIO) {
        int on = *(const int *)argument;
        file->flags = on ? file->flags | O_NONBLOCK : file->flags & ~O_NONBLOCK;
        return 0;
    }
    return file->ops->control ? file->ops->control(file, request, argument)
                              : -ENOTTY;
}

long
io_copy(int to, int from, off_t *at, size_t bytes)
{
    struct file *in, *out;
    long error = open_for(from, O_WRONLY, &in);
    if (!error)
        error = open_for(to, O_RDONLY, &out);
    if (error)
        return error;
    if (!in->ops->seekable || !out->ops->write || (at && *at < 0) ||
        (out->flags & O_APPEND))
        return -EINVAL;
    uint64_t position = at ? (uint64_t)*at : in->at;
    size_t done = 0;
    long put = 0;
    while (done < bytes) {
        uint64_t there = bytes - done;
        const void *content = data_span(in->node, position, &there);
        struct iovec part = {(void *)(uintptr_t)content, there};
        put = there ? file_write(out, &part, 1, &out->at) : 0;
        if (put <= 0)
            break;
        done += (size_t)put;
        position += (uint64_t)put;
    }
    if (at)
        *at = (off_t)position;
    else
        in->at = position;
    return done ? (long)done : put;
}
