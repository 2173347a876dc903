// SPDX-License-Identifier: MIT
/* Waiting: poll, select and epoll report what is ready, and nothing else. */
#define _GNU_SOURCE
#include "test.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

static int64_t
now_ns(void)
{
    struct timespec now;
    EQ(clock_gettime(CLOCK_MONOTONIC, &now), 0);
    return now.tv_sec * 1000000000l + now.tv_nsec;
}

TEST(poll_reports_what_is_ready)
{
    int fds[2];
    EQ(pipe(fds), 0);
    struct pollfd set[3] = {
        {fds[0], POLLIN, 0}, {fds[1], POLLOUT, 0}, {-1, POLLIN, 0}};
    EQ(poll(set, 3, 0), 1);
    EQ(set[0].revents, 0);
    EQ(set[1].revents, POLLOUT);
    EQ(write(fds[1], "x", 1), 1);
    EQ(poll(set, 3, -1), 2);
    EQ(set[0].revents, POLLIN);
    EQ(close(fds[1]), 0);
    EQ(poll(set, 2, -1), 2);
    EQ(set[0].revents, POLLIN | POLLHUP);
    EQ(set[1].revents, POLLNVAL);
    EQ(close(fds[0]), 0);
}

TEST(a_time_out_ends_a_wait)
{
    int fds[2];
    EQ(pipe(fds), 0);
    struct pollfd set = {fds[0], POLLIN, 0};
    int64_t before = now_ns();
    EQ(poll(&set, 1, 30), 0);
    WANT(now_ns() - before >= 30000000);
    before = now_ns();
    EQ(poll(NULL, 0, 10), 0);
    WANT(now_ns() - before >= 10000000);
    EQ(close(fds[0]), 0);
    EQ(close(fds[1]), 0);
}

TEST(select_keeps_what_is_ready)
{
    int fds[2];
    fd_set in, out;
    struct timeval none = {0, 0};
    EQ(pipe(fds), 0);
    FD_ZERO(&in);
    FD_ZERO(&out);
    FD_SET(fds[0], &in);
    FD_SET(fds[1], &out);
    EQ(select(fds[1] + 1, &in, &out, NULL, &none), 1);
    WANT(!FD_ISSET(fds[0], &in) && FD_ISSET(fds[1], &out));
    EQ(write(fds[1], "x", 1), 1);
    FD_SET(fds[0], &in);
    EQ(select(fds[1] + 1, &in, NULL, NULL, NULL), 1);
    WANT(FD_ISSET(fds[0], &in));
    EQ(close(fds[0]), 0);
    FAILS(select(fds[1] + 1, &in, NULL, NULL, &none), EBADF);
    EQ(close(fds[1]), 0);
    FAILS(select(-1, NULL, NULL, NULL, &none), EINVAL);
}

TEST(an_eventfd_counts)
{
    uint64_t value;
    int fd = eventfd(3, EFD_NONBLOCK);
    struct pollfd set = {fd, POLLIN | POLLOUT, 0};
    EQ(poll(&set, 1, 0), 1);
    EQ(set.revents, POLLIN | POLLOUT);
    EQ(eventfd_write(fd, 4), 0);
    EQ(eventfd_read(fd, &value), 0);
    EQ(value, 7);
    FAILS(eventfd_read(fd, &value), EAGAIN);
    EQ(poll(&set, 1, 0), 1);
    EQ(set.revents, POLLOUT);
    EQ(close(fd), 0);
    fd = eventfd(2, EFD_NONBLOCK | EFD_SEMAPHORE);
    EQ(eventfd_read(fd, &value), 0);
    EQ(value, 1);
    EQ(eventfd_read(fd, &value), 0);
    FAILS(eventfd_read(fd, &value), EAGAIN);
    EQ(close(fd), 0);
}

TEST(a_timer_expires)
{
    uint64_t times = 0;
    struct itimerspec set = {.it_value = {0, 5000000}}, left;
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    struct pollfd wait = {fd, POLLIN, 0};
    FAILS(read(fd, &times, 8), EAGAIN);
    EQ(timerfd_settime(fd, 0, &set, NULL), 0);
    EQ(timerfd_gettime(fd, &left), 0);
    WANT(left.it_value.tv_nsec > 0 && left.it_value.tv_nsec <= 5000000);
    EQ(poll(&wait, 1, -1), 1);
    EQ(read(fd, &times, 8), 8);
    EQ(times, 1);
    FAILS(read(fd, &times, 8), EAGAIN);
    set.it_interval.tv_nsec = 2000000;
    EQ(timerfd_settime(fd, 0, &set, NULL), 0);
    struct timespec sleep = {0, 20000000};
    nanosleep(&sleep, NULL);
    EQ(read(fd, &times, 8), 8);
    WANT(times >= 8);
    memset(&set, 0, sizeof(set));
    EQ(timerfd_settime(fd, 0, &set, NULL), 0);
    EQ(poll(&wait, 1, 10), 0);
    EQ(close(fd), 0);
}

/* A set with one pipe in it. */
static int
set_of(int fds[2], uint32_t events)
{
    int set = epoll_create1(EPOLL_CLOEXEC);
    WANT(set >= 0);
    EQ(pipe2(fds, O_NONBLOCK), 0);
    struct epoll_event event = {.events = events, .data = {.u64 = 42}};
    EQ(epoll_ctl(set, EPOLL_CTL_ADD, fds[0], &event), 0);
    return set;
}

static void
end_of(int set, const int fds[2])
{
    EQ(close(set), 0);
    EQ(close(fds[0]), 0);
    EQ(close(fds[1]), 0);
}

TEST(epoll_by_level_reports_until_it_is_read)
{
    int fds[2], set = set_of(fds, EPOLLIN);
    struct epoll_event got[4];
    char c;
    EQ(epoll_wait(set, got, 4, 0), 0);
    EQ(write(fds[1], "xy", 2), 2);
    for (int i = 0; i < 3; i++) {
        EQ(epoll_wait(set, got, 4, -1), 1);
        EQ(got[0].events, EPOLLIN);
        EQ(got[0].data.u64, 42);
    }
    EQ(read(fds[0], &c, 1), 1);
    EQ(epoll_wait(set, got, 4, 0), 1);
    EQ(read(fds[0], &c, 1), 1);
    EQ(epoll_wait(set, got, 4, 0), 0);
    end_of(set, fds);
}

TEST(epoll_by_edge_reports_each_change_once)
{
    int fds[2], set = set_of(fds, EPOLLIN | EPOLLET);
    struct epoll_event got[4];
    EQ(write(fds[1], "x", 1), 1);
    EQ(epoll_wait(set, got, 4, 0), 1);
    EQ(epoll_wait(set, got, 4, 0), 0);
    EQ(write(fds[1], "y", 1), 1);
    EQ(epoll_wait(set, got, 4, 0), 1);
    EQ(epoll_wait(set, got, 4, 0), 0);
    end_of(set, fds);
}

TEST(epoll_once_is_disabled_until_it_is_armed)
{
    int fds[2], set = set_of(fds, EPOLLIN | EPOLLONESHOT);
    struct epoll_event got[4], event = {.events = EPOLLIN | EPOLLONESHOT};
    EQ(write(fds[1], "x", 1), 1);
    EQ(epoll_wait(set, got, 4, 0), 1);
    EQ(write(fds[1], "x", 1), 1);
    EQ(epoll_wait(set, got, 4, 0), 0);
    EQ(epoll_ctl(set, EPOLL_CTL_MOD, fds[0], &event), 0);
    EQ(epoll_wait(set, got, 4, 0), 1);
    end_of(set, fds);
}

TEST(epoll_serves_everyone_in_turn)
{
    enum { COUNT = 20 };
    int set = epoll_create1(0), fd[COUNT], seen[COUNT] = {0};
    for (int i = 0; i < COUNT; i++) {
        fd[i] = eventfd(1, 0);
        struct epoll_event event = {.events = EPOLLIN, .data = {.fd = i}};
        EQ(epoll_ctl(set, EPOLL_CTL_ADD, fd[i], &event), 0);
    }
    for (int round = 0; round < COUNT; round++) {
        struct epoll_event got[3];
        EQ(epoll_wait(set, got, 3, 0), 3);
        for (int i = 0; i < 3; i++)
            seen[got[i].data.fd]++;
    }
    for (int i = 0; i < COUNT; i++) {
        EQ(seen[i], 3);
        EQ(close(fd[i]), 0);
    }
    EQ(close(set), 0);
}

TEST(what_epoll_cannot_do_it_refuses)
{
    int fds[2], set = set_of(fds, EPOLLIN), other = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN};
    FAILS(epoll_ctl(set, EPOLL_CTL_ADD, fds[0], &event), EEXIST);
    FAILS(epoll_ctl(set, EPOLL_CTL_MOD, fds[1], &event), ENOENT);
    FAILS(epoll_ctl(set, EPOLL_CTL_DEL, fds[1], NULL), ENOENT);
    FAILS(epoll_ctl(set, EPOLL_CTL_ADD, set, &event), EINVAL);
    FAILS(epoll_ctl(set, EPOLL_CTL_ADD, 999, &event), EBADF);
    FAILS(epoll_ctl(fds[0], EPOLL_CTL_ADD, fds[1], &event), EINVAL);
    EQ(epoll_ctl(other, EPOLL_CTL_ADD, set, &event), 0);
    FAILS(epoll_ctl(set, EPOLL_CTL_ADD, other, &event), ELOOP);
    struct epoll_event got[2];
    EQ(epoll_wait(other, got, 2, 0), 0);
    EQ(write(fds[1], "x", 1), 1);
    EQ(epoll_wait(other, got, 2, 0), 1);
    FAILS(epoll_wait(set, got, 0, 0), EINVAL);
    EQ(close(other), 0);
    end_of(set, fds);
}

TEST(a_closed_file_leaves_the_set)
{
    int fds[2], set = set_of(fds, EPOLLIN);
    struct epoll_event got[2];
    EQ(write(fds[1], "x", 1), 1);
    int copy = dup(fds[0]);
    EQ(close(fds[0]), 0);
    EQ(epoll_wait(set, got, 2, 0), 1); // the open file is still there
    EQ(close(copy), 0);
    EQ(epoll_wait(set, got, 2, 0), 0);
    EQ(close(fds[1]), 0);
    EQ(close(set), 0);
}

TEST(epoll_hears_the_end_of_a_pipe)
{
    int fds[2], set = set_of(fds, EPOLLIN);
    struct epoll_event got[2];
    EQ(close(fds[1]), 0);
    EQ(epoll_wait(set, got, 2, -1), 1);
    EQ(got[0].events, EPOLLHUP);
    EQ(close(fds[0]), 0);
    EQ(close(set), 0);
}

TEST(a_timer_wakes_an_epoll)
{
    int set = epoll_create1(0), fd = timerfd_create(CLOCK_MONOTONIC, 0);
    struct itimerspec timer = {.it_value = {0, 3000000}};
    struct epoll_event event = {.events = EPOLLIN}, got;
    uint64_t times;
    EQ(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event), 0);
    EQ(timerfd_settime(fd, 0, &timer, NULL), 0);
    EQ(epoll_wait(set, &got, 1, -1), 1);
    EQ(read(fd, &times, 8), 8);
    EQ(epoll_wait(set, &got, 1, 0), 0);
    EQ(close(fd), 0);
    EQ(close(set), 0);
}
