// SPDX-License-Identifier: MIT
/* log.h: a line for each request, in the common log format. */
#ifndef HTTPD_LOG_H
#define HTTPD_LOG_H

#include "conn.h"
#include "request.h"

/* Does nothing without server.log. `request` is null if it could not be read;
 * `bytes` are those of the content that is sent. */
void log_request(const struct conn *conn, const struct request *request,
                 int status, uint64_t bytes);

#endif
