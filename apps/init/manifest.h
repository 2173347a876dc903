// SPDX-License-Identifier: MIT
/*
 * manifest.h: the flat manifest, read strictly (docs/manifest.md).
 *
 * The text is untrusted. manifest_next() yields one application at a time, its
 * fields within the documented limits, or stops for good with a sentence that
 * names the line. Nothing here touches the machine, so the parser runs on the
 * host under sanitizers (tests/unit/manifest_test.c).
 */
#ifndef INIT_MANIFEST_H
#define INIT_MANIFEST_H

#include "lib/start.h"

#define MANIFEST_APPS_MAX   64
#define MANIFEST_NAME_BYTES 32 // with the zero byte
#define MANIFEST_CPUS_MAX   64

/* What an application that shares its address connects from: so many ports,
 * those of the first application from 49152 on [RFC 6335 6]. */
#define MANIFEST_EPHEMERAL       49152u
#define MANIFEST_EPHEMERAL_PORTS 256u

enum manifest_restart {
    MANIFEST_NEVER,
    MANIFEST_ON_FAILURE,
    MANIFEST_ALWAYS,
};

struct manifest_app {
    char name[MANIFEST_NAME_BYTES], image[MANIFEST_NAME_BYTES];
    char args[START_ARGS_BYTES]; // as a start block has them, the name first
    uint32_t args_bytes, argc;
    char vars[START_VARS_BYTES]; // its environment, likewise
    uint32_t vars_bytes, nvars;
    char files[MANIFEST_NAME_BYTES]; // its archive; empty: none
    uint64_t reserved, limit;        // pages
    uint32_t envs;
    uint32_t slots;    // of each round, in all
    uint32_t share;    // thousandths of one CPU; one of the two is 0
    uint64_t affinity; // bit per CPU; 0: any
    enum manifest_restart restart;
    uint32_t restarts; // 0: no end
    bool may_fail, background, wx, seal, hide_info;
    struct start_net net; // addresses and ports; no filters yet
};

struct manifest {
    const char *text;
    uint64_t bytes, at; // at: of the line that comes next
    uint32_t line;      // number of the line last read, from 1
    uint32_t count;     // applications so far
    uint32_t background;
    bool networked;       // there was a network block ...
    struct start_net net; // ... which said this; prefixes 0: it did not
    char name[MANIFEST_APPS_MAX][MANIFEST_NAME_BYTES];
    char error[200];
};

/* Starts reading `bytes` bytes at `text`. */
void manifest_open(struct manifest *manifest, const char *text, uint64_t bytes);

/* Reads the next application. Result: 1 *app is filled; 0 the end, all is well;
 * -1 manifest->error says what is wrong. */
int manifest_next(struct manifest *manifest, struct manifest_app *app);

/* An application with every default, for modules without a manifest. */
void manifest_default(struct manifest_app *app, const char *name,
                      const char *image);

/* Appends an argument. False: too many, or no room. */
bool manifest_add_arg(struct manifest_app *app, const char *arg,
                      uint64_t length);

#endif
