// SPDX-License-Identifier: MIT
/*
 * Every way into the kernel: system calls, exceptions, interrupts.
 *
 *   SYSCALL    trap/entry.S, under the lock, through the table of syscall.def
 *   exception  from user mode: an upcall to the env that raised it, without the
 *              lock; from the kernel: a copy's fixup, or a panic
 *   interrupt  from user mode: under the lock; in the idle loop: only noted
 *   NMI, #DF, #MC: on stacks of their own, trusting neither GS nor the lock
 *   #DB        on a stack of its own, from where it moves to the usual one
 *
 * Gates of devices have DPL 0, so `int n` cannot fake one: it raises #GP with
 * the vector in its error code, which becomes FOREIGN. [SDM3 6]
 */
#ifndef EXO_TRAP_TRAP_H
#define EXO_TRAP_TRAP_H

#include "kernel.h"

/* Fill the table of gates, the same for all CPUs. Boot. */
void trap_init(void);

/* Let this CPU use it. Called by cpu_init(). */
void trap_load_idt(void);

#endif
