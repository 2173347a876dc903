// SPDX-License-Identifier: MIT
/*
 * Sweeps over the whole kernel state: every room's numbered invariants.
 *
 * The boot option check=N makes the kernel sweep after every Nth system call;
 * a broken invariant is a panic that names it. Costs time in proportion to the
 * memory; for tests.
 */
#ifndef EXO_DEBUG_CHECK_H
#define EXO_DEBUG_CHECK_H

/* In K.trace_mask beside the classes: take the slow way out of calls. */
#define CHECK_BIT 0x80000000u

/* Read the boot option; if it is given, sweep now and from now on. Boot. */
void check_start(void);

/* Sweep now. needs: the kernel lock, no call half done. */
void check_all(void);

/* A system call is done: sweep if it is the Nth. */
void check_after_call(void);

#endif
