// SPDX-License-Identifier: MIT
/*
 * What the boot loader told us, copied out of its memory.
 *
 * One structure for Multiboot 1 and 2. bootinfo_init() runs first of all rooms,
 * on the boot stack with the first 4 GiB mapped; it trusts nothing: every
 * address and length is checked before it is read, and what cannot be used ends
 * in a readable message and a stop, never in a fault.
 *
 * After it, nothing of the loader's memory is needed but the modules.
 * K.boot.regions shrinks from the front as boot_alloc() takes memory; what is
 * left when the page room starts is what applications can have.
 *
 * Sources: Multiboot 0.6.96 and Multiboot 2 specifications (GNU).
 */
#ifndef EXO_BOOT_BOOTINFO_H
#define EXO_BOOT_BOOTINFO_H

#include <stdbool.h>
#include <stdint.h>

enum {
    BOOT_MAX_REGIONS = 64,
    BOOT_MAX_MODULES = 64,
};

/* A run of physical addresses, [start, end), both page aligned. */
struct boot_region {
    uint64_t start, end;
};

struct boot_module {
    uint64_t pa;      /* as loaded; page aligned unless it is empty */
    uint64_t size;    /* bytes */
    const char *text; /* the loader's whole string: file name and the rest */
    const char *args; /* what follows the first word of text, or "" */
};

struct bootinfo {
    const char *cmdline; /* copied; "" when there is none */
    const char *loader;  /* its name, "" when it did not say */
    uint64_t text_used;  /* bytes of all copied strings */
    unsigned nregions, nmodules;
    /* Usable memory: sorted, apart from each other. Without page 0, the
     * kernel image, modules and the trampoline page. */
    struct boot_region regions[BOOT_MAX_REGIONS];
    /* All RAM, taken or not; and what firmware keeps below 4 GiB, with its
     * tables. RAM that does not fit is not used; reserved ranges are joined. */
    unsigned nram, nreserved;
    struct boot_region ram[BOOT_MAX_REGIONS], reserved[BOOT_MAX_REGIONS];
    struct boot_module modules[BOOT_MAX_MODULES];
    uint64_t rsdp_pa;         /* 0: not told, search the BIOS area */
    uint64_t ram_pages_total; /* usable pages before anything was taken */
    uint64_t top_pa;          /* end of the highest usable region */
    uint64_t trampoline_pa;   /* page below 1 MiB for AP start, 0: none */
};

/*
 * Parse the loader's information into K.boot. Stops the machine with a message
 * when the magic is neither protocol's, or there is no memory map.
 *   magic: EAX at entry; info_pa: EBX at entry.
 */
void bootinfo_init(uint32_t magic, uint32_t info_pa);

/*
 * A boot option: the command line is words apart by spaces.
 * Returns the text behind "name=" (it ends at a space or the string's end),
 * the end of the bare word, NULL when the option is absent.
 */
const char *boot_option(const char *name);

/* The same for options that may be given more than once: the next one behind
 * the text that the last call returned, NULL for the first. */
const char *boot_option_next(const char *name, const char *last);

/* Read a decimal or 0x-number, and move *text behind it. False: there is none,
 * or it does not fit. */
bool boot_number(const char **text, uint64_t *value);

/* The option as a decimal or 0x-number; `fallback` when it is absent or is no
 * number (a warning is printed for the latter). */
uint64_t boot_option_number(const char *name, uint64_t fallback);

#endif
