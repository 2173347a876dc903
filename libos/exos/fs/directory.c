// SPDX-License-Identifier: MIT
/* directory.c: reading directories, and the working directory. */
#include "exos/fs/fs.h"

#include <dirent.h>
#include <errno.h>
#include <stddef.h>

#include "exos/fd/table.h"
#include "exos/fs/lookup.h"
#include "lib/string.h"

/* Writes one entry. Result: its bytes, 0: it does not fit. */
static size_t
put_entry(char *to, size_t room, const struct node *node, const char *name,
          size_t length, uint64_t next)
{
    struct dirent *out = (struct dirent *)to;
    size_t bytes = (offsetof(struct dirent, d_name) + length + 1 + 7) & ~7ul;
    if (bytes > room)
        return 0;
    memset(out, 0, bytes);
    out->d_ino = node->number;
    out->d_off = (off_t)next;
    out->d_reclen = (unsigned short)bytes;
    out->d_type = (unsigned char)((node->mode & S_IFMT) >> 12);
    memcpy(out->d_name, name, length);
    return bytes;
}

/* The position of the file is the cookie of the entry that comes next. */
long
fs_read_dir(int fd, void *to, size_t bytes)
{
    struct file *file = fd_file(fd);
    size_t done = 0, n;
    if (!file)
        return -EBADF;
    if (!file->node || !S_ISDIR(file->node->mode))
        return -ENOTDIR;
    const struct node *dir = file->node;
    for (; file->at < 2; file->at++, done += n) {
        const struct node *node = file->at ? dir->dir.parent : dir;
        n = put_entry((char *)to + done, bytes - done, node, "..", file->at + 1,
                      file->at + 1);
        if (!n)
            return done ? (long)done : -EINVAL;
    }
    for (const struct entry *e = dir_from(dir, file->at); e; e = e->next) {
        n = put_entry((char *)to + done, bytes - done, e->node, e->name,
                      e->length, e->cookie + 1);
        if (!n)
            return done ? (long)done : -EINVAL;
        file->at = e->cookie + 1;
        done += n;
    }
    return (long)done;
}

long
fs_change_dir(struct node *node)
{
    if (!S_ISDIR(node->mode))
        return -ENOTDIR;
    node_hold(node);
    node_release(path_cwd);
    path_cwd = node;
    return 0;
}

long
fs_working_dir(char *to, size_t bytes)
{
    return path_of(path_cwd, to, bytes);
}
