/* SPDX-License-Identifier: MIT */
/*
 * The types of Linux on x86-64, where newlib leaves them open.
 */
#ifndef _MACHINE__TYPES_H
#define _MACHINE__TYPES_H

#include <machine/_default_types.h>

#define __machine_dev_t_defined
typedef unsigned long __dev_t;
#define __machine_ino_t_defined
typedef unsigned long __ino_t;
#define __machine_nlink_t_defined
typedef unsigned long __nlink_t;
#define __machine_mode_t_defined
typedef unsigned int __mode_t;
#define __machine_uid_t_defined
typedef unsigned int __uid_t;
#define __machine_gid_t_defined
typedef unsigned int __gid_t;
#define __machine_key_t_defined
typedef int __key_t;
#define __machine_fsfilcnt_t_defined
typedef unsigned long __fsfilcnt_t;
#define __machine_fsblkcnt_t_defined
typedef unsigned long __fsblkcnt_t;
#define __machine_sa_family_t_defined
typedef unsigned short __sa_family_t;

#define __machine_clock_t_defined
#define _CLOCK_T_ long
#define __machine_clockid_t_defined
#define _CLOCKID_T_ int

#endif
