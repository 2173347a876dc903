// SPDX-License-Identifier: MIT
/* options.c: see options.h. */
#include "options.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char help[] =
    "usage: httpd [OPTION ...]\n"
    "Serves the files below a directory over HTTP/1.1, and /status.\n\n"
    "  -r DIRECTORY  what to serve (.)\n"
    "  -p PORT       port to listen on (80); 0 takes a free one\n"
    "  -a ADDRESS    address to listen on, up to four times (all)\n"
    "  -l FILE       log requests to FILE; - is the standard output\n"
    "  -n            do not list directories that have no index.html\n"
    "  -c COUNT      connections at a time (1000)\n"
    "  -m KIB        memory for what is under way (16384)\n"
    "  -b BYTES      content of a request that is skipped (65536)\n"
    "  -i SECONDS    wait for another request (30)\n"
    "  -t SECONDS    wait for a whole request (10)\n"
    "  -s BYTES      least speed of a client, bytes a second (256)\n"
    "  -w SECONDS    over which that speed is measured (10)\n"
    "  -h            this text\n";

/* A number from `least` to `most`, or a sentence that says so. */
static bool
number(int option, const char *text, unsigned long least, unsigned long most,
       unsigned long *value)
{
    char *end;
    *value = strtoul(text, &end, 10);
    if (*text >= '0' && *text <= '9' && !*end && *value >= least &&
        *value <= most)
        return true;
    fprintf(stderr, "httpd: -%c wants a number from %lu to %lu, not \"%s\"\n",
            option, least, most, text);
    return false;
}

/* Options whose argument is a number. */
static bool
read_limit(struct limits *limits, int option, const char *text)
{
    unsigned long n = 0;
    bool seconds = strchr("itw", option) != NULL;
    unsigned long least = option == 'm' ? 64 : option == 's' ? 0 : 1;
    unsigned long most = seconds ? 86400 : option == 'c' ? 100000 : 1u << 30;
    if (!number(option, text, option == 'b' ? 0 : least, most, &n))
        return false;
    switch (option) {
    case 'c':
        limits->connections = (uint32_t)n;
        break;
    case 'm':
        limits->buffers = (uint32_t)(n * 1024 / sizeof(struct buffer));
        break;
    case 'b':
        limits->body = n;
        break;
    case 's':
        limits->rate = (uint32_t)n;
        break;
    default:
        *(option == 'i'   ? &limits->idle_ms
          : option == 't' ? &limits->head_ms
                          : &limits->window_ms) = (uint32_t)n * 1000;
    }
    return true;
}

static bool
read_option(struct options *options, int option, const char *text)
{
    unsigned long port;
    switch (option) {
    case 'r':
        options->root = text;
        return true;
    case 'p':
        options->port = text;
        return number('p', text, 0, 65535, &port);
    case 'l':
        options->log = text;
        return true;
    case 'n':
        options->listing = false;
        return true;
    case 'a':
        if (options->addresses == LISTENERS_MAX) {
            fprintf(stderr, "httpd: at most %d addresses\n", LISTENERS_MAX);
            return false;
        }
        options->address[options->addresses++] = text;
        return true;
    default:
        return read_limit(&options->limits, option, text);
    }
}

int
options_read(struct options *options, int argc, char **argv)
{
    *options = (struct options){
        .port = "80",
        .root = ".",
        .listing = true,
        .limits = {.connections = 1000,
                   .buffers = 16384 * 1024 / sizeof(struct buffer),
                   .rate = 256,
                   .window_ms = 10000,
                   .idle_ms = 30000,
                   .head_ms = 10000,
                   .body = 65536},
    };
    int option;
    while ((option = getopt(argc, argv, "r:p:a:l:nc:m:b:i:t:s:w:h")) != -1) {
        if (option == 'h') {
            fputs(help, stdout);
            return 0;
        }
        if (option == '?' || !read_option(options, option, optarg)) {
            fputs("httpd: -h lists the options\n", stderr);
            return 2;
        }
    }
    if (optind == argc)
        return -1;
    fprintf(stderr, "httpd: what is \"%s\" for? The directory goes behind -r\n",
            argv[optind]);
    return 2;
}
