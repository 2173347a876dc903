// SPDX-License-Identifier: MIT
/*
 * The only way the kernel reads or writes memory a user named by address.
 *
 * The caller's root is loaded, so the CPU itself checks presence and rights;
 * SMAP is lifted for the copy alone. A page fault inside the copy ends it with
 * false (trap/ knows the two labels). Addresses outside the user half are
 * refused before anything is touched.
 */
#ifndef EXO_TLB_USER_H
#define EXO_TLB_USER_H

#include "hw.h"
#include "kernel.h"

/* Copies of whole 64-bit words and of bytes; 0: done, 1: faulted. Chosen once,
 * for CPUs with SMAP and without. [I] */
typedef int user_copy(void *to, const void *from, size_t n);
extern user_copy *user_copy_words, *user_copy_bytes;
user_copy user_copy_words_smap, user_copy_words_plain;
user_copy user_copy_bytes_smap, user_copy_bytes_plain;

/* The CPU has SMAP. [I] */
extern bool user_smap;

void user_init(void);

/* Does the address of a faulting kernel instruction belong to an access to user
 * memory? Then this is where to go on, else 0. */
uint64_t user_fixup(uint64_t rip);

static inline bool
user_range(uint64_t uva, uint64_t bytes)
{
    return bytes <= EXO_USER_TOP && uva <= EXO_USER_TOP - bytes;
}

/* One word, three words: the usual sizes, without a copy loop. */
static inline bool
user_get_word(uint64_t *to, uint64_t uva)
{
    return user_range(uva, 8) && hw_user_load(to, uva);
}

static inline bool
user_get_words3(uint64_t to[3], uint64_t uva)
{
    return user_range(uva, 24) && hw_user_load3(to, uva);
}

static inline bool
user_put_word(uint64_t uva, uint64_t word)
{
    return user_range(uva, 8) && hw_user_store(uva, word);
}

static inline bool
user_get(void *to, uint64_t uva, size_t words)
{
    return user_range(uva, words * 8) &&
           user_copy_words(to, (const void *)uva, words) == 0;
}

static inline bool
user_put(uint64_t uva, const void *from, size_t words)
{
    return user_range(uva, words * 8) &&
           user_copy_words((void *)uva, from, words) == 0;
}

static inline bool
user_get_bytes(void *to, uint64_t uva, size_t bytes)
{
    return user_range(uva, bytes) &&
           user_copy_bytes(to, (const void *)uva, bytes) == 0;
}

static inline bool
user_put_bytes(uint64_t uva, const void *from, size_t bytes)
{
    return user_range(uva, bytes) &&
           user_copy_bytes((void *)uva, from, bytes) == 0;
}

#endif
