/* SPDX-License-Identifier: MIT */
/*
 * How newlib is configured for exos; newlib's sys/config.h includes this.
 *
 * Each thread has its own struct _reent, found by __getreent(). The streams and
 * what atexit() remembers belong to the process. That makes the reent of the
 * first thread special: __getreent() must return _GLOBAL_REENT there, or exit()
 * does not flush stdout.
 */
#ifndef EXOS_CONFIG_H
#define EXOS_CONFIG_H

#define __DYNAMIC_REENT__
#define _REENT_GLOBAL_ATEXIT
#define _REENT_GLOBAL_STDIO_STREAMS
#define _READ_WRITE_RETURN_TYPE    _ssize_t
#define _READ_WRITE_BUFSIZE_TYPE   __size_t
#define __FILENAME_MAX__           4096
#define MALLOC_ALIGNMENT           16
#define __LINUX_ERRNO_EXTENSIONS__ 1

#endif
