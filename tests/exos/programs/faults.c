// SPDX-License-Identifier: MIT
/* A program that ends as its first argument says; test_machine.py judges how.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void
say_end(void)
{
    printf("at exit\n");
}

__attribute__((destructor)) static void
destruct(void)
{
    printf("destructed\n");
}

static int
recurse(volatile char *above)
{
    volatile char frame[4000];
    frame[0] = *above;
    return frame[0] == 1 ? 1 : recurse(frame) + frame[0];
}

static const char constant = 'c';

__attribute__((noinline)) static void
store_to(volatile char *at)
{
    *at = 1;
}

int
main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "";
    volatile char start = 0;
    atexit(say_end);
    printf("begin %s\n", how);
    if (strcmp(how, "null") == 0)
        store_to(NULL);
    if (strcmp(how, "constant") == 0)
        store_to((volatile char *)(size_t)&constant);
    if (strcmp(how, "unmapped") == 0) {
        char *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        *at = 1;
        munmap(at, 4096);
        store_to(at);
    }
    if (strcmp(how, "protected") == 0)
        store_to(
            mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (strcmp(how, "overflow") == 0)
        return recurse(&start);
    if (strcmp(how, "abort") == 0)
        abort();
    if (strcmp(how, "term") == 0)
        raise(SIGTERM);
    if (strcmp(how, "_exit") == 0)
        _exit(5);
    return 7;
}
