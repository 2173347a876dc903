// SPDX-License-Identifier: MIT
/* names.c: making, moving and removing names. */
#include "exos/fs/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>

#include "exos/fs/device.h"
#include "exos/fs/lookup.h"
#include "exos/vm/core.h"
#include "lib/string.h"

#define PERMISSIONS 07777u

static mode_t mask = 022;

mode_t
fs_umask(mode_t new)
{
    mode_t old = mask;
    mask = new & 0777;
    return old;
}

/* Gives a new node its name; the hold it was made with goes. */
static long
name_node(const struct path *place, struct node *node)
{
    if (!node)
        return -ENOSPC;
    bool done = dir_add(place->dir, place->last, node);
    node_release(node);
    return done ? 0 : -ENOSPC;
}

long
fs_make_dir(int at, const char *path, mode_t mode)
{
    char buffer[PATH_BYTES_MAX];
    struct path place;
    long error = lookup_new(at, path, buffer, &place);
    if (error)
        return error;
    return name_node(&place, node_new(S_IFDIR | (mode & ~mask & PERMISSIONS)));
}

long
fs_make_node(int at, const char *path, mode_t mode, dev_t number)
{
    char buffer[PATH_BYTES_MAX];
    struct path place;
    mode_t kind = mode & S_IFMT ? mode & S_IFMT : S_IFREG;
    const struct device *device = device_find(number);
    long error = lookup_new(at, path, buffer, &place);
    if (error)
        return error;
    if (kind != S_IFREG && kind != S_IFIFO && kind != S_IFCHR)
        return -EPERM;
    if (kind == S_IFCHR && !device)
        return -ENXIO;
    if (place.must_be_dir)
        return -ENOENT;
    struct node *node = node_new(kind | (mode & ~mask & PERMISSIONS));
    if (node && kind == S_IFCHR)
        node->device = device;
    return name_node(&place, node);
}

long
fs_symlink(const char *target, int at, const char *path)
{
    char buffer[PATH_BYTES_MAX];
    struct path place;
    size_t bytes = strlen(target);
    if (!bytes)
        return -ENOENT;
    if (bytes >= PATH_BYTES_MAX)
        return -ENAMETOOLONG;
    long error = lookup_new(at, path, buffer, &place);
    if (error)
        return error;
    char *copy = core_alloc(bytes + 1);
    struct node *node = copy ? node_new(S_IFLNK | 0777) : NULL;
    if (!node) {
        core_free(copy, bytes + 1);
        return -ENOSPC;
    }
    memcpy(copy, target, bytes);
    node->target = copy;
    node->size = bytes;
    return name_node(&place, node);
}

long
fs_link(int from_at, const char *from, int at, const char *path, int flags)
{
    char buffer[PATH_BYTES_MAX];
    struct path place;
    struct node *node;
    int follow = flags & AT_SYMLINK_FOLLOW ? 0 : AT_SYMLINK_NOFOLLOW;
    long error =
        lookup_node(from_at, from, follow | (flags & AT_EMPTY_PATH), &node);
    if (!error)
        error = lookup_new(at, path, buffer, &place);
    if (error)
        return error;
    if (S_ISDIR(node->mode))
        return -EPERM;
    return dir_add(place.dir, place.last, node) ? 0 : -ENOSPC;
}

/* "." and ".." are no names to move or remove. */
static bool
is_dots(struct name name)
{
    return name.at[0] == '.' &&
           (name.length == 1 || (name.length == 2 && name.at[1] == '.'));
}

/* May this name be taken out by a call for directories, or for others? */
static long
check_removal(const struct path *path, bool directory)
{
    const struct node *node = path->node;
    if (!node)
        return -ENOENT;
    if (S_ISDIR(node->mode) != directory)
        return directory ? -ENOTDIR : -EISDIR;
    if (node == path_root)
        return -EBUSY;
    if (is_dots(path->last))
        return path->last.length == 1 ? -EINVAL : -ENOTEMPTY;
    return directory && node->size ? -ENOTEMPTY : 0;
}

long
fs_unlink(int at, const char *path, int flags)
{
    char buffer[PATH_BYTES_MAX];
    struct path found;
    if (flags & ~AT_REMOVEDIR)
        return -EINVAL;
    long error = lookup(at, path, 0, buffer, &found);
    if (!error)
        error = check_removal(&found, flags & AT_REMOVEDIR);
    if (error)
        return error;
    dir_remove(dir_find(found.dir, found.last));
    return 0;
}

/* Is `dir` the directory `top`, or below it? */
static bool
is_below(const struct node *dir, const struct node *top)
{
    while (dir != top && dir != path_root)
        dir = dir->dir.parent;
    return dir == top;
}

static long
check_rename(const struct path *from, const struct path *to)
{
    if (!from->node)
        return -ENOENT;
    bool directory = S_ISDIR(from->node->mode);
    if (from->node == path_root || is_dots(from->last) || is_dots(to->last))
        return -EBUSY;
    if (directory && is_below(to->dir, from->node))
        return -EINVAL;
    if (to->node)
        return check_removal(to, directory);
    if (!to->dir->links)
        return -ENOENT;
    return to->must_be_dir && !directory ? -ENOTDIR : 0;
}

long
fs_rename(int from_at, const char *from, int to_at, const char *to)
{
    char from_buffer[PATH_BYTES_MAX], to_buffer[PATH_BYTES_MAX];
    struct path source, target;
    long error = lookup(from_at, from, 0, from_buffer, &source);
    if (!error)
        error = lookup(to_at, to, 0, to_buffer, &target);
    if (!error && source.node && source.node == target.node)
        return 0; // two names of one file: nothing to do
    if (!error)
        error = check_rename(&source, &target);
    if (error)
        return error;
    struct node *node = source.node;
    node_hold(node);
    struct entry *old = target.node ? dir_find(target.dir, target.last) : NULL;
    if (old)
        dir_remove(old);
    dir_remove(dir_find(source.dir, source.last));
    bool done = dir_add(target.dir, target.last, node);
    if (!done) // the memory of the old name is free: this cannot fail
        dir_add(source.dir, source.last, node);
    node_release(node);
    return done ? 0 : -ENOSPC;
}
