/* SPDX-License-Identifier: MIT */
/* What may be asked of the other headers, as in Linux's C libraries. */
#ifndef EXOS_FEATURES_H
#define EXOS_FEATURES_H

#include <sys/cdefs.h>
#include <sys/features.h>

#endif
