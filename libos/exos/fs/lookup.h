// SPDX-License-Identifier: MIT
/* lookup.h: paths relative to descriptors; shared by the files of this room. */
#ifndef EXOS_FS_LOOKUP_H
#define EXOS_FS_LOOKUP_H

#include "exos/fs/node.h"
#include "exos/fs/path.h"

/* Walks a path from descriptor `at`. Errors: those of path_walk; BADF, NOTDIR
 * `at` is no directory. */
long lookup(int at, const char *path, uint32_t flags,
            char buffer[PATH_BYTES_MAX], struct path *out);

/* The node that a path leads to, which must be there. flags: AT_ flags. */
long lookup_node(int at, const char *path, int flags, struct node **node);

/* Where a new name may be made. Errors: EXIST it is there. */
long lookup_new(int at, const char *path, char buffer[PATH_BYTES_MAX],
                struct path *out);

#endif
