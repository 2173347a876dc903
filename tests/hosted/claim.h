// SPDX-License-Identifier: MIT
/*
 * Claims: small tests that say what they found.
 *
 *   CLAIM(caps_cover_their_prefix) { want(cap_covers(...)); }
 *
 * claim.c has a main() that runs each claim of the program in a process of its
 * own, prints `ok NAME` or `not ok NAME: why`, and exits with 0 when all hold.
 * With arguments only the claims named run, in this process, for a debugger.
 */
#ifndef TEST_CLAIM_H
#define TEST_CLAIM_H

struct claim {
    const char *name;
    void (*test)(void);
};

_Noreturn void claim_fail(const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#define want(x)                                                                \
    do {                                                                       \
        if (!(x))                                                              \
            claim_fail(__FILE__, __LINE__, "wanted %s", #x);                   \
    } while (0)

#define want_equal(a, b)                                                       \
    do {                                                                       \
        long a_ = (long)(a), b_ = (long)(b);                                   \
        if (a_ != b_)                                                          \
            claim_fail(__FILE__, __LINE__, "%s is %ld (0x%lx), not %ld", #a,   \
                       a_, a_, b_);                                            \
    } while (0)

#define CLAIM(name)                                                            \
    static void name(void);                                                    \
    static const struct claim claim_##name = {#name, name};                    \
    static const struct claim *const listed_##name                             \
        __attribute__((used, section("claims"))) = &claim_##name;              \
    static void name(void)

#endif
