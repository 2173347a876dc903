/* SPDX-License-Identifier: MIT */
/* From a file to a socket without a buffer of the program. */
#ifndef EXOS_SYS_SENDFILE_H
#define EXOS_SYS_SENDFILE_H

#include <sys/cdefs.h>
#include <sys/types.h>

__BEGIN_DECLS
ssize_t sendfile(int, int, off_t *, size_t);
__END_DECLS

#endif
