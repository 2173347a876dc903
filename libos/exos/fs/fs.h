// SPDX-License-Identifier: MIT
/*
 * fs.h: the calls on paths, of one file system in memory.
 *
 * `at` is a descriptor of a directory, or AT_FDCWD. All results are >= 0 or a
 * negated errno; flags and modes are those of <fcntl.h> and <sys/stat.h>. There
 * is one user, 0; permissions are kept and told, and forbid nothing.
 */
#ifndef EXOS_FS_FS_H
#define EXOS_FS_FS_H

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <stdint.h>

struct node;
struct start_block;

/* The root, /dev, /tmp, and the archive of files. Null, or what is wrong with
 * the archive. */
const char *fs_open_all(const struct start_block *start);

/* /dev/fd: a name that is a number leads to the descriptor. */
extern struct node *fs_dev_fd;

/* open.c */
long fs_open(int at, const char *path, int flags, mode_t mode);
mode_t fs_umask(mode_t mask);

/* names.c: names made and removed */
long fs_make_dir(int at, const char *path, mode_t mode);
long fs_make_node(int at, const char *path, mode_t mode, dev_t number);
long fs_link(int from_at, const char *from, int at, const char *path,
             int flags);
long fs_symlink(const char *target, int at, const char *path);
long fs_unlink(int at, const char *path, int flags);
long fs_rename(int from_at, const char *from, int to_at, const char *to);

/* attributes.c: what is known of a file, by path (flags: AT_) */
long fs_stat(int at, const char *path, struct stat *out, int flags);
long fs_access(int at, const char *path, int mode, int flags);
long fs_read_link(int at, const char *path, char *to, size_t bytes);
long fs_change_mode(int at, const char *path, mode_t mode, int flags);
long fs_change_owner(int at, const char *path, uid_t uid, gid_t gid, int flags);
long fs_change_times(int at, const char *path, const struct timespec times[2],
                     int flags);
long fs_truncate(const char *path, off_t size);
void fs_statvfs(struct statvfs *out);

/* The same of an open file. */
long fs_node_mode(struct node *node, mode_t mode);
long fs_node_owner(struct node *node, uid_t uid, gid_t gid);
long fs_node_times(struct node *node, const struct timespec times[2]);

/* directory.c */
long fs_read_dir(int fd, void *to, size_t bytes);
long fs_change_dir(struct node *node);
long fs_working_dir(char *to, size_t bytes);

#endif
