// SPDX-License-Identifier: MIT
//
// call.h: protected control transfer, the register contract.
//
// exo_call enters the callee's CALL handler at once on this CPU, with the rest
// of the caller's slice. Six words travel in registers and the kernel copies
// nothing through memory:
//
//            caller before   callee's handler   replier before  caller after
//   rax      EXO_SYS_call    EXO_UP_CALL        EXO_SYS_reply   0 or -error
//   rdi      env id          frame              reply handle    --
//   rsi      cap | flags     --                 --              --
//   rdx      deadline        --                 --              --
//   words    r8 r9 r10 r12 r13 r14 in every column
//
// All other registers but rsp are lost. The frame's `cause` is the reply
// handle and `addr` the caller's id. EXO_CALL_SYNC makes the caller wait for
// the reply and lends the callee its following slices; without it the caller
// stays READY and never gets words back.
#ifndef EXO_CALL_H
#define EXO_CALL_H

#include <exo/types.h>

#define EXO_CALL_SYNC  0x100u
#define EXO_CALL_WORDS 6

#endif
