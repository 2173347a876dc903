// SPDX-License-Identifier: MIT
/*
 * sock.h: sockets on lwIP's raw interface. Nothing here waits and nothing here
 * is a descriptor: what cannot be done now is -EAGAIN, and whoever wants to
 * wait polls, lets the stack run (stack.h) and tries again. Calls return zero
 * or more for success and a negated errno otherwise, with Linux's meanings.
 *
 *               listen            accept
 *   NEW, bound --------> LISTENING ------> CONNECTED (another sock)
 *        |  connect               handshake done
 *        +--------> CONNECTING -----------------> CONNECTED
 *                       | refused, timed out          | reset, closed
 *                       +-----------> DEAD <----------+
 *
 * A sock belongs to its caller until sock_close(); the connection may live on
 * in lwIP for what is still to be sent.
 *
 * sock.c open, close, poll, names; sock_tcp.c, sock_udp.c the two kinds;
 * sock_option.c; sock_address.c.
 */
#ifndef EXOS_NET_SOCK_H
#define EXOS_NET_SOCK_H

#include <lwip/ip_addr.h>
#include <lwip/pbuf.h>

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

enum sock_state {
    SOCK_NEW, // perhaps bound; a datagram sock may be connected and still NEW
    SOCK_LISTENING,
    SOCK_CONNECTING,
    SOCK_CONNECTED,
    SOCK_DEAD, // its connection is gone
};

/* A datagram that waits to be received. */
struct sock_datagram {
    struct sock_datagram *next;
    struct pbuf *data;
    ip_addr_t from;
    uint16_t port;
};

struct sock {
    int family, type;
    enum sock_state state;
    union {
        struct tcp_pcb *tcp; // NULL once DEAD
        struct udp_pcb *udp;
    };
    int error; // for SO_ERROR and the next call
    bool read_shut, write_shut, peer_closed, bound, connected;
    bool v6_only, corked, linger;
    uint32_t linger_s;
    uint64_t receive_ns, send_ns; // SO_RCVTIMEO, SO_SNDTIMEO; 0: for ever

    /* Received and not read yet: bytes of a stream, of which `offset` of the
     * first pbuf are read, or datagrams. */
    struct pbuf *first, *last;
    uint32_t offset;
    struct sock_datagram *datagram, *datagram_last;
    size_t received; // bytes, in both cases

    /* LISTENING: connections nobody accepted yet, the oldest first. In such a
     * connection `next` is the one behind it. */
    struct sock *waiting, *waiting_last, *next;
    struct sock *listener; // of a connection that waits there

    void *owner; // the user's own
};

#define SOCK_RECEIVE_MAX 131072u // bytes of a stream that surely fit

/* Errors: EAFNOSUPPORT, EPROTONOSUPPORT, EINVAL, ENOMEM. */
int sock_open(int family, int type, int protocol, struct sock **sock);
void sock_close(struct sock *s);

int sock_bind(struct sock *s, const struct sockaddr *address, socklen_t bytes);
int sock_listen(struct sock *s, int backlog);

/* The oldest connection that waits. Errors: EAGAIN, EINVAL, EOPNOTSUPP. */
int sock_accept(struct sock *s, struct sock **connection);

/* EINPROGRESS: poll for POLLOUT, then sock_error() says how it went. */
int sock_connect(struct sock *s, const struct sockaddr *address,
                 socklen_t bytes);

/* Bytes taken, in a stream perhaps fewer than there are. to: NULL, or where a
 * datagram goes. Errors: EAGAIN, EPIPE, ENOTCONN, EMSGSIZE, EDESTADDRREQ ... */
ssize_t sock_send(struct sock *s, const struct iovec *iov, int count, int flags,
                  const struct sockaddr *to, socklen_t to_bytes);

/* Bytes received, 0 at the end of a stream. *flags: MSG_PEEK in, MSG_TRUNC out.
 * from, from_bytes: NULL, or receive the sender's address. Errors: EAGAIN,
 * ENOTCONN, ECONNRESET ... */
ssize_t sock_receive(struct sock *s, const struct iovec *iov, int count,
                     int *flags, struct sockaddr *from, socklen_t *from_bytes);

int sock_shutdown(struct sock *s, int how);

/* What poll() would say of it now. */
short sock_poll(const struct sock *s);

/* Takes the pending error: 0, or an errno. */
int sock_error(struct sock *s);

int sock_name(const struct sock *s, struct sockaddr *to, socklen_t *bytes);
int sock_peer(const struct sock *s, struct sockaddr *to, socklen_t *bytes);

int sock_get_option(struct sock *s, int level, int name, void *value,
                    socklen_t *bytes);
int sock_set_option(struct sock *s, int level, int name, const void *value,
                    socklen_t bytes);

/* Supplied by whoever uses socks: what sock_poll() says of it may be more now.
 * Called from inside the stack, so it must not call back into it. */
void sock_changed(struct sock *s);

/* Between the files of this kind ----------------------------------------- */

/* errno of what lwIP said. */
int sock_errno(err_t error);

/* Reads an address for this sock. Errors: EINVAL, EAFNOSUPPORT. */
int sock_read_address(const struct sock *s, const struct sockaddr *from,
                      socklen_t bytes, ip_addr_t *address, uint16_t *port);

/* Writes one as its family has it, cut to *bytes, which receives the true
 * length. to may be NULL. */
void sock_write_address(const struct sock *s, const ip_addr_t *address,
                        uint16_t port, struct sockaddr *to, socklen_t *bytes);

struct sock *sock_make(int family, int type);
int sock_tcp_open(struct sock *s);
int sock_tcp_bind(struct sock *s, const ip_addr_t *address, uint16_t port);
int sock_tcp_connect(struct sock *s, const ip_addr_t *address, uint16_t port);
ssize_t sock_tcp_send(struct sock *s, const struct iovec *iov, int count,
                      int flags);
ssize_t sock_tcp_receive(struct sock *s, const struct iovec *iov, int count,
                         int flags);
int sock_tcp_shutdown(struct sock *s, int how);
short sock_tcp_poll(const struct sock *s);
void sock_tcp_close(struct sock *s);
void sock_tcp_flush(struct sock *s); // what was corked

int sock_udp_open(struct sock *s);
int sock_udp_connect(struct sock *s, const ip_addr_t *address, uint16_t port);
int sock_udp_disconnect(struct sock *s);
ssize_t sock_udp_send(struct sock *s, const struct iovec *iov, int count,
                      const ip_addr_t *to, uint16_t port);
ssize_t sock_udp_receive(struct sock *s, const struct iovec *iov, int count,
                         int *flags, ip_addr_t *from, uint16_t *port);
void sock_udp_close(struct sock *s);

#endif
