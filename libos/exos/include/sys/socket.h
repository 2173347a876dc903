/* SPDX-License-Identifier: MIT */
/* Sockets, with Linux's numbers and layouts. No address has a length in it. */
#ifndef EXOS_SYS_SOCKET_H
#define EXOS_SYS_SOCKET_H

#include <sys/cdefs.h>
#include <sys/types.h>
#include <sys/uio.h>

#ifndef _SA_FAMILY_T_DECLARED
#define _SA_FAMILY_T_DECLARED
typedef __sa_family_t sa_family_t;
#endif
#ifndef _SOCKLEN_T_DECLARED
#define _SOCKLEN_T_DECLARED
typedef __socklen_t socklen_t;
#endif

struct sockaddr {
    sa_family_t sa_family;
    char sa_data[14];
};

struct sockaddr_storage {
    sa_family_t ss_family;
    char __padding[118];
    unsigned long __align;
};

struct msghdr {
    void *msg_name;
    socklen_t msg_namelen;
    struct iovec *msg_iov;
    size_t msg_iovlen;
    void *msg_control;
    size_t msg_controllen;
    int msg_flags;
};

#if __GNU_VISIBLE
struct mmsghdr {
    struct msghdr msg_hdr;
    unsigned msg_len;
};
#endif

struct cmsghdr {
    size_t cmsg_len; /* with this header */
    int cmsg_level;
    int cmsg_type;
};

#define __CMSG_ALIGN(n) (((n) + sizeof(size_t) - 1) & ~(sizeof(size_t) - 1))
#define __CMSG_ROOM(msg, cmsg)                                                 \
    ((size_t)((char *)(msg)->msg_control + (msg)->msg_controllen -             \
              (char *)(cmsg)))
#define CMSG_DATA(cmsg) ((unsigned char *)((struct cmsghdr *)(cmsg) + 1))
#define CMSG_SPACE(n)   (sizeof(struct cmsghdr) + __CMSG_ALIGN(n))
#define CMSG_LEN(n)     (sizeof(struct cmsghdr) + (n))
#define CMSG_FIRSTHDR(msg)                                                     \
    ((msg)->msg_controllen >= sizeof(struct cmsghdr)                           \
         ? (struct cmsghdr *)(msg)->msg_control                                \
         : (struct cmsghdr *)0)
#define CMSG_NXTHDR(msg, cmsg)                                                 \
    ((cmsg)->cmsg_len < sizeof(struct cmsghdr) ||                              \
             __CMSG_ALIGN((cmsg)->cmsg_len) + sizeof(struct cmsghdr) >         \
                 __CMSG_ROOM(msg, cmsg)                                        \
         ? (struct cmsghdr *)0                                                 \
         : (struct cmsghdr *)((char *)(cmsg) +                                 \
                              __CMSG_ALIGN((cmsg)->cmsg_len)))

struct linger {
    int l_onoff;
    int l_linger; /* seconds */
};

struct ucred {
    pid_t pid;
    uid_t uid;
    gid_t gid;
};

#define SOCK_STREAM    1
#define SOCK_DGRAM     2
#define SOCK_RAW       3
#define SOCK_RDM       4
#define SOCK_SEQPACKET 5
#define SOCK_NONBLOCK  04000
#define SOCK_CLOEXEC   02000000

#define AF_UNSPEC 0
#define AF_LOCAL  1
#define AF_UNIX   1
#define AF_INET   2
#define AF_INET6  10
#define AF_PACKET 17
#define PF_UNSPEC AF_UNSPEC
#define PF_LOCAL  AF_LOCAL
#define PF_UNIX   AF_UNIX
#define PF_INET   AF_INET
#define PF_INET6  AF_INET6
#define PF_PACKET AF_PACKET

#define SOL_SOCKET      1
#define SO_DEBUG        1
#define SO_REUSEADDR    2
#define SO_TYPE         3
#define SO_ERROR        4
#define SO_DONTROUTE    5
#define SO_BROADCAST    6
#define SO_SNDBUF       7
#define SO_RCVBUF       8
#define SO_KEEPALIVE    9
#define SO_OOBINLINE    10
#define SO_PRIORITY     12
#define SO_LINGER       13
#define SO_REUSEPORT    15
#define SO_PASSCRED     16
#define SO_PEERCRED     17
#define SO_RCVLOWAT     18
#define SO_SNDLOWAT     19
#define SO_RCVTIMEO     20
#define SO_SNDTIMEO     21
#define SO_BINDTODEVICE 25
#define SO_TIMESTAMP    29
#define SO_ACCEPTCONN   30
#define SO_PROTOCOL     38
#define SO_DOMAIN       39
#define SCM_RIGHTS      1
#define SCM_CREDENTIALS 2

#define MSG_OOB          1
#define MSG_PEEK         2
#define MSG_DONTROUTE    4
#define MSG_CTRUNC       8
#define MSG_TRUNC        0x20
#define MSG_DONTWAIT     0x40
#define MSG_EOR          0x80
#define MSG_WAITALL      0x100
#define MSG_NOSIGNAL     0x4000
#define MSG_MORE         0x8000
#define MSG_WAITFORONE   0x10000
#define MSG_CMSG_CLOEXEC 0x40000000

#define SHUT_RD   0
#define SHUT_WR   1
#define SHUT_RDWR 2
#define SOMAXCONN 4096

__BEGIN_DECLS
int accept(int, struct sockaddr *__restrict, socklen_t *__restrict);
int bind(int, const struct sockaddr *, socklen_t);
int connect(int, const struct sockaddr *, socklen_t);
int getpeername(int, struct sockaddr *__restrict, socklen_t *__restrict);
int getsockname(int, struct sockaddr *__restrict, socklen_t *__restrict);
int getsockopt(int, int, int, void *__restrict, socklen_t *__restrict);
int listen(int, int);
ssize_t recv(int, void *, size_t, int);
ssize_t recvfrom(int, void *__restrict, size_t, int,
                 struct sockaddr *__restrict, socklen_t *__restrict);
ssize_t recvmsg(int, struct msghdr *, int);
ssize_t send(int, const void *, size_t, int);
ssize_t sendmsg(int, const struct msghdr *, int);
ssize_t sendto(int, const void *, size_t, int, const struct sockaddr *,
               socklen_t);
int setsockopt(int, int, int, const void *, socklen_t);
int shutdown(int, int);
int sockatmark(int);
int socket(int, int, int);
int socketpair(int, int, int, int[2]);
#if __GNU_VISIBLE
struct timespec;
int accept4(int, struct sockaddr *__restrict, socklen_t *__restrict, int);
int recvmmsg(int, struct mmsghdr *, unsigned, int, struct timespec *);
int sendmmsg(int, struct mmsghdr *, unsigned, int);
#endif
__END_DECLS

#endif
