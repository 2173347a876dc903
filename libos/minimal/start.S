// SPDX-License-Identifier: MIT
/* start.S: the first instruction. rdi points to the start block (lib/start.h),
 * or is 0 in the first env; the stack is there; every other register is zero.
 */

    .section .text.start, "ax", @progbits
    .globl _start
    .type _start, @function
_start:
    and $-16, %rsp
    call start_c
    ud2                         // start_c does not return

    .section .note.GNU-stack, "", @progbits
