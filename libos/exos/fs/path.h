// SPDX-License-Identifier: MIT
/*
 * path.h: from a path to a node.
 *
 * Every name is looked up on its own, symbolic links are followed (at most
 * PATH_LINKS_MAX), and ".." never leads above the root.
 */
#ifndef EXOS_FS_PATH_H
#define EXOS_FS_PATH_H

#include "exos/fs/dir.h"

#define PATH_BYTES_MAX 4096u // with the zero byte
#define PATH_LINKS_MAX 40u

extern struct node *path_root, *path_cwd; // both held

enum path_flag {
    PATH_FOLLOW = 1, // a symbolic link at the end is followed
    PATH_EMPTY = 2,  // an empty path means the starting point itself
};

/* What a path leads to. */
struct path {
    struct node *dir;  // the directory that its last name is in
    struct name last;  // inside the text that was walked, or "." and ".."
    struct node *node; // null: there is nothing of that name
    bool must_be_dir;  // it ended with a slash
};

/* Walks from `from` (absolute paths: from the root). `buffer` keeps the text
 * when links are followed. Nothing is held.
 * Errors: NOENT a directory on the way is missing, or an empty path; NOTDIR;
 * LOOP; NAMETOOLONG. */
long path_walk(struct node *from, const char *text, uint32_t flags,
               char buffer[PATH_BYTES_MAX], struct path *out);

/* The absolute path of a directory, into `to`. Result: bytes with the zero
 * byte. Errors: RANGE it does not fit; NOENT it was removed. */
long path_of(const struct node *dir, char *to, uint64_t bytes);

#endif
