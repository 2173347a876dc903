// SPDX-License-Identifier: MIT
/* Sockets as open files: see socket.h. */
#include "exos/net/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "exos/fd/file.h"
#include "exos/fd/table.h"
#include "exos/net/sock.h"
#include "exos/net/stack.h"
#include "exos/proc/signal.h"
#include "exos/vm/core.h"

struct socket {
    struct sock *sock;
    struct waitq queue; // who waits for a change
};

static const struct file_ops socket_ops;

void
sock_changed(struct sock *s)
{
    struct socket *socket = s->owner;
    if (socket)
        waitq_wake(&socket->queue, (uint32_t)sock_poll(s));
}

/* The socket of a descriptor. Errors: EBADF, ENOTSOCK. */
static long
find(int fd, struct file **file, struct sock **sock)
{
    *file = fd_file(fd);
    if (!*file)
        return -EBADF;
    if ((*file)->ops != &socket_ops)
        return -ENOTSOCK;
    *sock = ((struct socket *)(*file)->object)->sock;
    return 0;
}

/* Waiting ---------------------------------------------------------------------
 */

static exo_tsc
deadline_of(uint64_t ns)
{
    return ns ? clock_after(ns) : EXO_NEVER;
}

/* Sleeps until one of `events`, for one call that answered -EAGAIN. 0: try
 * again. */
static long
wait_for(struct file *file, uint32_t events, int flags, exo_tsc deadline)
{
    if (flags & MSG_DONTWAIT)
        return -EAGAIN;
    long error = file_wait(file, events, deadline);
    return error == -ETIMEDOUT ? -EAGAIN : error;
}

/* One attempt to send, on the wire at once. Who sends into a stream that is
 * closed gets a signal, too. */
static ssize_t
try_send(struct sock *s, const struct iovec *iov, int count, int flags,
         const struct msghdr *m)
{
    ssize_t sent = sock_send(s, iov, count, flags, m ? m->msg_name : NULL,
                             m ? m->msg_namelen : 0);
    if (!(flags & MSG_MORE) || sent == -EAGAIN)
        stack_flush();
    if (sent == -EPIPE && s->type == SOCK_STREAM && !(flags & MSG_NOSIGNAL))
        signal_raise(SIGPIPE);
    return sent;
}

/* A stream takes what it has room for; the rest waits for more, unless it may
 * not wait. */
static long
send_stream(struct file *file, struct sock *s, const struct msghdr *m,
            int flags)
{
    exo_tsc deadline = deadline_of(s->send_ns);
    int count = (int)m->msg_iovlen;
    long done = 0;
    for (int i = 0; i < count; i++) {
        struct iovec part = m->msg_iov[i];
        while (part.iov_len) {
            int more = i + 1 < count ? MSG_MORE : 0;
            int quiet = done ? MSG_NOSIGNAL : 0; // the next call will tell
            ssize_t sent = try_send(s, &part, 1, flags | more | quiet, NULL);
            if (sent == -EAGAIN)
                sent = wait_for(file, POLLOUT, flags, deadline);
            if (sent < 0)
                return done ? done : sent;
            done += sent;
            part.iov_base = (char *)part.iov_base + sent;
            part.iov_len -= (size_t)sent;
        }
    }
    return done;
}

long
socket_send(int fd, const struct msghdr *m, int flags)
{
    struct file *file;
    struct sock *s;
    long error = find(fd, &file, &s);
    if (error)
        return error;
    if (m->msg_iovlen > IOV_MAX)
        return -EMSGSIZE;
    if (s->type == SOCK_DGRAM)
        return try_send(s, m->msg_iov, (int)m->msg_iovlen, flags,
                        m->msg_name ? m : NULL);
    file_hold(file);
    long done = send_stream(file, s, m, flags);
    file_release(file);
    return done;
}

/* Receiving -------------------------------------------------------------------
 */

/* One attempt; who finds nothing lets the stack run and looks again. */
static ssize_t
try_receive(struct sock *s, struct msghdr *m, int *flags)
{
    int given = *flags;
    ssize_t got;
    for (int attempt = 0; attempt < 2; attempt++) {
        *flags = given;
        got = sock_receive(s, m->msg_iov, (int)m->msg_iovlen, flags,
                           m->msg_name, m->msg_name ? &m->msg_namelen : NULL);
        if (got != -EAGAIN)
            break;
        stack_run();
    }
    return got;
}

static size_t
length_of(const struct msghdr *m)
{
    size_t sum = 0;
    for (size_t i = 0; i < m->msg_iovlen; i++)
        sum += m->msg_iov[i].iov_len;
    return sum;
}

/* Waits for the first bytes; with MSG_WAITALL until all the bytes asked for are
 * there, which is then judged by peeking. */
static long
receive(struct file *file, struct sock *s, struct msghdr *m, int flags)
{
    exo_tsc deadline = deadline_of(s->receive_ns);
    size_t wanted = length_of(m);
    bool all = (flags & MSG_WAITALL) && s->type == SOCK_STREAM &&
               wanted <= SOCK_RECEIVE_MAX;
    for (;;) {
        int out = flags;
        bool enough = !all || s->received >= wanted || s->peer_closed;
        ssize_t got = enough ? try_receive(s, m, &out) : -EAGAIN;
        if (got != -EAGAIN) {
            m->msg_flags = got < 0 ? 0 : out & MSG_TRUNC;
            m->msg_controllen = 0;
            return got;
        }
        size_t before = s->received;
        long error = before && all ? wait_once(deadline)
                                   : wait_for(file, POLLIN, flags, deadline);
        if (error == -ETIMEDOUT)
            all = false; // what there is
        else if (error)
            return error;
    }
}

long
socket_receive(int fd, struct msghdr *m, int flags)
{
    struct file *file;
    struct sock *s;
    long error = find(fd, &file, &s);
    if (error)
        return error;
    if (m->msg_iovlen > IOV_MAX)
        return -EMSGSIZE;
    file_hold(file);
    long got = receive(file, s, m, flags);
    file_release(file);
    return got;
}

/* As a file -------------------------------------------------------------------
 */

static long
read_file(struct file *file, const struct iovec *to, int count, uint64_t *at)
{
    struct socket *socket = file->object;
    struct msghdr m = {.msg_iov = (struct iovec *)(uintptr_t)to,
                       .msg_iovlen = (size_t)count};
    int flags = 0;
    (void)at;
    return try_receive(socket->sock, &m, &flags);
}

static long
write_file(struct file *file, const struct iovec *from, int count, uint64_t *at)
{
    struct socket *socket = file->object;
    (void)at;
    return try_send(socket->sock, from, count, 0, NULL);
}

static uint32_t
ready(struct file *file, struct waiter *waiter)
{
    struct socket *socket = file->object;
    if (waiter)
        waiter_add(&socket->queue, waiter);
    return (uint32_t)sock_poll(socket->sock);
}

static long
control(struct file *file, unsigned long request, void *argument)
{
    const struct socket *socket = file->object;
    if (request != FIONREAD)
        return -ENOTTY;
    *(int *)argument = (int)socket->sock->received;
    return 0;
}

static long
describe(struct file *file, struct stat *out)
{
    (void)file;
    *out = (struct stat){
        .st_mode = S_IFSOCK | 0777, .st_nlink = 1, .st_blksize = 4096};
    return 0;
}

static void
close_file(struct file *file)
{
    struct socket *socket = file->object;
    sock_close(socket->sock);
    stack_flush();
    core_free(socket, sizeof(*socket));
}

static const struct file_ops socket_ops = {.read = read_file,
                                           .write = write_file,
                                           .ready = ready,
                                           .control = control,
                                           .stat = describe,
                                           .close = close_file};

/* Beginnings and ends ---------------------------------------------------------
 */

/* Makes a descriptor for a sock, which is closed if that fails.
 * flags: SOCK_NONBLOCK, SOCK_CLOEXEC. */
static long
install(struct sock *s, int flags)
{
    struct socket *socket = core_alloc(sizeof(*socket));
    struct file *file =
        socket ? file_new(&socket_ops,
                          O_RDWR | (flags & SOCK_NONBLOCK ? O_NONBLOCK : 0),
                          socket)
               : NULL;
    if (!file) {
        core_free(socket, sizeof(*socket));
        sock_close(s);
        return -ENOMEM;
    }
    socket->sock = s;
    s->owner = socket;
    return fd_install(file, 0, flags & SOCK_CLOEXEC ? FD_CLOEXEC : 0);
}

long
socket_make(int family, int type, int protocol)
{
    int flags = type & (SOCK_NONBLOCK | SOCK_CLOEXEC);
    struct sock *s;
    long error =
        family == AF_INET || family == AF_INET6 ? stack_open() : -EAFNOSUPPORT;
    if (!error)
        error = sock_open(family, type & ~flags, protocol, &s);
    return error ? error : install(s, flags);
}

long
socket_bind(int fd, const struct sockaddr *address, socklen_t bytes)
{
    struct file *file;
    struct sock *s;
    long error = find(fd, &file, &s);
    return error ? error : sock_bind(s, address, bytes);
}

long
socket_listen(int fd, int backlog)
{
    struct file *file;
    struct sock *s;
    long error = find(fd, &file, &s);
    return error ? error : sock_listen(s, backlog);
}

long
socket_accept(int fd, struct sockaddr *from, socklen_t *bytes, int flags)
{
    struct file *file;
    struct sock *s, *connection;
    long error = find(fd, &file, &s);
    if (error)
        return error;
    if (flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC))
        return -EINVAL;
    exo_tsc deadline = deadline_of(s->receive_ns);
    while ((error = sock_accept(s, &connection)) == -EAGAIN) {
        stack_run();
        if (s->waiting)
            continue;
        error = wait_for(file, POLLIN, 0, deadline);
        if (error)
            return error;
    }
    if (error)
        return error;
    if (from && bytes)
        sock_peer(connection, from, bytes);
    return install(connection, flags);
}

/* Waits for a connection that was begun. */
static long
await_connection(struct file *file, struct sock *s)
{
    exo_tsc deadline = deadline_of(s->send_ns);
    stack_flush();
    while (s->state == SOCK_CONNECTING) {
        if (file->flags & O_NONBLOCK)
            return -EINPROGRESS;
        long error = file_wait(file, POLLOUT, deadline);
        if (error)
            return error == -ETIMEDOUT ? -EINPROGRESS : error;
    }
    return -sock_error(s);
}

long
socket_connect(int fd, const struct sockaddr *to, socklen_t bytes)
{
    struct file *file;
    struct sock *s;
    long error = find(fd, &file, &s);
    if (!error)
        error = sock_connect(s, to, bytes);
    return error == -EINPROGRESS ? await_connection(file, s) : error;
}

long
socket_shutdown(int fd, int how)
{
    struct file *file;
    struct sock *s;
    long error = find(fd, &file, &s);
    if (!error)
        error = sock_shutdown(s, how);
    stack_flush();
    return error;
}

long
socket_name(int fd, struct sockaddr *to, socklen_t *bytes)
{
    struct file *file;
    struct sock *s;
    long error = find(fd, &file, &s);
    return error ? error : sock_name(s, to, bytes);
}

long
socket_peer(int fd, struct sockaddr *to, socklen_t *bytes)
{
    struct file *file;
    struct sock *s;
    long error = find(fd, &file, &s);
    return error ? error : sock_peer(s, to, bytes);
}

long
socket_get(int fd, int level, int option, void *value, socklen_t *bytes)
{
    struct file *file;
    struct sock *s;
    long error = find(fd, &file, &s);
    return error ? error : sock_get_option(s, level, option, value, bytes);
}

long
socket_set(int fd, int level, int option, const void *value, socklen_t bytes)
{
    struct file *file;
    struct sock *s;
    long error = find(fd, &file, &s);
    if (!error)
        error = sock_set_option(s, level, option, value, bytes);
    stack_flush();
    return error;
}
