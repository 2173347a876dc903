/* SPDX-License-Identifier: MIT */
/* Random bytes for keys. */
#ifndef EXOS_SYS_RANDOM_H
#define EXOS_SYS_RANDOM_H

#include <sys/cdefs.h>
#include <sys/types.h>

#define GRND_NONBLOCK 1
#define GRND_RANDOM   2

__BEGIN_DECLS
ssize_t getrandom(void *, size_t, unsigned);
int getentropy(void *, size_t);
__END_DECLS

#endif
