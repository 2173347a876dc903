// SPDX-License-Identifier: MIT
/* Hosts by name and address: <netdb.h>, over resolve.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exos/net/resolve.h"

/* What one list element is allocated as. */
struct element {
    struct addrinfo info;
    struct sockaddr_storage address;
};

const char *
gai_strerror(int error)
{
    switch (error) {
    case 0:
        return "Success";
    case EAI_BADFLAGS:
        return "Bad value for ai_flags";
    case EAI_NONAME:
        return "Name or service not known";
    case EAI_AGAIN:
        return "Temporary failure in name resolution";
    case EAI_FAIL:
        return "Non-recoverable failure in name resolution";
    case EAI_FAMILY:
        return "ai_family not supported";
    case EAI_SOCKTYPE:
        return "ai_socktype not supported";
    case EAI_SERVICE:
        return "Service not supported for this kind of socket";
    case EAI_MEMORY:
        return "Out of memory";
    case EAI_SYSTEM:
        return strerror(errno);
    case EAI_OVERFLOW:
        return "Result too large";
    default:
        return "Unknown error";
    }
}

void
freeaddrinfo(struct addrinfo *list)
{
    while (list) {
        struct addrinfo *next = list->ai_next;
        free(list->ai_canonname);
        free(list);
        list = next;
    }
}

/* The kinds of socket an address is listed for. */
static const struct kind {
    int type, protocol;
    const char *name;
} kinds[] = {
    {SOCK_STREAM, IPPROTO_TCP, "tcp"},
    {SOCK_DGRAM, IPPROTO_UDP, "udp"},
};

static bool
wanted(const struct kind *kind, const struct addrinfo *hints)
{
    return (!hints->ai_socktype || hints->ai_socktype == kind->type) &&
           (!hints->ai_protocol || hints->ai_protocol == kind->protocol);
}

/* The port of a service for a kind of socket; -1: it has none. */
static int
port_of(const char *service, const struct kind *kind, int flags)
{
    char *end;
    if (!service)
        return 0;
    unsigned long port = strtoul(service, &end, 10);
    if (*service >= '0' && *service <= '9' && !*end)
        return port <= 65535 ? (int)port : -1;
    if (flags & AI_NUMERICSERV)
        return -1;
    const struct servent *s = getservbyname(service, kind->name);
    return s ? ntohs((uint16_t)s->s_port) : -1;
}

static void
fill_address(struct addrinfo *info, const struct resolved *r, int port)
{
    if (r->family == AF_INET) {
        struct sockaddr_in *in = (struct sockaddr_in *)info->ai_addr;
        in->sin_family = AF_INET;
        in->sin_port = htons((uint16_t)port);
        memcpy(&in->sin_addr, r->bytes, sizeof(in->sin_addr));
        info->ai_addrlen = sizeof(*in);
    } else {
        struct sockaddr_in6 *in = (struct sockaddr_in6 *)info->ai_addr;
        in->sin6_family = AF_INET6;
        in->sin6_port = htons((uint16_t)port);
        memcpy(&in->sin6_addr, r->bytes, sizeof(in->sin6_addr));
        info->ai_addrlen = sizeof(*in);
    }
}

/* Adds an element at *at. Result: where the next one goes; NULL: no memory. */
static struct addrinfo **
add(struct addrinfo **at, const struct resolved *r, const struct kind *kind,
    int port)
{
    struct element *e = calloc(1, sizeof(*e));
    if (!e)
        return NULL;
    e->info.ai_family = r->family;
    e->info.ai_socktype = kind->type;
    e->info.ai_protocol = kind->protocol;
    e->info.ai_addr = (struct sockaddr *)&e->address;
    fill_address(&e->info, r, port);
    *at = &e->info;
    return &e->info.ai_next;
}

/* Addresses without a name: to listen on, or this program's own. */
static int
anonymous(const struct addrinfo *hints, struct resolved *out)
{
    static const struct resolved any[] = {{AF_INET6, {0}}, {AF_INET, {0}}};
    static const struct resolved own[] = {{AF_INET6, {[15] = 1}},
                                          {AF_INET, {127, 0, 0, 1}}};
    const struct resolved *from = hints->ai_flags & AI_PASSIVE ? any : own;
    int count = 0;
    for (int i = 0; i < 2; i++)
        if (!hints->ai_family || hints->ai_family == from[i].family)
            out[count++] = from[i];
    return count;
}

static int
find(const char *node, const struct addrinfo *hints, struct resolved *out)
{
    if (!node)
        return anonymous(hints, out);
    if (hints->ai_flags & AI_NUMERICHOST) {
        uint8_t bytes[16];
        if (inet_pton(AF_INET, node, bytes) != 1 &&
            inet_pton(AF_INET6, node, bytes) != 1)
            return EAI_NONAME;
    }
    return resolve(node, hints->ai_family, out);
}

static int
check_hints(const struct addrinfo *hints, const char *node, const char *service)
{
    int known = AI_PASSIVE | AI_CANONNAME | AI_NUMERICHOST | AI_V4MAPPED |
                AI_ALL | AI_ADDRCONFIG | AI_NUMERICSERV;
    if (!node && !service)
        return EAI_NONAME;
    if ((hints->ai_flags & ~known) ||
        (!node && (hints->ai_flags & AI_CANONNAME)))
        return EAI_BADFLAGS;
    if (hints->ai_family != AF_UNSPEC && hints->ai_family != AF_INET &&
        hints->ai_family != AF_INET6)
        return EAI_FAMILY;
    return wanted(&kinds[0], hints) || wanted(&kinds[1], hints) ? 0
                                                                : EAI_SOCKTYPE;
}

int
getaddrinfo(const char *restrict node, const char *restrict service,
            const struct addrinfo *restrict hints,
            struct addrinfo **restrict list)
{
    static const struct addrinfo none;
    struct resolved found[RESOLVE_MOST];
    struct addrinfo *first = NULL, **at = &first;
    if (!hints)
        hints = &none;
    int error = check_hints(hints, node, service);
    int count = error ? error : find(node, hints, found);
    if (count < 0)
        return count;
    for (int i = 0; i < count; i++)
        for (int k = 0; k < 2; k++) {
            int port = port_of(service, &kinds[k], hints->ai_flags);
            if (!wanted(&kinds[k], hints) || port < 0)
                continue;
            at = add(at, &found[i], &kinds[k], port);
            if (!at) {
                freeaddrinfo(first);
                return EAI_MEMORY;
            }
        }
    if (!first)
        return hints->ai_flags & AI_NUMERICSERV ? EAI_NONAME : EAI_SERVICE;
    if (hints->ai_flags & AI_CANONNAME)
        first->ai_canonname = strdup(node);
    *list = first;
    return 0;
}

/* Takes a socket address apart. */
static bool
take_apart(const struct sockaddr *address, socklen_t bytes, struct resolved *r,
           int *port)
{
    if (bytes >= sizeof(struct sockaddr_in) && address->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)address;
        *port = ntohs(in->sin_port);
        memcpy(r->bytes, &in->sin_addr, sizeof(in->sin_addr));
    } else if (bytes >= sizeof(struct sockaddr_in6) &&
               address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)address;
        *port = ntohs(in->sin6_port);
        memcpy(r->bytes, &in->sin6_addr, sizeof(in->sin6_addr));
    } else {
        return false;
    }
    r->family = address->sa_family;
    return true;
}

static int
name_host(const struct resolved *r, char *host, socklen_t size, int flags)
{
    char name[NI_MAXHOST];
    bool named =
        !(flags & NI_NUMERICHOST) && resolve_back(r, name, (int)sizeof(name));
    if (!named && (flags & NI_NAMEREQD))
        return EAI_NONAME;
    if (!named)
        inet_ntop(r->family, r->bytes, name, sizeof(name));
    if (strlen(name) >= size)
        return EAI_OVERFLOW;
    strcpy(host, name);
    return 0;
}

static int
name_service(int port, char *service, socklen_t size, int flags)
{
    const struct servent *s =
        flags & NI_NUMERICSERV
            ? NULL
            : getservbyport(htons((uint16_t)port),
                            flags & NI_DGRAM ? "udp" : "tcp");
    int n = s ? snprintf(service, size, "%s", s->s_name)
              : snprintf(service, size, "%d", port);
    return n < (int)size ? 0 : EAI_OVERFLOW;
}

int
getnameinfo(const struct sockaddr *restrict address, socklen_t bytes,
            char *restrict host, socklen_t host_size, char *restrict service,
            socklen_t service_size, int flags)
{
    struct resolved r = {0};
    int port, error = 0;
    if (!take_apart(address, bytes, &r, &port))
        return EAI_FAMILY;
    if (!host_size && !service_size)
        return EAI_NONAME;
    if (host && host_size)
        error = name_host(&r, host, host_size, flags);
    if (!error && service && service_size)
        error = name_service(port, service, service_size, flags);
    return error;
}

/* The calls of old -------------------------------------------------------- */

int *
__h_errno_location(void)
{
    static __thread int value;
    return &value;
}

/* The one answer that these calls have room for. */
static struct hostent *
answer(const char *name, int family, const struct resolved *found, int count)
{
    static char kept_name[NI_MAXHOST];
    static uint8_t bytes[RESOLVE_MOST][16];
    static char *list[RESOLVE_MOST + 1], *aliases[1];
    static struct hostent entry;
    snprintf(kept_name, sizeof(kept_name), "%s", name);
    for (int i = 0; i < count; i++) {
        memcpy(bytes[i], found[i].bytes, 16);
        list[i] = (char *)bytes[i];
    }
    list[count] = NULL;
    entry = (struct hostent){.h_name = kept_name,
                             .h_aliases = aliases,
                             .h_addrtype = family,
                             .h_length = family == AF_INET ? 4 : 16,
                             .h_addr_list = list};
    return &entry;
}

struct hostent *
gethostbyname2(const char *name, int family)
{
    struct resolved found[RESOLVE_MOST];
    int count = resolve(name, family, found);
    if (count > 0)
        return answer(name, family, found, count);
    h_errno = count == EAI_AGAIN ? TRY_AGAIN : HOST_NOT_FOUND;
    return NULL;
}

struct hostent *
gethostbyname(const char *name)
{
    return gethostbyname2(name, AF_INET);
}

struct hostent *
gethostbyaddr(const void *address, socklen_t bytes, int family)
{
    char name[NI_MAXHOST];
    struct resolved r = {.family = family};
    if (bytes == (family == AF_INET ? 4 : 16)) {
        memcpy(r.bytes, address, bytes);
        if (resolve_back(&r, name, sizeof(name)))
            return answer(name, family, &r, 1);
    }
    h_errno = HOST_NOT_FOUND;
    return NULL;
}

const char *
hstrerror(int error)
{
    switch (error) {
    case NETDB_SUCCESS:
        return "Success";
    case HOST_NOT_FOUND:
        return "Unknown host";
    case TRY_AGAIN:
        return "Host name lookup failure";
    case NO_RECOVERY:
        return "Unknown server error";
    case NO_DATA:
        return "No address associated with name";
    default:
        return "Unknown error";
    }
}

void
herror(const char *text)
{
    fprintf(stderr, "%s%s%s\n", text ? text : "", text && *text ? ": " : "",
            hstrerror(h_errno));
}
