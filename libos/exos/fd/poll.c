// SPDX-License-Identifier: MIT
/* poll.c: poll() and, by way of it, select(). */
#include "exos/fd/poll.h"

#include <errno.h>

#include "exos/fd/table.h"
#include "exos/vm/core.h"

#define ALWAYS (POLLERR | POLLHUP)

static void
note(struct waiter *waiter, uint32_t events)
{
    (void)waiter, (void)events;
}

/* What is ready; with waiters, one for each descriptor goes into its queue. */
static long
look(struct pollfd *fds, unsigned long count, struct waiter *waiters)
{
    long ready = 0;
    for (unsigned long i = 0; i < count; i++) {
        struct waiter *waiter = waiters ? &waiters[i] : NULL;
        struct file *file = fd_file(fds[i].fd);
        uint32_t events = POLLNVAL;
        fds[i].revents = 0;
        if (fds[i].fd < 0)
            continue;
        if (file)
            events =
                file_ready(file, waiter) & ((uint16_t)fds[i].events | ALWAYS);
        fds[i].revents = (short)events;
        ready += events != 0;
    }
    return ready;
}

static long
await(struct pollfd *fds, unsigned long count, struct waiter *waiters,
      exo_tsc deadline)
{
    for (unsigned long i = 0; i < count; i++)
        waiters[i].wake = note;
    for (;;) {
        long ready = look(fds, count, waiters);
        long error = ready ? 0 : wait_once(deadline);
        for (unsigned long i = 0; i < count; i++)
            waiter_remove(&waiters[i]);
        if (ready)
            return ready;
        if (error == -ETIMEDOUT)
            return look(fds, count, NULL);
        if (error)
            return error;
    }
}

long
poll_await(struct pollfd *fds, unsigned long count, exo_tsc deadline)
{
    if (count > FD_MAX)
        return -EINVAL;
    wait_look();
    long ready = look(fds, count, NULL);
    if (ready || deadline == 0)
        return ready;
    size_t bytes = (count + 1) * sizeof(struct waiter);
    struct waiter *waiters = core_alloc(bytes);
    if (!waiters)
        return -ENOMEM;
    ready = await(fds, count, waiters, deadline);
    core_free(waiters, bytes);
    return ready;
}

static bool
has(const fd_set *set, int fd)
{
    return set && FD_ISSET(fd, set);
}

/* The sets as descriptors of poll(). Result: how many, or -EBADF. */
static long
fill(struct pollfd *fds, int count, const fd_set *in, const fd_set *out,
     const fd_set *other)
{
    long n = 0;
    for (int fd = 0; fd < count; fd++) {
        short events =
            (short)((has(in, fd) ? POLLIN : 0) | (has(out, fd) ? POLLOUT : 0) |
                    (has(other, fd) ? POLLPRI : 0));
        if (!events)
            continue;
        if (!fd_file(fd))
            return -EBADF;
        fds[n++] = (struct pollfd){.fd = fd, .events = events};
    }
    return n;
}

/* Keeps of a set what is ready. Result: how many. */
static long
keep(fd_set *set, const struct pollfd *fds, long count, short asked, int events)
{
    long n = 0;
    if (!set)
        return 0;
    FD_ZERO(set);
    for (long i = 0; i < count; i++)
        if ((fds[i].events & asked) && (fds[i].revents & events)) {
            FD_SET(fds[i].fd, set);
            n++;
        }
    return n;
}

long
select_await(int count, fd_set *in, fd_set *out, fd_set *other,
             exo_tsc deadline)
{
    if (count < 0 || count > FD_SETSIZE)
        return -EINVAL;
    size_t bytes = ((size_t)count + 1) * sizeof(struct pollfd);
    struct pollfd *fds = core_alloc(bytes);
    if (!fds)
        return -ENOMEM;
    long n = fill(fds, count, in, out, other);
    long ready = n < 0 ? n : poll_await(fds, (unsigned long)n, deadline);
    if (ready >= 0)
        ready = keep(in, fds, n, POLLIN, POLLIN | POLLHUP | POLLERR) +
                keep(out, fds, n, POLLOUT, POLLOUT | POLLERR) +
                keep(other, fds, n, POLLPRI, POLLPRI);
    core_free(fds, bytes);
    return ready;
}
