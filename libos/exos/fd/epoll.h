// SPDX-License-Identifier: MIT
/* epoll.h: waiting for many files, at a cost that grows with those ready. */
#ifndef EXOS_FD_EPOLL_H
#define EXOS_FD_EPOLL_H

#include <sys/epoll.h>

#include "lib/clock.h"

struct file;

long epoll_make(int flags);
long epoll_change(int fd, int op, int target, const struct epoll_event *event);

/* Result: events stored, 0 the deadline passed.
 * Errors: BADF; INVAL; INTR. */
long epoll_await(int fd, struct epoll_event *events, int most,
                 exo_tsc deadline);

/* A file is about to be closed: takes it out of every set. */
void epoll_forget(struct file *file);

#endif
