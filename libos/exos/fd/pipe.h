// SPDX-License-Identifier: MIT
/* pipe.h: pipes, with and without a name. */
#ifndef EXOS_FD_PIPE_H
#define EXOS_FD_PIPE_H

struct node;

#define PIPE_BYTES 65536u // what a pipe holds

/* Makes a pipe. flags: O_CLOEXEC, O_NONBLOCK. Errors: MFILE; NOMEM. */
long pipe_make(int fds[2], int flags);

/* Opens a FIFO: for reading, for writing, or both. Opening one end waits for
 * the other unless O_NONBLOCK. Errors: NXIO writing, and nobody reads. */
long pipe_open_node(struct node *node, int flags);

#endif
