// SPDX-License-Identifier: MIT
/*
 * What the parts of the hosted machine want of each other: memory.c (physical
 * memory), stack.c (kernel stacks), entry.c (ways into the kernel and out of
 * it), mmu.c, devices.c, machine.c (all of it together).
 */
#ifndef EXO_HOST_PARTS_H
#define EXO_HOST_PARTS_H

#include "host.h"

/* memory.c */
bool host_memory_has(const void *at);
void host_memory_save(void);
void host_memory_restore(void);

/* stack.c: whose kernel runs, and since its entry: */
struct host_cpu *host_this(void);
struct host_cpu *host_of(const struct cpu *c);
bool host_is_kernel(const void *at);

void host_stack_make(struct host_cpu *h);
void host_stack_save(void);
void host_stack_restore(void);

/* Run `entry` on this CPU's kernel stack, from its top, until it leaves. */
void host_enter(struct host_cpu *h, void (*entry)(void));

/* Go on where the CPU halted. */
void host_resume(struct host_cpu *h);

/* First thing in an entry; and the last, which abandons the stack. */
void host_arrive(void);
_Noreturn void host_back(void);

/* To the test, keeping the stack, until host_resume(). */
void host_halt(void);

/* Another CPU's kernel looks at its mailbox, as its interrupt would. */
void host_serve(struct host_cpu *h);

/* machine.c: what boot_refuse() said. */
extern const char *host_refusal;

/* entry.c: out of the kernel, to whoever runs now. */
_Noreturn void host_leave(enum host_way way);
_Noreturn void host_power(unsigned status);

#endif
