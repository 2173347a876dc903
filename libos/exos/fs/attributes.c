// SPDX-License-Identifier: MIT
/* attributes.c: what is known of a file: told and changed, by path. */
#include "exos/fs/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>

#include <exo/info.h>

#include "exos/fs/data.h"
#include "exos/fs/lookup.h"
#include "exos/vm/space.h"
#include "lib/clock.h"
#include "lib/string.h"

#define PERMISSIONS 07777u

long
fs_stat(int at, const char *path, struct stat *out, int flags)
{
    struct node *node;
    long error = lookup_node(at, path, flags, &node);
    if (!error)
        node_stat(node, out);
    return error;
}

/* The only user may do everything, but run only what somebody may run. */
long
fs_access(int at, const char *path, int mode, int flags)
{
    struct node *node;
    long error = lookup_node(at, path, flags & ~AT_EACCESS, &node);
    if (error)
        return error;
    if (mode & ~7)
        return -EINVAL;
    bool runs = S_ISDIR(node->mode) || (node->mode & 0111);
    return (mode & 1) && !runs ? -EACCES : 0;
}

long
fs_read_link(int at, const char *path, char *to, size_t bytes)
{
    struct node *node;
    long error = lookup_node(at, path, AT_SYMLINK_NOFOLLOW, &node);
    if (error)
        return error;
    if (!S_ISLNK(node->mode) || !bytes)
        return -EINVAL;
    size_t n = node->size < bytes ? node->size : bytes;
    memcpy(to, node->target, n);
    return (long)n;
}

long
fs_node_mode(struct node *node, mode_t mode)
{
    node->mode = (node->mode & S_IFMT) | (mode & PERMISSIONS);
    node_touch_meta(node);
    return 0;
}

long
fs_change_mode(int at, const char *path, mode_t mode, int flags)
{
    struct node *node;
    long error = lookup_node(at, path, flags, &node);
    return error ? error : fs_node_mode(node, mode);
}

long
fs_node_owner(struct node *node, uid_t uid, gid_t gid)
{
    if (uid != (uid_t)-1)
        node->uid = uid;
    if (gid != (gid_t)-1)
        node->gid = gid;
    node_touch_meta(node);
    return 0;
}

long
fs_change_owner(int at, const char *path, uid_t uid, gid_t gid, int flags)
{
    struct node *node;
    long error = lookup_node(at, path, flags, &node);
    return error ? error : fs_node_owner(node, uid, gid);
}

/* Sets one of a file's times. Null: now. */
static long
set_time(uint64_t *ns, const struct timespec *time)
{
    if (!time || time->tv_nsec == UTIME_NOW)
        *ns = clock_wall_ns();
    else if (time->tv_nsec == UTIME_OMIT)
        return 0;
    else if (time->tv_nsec < 0 || time->tv_nsec >= (long)CLOCK_S)
        return -EINVAL;
    else
        *ns = (uint64_t)time->tv_sec * CLOCK_S + (uint64_t)time->tv_nsec;
    return 0;
}

long
fs_node_times(struct node *node, const struct timespec times[2])
{
    uint64_t read = node->read, changed = node->changed;
    long error = set_time(&read, times);
    if (!error)
        error = set_time(&changed, times ? times + 1 : NULL);
    if (error)
        return error;
    node->read = read;
    node->changed = changed;
    node_touch_meta(node);
    return 0;
}

long
fs_change_times(int at, const char *path, const struct timespec times[2],
                int flags)
{
    struct node *node;
    long error = lookup_node(at, path, flags, &node);
    return error ? error : fs_node_times(node, times);
}

long
fs_truncate(const char *path, off_t size)
{
    struct node *node;
    long error = lookup_node(AT_FDCWD, path, 0, &node);
    if (error)
        return error;
    if (S_ISDIR(node->mode))
        return -EISDIR;
    if (!S_ISREG(node->mode) || size < 0)
        return -EINVAL;
    return data_truncate(node, (uint64_t)size);
}

void
fs_statvfs(struct statvfs *out)
{
    uint64_t left = space_left();
    *out = (struct statvfs){
        .f_bsize = PAGE_BYTES,
        .f_frsize = PAGE_BYTES,
        .f_blocks = data_pages + left,
        .f_bfree = left,
        .f_bavail = left,
        .f_files = node_count + left,
        .f_ffree = left,
        .f_favail = left,
        .f_namemax = NAME_BYTES_MAX,
    };
}
