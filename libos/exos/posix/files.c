// SPDX-License-Identifier: MIT
/* files.c: open files: <unistd.h>, <fcntl.h>, <sys/uio.h>, <sys/ioctl.h>. */
#include <fcntl.h>
#include <stdarg.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <unistd.h>

#include "exos/fd/io.h"
#include "exos/fd/pipe.h"
#include "exos/fd/table.h"
#include "exos/fs/data.h"
#include "exos/fs/fs.h"
#include "exos/fs/node.h"
#include "exos/posix/result.h"

int
openat(int at, const char *path, int flags, ...)
{
    mode_t mode = 0;
    if (flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY))) {
        va_list args;
        va_start(args, flags);
        mode = (mode_t)va_arg(args, int);
        va_end(args);
    }
    return int_result(fs_open(at, path, flags, mode));
}

int
open(const char *path, int flags, ...)
{
    mode_t mode = 0;
    if (flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY))) {
        va_list args;
        va_start(args, flags);
        mode = (mode_t)va_arg(args, int);
        va_end(args);
    }
    return int_result(fs_open(AT_FDCWD, path, flags, mode));
}

int
creat(const char *path, mode_t mode)
{
    return int_result(
        fs_open(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, mode));
}

int
close(int fd)
{
    return int_result(fd_close(fd));
}

ssize_t
read(int fd, void *to, size_t bytes)
{
    return result(io_readv(fd, &(struct iovec){to, bytes}, 1));
}

ssize_t
write(int fd, const void *from, size_t bytes)
{
    return result(
        io_writev(fd, &(struct iovec){(void *)(uintptr_t)from, bytes}, 1));
}

ssize_t
pread(int fd, void *to, size_t bytes, off_t at)
{
    return result(io_preadv(fd, &(struct iovec){to, bytes}, 1, at));
}

ssize_t
pwrite(int fd, const void *from, size_t bytes, off_t at)
{
    return result(
        io_pwritev(fd, &(struct iovec){(void *)(uintptr_t)from, bytes}, 1, at));
}

ssize_t
readv(int fd, const struct iovec *to, int count)
{
    return result(io_readv(fd, to, count));
}

ssize_t
writev(int fd, const struct iovec *from, int count)
{
    return result(io_writev(fd, from, count));
}

ssize_t
preadv(int fd, const struct iovec *to, int count, off_t at)
{
    return result(io_preadv(fd, to, count, at));
}

ssize_t
pwritev(int fd, const struct iovec *from, int count, off_t at)
{
    return result(io_pwritev(fd, from, count, at));
}

ssize_t
sendfile(int to, int from, off_t *at, size_t bytes)
{
    return result(io_copy(to, from, at, bytes));
}

off_t
lseek(int fd, off_t by, int whence)
{
    return result(io_seek(fd, by, whence));
}

int
fstat(int fd, struct stat *out)
{
    return int_result(io_stat(fd, out));
}

int
ioctl(int fd, unsigned long request, ...)
{
    va_list args;
    va_start(args, request);
    void *argument = va_arg(args, void *);
    va_end(args);
    return int_result(io_control(fd, request, argument));
}

int
isatty(int fd)
{
    struct winsize size;
    return result(io_control(fd, TIOCGWINSZ, &size)) == 0;
}

int
dup(int fd)
{
    return int_result(fd_dup(fd, 0, 0));
}

int
dup2(int from, int to)
{
    if (from == to && fd_file(from))
        return to;
    return int_result(fd_dup_to(from, to, 0));
}

int
dup3(int from, int to, int flags)
{
    if (from == to || (flags & ~O_CLOEXEC))
        return int_result(-EINVAL);
    return int_result(fd_dup_to(from, to, flags ? FD_CLOEXEC : 0));
}

/* One program has the files for itself: whatever it wants to lock is free. */
static long
lock(int fd, int command, struct flock *lock)
{
    if (!fd_file(fd))
        return -EBADF;
    if (lock->l_type != F_RDLCK && lock->l_type != F_WRLCK &&
        lock->l_type != F_UNLCK)
        return -EINVAL;
    if (command == F_GETLK || command == F_OFD_GETLK)
        lock->l_type = F_UNLCK;
    return 0;
}

static long
control(int fd, int command, long argument)
{
    switch (command) {
    case F_DUPFD:
        return fd_dup(fd, (int)argument, 0);
    case F_DUPFD_CLOEXEC:
        return fd_dup(fd, (int)argument, FD_CLOEXEC);
    case F_GETFD:
        return fd_flags(fd);
    case F_SETFD:
        return fd_set_flags(fd, (int)argument);
    case F_GETFL:
        return fd_status(fd);
    case F_SETFL:
        return fd_set_status(fd, (int)argument);
    case F_GETLK:
    case F_SETLK:
    case F_SETLKW:
    case F_OFD_GETLK:
    case F_OFD_SETLK:
    case F_OFD_SETLKW:
        return lock(fd, command, (struct flock *)argument);
    default:
        return fd_file(fd) ? -EINVAL : -EBADF;
    }
}

int
fcntl(int fd, int command, ...)
{
    va_list args;
    va_start(args, command);
    long argument = va_arg(args, long);
    va_end(args);
    return int_result(control(fd, command, argument));
}

int
flock(int fd, int operation)
{
    (void)operation;
    return int_result(fd_file(fd) ? 0 : -EBADF);
}

int
lockf(int fd, int command, off_t bytes)
{
    (void)command, (void)bytes;
    return int_result(fd_file(fd) ? 0 : -EBADF);
}

int
pipe2(int fds[2], int flags)
{
    return int_result(pipe_make(fds, flags));
}

int
pipe(int fds[2])
{
    return int_result(pipe_make(fds, 0));
}

/* Files are in memory: what was written is as safe as it gets. */
int
fsync(int fd)
{
    return int_result(fd_file(fd) ? 0 : -EBADF);
}

int
fdatasync(int fd)
{
    return fsync(fd);
}

void
sync(void)
{
}

/* The node of a regular file that is open for writing. */
static long
writable(int fd, struct node **node)
{
    const struct file *file = fd_file(fd);
    if (!file)
        return -EBADF;
    *node = file->node;
    if (!*node || !S_ISREG((*node)->mode) ||
        (file->flags & O_ACCMODE) == O_RDONLY)
        return -EINVAL;
    return 0;
}

int
ftruncate(int fd, off_t size)
{
    struct node *node;
    long error = writable(fd, &node);
    if (!error)
        error = size < 0 ? -EINVAL : data_truncate(node, (uint64_t)size);
    return int_result(error);
}

int
posix_fallocate(int fd, off_t at, off_t bytes)
{
    struct node *node;
    long error = writable(fd, &node);
    if (!error && (at < 0 || bytes <= 0))
        error = -EINVAL;
    if (!error)
        error = data_reserve(node, (uint64_t)at, (uint64_t)bytes);
    if (!error && (uint64_t)(at + bytes) > node->size)
        error = data_truncate(node, (uint64_t)(at + bytes));
    return (int)-error;
}

int
posix_fadvise(int fd, off_t at, off_t bytes, int advice)
{
    (void)at, (void)bytes, (void)advice;
    return fd_file(fd) ? 0 : EBADF;
}
