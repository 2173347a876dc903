/* SPDX-License-Identifier: MIT */
/* Opening and controlling files, with Linux's numbers. */
#ifndef _SYS_FCNTL_H_
#define _SYS_FCNTL_H_

#include <sys/cdefs.h>
#include <sys/types.h>
#include <sys/stat.h>
#include <sys/_timeval.h>

#define O_ACCMODE   3
#define O_RDONLY    0
#define O_WRONLY    1
#define O_RDWR      2
#define O_CREAT     0100
#define O_EXCL      0200
#define O_NOCTTY    0400
#define O_TRUNC     01000
#define O_APPEND    02000
#define O_NONBLOCK  04000
#define O_NDELAY    O_NONBLOCK
#define O_DSYNC     010000
#define O_ASYNC     020000
#define O_DIRECT    040000
#define O_LARGEFILE 0
#define O_DIRECTORY 0200000
#define O_NOFOLLOW  0400000
#define O_NOATIME   01000000
#define O_CLOEXEC   02000000
#define O_SYNC      04010000
#define O_RSYNC     O_SYNC
#define O_PATH      010000000
#define O_TMPFILE   (020000000 | O_DIRECTORY)
#define O_EXEC      O_PATH
#define O_SEARCH    O_PATH
#define O_BINARY    0

#if __MISC_VISIBLE
#define FAPPEND   O_APPEND
#define FASYNC    O_ASYNC
#define FNDELAY   O_NONBLOCK
#define FNONBLOCK O_NONBLOCK
#endif

#define FD_CLOEXEC 1

#define F_DUPFD         0
#define F_GETFD         1
#define F_SETFD         2
#define F_GETFL         3
#define F_SETFL         4
#define F_GETLK         5
#define F_SETLK         6
#define F_SETLKW        7
#define F_SETOWN        8
#define F_GETOWN        9
#define F_OFD_GETLK     36
#define F_OFD_SETLK     37
#define F_OFD_SETLKW    38
#define F_DUPFD_CLOEXEC 1030
#define F_SETPIPE_SZ    1031
#define F_GETPIPE_SZ    1032

#define F_RDLCK 0
#define F_WRLCK 1
#define F_UNLCK 2

#define LOCK_SH 1
#define LOCK_EX 2
#define LOCK_NB 4
#define LOCK_UN 8

#define AT_FDCWD            (-100)
#define AT_SYMLINK_NOFOLLOW 0x100
#define AT_EACCESS          0x200
#define AT_REMOVEDIR        0x200
#define AT_SYMLINK_FOLLOW   0x400
#define AT_EMPTY_PATH       0x1000

#define POSIX_FADV_NORMAL     0
#define POSIX_FADV_RANDOM     1
#define POSIX_FADV_SEQUENTIAL 2
#define POSIX_FADV_WILLNEED   3
#define POSIX_FADV_DONTNEED   4
#define POSIX_FADV_NOREUSE    5

#define FALLOC_FL_KEEP_SIZE  1
#define FALLOC_FL_PUNCH_HOLE 2

struct flock {
    short l_type;   /* F_RDLCK, F_WRLCK or F_UNLCK */
    short l_whence; /* SEEK_SET, SEEK_CUR or SEEK_END */
    off_t l_start;
    off_t l_len; /* 0: to the end, wherever that will be */
    pid_t l_pid;
};

__BEGIN_DECLS
int open(const char *, int, ...);
int openat(int, const char *, int, ...);
int creat(const char *, mode_t);
int fcntl(int, int, ...);
int posix_fadvise(int, off_t, off_t, int);
int posix_fallocate(int, off_t, off_t);
#if __BSD_VISIBLE
int flock(int, int);
#endif
#if __GNU_VISIBLE
int fallocate(int, int, off_t, off_t);
int futimesat(int, const char *, const struct timeval[2]);
ssize_t splice(int, off_t *, int, off_t *, size_t, unsigned);
#endif
#ifdef _COMPILING_NEWLIB
int _open(const char *, int, ...);
int _fcntl(int, int, ...);
#endif
__END_DECLS

#endif
