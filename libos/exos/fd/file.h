// SPDX-License-Identifier: MIT
/*
 * file.h: open files, and the table of descriptors that lead to them.
 *
 *   descriptor --> struct file --> operations, and what they work on
 *   (int)          (open file)     (node, pipe, socket, timer ...)
 *
 * An open file has a position, status flags and a count of descriptors that
 * lead to it; dup() gives it one more. Nothing in it belongs to a descriptor,
 * so that a parent and a child can have one open file in common.
 *
 * Whoever adds a kind of file writes its table of operations, makes files with
 * file_new() and hands them to fd_install(). Operations never block: they
 * answer -EAGAIN, and file_wait() sleeps until `ready` says otherwise. All
 * results are >= 0 or a negated errno.
 */
#ifndef EXOS_FD_FILE_H
#define EXOS_FD_FILE_H

#include <sys/stat.h>
#include <sys/uio.h>

#include "exos/fd/wait.h"

struct file;
struct node;
struct item;

struct file_ops {
    /* Moves bytes between a vector of buffers and the file at *at, which they
     * advance. Files without a position ignore it. */
    long (*read)(struct file *file, const struct iovec *to, int count,
                 uint64_t *at);
    long (*write)(struct file *file, const struct iovec *from, int count,
                  uint64_t *at);

    /* What is ready now: POLLIN, POLLOUT, POLLERR, POLLHUP ... With a waiter,
     * also puts it into the queue that is woken when this changes.
     * Null: always readable and writable. */
    uint32_t (*ready)(struct file *file, struct waiter *waiter);

    long (*control)(struct file *file, unsigned long request, void *argument);
    long (*stat)(struct file *file, struct stat *out);

    /* The last descriptor is gone. Frees what belongs to the file. */
    void (*close)(struct file *file);

    bool seekable; // has a position
};

struct file {
    const struct file_ops *ops;
    uint32_t holds;
    int flags; // O_ACCMODE, O_APPEND, O_NONBLOCK, O_DIRECTORY, O_PATH ...
    uint64_t at;
    struct node *node;     // held; null: it has no node
    void *object;          // the kind's own
    struct item *watchers; // items of epoll sets that follow it (epoll.c)
};

/* A new open file, held once. Null: no memory. */
struct file *file_new(const struct file_ops *ops, int flags, void *object);

void file_hold(struct file *file);
void file_release(struct file *file);

/* What is ready, see above. */
uint32_t file_ready(struct file *file, struct waiter *waiter);

/* Sleeps until one of `events`, an error or a hang-up is there.
 * Errors: EINTR; ETIMEDOUT; AGAIN the file is non-blocking. */
long file_wait(struct file *file, uint32_t events, exo_tsc deadline);

/* Reads or writes, waiting if the file blocks. *at: the position. A write goes
 * on until all is written. */
long file_read(struct file *file, const struct iovec *to, int count,
               uint64_t *at);
long file_write(struct file *file, const struct iovec *from, int count,
                uint64_t *at);

#endif
