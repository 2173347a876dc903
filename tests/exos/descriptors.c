// SPDX-License-Identifier: MIT
/* Descriptors: duplicates share one open file, pipes carry bytes, vectors and
 * copies move them. */
#define _GNU_SOURCE
#include "test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static int
scratch(void)
{
    char path[100];
    snprintf(path, sizeof(path), "%sa", test_directory());
    int fd = open(path, O_RDWR | O_CREAT, 0644);
    WANT(fd >= 0);
    return fd;
}

TEST(the_lowest_free_number_is_given)
{
    int a = scratch(), b = dup(a), c = dup(a);
    EQ(close(b), 0);
    EQ(dup(a), b);
    EQ(fcntl(a, F_DUPFD, c + 10), c + 10);
    EQ(close(a), 0);
    EQ(close(b), 0);
    EQ(close(c), 0);
    EQ(close(c + 10), 0);
    FAILS(close(c), EBADF);
    FAILS(dup(c), EBADF);
    FAILS(close(-1), EBADF);
    FAILS(dup2(0, -1), EBADF);
}

TEST(duplicates_share_position_and_status)
{
    int a = scratch(), b = dup(a);
    EQ(write(a, "12345", 5), 5);
    EQ(lseek(b, 0, SEEK_CUR), 5);
    EQ(fcntl(a, F_SETFL, O_APPEND), 0);
    WANT(fcntl(b, F_GETFL) & O_APPEND);
    EQ(fcntl(b, F_SETFD, FD_CLOEXEC), 0);
    EQ(fcntl(a, F_GETFD), 0);
    EQ(fcntl(b, F_GETFD), FD_CLOEXEC);
    EQ(close(a), 0);
    EQ(write(b, "6", 1), 1);
    EQ(dup2(b, b), b);
    EQ(dup2(b, 50), 50);
    EQ(fcntl(50, F_GETFD), 0);
    EQ(close(b), 0);
    EQ(lseek(50, 0, SEEK_END), 6);
    EQ(dup3(50, 51, O_CLOEXEC), 51);
    EQ(fcntl(51, F_GETFD), FD_CLOEXEC);
    FAILS(dup3(50, 50, 0), EINVAL);
    EQ(close(50), 0);
    EQ(close(51), 0);
}

TEST(vectors_are_gathered_and_scattered)
{
    char a[4], b[10];
    struct iovec out[] = {{"ab", 2}, {"", 0}, {"cdef", 4}};
    struct iovec in[] = {{a, 3}, {b, 10}};
    int fd = scratch();
    EQ(writev(fd, out, 3), 6);
    EQ(lseek(fd, 0, SEEK_SET), 0);
    EQ(readv(fd, in, 2), 6);
    WANT(memcmp(a, "abc", 3) == 0 && memcmp(b, "def", 3) == 0);
    EQ(preadv(fd, in, 1, 2), 3);
    WANT(memcmp(a, "cde", 3) == 0);
    volatile int none = -1;
    FAILS(readv(fd, in, none), EINVAL);
    EQ(close(fd), 0);
}

TEST(a_pipe_carries_bytes_in_order)
{
    int fds[2];
    unsigned char block[5000];
    uint32_t wrote = 0, got = 0;
    EQ(pipe2(fds, O_NONBLOCK), 0);
    for (int round = 0; round < 500; round++) {
        size_t n = test_random() % sizeof(block);
        for (size_t i = 0; i < n; i++)
            block[i] = (unsigned char)((wrote + i) * 7);
        ssize_t put = write(fds[1], block, n);
        if (put > 0)
            wrote += (uint32_t)put;
        else
            WANT(n == 0 || errno == EAGAIN);
        ssize_t have = read(fds[0], block, test_random() % sizeof(block));
        for (ssize_t i = 0; i < have; i++)
            EQ(block[i], (unsigned char)((got + (uint32_t)i) * 7));
        if (have > 0)
            got += (uint32_t)have;
    }
    int left;
    EQ(ioctl(fds[0], FIONREAD, &left), 0);
    EQ((uint32_t)left, wrote - got);
    EQ(close(fds[0]), 0);
    EQ(close(fds[1]), 0);
}

TEST(a_pipe_ends_with_its_writers)
{
    int fds[2];
    char c;
    EQ(pipe(fds), 0);
    EQ(write(fds[1], "x", 1), 1);
    EQ(close(fds[1]), 0);
    EQ(read(fds[0], &c, 1), 1);
    EQ(read(fds[0], &c, 1), 0);
    EQ(close(fds[0]), 0);
    FAILS(lseek(fds[0], 0, SEEK_CUR), EBADF);
    EQ(pipe(fds), 0);
    FAILS(lseek(fds[0], 0, SEEK_CUR), ESPIPE);
    FAILS(read(fds[1], &c, 1), EBADF);
    FAILS(write(fds[0], &c, 1), EBADF);
    signal(SIGPIPE, SIG_IGN);
    EQ(close(fds[0]), 0);
    FAILS(write(fds[1], "x", 1), EPIPE);
    EQ(close(fds[1]), 0);
}

static volatile int caught;

static void catch (int number)
{
    caught = number;
}

TEST(a_pipe_nobody_reads_raises_a_signal)
{
    int fds[2];
    struct sigaction action = {.sa_handler = catch}, old;
    EQ(sigaction(SIGPIPE, &action, &old), 0);
    EQ(pipe(fds), 0);
    EQ(close(fds[0]), 0);
    FAILS(write(fds[1], "x", 1), EPIPE);
    EQ(caught, SIGPIPE);
    EQ(close(fds[1]), 0);
    EQ(sigaction(SIGPIPE, &old, NULL), 0);
}

TEST(a_small_write_to_a_pipe_is_whole_or_not_done)
{
    int fds[2];
    static char block[65536];
    EQ(pipe2(fds, O_NONBLOCK), 0);
    EQ(write(fds[1], block, sizeof(block)), sizeof(block));
    FAILS(write(fds[1], block, 1), EAGAIN);
    EQ(read(fds[0], block, 4095), 4095);
    FAILS(write(fds[1], block, 4096), EAGAIN);
    EQ(read(fds[0], block, 1), 1);
    EQ(close(fds[0]), 0);
    EQ(close(fds[1]), 0);
}

TEST(a_fifo_has_two_ends)
{
    char path[100], c;
    snprintf(path, sizeof(path), "%sfifo", test_directory());
    EQ(mkfifo(path, 0600), 0);
    FAILS(open(path, O_WRONLY | O_NONBLOCK), ENXIO);
    int in = open(path, O_RDONLY | O_NONBLOCK);
    int out = open(path, O_WRONLY);
    WANT(in >= 0 && out >= 0);
    EQ(write(out, "f", 1), 1);
    EQ(read(in, &c, 1), 1);
    EQ(c, 'f');
    FAILS(read(in, &c, 1), EAGAIN);
    EQ(close(out), 0);
    EQ(read(in, &c, 1), 0);
    EQ(close(in), 0);
}

TEST(sendfile_copies_and_says_how_far)
{
    int from = scratch(), to = scratch();
    char text[20];
    off_t at = 2;
    EQ(write(from, "0123456789", 10), 10);
    EQ(sendfile(to, from, &at, 5), 5);
    EQ(at, 7);
    EQ(lseek(from, 0, SEEK_CUR), 10);
    EQ(lseek(from, 8, SEEK_SET), 8);
    EQ(sendfile(to, from, NULL, 100), 2);
    EQ(sendfile(to, from, NULL, 100), 0);
    EQ(pread(to, text, 20, 0), 7);
    WANT(memcmp(text, "2345689", 7) == 0);
    EQ(close(from), 0);
    EQ(close(to), 0);
}

TEST(locks_of_the_only_process_are_granted)
{
    int fd = scratch();
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    EQ(fcntl(fd, F_SETLK, &lock), 0);
    EQ(fcntl(fd, F_GETLK, &lock), 0);
    EQ(lock.l_type, F_UNLCK);
    EQ(close(fd), 0);
}

TEST(there_is_an_end_to_descriptors)
{
    int fd = scratch(), last = fd;
    for (int n; (n = dup(fd)) >= 0;)
        last = n;
    EQ(errno, EMFILE);
    WANT(last >= 255);
    for (int n = fd; n <= last; n++)
        EQ(close(n), 0);
}
