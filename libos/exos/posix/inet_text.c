// SPDX-License-Identifier: MIT
/* Internet addresses as text: <arpa/inet.h>. lwIP reads and writes IPv6. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lwip/ip6_addr.h>

const struct in6_addr in6addr_any = IN6ADDR_ANY_INIT;
const struct in6_addr in6addr_loopback = IN6ADDR_LOOPBACK_INIT;

/* "10.0.2.15": four decimal numbers without leading zeros, no more. */
static int
read4(const char *text, struct in_addr *out)
{
    uint8_t byte[4];
    for (int i = 0; i < 4; i++) {
        unsigned value = 0;
        int digits = 0;
        for (; *text >= '0' && *text <= '9'; text++) {
            if ((digits == 1 && !value) || digits++ == 3)
                return 0;
            value = value * 10 + (unsigned)(*text - '0');
        }
        if (!digits || value > 255 || *text != (i < 3 ? '.' : 0))
            return 0;
        byte[i] = (uint8_t)value;
        text += i < 3;
    }
    memcpy(out, byte, sizeof(byte));
    return 1;
}

static int
read6(const char *text, struct in6_addr *out)
{
    ip6_addr_t address;
    if (strchr(text, '%') || !ip6addr_aton(text, &address))
        return 0;
    memcpy(out, address.addr, sizeof(*out));
    return 1;
}

int
inet_pton(int family, const char *restrict text, void *restrict out)
{
    if (family == AF_INET)
        return read4(text, out);
    if (family == AF_INET6)
        return read6(text, out);
    errno = EAFNOSUPPORT;
    return -1;
}

static void
write4(const void *address, char *text, size_t size)
{
    const uint8_t *b = address;
    snprintf(text, size, "%d.%d.%d.%d", b[0], b[1], b[2], b[3]);
}

/* [RFC 5952]: in lower case, the longest run of zeros left out. */
static void
write6(const void *address, char *text, size_t size)
{
    ip6_addr_t a;
    ip6_addr_set_zero(&a);
    memcpy(a.addr, address, sizeof(a.addr));
    ip6addr_ntoa_r(&a, text, (int)size);
    for (; *text; text++)
        if (*text >= 'A' && *text <= 'F')
            *text = (char)(*text - 'A' + 'a');
}

const char *
inet_ntop(int family, const void *restrict address, char *restrict text,
          socklen_t size)
{
    char whole[INET6_ADDRSTRLEN];
    if (family == AF_INET) {
        write4(address, whole, sizeof(whole));
    } else if (family == AF_INET6) {
        write6(address, whole, sizeof(whole));
    } else {
        errno = EAFNOSUPPORT;
        return NULL;
    }
    if (strlen(whole) >= size) {
        errno = ENOSPC;
        return NULL;
    }
    return strcpy(text, whole);
}

/* The old forms: one to four numbers, each decimal, octal or hexadecimal; the
 * last one fills the rest. */
int
inet_aton(const char *text, struct in_addr *out)
{
    uint32_t value = 0;
    for (int i = 0; i < 4; i++) {
        char *end;
        if (*text < '0' || *text > '9')
            return 0;
        unsigned long part = strtoul(text, &end, 0);
        bool last = *end != '.';
        unsigned long most = last ? UINT32_MAX >> 8 * i : 255;
        if (part > most)
            return 0;
        value = last ? value << 8 * (4 - i) % 32 | (uint32_t)part
                     : value << 8 | (uint32_t)part;
        if (last) {
            out->s_addr = __builtin_bswap32(value);
            return *end == 0 || *end == ' ' || *end == '\n';
        }
        text = end + 1;
    }
    return 0;
}

in_addr_t
inet_addr(const char *text)
{
    struct in_addr address;
    return inet_aton(text, &address) ? address.s_addr : INADDR_NONE;
}

char *
inet_ntoa(struct in_addr address)
{
    static char text[INET_ADDRSTRLEN];
    write4(&address, text, sizeof(text));
    return text;
}
