// SPDX-License-Identifier: MIT
/* io.h: reading, writing and positions, by descriptor. Results are >= 0 or a
 * negated errno. */
#ifndef EXOS_FD_IO_H
#define EXOS_FD_IO_H

#include <sys/uio.h>
#include <sys/stat.h>

/* At the file's position, which moves. */
long io_readv(int fd, const struct iovec *to, int count);
long io_writev(int fd, const struct iovec *from, int count);

/* At `at`; the file's position stays. */
long io_preadv(int fd, const struct iovec *to, int count, off_t at);
long io_pwritev(int fd, const struct iovec *from, int count, off_t at);

long io_seek(int fd, off_t by, int whence);
long io_stat(int fd, struct stat *out);
long io_control(int fd, unsigned long request, void *argument);

/* From one file to another, inside the libOS. *at: where to read, or null. */
long io_copy(int to, int from, off_t *at, size_t bytes);

#endif
