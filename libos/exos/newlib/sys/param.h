/* SPDX-License-Identifier: MIT */
/* What old programs take from this header. */
#ifndef _SYS_PARAM_H
#define _SYS_PARAM_H

#include <limits.h>
#include <machine/endian.h>
#include <machine/param.h>
#include <sys/signal.h>

#define NBBY           8
#define NOFILE         OPEN_MAX
#define NGROUPS        NGROUPS_MAX
#define MAXPATHLEN     PATH_MAX
#define MAXSYMLINKS    SYMLOOP_MAX
#define MAXHOSTNAMELEN HOST_NAME_MAX
#define DEV_BSIZE      512

#define MIN(a, b)     ((a) < (b) ? (a) : (b))
#define MAX(a, b)     ((a) > (b) ? (a) : (b))
#define howmany(x, y) (((x) + ((y)-1)) / (y))
#define roundup(x, y) ((((x) + ((y)-1)) / (y)) * (y))

#endif
