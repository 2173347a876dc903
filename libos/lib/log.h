// SPDX-License-Identifier: MIT
/*
 * log.h: both ends of a log page (struct exo_log of exo/env.h).
 *
 * The writer is a program, the reader its parent; the kernel adds a line when
 * it ends the program. Neither end trusts the other: the reader keeps its own
 * position, and whatever head it finds it reads at most one ring of bytes.
 */
#ifndef LIB_LOG_H
#define LIB_LOG_H

#include <exo/env.h>

struct log_reader {
    struct exo_log *log;
    uint64_t tail; // bytes taken so far
    uint64_t lost; // bytes overwritten before they were read
};

/* Appends up to `count` bytes. *first: nothing was unread before, so the reader
 * may sleep and wants to be told. Result: bytes that fitted. */
uint32_t log_write(struct exo_log *log, const char *bytes, uint32_t count,
                   bool *first);

/* Starts reading at the oldest byte of a fresh log page. */
void log_open(struct log_reader *reader, struct exo_log *log);

/* Takes up to `count` bytes and frees their room. Result: bytes taken. */
uint32_t log_read(struct log_reader *reader, char *bytes, uint32_t count);

#endif
