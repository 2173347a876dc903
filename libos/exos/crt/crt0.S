// SPDX-License-Identifier: MIT
/*
 * crt0.S: the first instruction, and what the program asks of its loader
 * (lib/start.h): an FPU, an upcall stack that a page fault in the middle of
 * anything fits on, and FS base where program.ld put the thread's data.
 */

#define WANT_FPU     1
#define UPCALL_PAGES 2

    .section .note.exo, "a", @note
    .balign 4
    .long 4, 16, 1
    .asciz "Exo"
    .long WANT_FPU, UPCALL_PAGES
    .quad __thread_pointer

/* On the loader's stack. start_open() answers with the top of the real one. */
    .section .text.start, "ax", @progbits
    .globl _start
    .type _start, @function
_start:
    and $-16, %rsp
    xor %ebp, %ebp
    call start_open
    mov %rax, %rsp
    call start_main
    ud2                         // start_main does not return

    .section .note.GNU-stack, "", @progbits
