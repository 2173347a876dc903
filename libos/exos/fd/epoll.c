// SPDX-License-Identifier: MIT
/*
 * epoll.c: sets of files to wait for.
 *
 * Each item of a set has a waiter in the queue of its file, for as long as it
 * is in the set. When the file changes, the item goes into the set's list of
 * candidates. epoll_await() takes candidates from the front and asks their
 * files what is ready: nothing, and the item leaves the list; something, and it
 * is reported, and goes to the end of the list again if it is level-triggered.
 * So an edge-triggered item is reported once for each change, and waiting costs
 * what is ready, whatever the size of the set.
 *
 *   EPOLL-1  an item that is ready, and has not been reported since it changed,
 *            is in the list.
 */
#include "exos/fd/epoll.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>

#include "exos/fd/table.h"
#include "exos/vm/core.h"

#define ALWAYS    (EPOLLERR | EPOLLHUP)
#define MODES     (EPOLLET | EPOLLONESHOT | EPOLLEXCLUSIVE | EPOLLWAKEUP)
#define BUCKETS   64u
#define DEPTH_MAX 4 // sets inside sets

struct item {
    struct waiter waiter; // first; in the file's queue
    struct set *set;
    struct file *file;
    int fd;
    uint32_t events; // asked for; without ALWAYS: disabled by ONESHOT
    epoll_data_t data;
    struct item *chain;            // same hash
    struct item *next, **at;       // the set's candidates
    struct item *other, **file_at; // other items that follow the file
};

struct set {
    struct item *bucket[BUCKETS];
    struct item *first, **last; // candidates
    struct waitq queue;         // who waits for the set
};

static struct item **
bucket_of(struct set *set, int fd)
{
    return &set->bucket[(unsigned)fd % BUCKETS];
}

static struct item *
find(struct set *set, int fd, const struct file *file)
{
    struct item *item = *bucket_of(set, fd);
    while (item && (item->fd != fd || item->file != file))
        item = item->chain;
    return item;
}

static void
list_add(struct item *item)
{
    struct set *set = item->set;
    if (item->at)
        return;
    item->next = NULL;
    item->at = set->last;
    *set->last = item;
    set->last = &item->next;
}

static void
list_remove(struct item *item)
{
    if (!item->at)
        return;
    *item->at = item->next;
    if (item->next)
        item->next->at = item->at;
    else
        item->set->last = item->at;
    item->at = NULL;
}

/* The file of an item changed. */
static void
on_change(struct waiter *waiter, uint32_t events)
{
    struct item *item = (struct item *)waiter;
    if (!(item->events & ~(uint32_t)MODES) ||
        !(events & (item->events | ALWAYS)))
        return;
    list_add(item);
    waitq_wake(&item->set->queue, POLLIN);
}

/* What an item has to report. */
static uint32_t
ready_of(const struct item *item)
{
    uint32_t asked = item->events & ~(uint32_t)MODES;
    return asked ? file_ready(item->file, NULL) & (asked | ALWAYS) : 0;
}

static uint32_t
set_ready(struct file *file, struct waiter *waiter)
{
    const struct set *set = file->object;
    if (waiter)
        waiter_add(&((struct set *)file->object)->queue, waiter);
    for (const struct item *item = set->first; item; item = item->next)
        if (ready_of(item))
            return POLLIN;
    return 0;
}

static void
free_item(struct item *item)
{
    struct item **at = bucket_of(item->set, item->fd);
    while (*at != item)
        at = &(*at)->chain;
    *at = item->chain;
    *item->file_at = item->other;
    if (item->other)
        item->other->file_at = item->file_at;
    list_remove(item);
    waiter_remove(&item->waiter);
    core_free(item, sizeof(*item));
}

void
epoll_forget(struct file *file)
{
    while (file->watchers)
        free_item(file->watchers);
}

static void
set_close(struct file *file)
{
    struct set *set = file->object;
    for (unsigned i = 0; i < BUCKETS; i++)
        while (set->bucket[i])
            free_item(set->bucket[i]);
    core_free(set, sizeof(*set));
}

static long
set_stat(struct file *file, struct stat *out)
{
    (void)file;
    *out = (struct stat){.st_mode = 0600, .st_nlink = 1, .st_blksize = 4096};
    return 0;
}

static const struct file_ops set_ops = {
    .ready = set_ready, .stat = set_stat, .close = set_close};

long
epoll_make(int flags)
{
    if (flags & ~EPOLL_CLOEXEC)
        return -EINVAL;
    struct set *set = core_alloc(sizeof(*set));
    struct file *file = set ? file_new(&set_ops, O_RDWR, set) : NULL;
    if (!file) {
        core_free(set, sizeof(*set));
        return -ENOMEM;
    }
    set->last = &set->first;
    return fd_install(file, 0, flags & O_CLOEXEC ? FD_CLOEXEC : 0);
}

static struct set *
set_of(const struct file *file)
{
    return file->ops == &set_ops ? file->object : NULL;
}

/* Would `set` be inside itself, or sets too deep in each other? */
static bool
is_loop(const struct set *set, const struct file *target, int depth)
{
    const struct set *inner = set_of(target);
    if (!inner)
        return false;
    if (inner == set || depth == DEPTH_MAX)
        return true;
    for (unsigned i = 0; i < BUCKETS; i++)
        for (const struct item *m = inner->bucket[i]; m; m = m->chain)
            if (is_loop(set, m->file, depth + 1))
                return true;
    return false;
}

/* Asks the file of an item again, as after a change. */
static void
look_again(struct item *item)
{
    if (!ready_of(item))
        return;
    list_add(item);
    waitq_wake(&item->set->queue, POLLIN);
}

static long
add(struct set *set, int fd, struct file *file, const struct epoll_event *event)
{
    struct item *item = core_alloc(sizeof(*item));
    if (!item)
        return -ENOMEM;
    *item = (struct item){.waiter = {.wake = on_change},
                          .set = set,
                          .file = file,
                          .fd = fd,
                          .events = event->events,
                          .data = event->data,
                          .chain = *bucket_of(set, fd),
                          .other = file->watchers,
                          .file_at = &file->watchers};
    *bucket_of(set, fd) = item;
    if (item->other)
        item->other->file_at = &item->other;
    file->watchers = item;
    file_ready(file, &item->waiter);
    look_again(item);
    return 0;
}

long
epoll_change(int fd, int op, int target, const struct epoll_event *event)
{
    struct file *own = fd_file(fd), *file = fd_file(target);
    if (!own || !file)
        return -EBADF;
    struct set *set = set_of(own);
    if (!set || own == file || (!event && op != EPOLL_CTL_DEL))
        return -EINVAL;
    if (!file->ops->ready)
        return -EPERM; // always ready: nothing to wait for
    struct item *item = find(set, target, file);
    if (op == EPOLL_CTL_ADD && is_loop(set, file, 0))
        return -ELOOP;
    if (op == EPOLL_CTL_ADD)
        return item ? -EEXIST : add(set, target, file, event);
    if (!item)
        return -ENOENT;
    if (op == EPOLL_CTL_DEL) {
        free_item(item);
        return 0;
    }
    if (op != EPOLL_CTL_MOD)
        return -EINVAL;
    item->events = event->events;
    item->data = event->data;
    look_again(item);
    return 0;
}

/* Reports what is ready, each item at most once. Result: how many. */
static int
collect(struct set *set, struct epoll_event *events, int most)
{
    struct item *again = NULL, **end = &again, *item;
    int count = 0;
    while (count < most && (item = set->first) != NULL) {
        uint32_t ready = ready_of(item);
        list_remove(item);
        if (!ready)
            continue;
        events[count++] = (struct epoll_event){ready, item->data};
        if (item->events & EPOLLONESHOT) {
            item->events &= MODES;
        } else if (!(item->events & EPOLLET)) {
            item->next = NULL;
            *end = item;
            end = &item->next;
        }
    }
    while (again) {
        item = again;
        again = item->next;
        list_add(item);
    }
    return count;
}

static void
note(struct waiter *waiter, uint32_t events)
{
    (void)waiter, (void)events;
}

long
epoll_await(int fd, struct epoll_event *events, int most, exo_tsc deadline)
{
    struct file *file = fd_file(fd);
    if (!file)
        return -EBADF;
    struct set *set = set_of(file);
    if (!set || most <= 0)
        return -EINVAL;
    wait_look();
    file_hold(file);
    long count, error = 0;
    while ((count = collect(set, events, most)) == 0 && !error) {
        struct waiter waiter = {.wake = note};
        waiter_add(&set->queue, &waiter);
        error = wait_once(deadline);
        waiter_remove(&waiter);
    }
    file_release(file);
    if (count)
        return count;
    return error == -ETIMEDOUT ? 0 : error;
}
