/* SPDX-License-Identifier: MIT */
/* A counter with a descriptor: Linux's eventfd. */
#ifndef EXOS_SYS_EVENTFD_H
#define EXOS_SYS_EVENTFD_H

#include <sys/cdefs.h>
#include <stdint.h>

typedef __uint64_t eventfd_t;

#define EFD_SEMAPHORE 1
#define EFD_NONBLOCK  04000
#define EFD_CLOEXEC   02000000

__BEGIN_DECLS
int eventfd(unsigned, int);
int eventfd_read(int, eventfd_t *);
int eventfd_write(int, eventfd_t);
__END_DECLS

#endif
