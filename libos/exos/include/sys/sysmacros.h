/* SPDX-License-Identifier: MIT */
/* The two parts of a device number, as Linux has them. */
#ifndef EXOS_SYS_SYSMACROS_H
#define EXOS_SYS_SYSMACROS_H

#include <sys/cdefs.h>

#define major(dev)                                                             \
    ((unsigned)((((dev) >> 8) & 0xfff) | (((dev) >> 32) & ~0xffful)))
#define minor(dev) ((unsigned)(((dev)&0xff) | (((dev) >> 12) & ~0xfful)))
#define makedev(major, minor)                                                  \
    (((major)&0xffful) << 8 | ((major) & ~0xffful) << 32 | ((minor)&0xfful) |  \
     ((minor) & ~0xfful) << 12)

#endif
