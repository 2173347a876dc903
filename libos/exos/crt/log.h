// SPDX-License-Identifier: MIT
/* log.h: text into the log page, which the parent reads. */
#ifndef EXOS_CRT_LOG_H
#define EXOS_CRT_LOG_H

#include <stddef.h>

/* Waits while the page is full; what nobody reads for a second is dropped. */
void log_text(const char *text, size_t bytes);

#endif
