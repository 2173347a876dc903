// SPDX-License-Identifier: MIT
/*
 * test.h: claims about POSIX, as programs on exos and on any other system.
 *
 *   TEST(read_stops_at_the_end) { EQ(read(fd, to, 10), 3); }
 *
 * Every tests/exos/NAME.c is a program of its own. test.c has its main(), which
 * runs each claim and prints `ok NAME` or `not ok NAME: why`, and in the end
 * `# done N`. Arguments are names of claims: only those are run. What belongs
 * to exos alone stands between #ifdef __exos__.
 *
 * A claim that fails ends there. It cleans up nothing, so claims use names and
 * descriptors of their own.
 */
#ifndef TESTS_EXOS_TEST_H
#define TESTS_EXOS_TEST_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct test {
    const char *name;
    void (*run)(void);
    struct test *next;
};

void test_add(struct test *test);
_Noreturn void test_fail(const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* An empty directory for one claim, with a slash at the end. */
const char *test_directory(void);

/* Random numbers that are the same in every run. */
uint32_t test_random(void);

#define TEST(name)                                                             \
    static void name(void);                                                    \
    static struct test test_##name = {#name, name, 0};                         \
    __attribute__((constructor)) static void add_##name(void)                  \
    {                                                                          \
        test_add(&test_##name);                                                \
    }                                                                          \
    static void name(void)

#define WANT(x)                                                                \
    do {                                                                       \
        if (!(x))                                                              \
            test_fail(__FILE__, __LINE__, "wanted %s (errno %d)", #x, errno);  \
    } while (0)

#define EQ(x, y)                                                               \
    do {                                                                       \
        long x_ = (long)(x), y_ = (long)(y);                                   \
        if (x_ != y_)                                                          \
            test_fail(__FILE__, __LINE__, "%s is %ld, not %ld (errno %d)", #x, \
                      x_, y_, errno);                                          \
    } while (0)

/* The call fails with that errno. */
#define FAILS(x, error)                                                        \
    do {                                                                       \
        errno = 0;                                                             \
        long x_ = (long)(x);                                                   \
        if (x_ != -1 || errno != (error))                                      \
            test_fail(__FILE__, __LINE__, "%s is %ld with errno %d, not %s",   \
                      #x, x_, errno, #error);                                  \
    } while (0)

#endif
