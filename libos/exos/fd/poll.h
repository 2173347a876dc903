// SPDX-License-Identifier: MIT
/* poll.h: waiting for some files: poll() and select(). */
#ifndef EXOS_FD_POLL_H
#define EXOS_FD_POLL_H

#include <poll.h>
#include <sys/select.h>

#include "lib/clock.h"

/* Result: descriptors with something to report; 0 the deadline passed.
 * Errors: INTR; INVAL; NOMEM. */
long poll_await(struct pollfd *fds, unsigned long count, exo_tsc deadline);

/* The same for sets; they are replaced by what is ready. Null: no set.
 * Errors: BADF; INVAL; INTR; NOMEM. */
long select_await(int count, fd_set *in, fd_set *out, fd_set *other,
                  exo_tsc deadline);

#endif
