// SPDX-License-Identifier: MIT
/* dispatch.h: which part of the libOS handles which upcall. */
#ifndef EXOS_UPCALL_DISPATCH_H
#define EXOS_UPCALL_DISPATCH_H

void dispatch_open(void);

#endif
