// SPDX-License-Identifier: MIT
/* listing.h: the page of a directory that has no index.html. */
#ifndef HTTPD_LISTING_H
#define HTTPD_LISTING_H

#include "cache.h"

/* Makes the page. `path` is normalised and ends in "/". Result: 0 and *item;
 * else a status: 403, 404, 503. */
int listing_make(const struct cache *cache, const char *path,
                 struct item **item);

#endif
