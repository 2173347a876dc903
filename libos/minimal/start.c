// SPDX-License-Identifier: MIT
/* start.c: from the first instruction to main(), and the end. */
#include "minimal/minimal.h"

struct self self;

_Noreturn void start_c(const struct start_block *start);

void
self_name(exo_guard prefix, uint32_t length)
{
    self.prefix = prefix;
    page_own.guard = prefix;
    prefixes_open(&self.children, prefix, length, length ? 16 : 24);
}

/* Cuts the strings of the start block apart. Result: how many there are. */
static int
find_args(const struct start_block *start, char **argv)
{
    const char *at = start->args, *end = at + START_ARGS_BYTES;
    int argc = 0;
    while (argc < (int)start->argc && argc < (int)START_ARGS_MAX && at < end) {
        argv[argc++] = (char *)(uintptr_t)at;
        at += strlen(at) + 1;
    }
    return argc;
}

_Noreturn void
start_c(const struct start_block *start)
{
    char *argv[START_ARGS_MAX + 1] = {NULL};
    int argc = 0;

    upcall_open(UAREA, EXO_FIRST_UPCALL);
    event_open();
    if (start && start->magic == START_MAGIC) {
        self.start = start;
        self_name(start->prefix, start->length);
        argc = find_args(start, argv);
    }
    exit(main(argc, argv));
}

_Noreturn void
exit(int status)
{
    for (;;)
        exo_env_control(0, 0, EXO_ENV_DESTROY, (uint64_t)status);
}
