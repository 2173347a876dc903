/* SPDX-License-Identifier: MIT */
/* newlib's unistd.h, and what it leaves out. */
#include_next <unistd.h>

#ifndef EXOS_UNISTD_H
#define EXOS_UNISTD_H

__BEGIN_DECLS
#if __GNU_VISIBLE
int close_range(unsigned, unsigned, int);
int getresgid(gid_t *, gid_t *, gid_t *);
int getresuid(uid_t *, uid_t *, uid_t *);
pid_t gettid(void);
int setresgid(gid_t, gid_t, gid_t);
int setresuid(uid_t, uid_t, uid_t);
int syncfs(int);
ssize_t copy_file_range(int, off_t *, int, off_t *, size_t, unsigned);
#endif
__END_DECLS

#endif
