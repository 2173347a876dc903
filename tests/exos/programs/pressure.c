// SPDX-License-Identifier: MIT
/*
 * Arguments: `hold` holds memory that it can do without until somebody wants
 * it, and goes on. `change` does not rest meanwhile: it reads memory, then
 * stores into some of it, so that pages are wanted back at every moment of
 * that. `take ROUNDS US` is the one who wants them: it uses what it was
 * promised, after US microseconds each time. Says how it went.
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
#define BACK   500l  // pages that must have gone back
#define CHANGE 800ul // pages that are changed

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

/* Again and again, each time when the other one surely had all it wants: taken
   while it still fills its memory, it would be refused and not be asked. */
static int
take(int rounds, unsigned us)
{
    for (int i = 0; i < rounds; i++) {
        usleep(us);
        int wrong = take_once();
        if (wrong)
            return wrong;
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

/* Memory that was read, then stored into while others stay spare. */
static int
change_once(void)
{
    size_t bytes = (CHANGE + SPARE) * PAGE;
    volatile unsigned char *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED)
        return 1;
    for (size_t i = 0; i < CHANGE + SPARE; i++)
        if (at[i * PAGE])
            return 2;
    for (size_t i = 0; i < CHANGE; i++)
        at[i * PAGE] = pattern(i * PAGE) | 1;
    for (size_t i = 0; i < CHANGE; i++)
        if (at[i * PAGE] != (pattern(i * PAGE) | 1))
            return 3;
    return munmap((void *)at, bytes) ? 4 : 0;
}

static int
change(void)
{
    for (int i = 0; i < 20; i++) {
        int wrong = change_once();
        if (wrong)
            return wrong;
    }
    printf("changed all\n");
    return 0;
}

int
main(int argc, char **argv)
{
    if (argc == 2 && !strcmp(argv[1], "hold"))
        return hold();
    if (argc == 2 && !strcmp(argv[1], "change"))
        return change();
    if (argc == 4 && !strcmp(argv[1], "take"))
        return take(atoi(argv[2]), (unsigned)atoi(argv[3]));
    fprintf(stderr, "hold, change, or take ROUNDS US\n");
    return 2;
}
