/* SPDX-License-Identifier: MIT */
/* Byte orders. */
#ifndef EXOS_ENDIAN_H
#define EXOS_ENDIAN_H

#include <sys/cdefs.h>
#include <machine/endian.h>

#define __LITTLE_ENDIAN 1234
#define __BIG_ENDIAN    4321
#define __PDP_ENDIAN    3412
#define __BYTE_ORDER    __LITTLE_ENDIAN

#if __BSD_VISIBLE
#define htobe16(x) __bswap16(x)
#define be16toh(x) __bswap16(x)
#define htole16(x) ((__uint16_t)(x))
#define le16toh(x) ((__uint16_t)(x))
#define htobe32(x) __bswap32(x)
#define be32toh(x) __bswap32(x)
#define htole32(x) ((__uint32_t)(x))
#define le32toh(x) ((__uint32_t)(x))
#define htobe64(x) __bswap64(x)
#define be64toh(x) __bswap64(x)
#define htole64(x) ((__uint64_t)(x))
#define le64toh(x) ((__uint64_t)(x))
#endif

#endif
