// SPDX-License-Identifier: MIT
/*
 * call.h: protected control transfer, the register contract.
 *
 * exo_call enters the callee's CALL handler at once on this CPU, with the rest
 * of the caller's slice. Six words travel in registers and the kernel copies
 * nothing through memory:
 *
 *            caller before   callee's handler   replier before  caller after
 *   rax      EXO_SYS_call    word 5             EXO_SYS_reply   0 or -error
 *   rdi      env id          frame              reply handle    --
 *   rsi      cap | flags     word 3             --              --
 *   rdx      deadline        word 4             --              --
 *   r8       word 0          word 0             word 0          word 0
 *   r9       word 1          word 1             word 1          word 1
 *   r10      word 2          word 2             word 2          word 2
 *   r12      word 3          (interrupted       word 3          word 3
 *   r13      word 4           code's own)       word 4          word 4
 *   r14      word 5                             word 5          word 5
 *
 * All other registers but rsp are lost to caller and replier, and so are the
 * words of a call that failed. The frame's
 * `cause` is the reply handle and `addr` the caller's id. If the callee waited
 * or yielded, which loses registers, its frame has rax, rip and rsp for it and
 * nothing in the words of the others. EXO_CALL_SYNC makes the caller wait for
 * the reply and lends the callee its following slices; without it the caller
 * stays READY and never gets words back.
 */
#ifndef EXO_CALL_H
#define EXO_CALL_H

#include <exo/types.h>

#define EXO_CALL_SYNC  0x100u
#define EXO_CALL_WORDS 6

#endif
