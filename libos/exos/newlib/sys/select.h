/* SPDX-License-Identifier: MIT */
/* Waiting for descriptors below FD_SETSIZE. */
#ifndef _SYS_SELECT_H
#define _SYS_SELECT_H

#include <sys/cdefs.h>
#include <sys/_sigset.h>
#include <sys/_timeval.h>
#include <sys/timespec.h>

#if !defined(_SIGSET_T_DECLARED)
#define _SIGSET_T_DECLARED
typedef __sigset_t sigset_t;
#endif

#define _SYS_TYPES_FD_SET
#define FD_SETSIZE 1024

typedef unsigned long fd_mask;
#define NFDBITS (8 * (int)sizeof(fd_mask))

typedef struct {
    fd_mask fds_bits[FD_SETSIZE / (8 * sizeof(fd_mask))];
} fd_set;

#define FD_SET(fd, set)                                                        \
    ((void)((set)->fds_bits[(fd) / NFDBITS] |= 1ul << ((fd) % NFDBITS)))
#define FD_CLR(fd, set)                                                        \
    ((void)((set)->fds_bits[(fd) / NFDBITS] &= ~(1ul << ((fd) % NFDBITS))))
#define FD_ISSET(fd, set)                                                      \
    ((int)((set)->fds_bits[(fd) / NFDBITS] >> ((fd) % NFDBITS)) & 1)
#define FD_ZERO(set) ((void)__builtin_memset((set), 0, sizeof(fd_set)))

__BEGIN_DECLS
int select(int, fd_set *__restrict, fd_set *__restrict, fd_set *__restrict,
           struct timeval *__restrict);
int pselect(int, fd_set *__restrict, fd_set *__restrict, fd_set *__restrict,
            const struct timespec *__restrict, const sigset_t *__restrict);
__END_DECLS

#endif
