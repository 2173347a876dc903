/* SPDX-License-Identifier: MIT */
/* Reading into and writing from several buffers at once. */
#ifndef EXOS_SYS_UIO_H
#define EXOS_SYS_UIO_H

#include <sys/cdefs.h>
#include <sys/types.h>

struct iovec {
    void *iov_base;
    size_t iov_len;
};

#define UIO_MAXIOV 1024

__BEGIN_DECLS
ssize_t readv(int, const struct iovec *, int);
ssize_t writev(int, const struct iovec *, int);
#if __BSD_VISIBLE
ssize_t preadv(int, const struct iovec *, int, off_t);
ssize_t pwritev(int, const struct iovec *, int, off_t);
#endif
__END_DECLS

#endif
