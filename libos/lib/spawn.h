// SPDX-License-Identifier: MIT
/*
 * spawn.h: a new env from a program image. Loading is library work: the kernel
 * only sees pages donated, tables linked, bindings written.
 *
 * spawn_create() makes an env whose pages lie as start.h says, with its program
 * in place, its start block filled and the three capabilities of enum start_cap
 * granted. It does not run yet: the caller may add capabilities and slots, seal
 * it, change its context, and then starts it with exo_env_control().
 *
 * What the program asks for in its note (start.h) it gets: an FPU, an FS base,
 * a larger upcall stack.
 *
 * Segments that are not writable are bound straight from the image's pages when
 * `image_page` is known, so that instances share them and none pays for them.
 * Everything else is the new env's own and charged to it.
 *
 * A failure leaves nothing behind: the env is gone and its pages are free.
 */
#ifndef LIB_SPAWN_H
#define LIB_SPAWN_H

#include <exo/env.h>
#include "lib/elf.h"
#include "lib/map.h"

#define SPAWN_STACK_MAX 8

struct spawn {
    /* The program, as elf_parse() found it in its image. The image is either
     * known by its pages, or bound in the caller's memory. */
    const struct elf_program *program;
    exo_page image_page; // first of its pages, contiguous; 0: copy from ...
    const char *image;   // ... here
    uint64_t image_bytes;
    exo_cap image_cap;     // READ over them
    exo_guard image_guard; // what they are guarded with, if the new env is to
                           // have READ too (image_cap: GRANT); 0: it is not

    /* Its place in the name space. */
    exo_guard prefix; // the new env's own, never issued before
    uint32_t length;  // bits of it
    exo_cap cap;      // all rights over `prefix`
    exo_cap door_cap; // GRANT and WRITE over `door`
    exo_guard door;   // guard of the caller's env, for doorbells; 0: no door

    /* Its start block. */
    const char *args;    // name and arguments, a zero byte after each
    uint32_t args_bytes; // at most START_ARGS_BYTES
    uint32_t argc;
    const struct start_net *net; // or null: it has no network
    const char *vars; // environment, likewise, at most START_VARS_BYTES
    uint32_t vars_bytes;
    uint32_t nvars;
    exo_page files; // first page of its archive of files; 0: none
    uint64_t files_bytes;
    exo_cap files_cap; // READ and GRANT over them
    exo_guard files_guard;

    /* Its shape. */
    bool with_log;
    uint32_t stack_pages;  // 1 to SPAWN_STACK_MAX
    uint32_t upcall_pages; // 1 to 4, or as many more as its note asks for
    uint32_t flags;        // enum exo_env_flag
    uint32_t cpu;          // or EXO_CPU_ANY
    struct exo_share share[EXO_KINDS];

    /* Results. */
    exo_env env;
    exo_page root, log; // pages of the new env; log 0: none
    const char *what;   // after an error: what could not be done
};

/* Makes an env. own: the caller's address space, with a window of at least
 * 8 pages. Errors: INVAL sizes; those of the calls it makes. */
int64_t spawn_create(struct spawn *spawn, struct map *own);

/* Destroys an env, waits until it is DEAD and takes it apart; then the slot is
 * free and `env` is stale. cap: CONTROL over it. mortem: receives its record,
 * or null. Errors: CAP; STALE. */
int64_t spawn_bury(exo_cap cap, exo_env env, struct exo_mortem *mortem);

#endif
