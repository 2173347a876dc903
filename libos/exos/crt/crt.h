// SPDX-License-Identifier: MIT
/*
 * crt.h: from the first instruction to main(), and the end.
 *
 *   crt0.S     _start, on the loader's stack; the note to the loader
 *   start.c    opens the parts of the libOS, then on the real stack main()
 *   thread.c   thread-local data
 *   exit.c     ends the program, with a status or with a record
 *   errors.c   the kernel's errors as errno
 */
#ifndef EXOS_CRT_CRT_H
#define EXOS_CRT_CRT_H

#include <stdint.h>

#include "lib/start.h"

extern const struct start_block *crt_block;

/* Writes a line of the libOS itself to the log. */
void crt_say(const char *text);

/* Ends the program: nothing is flushed, nothing else is run. */
_Noreturn void crt_exit(int status);

/* Ends it with a sentence and a post-mortem record of where it is. */
_Noreturn void crt_die(const char *text);

/* Makes the thread-local data of the only thread. */
void crt_thread_open(void);

/* The errno for a result of a kernel call, negated; 0 and above stay. The only
 * place where one becomes the other. */
long crt_errno(int64_t result);

#endif
