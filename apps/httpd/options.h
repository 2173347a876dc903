// SPDX-License-Identifier: MIT
/* options.h: what the command line asks for. */
#ifndef HTTPD_OPTIONS_H
#define HTTPD_OPTIONS_H

#include "server.h"

struct options {
    const char *port, *root, *log;
    const char *address[LISTENERS_MAX];
    unsigned addresses; // 0: all of this machine's
    struct limits limits;
    bool listing;
};

/* Reads the command line. Result: -1: go on; else the status to exit with,
 * after it said why, or helped. */
int options_read(struct options *options, int argc, char **argv);

#endif
