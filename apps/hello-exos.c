// SPDX-License-Identifier: MIT
/*
 * hello-exos: plain C, the same on Exo and elsewhere: prints its arguments, its
 * environment, and what it is told of the place it runs in. hello.c is the
 * smallest program, on libos/minimal and without a C library.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static void
print_place(void)
{
    struct utsname name;
    char directory[1024];
    if (uname(&name) >= 0)
        printf("system: %s %s on %s\n", name.sysname, name.release,
               name.machine);
    printf("page: %ld bytes\n", sysconf(_SC_PAGESIZE));
    if (getcwd(directory, sizeof(directory)))
        printf("directory: %s\n", directory);
}

static void
print_time(void)
{
    char text[64] = "?";
    time_t now = time(NULL);
    struct tm *utc = gmtime(&now);
    if (utc)
        strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", utc);
    printf("time: %s UTC\n", text);
}

int
main(int argc, char **argv)
{
    printf("hello, %s\n", argc > 1 ? argv[1] : "world");
    for (int i = 0; i < argc; i++)
        printf("argument %d: %s\n", i, argv[i]);
    for (char **e = environ; e && *e; e++)
        printf("environment: %s\n", *e);
    print_place();
    print_time();
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
