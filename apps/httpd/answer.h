// SPDX-License-Identifier: MIT
/* answer.h: what a request is answered with. */
#ifndef HTTPD_ANSWER_H
#define HTTPD_ANSWER_H

#include "conn.h"
#include "request.h"

/* Answers a request: its head goes to conn->out, its content to conn->sending.
 * Sets conn->finish if it is the last one. Needs ANSWER_BYTES of room. */
void answer(struct conn *conn, const struct request *request);

/* Answers a request that could not be read. */
void answer_error(struct conn *conn, int status);

#endif
