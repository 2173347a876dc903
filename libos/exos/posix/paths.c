// SPDX-License-Identifier: MIT
/* paths.c: files by name: <sys/stat.h>, <unistd.h>, <stdio.h>, <dirent.h>. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <unistd.h>
#include <utime.h>

#include "exos/fd/table.h"
#include "exos/fs/fs.h"
#include "exos/fs/lookup.h"
#include "exos/posix/result.h"

int
stat(const char *restrict path, struct stat *restrict out)
{
    return int_result(fs_stat(AT_FDCWD, path, out, 0));
}

int
lstat(const char *restrict path, struct stat *restrict out)
{
    return int_result(fs_stat(AT_FDCWD, path, out, AT_SYMLINK_NOFOLLOW));
}

int
fstatat(int at, const char *restrict path, struct stat *restrict out, int flags)
{
    return int_result(fs_stat(at, path, out, flags));
}

int
access(const char *path, int mode)
{
    return int_result(fs_access(AT_FDCWD, path, mode, 0));
}

int
faccessat(int at, const char *path, int mode, int flags)
{
    return int_result(fs_access(at, path, mode, flags));
}

int
mkdir(const char *path, mode_t mode)
{
    return int_result(fs_make_dir(AT_FDCWD, path, mode));
}

int
mkdirat(int at, const char *path, mode_t mode)
{
    return int_result(fs_make_dir(at, path, mode));
}

int
mknod(const char *path, mode_t mode, dev_t number)
{
    return int_result(fs_make_node(AT_FDCWD, path, mode, number));
}

int
mknodat(int at, const char *path, mode_t mode, dev_t number)
{
    return int_result(fs_make_node(at, path, mode, number));
}

int
mkfifo(const char *path, mode_t mode)
{
    return mknod(path, S_IFIFO | mode, 0);
}

int
mkfifoat(int at, const char *path, mode_t mode)
{
    return mknodat(at, path, S_IFIFO | mode, 0);
}

int
link(const char *from, const char *to)
{
    return int_result(fs_link(AT_FDCWD, from, AT_FDCWD, to, 0));
}

int
linkat(int from_at, const char *from, int to_at, const char *to, int flags)
{
    return int_result(fs_link(from_at, from, to_at, to, flags));
}

int
symlink(const char *target, const char *path)
{
    return int_result(fs_symlink(target, AT_FDCWD, path));
}

int
symlinkat(const char *target, int at, const char *path)
{
    return int_result(fs_symlink(target, at, path));
}

ssize_t
readlink(const char *restrict path, char *restrict to, size_t bytes)
{
    return result(fs_read_link(AT_FDCWD, path, to, bytes));
}

ssize_t
readlinkat(int at, const char *restrict path, char *restrict to, size_t bytes)
{
    return result(fs_read_link(at, path, to, bytes));
}

int
unlink(const char *path)
{
    return int_result(fs_unlink(AT_FDCWD, path, 0));
}

int
unlinkat(int at, const char *path, int flags)
{
    return int_result(fs_unlink(at, path, flags));
}

int
rmdir(const char *path)
{
    return int_result(fs_unlink(AT_FDCWD, path, AT_REMOVEDIR));
}

int
rename(const char *from, const char *to)
{
    return int_result(fs_rename(AT_FDCWD, from, AT_FDCWD, to));
}

int
renameat(int from_at, const char *from, int to_at, const char *to)
{
    return int_result(fs_rename(from_at, from, to_at, to));
}

int
chmod(const char *path, mode_t mode)
{
    return int_result(fs_change_mode(AT_FDCWD, path, mode, 0));
}

int
fchmodat(int at, const char *path, mode_t mode, int flags)
{
    return int_result(fs_change_mode(at, path, mode, flags));
}

int
chown(const char *path, uid_t uid, gid_t gid)
{
    return int_result(fs_change_owner(AT_FDCWD, path, uid, gid, 0));
}

int
lchown(const char *path, uid_t uid, gid_t gid)
{
    return int_result(
        fs_change_owner(AT_FDCWD, path, uid, gid, AT_SYMLINK_NOFOLLOW));
}

int
fchownat(int at, const char *path, uid_t uid, gid_t gid, int flags)
{
    return int_result(fs_change_owner(at, path, uid, gid, flags));
}

/* The node of an open file. */
static long
node_of(int fd, struct node **node)
{
    const struct file *file = fd_file(fd);
    if (!file)
        return -EBADF;
    *node = file->node;
    return *node ? 0 : -EINVAL;
}

int
fchmod(int fd, mode_t mode)
{
    struct node *node;
    long error = node_of(fd, &node);
    return int_result(error ? error : fs_node_mode(node, mode));
}

int
fchown(int fd, uid_t uid, gid_t gid)
{
    struct node *node;
    long error = node_of(fd, &node);
    return int_result(error ? error : fs_node_owner(node, uid, gid));
}

int
utimensat(int at, const char *path, const struct timespec times[2], int flags)
{
    return int_result(fs_change_times(at, path, times, flags));
}

int
futimens(int fd, const struct timespec times[2])
{
    struct node *node;
    long error = node_of(fd, &node);
    return int_result(error ? error : fs_node_times(node, times));
}

int
utimes(const char *path, const struct timeval *times)
{
    struct timespec ns[2];
    for (int i = 0; times && i < 2; i++)
        ns[i] = (struct timespec){times[i].tv_sec, times[i].tv_usec * 1000};
    return utimensat(AT_FDCWD, path, times ? ns : NULL, 0);
}

int
utime(const char *path, const struct utimbuf *times)
{
    struct timespec ns[2] = {{0, 0}, {0, 0}};
    if (times) {
        ns[0].tv_sec = times->actime;
        ns[1].tv_sec = times->modtime;
    }
    return utimensat(AT_FDCWD, path, times ? ns : NULL, 0);
}

int
truncate(const char *path, off_t size)
{
    return int_result(fs_truncate(path, size));
}

mode_t
umask(mode_t mask)
{
    return fs_umask(mask);
}

int
statvfs(const char *restrict path, struct statvfs *restrict out)
{
    struct stat there;
    long error = fs_stat(AT_FDCWD, path, &there, 0);
    if (!error)
        fs_statvfs(out);
    return int_result(error);
}

int
fstatvfs(int fd, struct statvfs *out)
{
    if (fd_file(fd))
        fs_statvfs(out);
    return int_result(fd_file(fd) ? 0 : -EBADF);
}

int
getdents(int fd, void *to, int bytes)
{
    return int_result(bytes < 0 ? -EINVAL : fs_read_dir(fd, to, (size_t)bytes));
}

int
chdir(const char *path)
{
    struct node *node;
    long error = lookup_node(AT_FDCWD, path, 0, &node);
    return int_result(error ? error : fs_change_dir(node));
}

int
fchdir(int fd)
{
    struct node *node;
    long error = node_of(fd, &node);
    return int_result(error ? error : fs_change_dir(node));
}

char *
getcwd(char *to, size_t bytes)
{
    char *own = NULL;
    if (!to) {
        bytes = bytes ? bytes : PATH_BYTES_MAX;
        to = own = malloc(bytes);
        if (!own)
            return NULL;
    } else if (!bytes) {
        errno = EINVAL;
        return NULL;
    }
    if (result(fs_working_dir(to, bytes)) >= 0)
        return to;
    free(own);
    return NULL;
}
