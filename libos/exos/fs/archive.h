// SPDX-License-Identifier: MIT
/*
 * archive.h: the file system's first content, from a ustar archive [POSIX.1
 * pax].
 *
 * ./exo makes the archive from the manifest's `files`; it is a boot module and
 * anybody may have put another one in its place, so nothing is believed. What
 * is refused, with a sentence: names that are absolute, empty or have a "..";
 * links that lead out of the archive; sizes beyond its end; sums that do not
 * match; kinds of entries other than files, directories and links; a name that
 * comes twice. Reading touches only the archive and the file system.
 */
#ifndef EXOS_FS_ARCHIVE_H
#define EXOS_FS_ARCHIVE_H

#include <stdint.h>

#include "lib/pages.h"

/* Adds what is in the archive at `text` to the root directory. first: number of
 * its first page. Null, or what is wrong, good until the next call. */
const char *archive_read(const char *text, uint64_t bytes, exo_page first);

#endif
