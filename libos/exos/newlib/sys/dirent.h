/* SPDX-License-Identifier: MIT */
/*
 * A directory's entries: Linux's struct dirent. newlib's readdir() takes them
 * from getdents(), many at a time.
 */
#ifndef _SYS_DIRENT_H_
#define _SYS_DIRENT_H_

#include <sys/cdefs.h>
#include <sys/types.h>
#include <sys/lock.h>

struct dirent {
    ino_t d_ino;
    off_t d_off;             /* a position for seekdir() */
    unsigned short d_reclen; /* bytes to the next entry, a multiple of 8 */
    unsigned char d_type;    /* DT_ */
    char d_name[256];
};

#define d_fileno         d_ino
#define MAXNAMLEN        255
#define HAVE_NO_D_NAMLEN /* for newlib */
#define HAVE_DD_LOCK     /* for newlib */

typedef struct {
    int dd_fd;
    long dd_loc;  /* position in the buffer */
    long dd_size; /* bytes in it */
    char *dd_buf;
    int dd_len;
    long dd_seek;
    _LOCK_RECURSIVE_T dd_lock;
} DIR;

#define __dirfd(dir) ((dir)->dd_fd)

#define DT_UNKNOWN 0
#define DT_FIFO    1
#define DT_CHR     2
#define DT_DIR     4
#define DT_BLK     6
#define DT_REG     8
#define DT_LNK     10
#define DT_SOCK    12

#define IFTODT(mode) (((mode)&0170000) >> 12)
#define DTTOIF(type) ((type) << 12)

__BEGIN_DECLS
int getdents(int, void *, int);
__END_DECLS

#endif
