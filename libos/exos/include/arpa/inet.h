/* SPDX-License-Identifier: MIT */
/* Internet addresses as text. */
#ifndef EXOS_ARPA_INET_H
#define EXOS_ARPA_INET_H

#include <sys/cdefs.h>
#include <netinet/in.h>

__BEGIN_DECLS
in_addr_t inet_addr(const char *);
char *inet_ntoa(struct in_addr);
const char *inet_ntop(int, const void *__restrict, char *__restrict, socklen_t);
int inet_pton(int, const char *__restrict, void *__restrict);
#if __MISC_VISIBLE
int inet_aton(const char *, struct in_addr *);
in_addr_t inet_network(const char *);
in_addr_t inet_lnaof(struct in_addr);
in_addr_t inet_netof(struct in_addr);
struct in_addr inet_makeaddr(in_addr_t, in_addr_t);
#endif
__END_DECLS

#endif
