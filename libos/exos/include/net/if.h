/* SPDX-License-Identifier: MIT */
/* Network interfaces, with Linux's numbers. */
#ifndef EXOS_NET_IF_H
#define EXOS_NET_IF_H

#include <sys/cdefs.h>
#include <sys/socket.h>

#define IF_NAMESIZE 16
#define IFNAMSIZ    IF_NAMESIZE

struct if_nameindex {
    unsigned if_index;
    char *if_name;
};

struct ifreq {
    char ifr_name[IFNAMSIZ];
    union {
        struct sockaddr __address;
        short __flags;
        int __number;
        char __name[IFNAMSIZ];
        char *__data;
    } __u;
};

#define ifr_addr      __u.__address
#define ifr_dstaddr   __u.__address
#define ifr_broadaddr __u.__address
#define ifr_netmask   __u.__address
#define ifr_hwaddr    __u.__address
#define ifr_flags     __u.__flags
#define ifr_metric    __u.__number
#define ifr_mtu       __u.__number
#define ifr_ifindex   __u.__number
#define ifr_data      __u.__data

struct ifconf {
    int ifc_len;
    union {
        char *__buffer;
        struct ifreq *__requests;
    } __u;
};

#define ifc_buf __u.__buffer
#define ifc_req __u.__requests

#define IFF_UP          0x1
#define IFF_BROADCAST   0x2
#define IFF_DEBUG       0x4
#define IFF_LOOPBACK    0x8
#define IFF_POINTOPOINT 0x10
#define IFF_RUNNING     0x40
#define IFF_NOARP       0x80
#define IFF_PROMISC     0x100
#define IFF_ALLMULTI    0x200
#define IFF_MULTICAST   0x1000

__BEGIN_DECLS
void if_freenameindex(struct if_nameindex *);
char *if_indextoname(unsigned, char *);
struct if_nameindex *if_nameindex(void);
unsigned if_nametoindex(const char *);
__END_DECLS

#endif
