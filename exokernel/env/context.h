// SPDX-License-Identifier: MIT
/*
 * The ways out of the kernel into user mode; none returns.
 *
 * Each leaves nothing of the kernel in a register: what is not listed is zero
 * (ENV-4). The kernel lock is not held and the root is loaded.
 */
#ifndef EXO_ENV_CONTEXT_H
#define EXO_ENV_CONTEXT_H

#include "kernel.h"

/* By SYSRET: rdi, rsp, rax, rip as given. rip is a user address. */
_Noreturn void exit_light(uint64_t rdi, uint64_t rsp, uint64_t rax,
                          uint64_t rip);

/* As exit_light, with the words of a reply in r8 r9 r10 r12 r13 r14. */
_Noreturn void exit_reply(uint64_t rip, uint64_t rsp, const uint64_t words[]);

/* Into a CALL handler: words in r8 r9 r10 rsi rdx rax. */
_Noreturn void exit_call(uint64_t rip, uint64_t rsp, const uint64_t words[]);

/* By IRETQ: every register from the context. rip is a user address, rflags are
 * clean. */
_Noreturn void exit_full(const struct exo_context *context);

#endif
