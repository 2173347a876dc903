// SPDX-License-Identifier: MIT
/* file.c: open files, whatever their kind. */
#include "exos/fd/file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>

#include "exos/fd/epoll.h"
#include "exos/fs/node.h"
#include "exos/vm/core.h"

#define VECTORS_MAX 16

struct file *
file_new(const struct file_ops *ops, int flags, void *object)
{
    struct file *file = core_alloc(sizeof(*file));
    if (file)
        *file = (struct file){
            .ops = ops, .holds = 1, .flags = flags, .object = object};
    return file;
}

void
file_hold(struct file *file)
{
    file->holds++;
}

void
file_release(struct file *file)
{
    if (--file->holds)
        return;
    epoll_forget(file);
    if (file->ops->close)
        file->ops->close(file);
    if (file->node)
        node_release(file->node);
    core_free(file, sizeof(*file));
}

uint32_t
file_ready(struct file *file, struct waiter *waiter)
{
    if (!file->ops->ready)
        return POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;
    return file->ops->ready(file, waiter);
}

/* Being woken is enough: who waits looks again. */
static void
note(struct waiter *waiter, uint32_t events)
{
    (void)waiter, (void)events;
}

long
file_wait(struct file *file, uint32_t events, exo_tsc deadline)
{
    struct waiter waiter = {.wake = note};
    long error = 0;
    if (file->flags & O_NONBLOCK)
        return -EAGAIN;
    file_hold(file);
    while (!(file_ready(file, &waiter) & (events | POLLERR | POLLHUP))) {
        error = wait_once(deadline);
        waiter_remove(&waiter);
        if (error)
            break;
    }
    waiter_remove(&waiter);
    file_release(file);
    return error;
}

long
file_read(struct file *file, const struct iovec *to, int count, uint64_t *at)
{
    for (;;) {
        long got = file->ops->read(file, to, count, at);
        if (got != -EAGAIN)
            return got;
        long error = file_wait(file, POLLIN, EXO_NEVER);
        if (error)
            return error;
    }
}

/* The part of a vector behind its first `done` bytes, at most VECTORS_MAX
 * buffers of it. */
static int
rest_of(const struct iovec *from, int count, size_t done,
        struct iovec rest[VECTORS_MAX])
{
    int n = 0;
    for (int i = 0; i < count && n < VECTORS_MAX; i++) {
        if (done >= from[i].iov_len) {
            done -= from[i].iov_len;
            continue;
        }
        rest[n++] = (struct iovec){(char *)from[i].iov_base + done,
                                   from[i].iov_len - done};
        done = 0;
    }
    return n;
}

/* What a write gets done: all, unless the file does not block, an error comes
 * in between, or a signal. */
long
file_write(struct file *file, const struct iovec *from, int count, uint64_t *at)
{
    struct iovec rest[VECTORS_MAX];
    size_t done = 0;
    int n = count;
    const struct iovec *next = from;
    for (;;) {
        long put = file->ops->write(file, next, n, at);
        if (put == -EAGAIN)
            put = file_wait(file, POLLOUT, EXO_NEVER);
        else if (put > 0)
            done += (size_t)put;
        if (put < 0)
            return done ? (long)done : put;
        n = rest_of(from, count, done, rest);
        next = rest;
        if (n == 0)
            return (long)done;
        if (put > 0 && (file->flags & O_NONBLOCK))
            return (long)done;
        if (put == 0 && file->ops->seekable)
            return (long)done;
    }
}
