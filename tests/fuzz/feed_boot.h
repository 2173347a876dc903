// SPDX-License-Identifier: MIT
/*
 * What a boot loader says, fed to boot/bootinfo.c and the parsers of both
 * protocols. The information begins at BOOT_INFO in 4 GiB of memory that is
 * otherwise zero; an input's first byte chooses the protocol.
 */
#ifndef TEST_FEED_BOOT_H
#define TEST_FEED_BOOT_H

#include <stdint.h>

#define BOOT_INFO 0x10000u /* physical */

enum {
    BOOT_MB1 = 1,
    BOOT_MB2 = 2,
    BOOT_BYTES = 4096, /* the longest information */

    /* Places in the first seed of Multiboot 1 ... */
    MB1_MAP = 0x80, /* three entries of 24 bytes */
    MB1_MODULES = 0x100,
    MB1_CMDLINE = 0x180,
    MB1_TEXT = 0x1c0, /* of module 0 */
    MB1_END = 0x200,
    /* ... and of Multiboot 2: tags. */
    MB2_CMDLINE = 8,
    MB2_MODULE = 32,
    MB2_MAP = 64,
    MB2_RSDP = 64 + 16 + 3 * 24,
    MB2_LAST = MB2_RSDP + 48,
    MB2_END = MB2_LAST + 8,

    BOOT_MODULE_PA = 0x400000,
    BOOT_MODULE_BYTES = 0x2345,
    BOOT_RAM_END = 0x4000000,
};

/* Parse `size` bytes placed at `pa` (any place below 4 GiB). NULL, or what the
 * kernel says to refuse them; then K.boot is not to be used. */
const char *boot_parse(unsigned protocol, uint64_t pa, const uint8_t *bytes,
                       uint32_t size);

/* Stop unless K.boot is what boot/bootinfo.h promises. */
void boot_check(void);

/* The first seed of a protocol, for BOOT_INFO. Returns its bytes. */
uint32_t boot_good(unsigned protocol, uint8_t *to);

#endif
