/* SPDX-License-Identifier: MIT */
/* What lwIP must know of the compiler and the C library. */
#ifndef EXOS_NET_CC_H
#define EXOS_NET_CC_H

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>

#define LWIP_TIMEVAL_PRIVATE  0
#define LWIP_ERRNO_STDINCLUDE 1

/* htons() and its kin come from the C library. */
#define LWIP_DONT_PROVIDE_BYTEORDER_FUNCTIONS
#define SSIZE_MAX 0x7fffffffffffffffl

#define LWIP_RAND()             arc4random()
#define LWIP_PLATFORM_DIAG(x)   (printf x)
#define LWIP_PLATFORM_ASSERT(x) __assert_func(__FILE__, __LINE__, __func__, x)

#define lwip_htons(x) __builtin_bswap16(x)
#define lwip_htonl(x) __builtin_bswap32(x)

/* Words of 32 bits at a time. */
#define LWIP_CHKSUM_ALGORITHM 3

#endif
