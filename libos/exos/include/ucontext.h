/* SPDX-License-Identifier: MIT */
/* Another name of sys/ucontext.h. */
#ifndef EXOS_UCONTEXT_H
#define EXOS_UCONTEXT_H

#include <sys/cdefs.h>
#include <sys/ucontext.h>

#endif
