// SPDX-License-Identifier: MIT
//
// start.S: the first instruction, of the first env and of every peer, is the
// marker that ends the measurement of a boot. rdi is 0 in the first env and
// points to the start block (lib/start.h) in others.

    .section .text.start, "ax", @progbits
    .globl _start
    .type _start, @function
_start:
    .byte 0x0f, 0x1f, 0x84, 0, 3, 0, 0xc5, 0x5e     // MARK_START
    and $-16, %rsp
    call bench_start
    ud2                         // bench_start does not return

    .section .note.GNU-stack, "", @progbits
