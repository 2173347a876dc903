// SPDX-License-Identifier: MIT
/* table.h: descriptors. Results are >= 0 or a negated errno. */
#ifndef EXOS_FD_TABLE_H
#define EXOS_FD_TABLE_H

#include "exos/fd/file.h"

#define FD_MAX 1024 // descriptors, as many as select() knows

/* The file of a descriptor; null: it is not open. */
struct file *fd_file(int fd);

/* Gives a file the lowest free descriptor from `least` on; the reference goes
 * with it. flags: FD_CLOEXEC or 0.
 * Errors: MFILE, NOMEM; then the file is released. */
long fd_install(struct file *file, int least, int flags);

long fd_close(int fd);

/* Another descriptor for the same file: the lowest from `least` on, or `to`,
 * which is closed first. Errors: BADF; INVAL; MFILE; NOMEM. */
long fd_dup(int fd, int least, int flags);
long fd_dup_to(int from, int to, int flags);

/* FD_CLOEXEC of a descriptor. */
long fd_flags(int fd);
long fd_set_flags(int fd, int flags);

/* O_ flags of its file. */
long fd_status(int fd);
long fd_set_status(int fd, int flags);

/* RLIMIT_NOFILE. */
int fd_limit(void);
long fd_set_limit(uint64_t most);

#endif
