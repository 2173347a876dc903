// SPDX-License-Identifier: MIT
/* pipe.c: a ring of bytes between two open files. */
#include "exos/fd/pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>

#include "exos/fd/table.h"
#include "exos/fs/node.h"
#include "exos/proc/signal.h"
#include "exos/vm/core.h"
#include "lib/string.h"

#define ATOMIC_BYTES 4096u // PIPE_BUF: not mixed with what others write

struct pipe {
    char *ring;          // PIPE_BYTES, made at the first write
    uint64_t head, tail; // bytes ever written, ever read
    uint32_t readers, writers;
    struct waitq queue;
};

static uint64_t
least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static bool
reads(const struct file *file)
{
    return (file->flags & O_ACCMODE) != O_WRONLY;
}

static bool
writes(const struct file *file)
{
    return (file->flags & O_ACCMODE) != O_RDONLY;
}

/* Moves bytes between the ring and memory, from position `at` on. */
static void
move(const struct pipe *pipe, char *memory, uint64_t at, uint64_t bytes,
     bool out)
{
    for (uint64_t done = 0, n; done < bytes; done += n) {
        uint64_t within = (at + done) % PIPE_BYTES;
        n = least(bytes - done, PIPE_BYTES - within);
        if (out)
            memcpy(memory + done, pipe->ring + within, n);
        else
            memcpy(pipe->ring + within, memory + done, n);
    }
}

static long
pipe_read(struct file *file, const struct iovec *to, int count, uint64_t *at)
{
    struct pipe *pipe = file->object;
    long done = 0;
    (void)at;
    if (pipe->head == pipe->tail)
        return pipe->writers ? -EAGAIN : 0;
    for (int i = 0; i < count && pipe->head != pipe->tail; i++) {
        uint64_t n = least(to[i].iov_len, pipe->head - pipe->tail);
        move(pipe, to[i].iov_base, pipe->tail, n, true);
        pipe->tail += n;
        done += (long)n;
    }
    waitq_wake(&pipe->queue, POLLOUT);
    return done;
}

static long
pipe_write(struct file *file, const struct iovec *from, int count, uint64_t *at)
{
    struct pipe *pipe = file->object;
    uint64_t want = 0, room = PIPE_BYTES - (pipe->head - pipe->tail);
    long done = 0;
    (void)at;
    for (int i = 0; i < count; i++)
        want += from[i].iov_len;
    if (!pipe->readers) {
        signal_raise(SIGPIPE);
        return -EPIPE;
    }
    if (want && (!room || (want <= ATOMIC_BYTES && room < want)))
        return -EAGAIN;
    if (want && !pipe->ring && !(pipe->ring = core_alloc(PIPE_BYTES)))
        return -ENOMEM;
    for (int i = 0; i < count && room; i++) {
        uint64_t n = least(from[i].iov_len, room);
        move(pipe, from[i].iov_base, pipe->head, n, false);
        pipe->head += n;
        room -= n;
        done += (long)n;
    }
    waitq_wake(&pipe->queue, POLLIN);
    return done;
}

static uint32_t
pipe_ready(struct file *file, struct waiter *waiter)
{
    struct pipe *pipe = file->object;
    uint32_t events = 0;
    if (waiter)
        waiter_add(&pipe->queue, waiter);
    if (reads(file) && pipe->head != pipe->tail)
        events |= POLLIN | POLLRDNORM;
    if (reads(file) && !pipe->writers)
        events |= POLLHUP;
    if (writes(file) && PIPE_BYTES - (pipe->head - pipe->tail) >= ATOMIC_BYTES)
        events |= POLLOUT | POLLWRNORM;
    if (writes(file) && !pipe->readers)
        events |= POLLERR;
    return events;
}

static long
pipe_control(struct file *file, unsigned long request, void *argument)
{
    const struct pipe *pipe = file->object;
    if (request != FIONREAD)
        return -ENOTTY;
    *(int *)argument = (int)(pipe->head - pipe->tail);
    return 0;
}

static long
pipe_stat(struct file *file, struct stat *out)
{
    if (file->node) {
        node_stat(file->node, out);
        return 0;
    }
    *out = (struct stat){
        .st_mode = S_IFIFO | 0600, .st_nlink = 1, .st_blksize = ATOMIC_BYTES};
    return 0;
}

static void
pipe_close(struct file *file)
{
    struct pipe *pipe = file->object;
    pipe->readers -= reads(file);
    pipe->writers -= writes(file);
    waitq_wake(&pipe->queue, POLLHUP | POLLERR);
    if (pipe->readers || pipe->writers)
        return;
    if (file->node)
        file->node->pipe = NULL;
    if (pipe->ring)
        core_free(pipe->ring, PIPE_BYTES);
    core_free(pipe, sizeof(*pipe));
}

static const struct file_ops pipe_ops = {.read = pipe_read,
                                         .write = pipe_write,
                                         .ready = pipe_ready,
                                         .control = pipe_control,
                                         .stat = pipe_stat,
                                         .close = pipe_close};

/* An end of a pipe. Null: no memory. */
static struct file *
open_end(struct pipe *pipe, int flags)
{
    struct file *file = file_new(&pipe_ops, flags & ~O_CLOEXEC, pipe);
    if (!file)
        return NULL;
    pipe->readers += reads(file);
    pipe->writers += writes(file);
    return file;
}

long
pipe_make(int fds[2], int flags)
{
    int cloexec = flags & O_CLOEXEC ? FD_CLOEXEC : 0;
    if (flags & ~(O_CLOEXEC | O_NONBLOCK))
        return -EINVAL;
    struct pipe *pipe = core_alloc(sizeof(*pipe));
    struct file *in = pipe ? open_end(pipe, flags | O_RDONLY) : NULL;
    if (!in) {
        core_free(pipe, sizeof(*pipe));
        return -ENOMEM;
    }
    struct file *out = open_end(pipe, flags | O_WRONLY);
    if (!out) {
        file_release(in);
        return -ENOMEM;
    }
    long first = fd_install(in, 0, cloexec);
    if (first < 0) {
        file_release(out);
        return first;
    }
    long second = fd_install(out, 0, cloexec);
    if (second < 0) {
        fd_close((int)first);
        return second;
    }
    fds[0] = (int)first;
    fds[1] = (int)second;
    return 0;
}

/* Sleeps until somebody has the other end open. */
static long
await_peer(struct file *file)
{
    const struct pipe *pipe = file->object;
    while (reads(file) ? !pipe->writers : !pipe->readers) {
        long error = wait_once(EXO_NEVER);
        if (error)
            return error;
    }
    return 0;
}

long
pipe_open_node(struct node *node, int flags)
{
    bool both = (flags & O_ACCMODE) == O_RDWR;
    if (!node->pipe && !(node->pipe = core_alloc(sizeof(struct pipe))))
        return -ENOMEM;
    struct pipe *pipe = node->pipe;
    bool lonely = (flags & O_ACCMODE) == O_WRONLY && !pipe->readers;
    struct file *file = lonely && (flags & O_NONBLOCK)
                            ? NULL
                            : open_end(pipe, flags & ~(O_CREAT | O_EXCL));
    if (!file) {
        if (!pipe->readers && !pipe->writers) {
            core_free(pipe, sizeof(*pipe));
            node->pipe = NULL;
        }
        return lonely ? -ENXIO : -ENOMEM;
    }
    node_hold(node);
    file->node = node;
    waitq_wake(&pipe->queue, POLLOUT);
    long error = both || (flags & O_NONBLOCK) ? 0 : await_peer(file);
    if (error) {
        file_release(file);
        return error;
    }
    return fd_install(file, 0, flags & O_CLOEXEC ? FD_CLOEXEC : 0);
}
