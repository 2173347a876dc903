// SPDX-License-Identifier: MIT
/* Memory: heap, mappings and stack appear when they are touched, keep what is
 * stored, and end where they end. */
#define _GNU_SOURCE
#include "test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096ul

static char *
map(size_t bytes)
{
    char *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    WANT(at != MAP_FAILED);
    return at;
}

static bool
is_all(const char *at, size_t bytes, char value)
{
    for (size_t i = 0; i < bytes; i++)
        if (at[i] != value)
            return false;
    return true;
}

TEST(fresh_memory_is_zero)
{
    char *at = map(64 * PAGE);
    WANT(is_all(at, 64 * PAGE, 0));
    memset(at, 1, 64 * PAGE);
    EQ(munmap(at, 64 * PAGE), 0);
    at = map(64 * PAGE);
    WANT(is_all(at, 64 * PAGE, 0));
    EQ(munmap(at, 64 * PAGE), 0);
}

TEST(a_large_mapping_costs_only_what_is_touched)
{
    char *at = mmap(NULL, 1ul << 33, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    WANT(at != MAP_FAILED);
    for (size_t i = 0; i < 8; i++)
        at[(i << 30) + i] = (char)(i + 1);
    for (size_t i = 0; i < 8; i++)
        EQ(at[(i << 30) + i], i + 1);
    EQ(munmap(at, 1ul << 33), 0);
}

TEST(a_mapping_can_be_cut)
{
    char *at = map(9 * PAGE);
    for (int i = 0; i < 9; i++)
        at[i * PAGE] = (char)i;
    EQ(munmap(at + 3 * PAGE, 3 * PAGE), 0);
    for (int i = 0; i < 9; i++)
        if (i < 3 || i > 5)
            EQ(at[i * PAGE], i);
    char *again = mmap(at + 3 * PAGE, 3 * PAGE, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    WANT(again == at + 3 * PAGE);
    WANT(is_all(again, 3 * PAGE, 0));
    EQ(munmap(at, 9 * PAGE), 0);
}

TEST(map_fixed_replaces_what_is_there)
{
    char *at = map(4 * PAGE);
    memset(at, 7, 4 * PAGE);
    WANT(mmap(at + PAGE, PAGE, PROT_READ | PROT_WRITE,
              MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at + PAGE);
    EQ(at[0], 7);
    EQ(at[PAGE], 0);
    EQ(at[2 * PAGE], 7);
    EQ(munmap(at, 4 * PAGE), 0);
}

TEST(dontneed_gives_zeros_again)
{
    char *at = map(8 * PAGE);
    memset(at, 3, 8 * PAGE);
    EQ(madvise(at + PAGE, 4 * PAGE, MADV_DONTNEED), 0);
    EQ(at[0], 3);
    WANT(is_all(at + PAGE, 4 * PAGE, 0));
    EQ(at[5 * PAGE], 3);
    EQ(munmap(at, 8 * PAGE), 0);
}

TEST(mprotect_keeps_the_content)
{
    char *at = map(4 * PAGE);
    memset(at, 5, 4 * PAGE);
    EQ(mprotect(at, 4 * PAGE, PROT_READ), 0);
    WANT(is_all(at, 4 * PAGE, 5));
    EQ(mprotect(at, 4 * PAGE, PROT_READ | PROT_WRITE), 0);
    memset(at, 6, 4 * PAGE);
    WANT(is_all(at, 4 * PAGE, 6));
    EQ(munmap(at, 4 * PAGE), 0);
}

TEST(what_is_no_range_is_refused)
{
    char *at = map(2 * PAGE);
    FAILS(munmap(at + 1, PAGE), EINVAL);
    FAILS(munmap(at, 0), EINVAL);
    FAILS(mprotect(at + 1, PAGE, PROT_READ), EINVAL);
    FAILS((long)mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
          EINVAL);
    FAILS((long)mmap(NULL, PAGE, PROT_READ, MAP_ANONYMOUS, -1, 0), EINVAL);
    FAILS((long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, -1, 0), EBADF);
    EQ(munmap(at, 2 * PAGE), 0);
    FAILS(mprotect(at, PAGE, PROT_READ), ENOMEM);
}

TEST(many_mappings_do_not_disturb_each_other)
{
    enum { COUNT = 200 };
    static char *at[COUNT];
    static size_t pages[COUNT];
    for (int round = 0; round < 2000; round++) {
        unsigned i = test_random() % COUNT;
        if (at[i]) {
            WANT(is_all(at[i], pages[i] * PAGE, (char)i));
            EQ(munmap(at[i], pages[i] * PAGE), 0);
            at[i] = NULL;
        } else {
            pages[i] = 1 + test_random() % 6;
            at[i] = map(pages[i] * PAGE);
            memset(at[i], (char)i, pages[i] * PAGE);
        }
    }
    for (int i = 0; i < COUNT; i++)
        if (at[i])
            EQ(munmap(at[i], pages[i] * PAGE), 0);
}

TEST(malloc_survives_a_random_program)
{
    enum { COUNT = 300 };
    static unsigned char *at[COUNT];
    static size_t bytes[COUNT];
    for (int round = 0; round < 20000; round++) {
        unsigned i = test_random() % COUNT;
        if (at[i]) {
            for (size_t k = 0; k < bytes[i]; k += 61)
                EQ(at[i][k], (unsigned char)(i + k));
            free(at[i]);
            at[i] = NULL;
            continue;
        }
        bytes[i] = test_random() % (i % 10 ? 600 : 60000);
        at[i] = malloc(bytes[i]);
        WANT(at[i] || !bytes[i]);
        for (size_t k = 0; k < bytes[i]; k += 61)
            at[i][k] = (unsigned char)(i + k);
    }
    for (int i = 0; i < COUNT; i++)
        free(at[i]);
}

TEST(realloc_and_memalign_keep_their_promises)
{
    char *at = malloc(10);
    strcpy(at, "something");
    for (size_t n = 20; n < 200000; n *= 3) {
        at = realloc(at, n);
        WANT(at && strcmp(at, "something") == 0);
    }
    free(at);
    void *aligned;
    EQ(posix_memalign(&aligned, 4096, 100), 0);
    EQ((uintptr_t)aligned % 4096, 0);
    free(aligned);
    EQ(posix_memalign(&aligned, 3, 100), EINVAL);
}

static int
descend(int depth)
{
    volatile char frame[2000];
    frame[0] = (char)depth;
    frame[sizeof(frame) - 1] = 1;
    return depth == 0 ? 0 : descend(depth - 1) + frame[sizeof(frame) - 1];
}

TEST(the_stack_grows)
{
    EQ(descend(2000), 2000); // 4 MB
    EQ(descend(10), 10);
}

static int
scratch_file(const char *directory, const char *name, size_t bytes)
{
    char path[128];
    snprintf(path, sizeof(path), "%s%s", directory, name);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);
    WANT(fd >= 0);
    for (size_t i = 0; i < bytes; i++) {
        char c = (char)(i / PAGE + 1);
        EQ(write(fd, &c, 1), 1);
    }
    return fd;
}

TEST(a_private_mapping_shows_the_file_and_keeps_stores_to_itself)
{
    int fd = scratch_file(test_directory(), "private", 2 * PAGE + 100);
    char c,
        *at = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    WANT(at != MAP_FAILED);
    EQ(at[0], 1);
    EQ(at[PAGE], 2);
    EQ(at[2 * PAGE], 3);
    EQ(at[2 * PAGE + 200], 0);
    at[0] = 99;
    EQ(pread(fd, &c, 1, 0), 1);
    EQ(c, 1);
    at[PAGE + 5] = 98; // a store is the first touch here
    EQ(at[PAGE + 6], 2);
    EQ(munmap(at, 3 * PAGE), 0);
    EQ(close(fd), 0);
}

TEST(a_shared_mapping_is_the_file)
{
    int fd = scratch_file(test_directory(), "shared", 2 * PAGE);
    char c = 55,
         *at = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    char *other = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, PAGE);
    WANT(at != MAP_FAILED && other != MAP_FAILED);
    at[PAGE + 1] = 77;
    EQ(other[1], 77);
    EQ(pread(fd, &c, 1, PAGE + 1), 1);
    EQ(c, 77);
    c = 44;
    EQ(pwrite(fd, &c, 1, 10), 1);
    EQ(at[10], 44);
    EQ(msync(at, 2 * PAGE, MS_SYNC), 0);
    EQ(close(fd), 0);
    EQ(at[10], 44); // the mapping holds the file
    EQ(munmap(at, 2 * PAGE), 0);
    EQ(munmap(other, PAGE), 0);
}

TEST(a_mapping_of_a_file_read_only_cannot_be_shared_for_writing)
{
    int fd = scratch_file(test_directory(), "ro", 10);
    EQ(close(fd), 0);
    char path[64];
    snprintf(path, sizeof(path), "%sro", test_directory());
    fd = open(path, O_RDONLY | O_CREAT, 0644);
    FAILS((long)mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, fd, 0), EACCES);
    EQ(close(fd), 0);
}

#ifdef __exos__
TEST(memory_is_never_writable_and_executable)
{
    FAILS((long)mmap(NULL, PAGE, PROT_WRITE | PROT_EXEC,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
          EACCES);
    char *at = map(PAGE);
    FAILS(mprotect(at, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC), EACCES);
    at[0] = (char)0xc3; // ret
    EQ(mprotect(at, PAGE, PROT_READ | PROT_EXEC), 0);
    ((void (*)(void))(uintptr_t)at)();
    EQ(munmap(at, PAGE), 0);
}

TEST(allocation_fails_at_the_limit_and_not_at_a_store)
{
    size_t limit = (size_t)sysconf(_SC_PHYS_PAGES) * PAGE;
    EQ((uintptr_t)malloc(limit + PAGE), 0);
    FAILS((long)mmap(NULL, limit + PAGE, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
          ENOMEM);
    FAILS((long)sbrk((ptrdiff_t)limit), ENOMEM);
    char *at = malloc(limit / 2);
    WANT(at);
    memset(at, 1, limit / 2);
    free(at);
}

TEST(the_program_itself_cannot_be_unmapped)
{
    FAILS(munmap((void *)((uintptr_t)descend & ~(PAGE - 1)), PAGE), EINVAL);
    FAILS((long)mmap((void *)0x200000, PAGE, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
          ENOMEM);
}
#endif
