// SPDX-License-Identifier: MIT
/* mime.h: what kind of file it is, by the end of its name. */
#ifndef HTTPD_MIME_H
#define HTTPD_MIME_H

/* A value for Content-Type, of at most 60 bytes. */
const char *mime_type(const char *path);

#endif
