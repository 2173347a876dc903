// SPDX-License-Identifier: MIT
/* url.h: http://host:port/path?query, in parts. */
#ifndef FETCH_URL_H
#define FETCH_URL_H

#define URL_BYTES 2048

struct url {
    char host[256]; // an IPv6 address is without its brackets
    char port[6];
    char path[URL_BYTES]; // begins with "/"; with the query
};

/* Reads a URL; one without a scheme is taken to be http. Fails if it is none
 * that fetch can use. */
void url_read(struct url *url, const char *text);

/* Follows a reference from one URL to another [RFC3986 §5.2]; dots in its path
 * are left to the server. */
void url_follow(struct url *url, const char *reference);

/* Writes host and port as the Host field has them. */
void url_host(const struct url *url, char to[300]);

#endif
