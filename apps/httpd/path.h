// SPDX-License-Identifier: MIT
/*
 * path.h: from a request target to the name of a file, which lies below the
 * root whatever the target says.
 */
#ifndef HTTPD_PATH_H
#define HTTPD_PATH_H

#include "span.h"

#define PATH_BYTES 1024 // of a path, with its final zero

/* Writes the path of a target: without its query, percent-escapes decoded,
 * "//" and "/./" made "/", "/x/../" taken out and never above the root. It
 * begins with "/" and has a final zero. Result: its length; -400: malformed,
 * or a zero byte in it; -414: longer than PATH_BYTES allows. */
int path_normalise(char to[PATH_BYTES], struct span target);

/* A part of the path begins with a dot, and is not ".well-known". */
bool path_is_hidden(const char *path);

#endif
