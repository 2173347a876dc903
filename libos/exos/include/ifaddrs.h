/* SPDX-License-Identifier: MIT */
/* The addresses of this machine. */
#ifndef EXOS_IFADDRS_H
#define EXOS_IFADDRS_H

#include <sys/cdefs.h>
#include <sys/socket.h>

struct ifaddrs {
    struct ifaddrs *ifa_next;
    char *ifa_name;
    unsigned ifa_flags; /* IFF_ */
    struct sockaddr *ifa_addr;
    struct sockaddr *ifa_netmask;
    struct sockaddr *ifa_broadaddr; /* or the other end's */
    void *ifa_data;
};

#define ifa_dstaddr ifa_broadaddr

__BEGIN_DECLS
void freeifaddrs(struct ifaddrs *);
int getifaddrs(struct ifaddrs **);
__END_DECLS

#endif
