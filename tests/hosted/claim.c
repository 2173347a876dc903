// SPDX-License-Identifier: MIT
/* Running claims: see claim.h. They stand in the section "claims". */
#include "claim.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern const struct claim *const __start_claims[], *const __stop_claims[];

_Noreturn void
claim_fail(const char *file, int line, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fflush(stdout);
    fprintf(stderr, "%s:%d: ", file, line);
    vfprintf(stderr, format, args);
    fprintf(stderr, "\n");
    va_end(args);
    exit(1);
}

/* The first line of what a failing claim wrote, without its end. */
static void
read_reason(int from, char *why, size_t size)
{
    size_t have = 0;
    for (ssize_t n; (n = read(from, why + have, size - 1 - have)) > 0;)
        have += (size_t)n;
    why[have] = '\0';
    why[strcspn(why, "\n")] = '\0';
}

static bool
run_apart(const struct claim *claim)
{
    int pipes[2];
    char why[400];
    fflush(stdout);
    if (pipe(pipes) < 0)
        exit(2);
    pid_t child = fork();
    if (child == 0) {
        dup2(pipes[1], 2);
        close(pipes[0]);
        close(pipes[1]);
        alarm(60);
        claim->test();
        exit(0);
    }
    close(pipes[1]);
    read_reason(pipes[0], why, sizeof(why));
    close(pipes[0]);
    int status = 0;
    if (child > 0 && waitpid(child, &status, 0) == child && status == 0) {
        printf("ok %s\n", claim->name);
        return true;
    }
    printf("not ok %s: %s\n", claim->name, *why ? why : "it crashed");
    return false;
}

int
main(int argc, char **argv)
{
    unsigned failed = 0;
    for (const struct claim *const *c = __start_claims; c < __stop_claims;
         c++) {
        bool named = argc < 2;
        for (int i = 1; i < argc; i++)
            named |= !strcmp(argv[i], (*c)->name);
        if (!named)
            continue;
        if (argc > 1)
            (*c)->test();
        else
            failed += !run_apart(*c);
    }
    return failed != 0;
}
