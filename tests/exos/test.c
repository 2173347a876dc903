// SPDX-License-Identifier: MIT
/* test.c: runs the claims of a program; see test.h. */
#define _GNU_SOURCE
#include "test.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct test *first, **last = &first;
static jmp_buf failed;
static char why[300];
static uint32_t seed;

void
test_add(struct test *test)
{
    *last = test;
    last = &test->next;
}

_Noreturn void
test_fail(const char *file, int line, const char *format, ...)
{
    const char *base = strrchr(file, '/');
    int n = snprintf(why, sizeof(why), "%s:%d: ", base ? base + 1 : file, line);
    va_list args;
    va_start(args, format);
    vsnprintf(why + n, sizeof(why) - (size_t)n, format, args);
    va_end(args);
    longjmp(failed, 1);
}

const char *
test_directory(void)
{
    static char path[64];
    strcpy(path, "/tmp/exos-XXXXXX");
    if (!mkdtemp(path))
        test_fail(__FILE__, __LINE__, "no directory in /tmp");
    return strcat(path, "/");
}

uint32_t
test_random(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 17;
    return seed ^= seed << 5;
}

static int
run(const struct test *test)
{
    seed = 1;
    if (setjmp(failed)) {
        printf("not ok %s: %s\n", test->name, why);
        return 1;
    }
    test->run();
    printf("ok %s\n", test->name);
    return 0;
}

static bool
is_wanted(const struct test *test, int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], test->name) == 0)
            return true;
    return argc <= 1;
}

int
main(int argc, char **argv)
{
    int bad = 0, count = 0;
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
    for (const struct test *test = first; test; test = test->next) {
        if (!is_wanted(test, argc, argv))
            continue;
        bad += run(test);
        count++;
    }
    printf("# done %d\n", count);
    return bad != 0;
}
