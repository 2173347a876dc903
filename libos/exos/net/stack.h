// SPDX-License-Identifier: MIT
/*
 * stack.h: lwIP over one interface of the kernel's.
 *
 * The stack runs in the program's own time: whenever the program waits for
 * something, packets that came are given to lwIP and its timers are run
 * (fd/wait.h), and before a socket says that there is nothing. A program that
 * neither waits nor calls is a program whose peers wait.
 *
 * Received packets stay in the interface's buffers until the program has read
 * them, and are copied out only when the kernel runs short of empty ones. The
 * checksums of TCP are left to the card.
 *
 * What the program has of the network stands in its start block; the filters
 * that go with it were made by init. [Kaashoek97 7.3]
 */
#ifndef EXOS_NET_STACK_H
#define EXOS_NET_STACK_H

#include <stdbool.h>

/* Opens the interface and lwIP, once. Errors: ENETDOWN the manifest gives the
 * program no address; ENOMEM; others of the kernel's calls. */
long stack_open(void);

/* Gives lwIP what came and runs its timers, without sleeping. */
void stack_run(void);

/* Lets the kernel take the frames that lwIP has queued. */
void stack_flush(void);

#endif
