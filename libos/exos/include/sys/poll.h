/* SPDX-License-Identifier: MIT */
/* Another name of poll.h. */
#ifndef EXOS_SYS_POLL_H
#define EXOS_SYS_POLL_H

#include <sys/cdefs.h>
#include <poll.h>

#endif
