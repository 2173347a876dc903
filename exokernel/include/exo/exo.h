// SPDX-License-Identifier: MIT
/* exo.h: the whole ABI in one include. */
#ifndef EXO_EXO_H
#define EXO_EXO_H

/* Raised in the commit that changes the meaning or layout of anything here.
 * Calls and fields are only ever added; a removed call leaves its number. */
#define EXO_ABI_VERSION 1

#include <exo/types.h>
#include <exo/error.h>
#include <exo/layout.h>
#include <exo/cap.h>
#include <exo/page.h>
#include <exo/tlb.h>
#include <exo/upcall.h>
#include <exo/trace.h>
#include <exo/env.h>
#include <exo/slice.h>
#include <exo/call.h>
#include <exo/info.h>
#include <exo/net.h>
#include <exo/syscall.h>

#endif
