// SPDX-License-Identifier: MIT
/* waiting.c: <poll.h>, <sys/select.h>, <sys/epoll.h>, <sys/eventfd.h>,
 * <sys/timerfd.h>. */
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "exos/fd/counters.h"
#include "exos/fd/epoll.h"
#include "exos/fd/poll.h"
#include "exos/posix/result.h"
#include "exos/proc/signal.h"
#include "exos/time/clock.h"

/* A time-out in ms; negative: none. */
static exo_tsc
deadline_ms(int ms)
{
    if (ms < 0)
        return EXO_NEVER;
    return ms ? clock_after((uint64_t)ms * CLOCK_MS) : 0;
}

int
poll(struct pollfd *fds, nfds_t count, int ms)
{
    return int_result(poll_await(fds, count, deadline_ms(ms)));
}

/* Exchanges the signal mask around a wait. */
static void
swap_mask(const sigset_t *mask, sigset_t *old)
{
    if (mask)
        signal_mask(SIG_SETMASK, mask, old);
}

int
ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout,
      const sigset_t *mask)
{
    exo_tsc deadline;
    sigset_t old;
    if (!deadline_of(timeout, &deadline))
        return int_result(-EINVAL);
    swap_mask(mask, &old);
    long ready = poll_await(fds, count, deadline);
    swap_mask(mask ? &old : NULL, NULL);
    return int_result(ready);
}

int
pselect(int count, fd_set *restrict in, fd_set *restrict out,
        fd_set *restrict other, const struct timespec *restrict timeout,
        const sigset_t *restrict mask)
{
    exo_tsc deadline;
    sigset_t old;
    if (!deadline_of(timeout, &deadline))
        return int_result(-EINVAL);
    swap_mask(mask, &old);
    long ready = select_await(count, in, out, other, deadline);
    swap_mask(mask ? &old : NULL, NULL);
    return int_result(ready);
}

int
select(int count, fd_set *restrict in, fd_set *restrict out,
       fd_set *restrict other, struct timeval *restrict timeout)
{
    struct timespec ns;
    if (timeout)
        ns = (struct timespec){timeout->tv_sec, timeout->tv_usec * 1000};
    return pselect(count, in, out, other, timeout ? &ns : NULL, NULL);
}

int
epoll_create1(int flags)
{
    return int_result(epoll_make(flags));
}

int
epoll_create(int size)
{
    return int_result(size > 0 ? epoll_make(0) : -EINVAL);
}

int
epoll_ctl(int fd, int op, int target, struct epoll_event *event)
{
    return int_result(epoll_change(fd, op, target, event));
}

int
epoll_wait(int fd, struct epoll_event *events, int most, int ms)
{
    return int_result(epoll_await(fd, events, most, deadline_ms(ms)));
}

int
epoll_pwait(int fd, struct epoll_event *events, int most, int ms,
            const sigset_t *mask)
{
    sigset_t old;
    swap_mask(mask, &old);
    long ready = epoll_await(fd, events, most, deadline_ms(ms));
    swap_mask(mask ? &old : NULL, NULL);
    return int_result(ready);
}

int
eventfd(unsigned value, int flags)
{
    return int_result(eventfd_make(value, flags));
}

int
eventfd_read(int fd, eventfd_t *value)
{
    return read(fd, value, sizeof(*value)) == sizeof(*value) ? 0 : -1;
}

int
eventfd_write(int fd, eventfd_t value)
{
    return write(fd, &value, sizeof(value)) == sizeof(value) ? 0 : -1;
}

int
timerfd_create(int clock, int flags)
{
    return int_result(timerfd_make(clock, flags));
}

int
timerfd_settime(int fd, int flags, const struct itimerspec *set,
                struct itimerspec *old)
{
    return int_result(timerfd_set(fd, flags, set, old));
}

int
timerfd_gettime(int fd, struct itimerspec *out)
{
    return int_result(timerfd_get(fd, out));
}
