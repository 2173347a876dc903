// SPDX-License-Identifier: MIT
/*
 * Holds memory that it can do without until somebody wants it, and goes on.
 * With the argument `take` it is the one who wants it: it uses what it was
 * promised. Says how it went.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE   4096ul
#define DATA   64ul   // pages that hold something
#define SPARE  4500ul // pages that were read and never written
#define TAKEN  3500ul
#define ROUNDS 12
#define BACK   500l // pages that must have gone back

static unsigned char
pattern(size_t i)
{
    return (unsigned char)(i * 31 >> 3);
}

/* Uses pages that were promised. They are there, whoever had them before. */
static int
take_once(void)
{
    char *at = malloc(TAKEN * PAGE);
    if (!at)
        return 1;
    memset(at, 7, TAKEN * PAGE);
    for (size_t i = 0; i < TAKEN * PAGE; i += 1000)
        if (at[i] != 7)
            return 2;
    free(at);
    return 0;
}

/* Again and again, until the other one surely had all it wants. */
static int
take(void)
{
    for (int i = 0; i < ROUNDS; i++) {
        int wrong = take_once();
        if (wrong)
            return wrong;
        usleep(500000);
    }
    printf("took all\n");
    return 0;
}

static int
hold(void)
{
    unsigned char *data = malloc(DATA * PAGE);
    const volatile char *spare =
        mmap(NULL, SPARE * PAGE, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int sum = 0;
    if (!data || spare == MAP_FAILED)
        return 1;
    for (size_t i = 0; i < DATA * PAGE; i++)
        data[i] = pattern(i);
    for (size_t i = 0; i < SPARE; i++)
        sum += spare[i * PAGE];
    long before = sysconf(_SC_AVPHYS_PAGES);
    printf("holds all\n");
    while (sysconf(_SC_AVPHYS_PAGES) < before + BACK)
        usleep(50000);
    for (size_t i = 0; i < DATA * PAGE; i++)
        if (data[i] != pattern(i))
            return 2;
    for (size_t i = 0; i < SPARE; i += 10)
        sum += spare[i * PAGE];
    printf("went on, sum %d\n", sum);
    return 0;
}

int
main(int argc, char **argv)
{
    (void)argv;
    return argc > 1 ? take() : hold();
}
