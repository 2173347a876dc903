/* SPDX-License-Identifier: MIT */
/* Another name of syslog.h. */
#ifndef EXOS_SYS_SYSLOG_H
#define EXOS_SYS_SYSLOG_H

#include <sys/cdefs.h>
#include <syslog.h>

#endif
