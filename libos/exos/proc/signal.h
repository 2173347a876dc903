// SPDX-License-Identifier: MIT
/*
 * signal.h: signals within one program.
 *
 * A signal that the program causes itself (raise, abort, a write to a pipe
 * that nobody reads) is delivered at once, unless it is blocked. SIGTERM comes
 * from outside, when the program's parent wants it to end: with a handler it is
 * delivered the next time the program waits, without one the program ends.
 */
#ifndef EXOS_PROC_SIGNAL_H
#define EXOS_PROC_SIGNAL_H

#include <signal.h>
#include <stdbool.h>

/* Errors: INVAL no such signal, or one that cannot be caught. */
long signal_action(int number, const struct sigaction *set,
                   struct sigaction *old);
long signal_mask(int how, const sigset_t *set, sigset_t *old);
void signal_pending(sigset_t *out);

/* Sends a signal to this program. Error: INVAL. */
long signal_raise(int number);

/* The same, but it is delivered when the program waits. */
void signal_post(int number);

/* Runs the handlers of what is pending and not blocked. True: any ran. */
bool signal_deliver(void);

/* Replaces the mask and waits until a handler ran. */
long signal_suspend(const sigset_t *mask);

/* The EVENT upcall: the parent wants the program to end. */
void signal_asked_to_end(void);

#endif
