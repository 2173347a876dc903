// SPDX-License-Identifier: MIT
/* condition.h: whether a client has a file already [RFC9110 §13]. */
#ifndef HTTPD_CONDITION_H
#define HTTPD_CONDITION_H

#include "cache.h"
#include "request.h"

/* Result: 200 send the item; 304 the client has it; 412 it is not the one the
 * client means. */
int condition_check(const struct request *request, const struct item *item,
                    int64_t now);

/* Is the Range field to be followed? Not if there is an If-Range that does not
 * prove that the client has parts of this very item. */
bool condition_range(const struct request *request, const struct item *item,
                     int64_t now);

#endif
