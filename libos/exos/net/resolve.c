// SPDX-License-Identifier: MIT
/* Addresses of names: see resolve.h. */
#include "exos/net/resolve.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <lwip/dns.h>

#include "exos/crt/crt.h"
#include "exos/fd/wait.h"
#include "exos/net/stack.h"

#define HOSTS    "/etc/hosts"
#define PATIENCE (20 * CLOCK_S) // lwIP gives up sooner by itself

static bool
read_number(const char *text, int family, struct resolved *out)
{
    if (family != AF_INET6 && inet_pton(AF_INET, text, out->bytes) == 1) {
        out->family = AF_INET;
        return true;
    }
    out->family = AF_INET6;
    return family != AF_INET && inet_pton(AF_INET6, text, out->bytes) == 1;
}

/* /etc/hosts: an address and its names in each line. */
struct line {
    struct resolved address;
    char *names;
};

static bool
next_line(FILE *file, char *text, int size, struct line *line)
{
    while (fgets(text, size, file)) {
        text[strcspn(text, "#\n")] = 0;
        char *address = text + strspn(text, " \t");
        line->names = address + strcspn(address, " \t");
        if (!*line->names)
            continue;
        *line->names++ = 0;
        if (read_number(address, AF_UNSPEC, &line->address))
            return true;
    }
    return false;
}

static char *
next_name(char **at)
{
    char *name = *at + strspn(*at, " \t");
    *at = name + strcspn(name, " \t");
    if (**at)
        *(*at)++ = 0;
    return *name ? name : NULL;
}

static bool
has_name(char *names, const char *wanted)
{
    char *name;
    while ((name = next_name(&names)) != NULL)
        if (strcasecmp(name, wanted) == 0)
            return true;
    return false;
}

static int
look_in_hosts(const char *name, int family, struct resolved *out)
{
    char text[256];
    struct line line;
    int count = 0;
    FILE *file = fopen(HOSTS, "r");
    while (file && count < RESOLVE_MOST &&
           next_line(file, text, sizeof(text), &line)) {
        bool fits = family == AF_UNSPEC || family == line.address.family;
        if (fits && has_name(line.names, name))
            out[count++] = line.address;
    }
    if (file)
        fclose(file);
    return count;
}

bool
resolve_back(const struct resolved *address, char *name, int size)
{
    char text[256];
    struct line line;
    bool found = false;
    FILE *file = fopen(HOSTS, "r");
    while (file && !found && next_line(file, text, sizeof(text), &line)) {
        size_t bytes = address->family == AF_INET ? 4 : 16;
        char *first = next_name(&line.names);
        found = first && line.address.family == address->family &&
                memcmp(line.address.bytes, address->bytes, bytes) == 0;
        if (found)
            snprintf(name, (size_t)size, "%s", first);
    }
    if (file)
        fclose(file);
    return found;
}

/* "localhost" and what is below it never leaves the program [RFC 6761 6.3]. */
static int
look_at_home(const char *name, int family, struct resolved *out)
{
    static const struct resolved home[] = {{AF_INET, {127, 0, 0, 1}},
                                           {AF_INET6, {[15] = 1}}};
    size_t length = strlen(name);
    bool is_home =
        strcasecmp(name, "localhost") == 0 ||
        (length > 10 && strcasecmp(name + length - 10, ".localhost") == 0);
    int count = 0;
    for (int i = 0; is_home && i < 2; i++)
        if (family == AF_UNSPEC || family == home[i].family)
            out[count++] = home[i];
    return count;
}

/* A question to the name server. */
struct question {
    bool answered, found;
    ip_addr_t address;
};

static void
on_answer(const char *name, const ip_addr_t *address, void *arg)
{
    struct question *q = arg;
    (void)name;
    q->answered = true;
    q->found = address != NULL;
    if (address)
        q->address = *address;
}

/* One question. lwIP keeps a pointer to it until it is answered, and it always
 * is, with a time-out at the worst. */
static int
ask(const char *name, int family, struct resolved *out)
{
    struct question q = {0};
    err_t error = dns_gethostbyname_addrtype(
        name, &q.address, on_answer, &q,
        family == AF_INET ? LWIP_DNS_ADDRTYPE_IPV4 : LWIP_DNS_ADDRTYPE_IPV6);
    if (error == ERR_OK)
        q.answered = q.found = true;
    else if (error != ERR_INPROGRESS)
        return error == ERR_VAL ? EAI_FAIL : EAI_AGAIN;
    stack_flush();
    while (!q.answered)
        wait_once(clock_after(PATIENCE));
    if (!q.found)
        return EAI_NONAME;
    out->family = family;
    memcpy(out->bytes,
           family == AF_INET ? (void *)&ip_2_ip4(&q.address)->addr
                             : (void *)ip_2_ip6(&q.address)->addr,
           family == AF_INET ? 4 : 16);
    return 1;
}

static int
ask_both(const char *name, int family, struct resolved *out)
{
    const struct start_net *net = &crt_block->net;
    int count = 0, last = EAI_NONAME;
    if (stack_open() != 0)
        return EAI_AGAIN;
    for (int i = 0; i < 2; i++) {
        int one = i ? AF_INET6 : AF_INET;
        bool useful = one == AF_INET ? net->prefix4 : net->prefix6;
        if ((family != AF_UNSPEC && family != one) ||
            (family == AF_UNSPEC && !useful))
            continue;
        int got = ask(name, one, &out[count]);
        if (got == 1)
            count++;
        else
            last = got;
    }
    return count ? count : last;
}

int
resolve(const char *name, int family, struct resolved *out)
{
    if (read_number(name, family, out))
        return 1;
    int count = look_at_home(name, family, out);
    if (!count)
        count = look_in_hosts(name, family, out);
    return count ? count : ask_both(name, family, out);
}
