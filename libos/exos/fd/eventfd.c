// SPDX-License-Identifier: MIT
/* eventfd.c: a counter to wait for. */
#include "exos/fd/counters.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>

#include "exos/fd/table.h"
#include "exos/vm/core.h"
#include "lib/string.h"

#define MOST (UINT64_MAX - 1)

struct counter {
    uint64_t value;
    bool semaphore;
    struct waitq queue;
};

static long
counter_read(struct file *file, const struct iovec *to, int count, uint64_t *at)
{
    struct counter *counter = file->object;
    (void)at;
    if (count < 1 || to->iov_len < sizeof(uint64_t))
        return -EINVAL;
    if (!counter->value)
        return -EAGAIN;
    uint64_t taken = counter->semaphore ? 1 : counter->value;
    counter->value -= taken;
    memcpy(to->iov_base, &taken, sizeof(taken));
    waitq_wake(&counter->queue, POLLOUT);
    return sizeof(taken);
}

static long
counter_write(struct file *file, const struct iovec *from, int count,
              uint64_t *at)
{
    struct counter *counter = file->object;
    uint64_t add;
    (void)at;
    if (count < 1 || from->iov_len < sizeof(add))
        return -EINVAL;
    memcpy(&add, from->iov_base, sizeof(add));
    if (add > MOST)
        return -EINVAL;
    if (add > MOST - counter->value)
        return -EAGAIN;
    counter->value += add;
    waitq_wake(&counter->queue, POLLIN);
    return sizeof(add);
}

static uint32_t
counter_ready(struct file *file, struct waiter *waiter)
{
    struct counter *counter = file->object;
    if (waiter)
        waiter_add(&counter->queue, waiter);
    return (counter->value ? POLLIN : 0) |
           (counter->value < MOST ? POLLOUT : 0);
}

static void
counter_close(struct file *file)
{
    core_free(file->object, sizeof(struct counter));
}

static long
counter_stat(struct file *file, struct stat *out)
{
    (void)file;
    *out = (struct stat){.st_mode = 0600, .st_nlink = 1, .st_blksize = 4096};
    return 0;
}

static const struct file_ops counter_ops = {.read = counter_read,
                                            .write = counter_write,
                                            .ready = counter_ready,
                                            .stat = counter_stat,
                                            .close = counter_close};

long
eventfd_make(uint64_t value, int flags)
{
    if (flags & ~(EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE))
        return -EINVAL;
    struct counter *counter = core_alloc(sizeof(*counter));
    struct file *file =
        counter ? file_new(&counter_ops, O_RDWR | (flags & O_NONBLOCK), counter)
                : NULL;
    if (!file) {
        core_free(counter, sizeof(*counter));
        return -ENOMEM;
    }
    counter->value = value;
    counter->semaphore = flags & EFD_SEMAPHORE;
    return fd_install(file, 0, flags & O_CLOEXEC ? FD_CLOEXEC : 0);
}
