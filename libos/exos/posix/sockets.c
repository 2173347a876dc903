// SPDX-License-Identifier: MIT
/* sockets.c: <sys/socket.h>. */
#include <errno.h>
#include <sys/socket.h>
#include <time.h>

#include "exos/net/socket.h"
#include "exos/posix/result.h"

int
socket(int family, int type, int protocol)
{
    return int_result(socket_make(family, type, protocol));
}

int
bind(int fd, const struct sockaddr *address, socklen_t bytes)
{
    return int_result(socket_bind(fd, address, bytes));
}

int
listen(int fd, int backlog)
{
    return int_result(socket_listen(fd, backlog));
}

int
accept(int fd, struct sockaddr *restrict from, socklen_t *restrict bytes)
{
    return int_result(socket_accept(fd, from, bytes, 0));
}

int
accept4(int fd, struct sockaddr *restrict from, socklen_t *restrict bytes,
        int flags)
{
    return int_result(socket_accept(fd, from, bytes, flags));
}

int
connect(int fd, const struct sockaddr *to, socklen_t bytes)
{
    return int_result(socket_connect(fd, to, bytes));
}

ssize_t
sendmsg(int fd, const struct msghdr *message, int flags)
{
    return result(socket_send(fd, message, flags));
}

ssize_t
sendto(int fd, const void *from, size_t bytes, int flags,
       const struct sockaddr *to, socklen_t to_bytes)
{
    struct iovec part = {(void *)(uintptr_t)from, bytes};
    struct msghdr message = {.msg_name = (void *)(uintptr_t)to,
                             .msg_namelen = to_bytes,
                             .msg_iov = &part,
                             .msg_iovlen = 1};
    return result(socket_send(fd, &message, flags));
}

ssize_t
send(int fd, const void *from, size_t bytes, int flags)
{
    return sendto(fd, from, bytes, flags, NULL, 0);
}

ssize_t
recvmsg(int fd, struct msghdr *message, int flags)
{
    return result(socket_receive(fd, message, flags));
}

ssize_t
recvfrom(int fd, void *restrict to, size_t bytes, int flags,
         struct sockaddr *restrict from, socklen_t *restrict from_bytes)
{
    struct iovec part = {to, bytes};
    struct msghdr message = {.msg_name = from_bytes ? from : NULL,
                             .msg_namelen = from_bytes ? *from_bytes : 0,
                             .msg_iov = &part,
                             .msg_iovlen = 1};
    ssize_t got = result(socket_receive(fd, &message, flags));
    if (from_bytes && got >= 0)
        *from_bytes = message.msg_namelen;
    return got;
}

ssize_t
recv(int fd, void *to, size_t bytes, int flags)
{
    return recvfrom(fd, to, bytes, flags, NULL, NULL);
}

/* Several messages: as many as go without an error. */
int
sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
    unsigned n;
    for (n = 0; n < count; n++) {
        ssize_t sent = sendmsg(fd, &messages[n].msg_hdr, flags);
        if (sent < 0)
            break;
        messages[n].msg_len = (unsigned)sent;
    }
    return n || !count ? (int)n : -1;
}

int
recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags,
         struct timespec *timeout)
{
    unsigned n;
    if (timeout) {
        errno = ENOSYS; // Linux' own is broken; SO_RCVTIMEO is not
        return -1;
    }
    for (n = 0; n < count; n++) {
        ssize_t got = recvmsg(fd, &messages[n].msg_hdr, flags);
        if (got < 0)
            break;
        messages[n].msg_len = (unsigned)got;
        if (flags & MSG_WAITFORONE)
            flags |= MSG_DONTWAIT;
    }
    return n || !count ? (int)n : -1;
}

int
shutdown(int fd, int how)
{
    return int_result(socket_shutdown(fd, how));
}

int
getsockname(int fd, struct sockaddr *restrict to, socklen_t *restrict bytes)
{
    return int_result(socket_name(fd, to, bytes));
}

int
getpeername(int fd, struct sockaddr *restrict to, socklen_t *restrict bytes)
{
    return int_result(socket_peer(fd, to, bytes));
}

int
getsockopt(int fd, int level, int option, void *restrict value,
           socklen_t *restrict bytes)
{
    return int_result(socket_get(fd, level, option, value, bytes));
}

int
setsockopt(int fd, int level, int option, const void *value, socklen_t bytes)
{
    return int_result(socket_set(fd, level, option, value, bytes));
}
