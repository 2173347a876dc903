// SPDX-License-Identifier: MIT
/* timerfd.c: a timer as a descriptor: readable when it has expired. */
#include "exos/fd/counters.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/timerfd.h>

#include "exos/fd/table.h"
#include "exos/time/clock.h"
#include "exos/vm/core.h"
#include "lib/string.h"

struct timer {
    struct alarm alarm; // first
    int clock;
    uint64_t next, every; // ns of the clock; next 0: not armed; every 0: once
    uint64_t expired;     // times since it was last read
    struct waitq queue;
};

static void
arm(struct timer *timer)
{
    if (timer->next)
        alarm_set(&timer->alarm, clock_deadline(timer->clock, timer->next));
    else
        alarm_clear(&timer->alarm);
}

/* Time has come: counts all expiries that lie behind, sets the next. */
static void
ring(struct alarm *alarm)
{
    struct timer *timer = (struct timer *)alarm;
    uint64_t now = clock_now(timer->clock), times = 1;
    if (now < timer->next) { // the wall clock was set back, or rounding
        arm(timer);
        return;
    }
    if (timer->every)
        times += (now - timer->next) / timer->every;
    timer->next = timer->every ? timer->next + times * timer->every : 0;
    timer->expired += times;
    arm(timer);
    waitq_wake(&timer->queue, POLLIN);
}

static long
timer_read(struct file *file, const struct iovec *to, int count, uint64_t *at)
{
    struct timer *timer = file->object;
    (void)at;
    if (count < 1 || to->iov_len < sizeof(uint64_t))
        return -EINVAL;
    wait_look();
    if (!timer->expired)
        return -EAGAIN;
    memcpy(to->iov_base, &timer->expired, sizeof(uint64_t));
    timer->expired = 0;
    return sizeof(uint64_t);
}

static uint32_t
timer_ready(struct file *file, struct waiter *waiter)
{
    struct timer *timer = file->object;
    if (waiter)
        waiter_add(&timer->queue, waiter);
    return timer->expired ? POLLIN : 0;
}

static void
timer_close(struct file *file)
{
    struct timer *timer = file->object;
    alarm_clear(&timer->alarm);
    core_free(timer, sizeof(*timer));
}

static long
timer_stat(struct file *file, struct stat *out)
{
    (void)file;
    *out = (struct stat){.st_mode = 0600, .st_nlink = 1, .st_blksize = 4096};
    return 0;
}

static const struct file_ops timer_ops = {.read = timer_read,
                                          .ready = timer_ready,
                                          .stat = timer_stat,
                                          .close = timer_close};

long
timerfd_make(int clock, int flags)
{
    if ((flags & ~(TFD_CLOEXEC | TFD_NONBLOCK)) ||
        (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC &&
         clock != CLOCK_BOOTTIME))
        return -EINVAL;
    struct timer *timer = core_alloc(sizeof(*timer));
    struct file *file =
        timer ? file_new(&timer_ops, O_RDWR | (flags & O_NONBLOCK), timer)
              : NULL;
    if (!file) {
        core_free(timer, sizeof(*timer));
        return -ENOMEM;
    }
    timer->alarm.ring = ring;
    timer->clock = clock;
    return fd_install(file, 0, flags & O_CLOEXEC ? FD_CLOEXEC : 0);
}

static long
find(int fd, struct timer **timer)
{
    const struct file *file = fd_file(fd);
    if (!file)
        return -EBADF;
    *timer = file->object;
    return file->ops == &timer_ops ? 0 : -EINVAL;
}

static void
tell(const struct timer *timer, struct itimerspec *out)
{
    uint64_t now = clock_now(timer->clock), left = 0;
    if (timer->next)
        left = timer->next > now ? timer->next - now : 1;
    out->it_value = timespec_of(left);
    out->it_interval = timespec_of(timer->every);
}

long
timerfd_get(int fd, struct itimerspec *out)
{
    struct timer *timer;
    long error = find(fd, &timer);
    if (!error)
        tell(timer, out);
    return error;
}

long
timerfd_set(int fd, int flags, const struct itimerspec *set,
            struct itimerspec *old)
{
    struct timer *timer;
    uint64_t value, every;
    long error = find(fd, &timer);
    if (error)
        return error;
    if ((flags & ~TFD_TIMER_ABSTIME) || !ns_of(&set->it_value, &value) ||
        !ns_of(&set->it_interval, &every))
        return -EINVAL;
    if (old)
        tell(timer, old);
    timer->expired = 0;
    timer->every = every;
    timer->next = value;
    if (value && !(flags & TFD_TIMER_ABSTIME))
        timer->next += clock_now(timer->clock);
    arm(timer);
    return 0;
}
