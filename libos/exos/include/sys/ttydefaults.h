/* SPDX-License-Identifier: MIT */
/* Control characters of a new terminal. */
#ifndef EXOS_SYS_TTYDEFAULTS_H
#define EXOS_SYS_TTYDEFAULTS_H

#include <sys/cdefs.h>

#define CTRL(letter) ((letter)&0x1f)

#define CEOF     CTRL('d')
#define CERASE   0177
#define CINTR    CTRL('c')
#define CKILL    CTRL('u')
#define CMIN     1
#define CQUIT    034
#define CSUSP    CTRL('z')
#define CTIME    0
#define CSTART   CTRL('q')
#define CSTOP    CTRL('s')
#define CLNEXT   CTRL('v')
#define CDISCARD CTRL('o')
#define CWERASE  CTRL('w')
#define CREPRINT CTRL('r')

#endif
