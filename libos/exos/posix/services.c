// SPDX-License-Identifier: MIT
/* Services and protocols by name and number: <netdb.h>. Those that programs ask
 * for; there is no /etc/services. */
#include <netdb.h>
#include <stddef.h>
#include <string.h>

#define TCP 1
#define UDP 2

static char *nobody[1]; // no aliases

static const struct service {
    const char *name;
    unsigned short port;
    unsigned char protocols;
} services[] = {
    {"echo", 7, TCP | UDP},
    {"discard", 9, TCP | UDP},
    {"ftp", 21, TCP},
    {"ssh", 22, TCP},
    {"telnet", 23, TCP},
    {"smtp", 25, TCP},
    {"time", 37, TCP | UDP},
    {"domain", 53, TCP | UDP},
    {"tftp", 69, UDP},
    {"http", 80, TCP},
    {"pop3", 110, TCP},
    {"ntp", 123, UDP},
    {"imap2", 143, TCP},
    {"snmp", 161, TCP | UDP},
    {"ldap", 389, TCP | UDP},
    {"https", 443, TCP | UDP},
    {"syslog", 514, UDP},
    {"imaps", 993, TCP},
    {"mysql", 3306, TCP},
    {"postgresql", 5432, TCP},
    {"redis", 6379, TCP},
    {"http-alt", 8080, TCP},
    {"memcached", 11211, TCP | UDP},
};

#define SERVICES (sizeof(services) / sizeof(services[0]))

static struct servent *
answer(const struct service *s, const char *protocol)
{
    static struct servent entry;
    int protocols = !protocol                  ? TCP | UDP
                    : !strcmp(protocol, "tcp") ? TCP
                    : !strcmp(protocol, "udp") ? UDP
                                               : 0;
    protocols &= s->protocols;
    if (!protocols)
        return NULL;
    entry = (struct servent){
        .s_name = (char *)s->name,
        .s_aliases = nobody,
        .s_port = __builtin_bswap16(s->port),
        .s_proto = (char *)(protocols & TCP ? "tcp" : "udp"),
    };
    return &entry;
}

struct servent *
getservbyname(const char *name, const char *protocol)
{
    for (size_t i = 0; i < SERVICES; i++)
        if (strcmp(services[i].name, name) == 0)
            return answer(&services[i], protocol);
    return NULL;
}

struct servent *
getservbyport(int port, const char *protocol)
{
    for (size_t i = 0; i < SERVICES; i++)
        if (services[i].port == __builtin_bswap16((unsigned short)port))
            return answer(&services[i], protocol);
    return NULL;
}

static struct protoent protocols[] = {
    {"ip", nobody, IPPROTO_IP},     {"icmp", nobody, IPPROTO_ICMP},
    {"tcp", nobody, IPPROTO_TCP},   {"udp", nobody, IPPROTO_UDP},
    {"ipv6", nobody, IPPROTO_IPV6}, {"ipv6-icmp", nobody, IPPROTO_ICMPV6},
};

#define PROTOCOLS (sizeof(protocols) / sizeof(protocols[0]))

struct protoent *
getprotobyname(const char *name)
{
    for (size_t i = 0; i < PROTOCOLS; i++)
        if (strcmp(protocols[i].p_name, name) == 0)
            return &protocols[i];
    return NULL;
}

struct protoent *
getprotobynumber(int number)
{
    for (size_t i = 0; i < PROTOCOLS; i++)
        if (protocols[i].p_proto == number)
            return &protocols[i];
    return NULL;
}
