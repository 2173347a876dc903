// SPDX-License-Identifier: MIT
/*
 * The first program, fed to env/first.c on a hosted machine of FIRST_PAGES.
 */
#ifndef TEST_FEED_FIRST_H
#define TEST_FEED_FIRST_H

#include <stdint.h>

enum {
    FIRST_PAGES = 1024, /* of memory */
    FIRST_BYTES = 8192, /* the longest program */

    /* Offsets in an ELF header, in a program header, and of the latter. */
    ELF_TYPE = 16,
    ELF_MACHINE = 18,
    ELF_ENTRY = 24,
    ELF_PHOFF = 32,
    ELF_PHENTSIZE = 54,
    ELF_PHNUM = 56,
    ELF_HEADERS = 64,
    PH_TYPE = 0,
    PH_FLAGS = 4,
    PH_OFFSET = 8,
    PH_VA = 16,
    PH_FILE_BYTES = 32,
    PH_BYTES = 40,
    PH_SIZE = 56,
};

/* A module as a loader leaves it: nothing behind it is the kernel's to read.
 * NULL, or what the kernel says to refuse it. If it runs, the machine was
 * checked. */
const char *first_try(const uint8_t *bytes, uint32_t size);

/* A program of text, constants, and data with zeros behind; its bytes. */
uint32_t first_good(uint8_t *to);

#endif
