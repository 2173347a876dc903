// SPDX-License-Identifier: MIT
/*
 * socket.h: sockets as open files. The POSIX calls of <sys/socket.h>, by
 * descriptor: results are >= 0 or a negated errno. What cannot be done at once
 * waits, unless the file or MSG_DONTWAIT says not to.
 */
#ifndef EXOS_NET_SOCKET_H
#define EXOS_NET_SOCKET_H

#include <sys/socket.h>

long socket_make(int family, int type, int protocol);
long socket_bind(int fd, const struct sockaddr *address, socklen_t bytes);
long socket_listen(int fd, int backlog);
long socket_accept(int fd, struct sockaddr *from, socklen_t *bytes, int flags);
long socket_connect(int fd, const struct sockaddr *to, socklen_t bytes);
long socket_send(int fd, const struct msghdr *message, int flags);
long socket_receive(int fd, struct msghdr *message, int flags);
long socket_shutdown(int fd, int how);
long socket_name(int fd, struct sockaddr *to, socklen_t *bytes);
long socket_peer(int fd, struct sockaddr *to, socklen_t *bytes);
long socket_get(int fd, int level, int option, void *value, socklen_t *bytes);
long socket_set(int fd, int level, int option, const void *value,
                socklen_t bytes);

#endif
