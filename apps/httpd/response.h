// SPDX-License-Identifier: MIT
/*
 * response.h: writing the head of an answer, and pages for errors.
 *
 *   response_begin(conn, 200); response_field(...) ...; response_end(conn);
 */
#ifndef HTTPD_RESPONSE_H
#define HTTPD_RESPONSE_H

#include "conn.h"

/* The status line and the fields of every answer; counts the answer. */
void response_begin(struct conn *conn, int status);

/* Whole lines, with their ends. */
void response_fields(struct conn *conn, const char *lines, size_t length);

/* One line, without its end, of at most 511 bytes. */
void response_format(struct conn *conn, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Says whether the connection goes on, and ends the head. */
void response_end(struct conn *conn);

/* A whole answer that is a short page about the status. `fields` is null, or
 * more lines for its head. Without `content` the page is left out, but its
 * length said. Result: bytes of the page. */
uint64_t response_page(struct conn *conn, int status, const char *fields,
                       bool content);

#endif
