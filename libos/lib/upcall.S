// SPDX-License-Identifier: MIT
//
// upcall.S: entry and restartable return of upcalls; see exo/upcall.h.
//
// On entry rsp = rdi = frame (16-aligned), rax = the vector. The u-area is
// where the 64 KiB block of rsp begins (start.h).
//
// A frame whose interrupted rsp lies in the upcall stack is nested: a FAULT or
// FOREIGN inside a handler. It returns with the mask as it is. The outermost
// return clears bit 0 of the mask inside [upcall_ret_start, upcall_ret_end).
// There rsp is the frame or, before iretq, the frame plus FRAME_RIP, which
// upcall_ret_restart tells apart by the word at rsp: a vector is below 8, an
// instruction pointer is not below EXO_USER_MIN.

#define FRAME_RIP   104
#define FRAME_RSP   128
#define UAREA_MASK  0
#define UAREA_PEND  4
#define BLOCK_MASK  -0x10000
#define UPCALL_LAST 0x8000

    .macro restore
    mov 24(%rsp), %r11
    mov 32(%rsp), %r10
    mov 40(%rsp), %r9
    mov 48(%rsp), %r8
    mov 56(%rsp), %rdi
    mov 64(%rsp), %rsi
    mov 72(%rsp), %rdx
    mov 80(%rsp), %rcx
    mov 88(%rsp), %rax
    add $FRAME_RIP, %rsp
    iretq
    .endm

    .section .text.upcall, "ax", @progbits

// A call: its six words become an array, the second argument.
    .globl upcall_call_entry
    .type upcall_call_entry, @function
upcall_call_entry:
    sub $48, %rsp
    mov %r8, (%rsp)
    mov %r9, 8(%rsp)
    mov %r10, 16(%rsp)
    mov %rsi, 24(%rsp)
    mov %rdx, 32(%rsp)
    mov %rax, 40(%rsp)
    mov %rsp, %rsi
    call *upcall_call_handler(%rip)
    add $48, %rsp
    jmp upcall_return

    .globl upcall_entry, upcall_return
    .type upcall_entry, @function
upcall_entry:
    call *upcall_handler(, %rax, 8)
upcall_return:
    mov %rsp, %rcx
    and $BLOCK_MASK, %rcx
    mov FRAME_RSP(%rsp), %rdx
    sub %rcx, %rdx
    cmp $UPCALL_LAST, %rdx
    jb 3f

    .globl upcall_ret_start, upcall_ret_end, upcall_ret_restart
upcall_ret_start:
    andl $~1, UAREA_MASK(%rcx)
    jnz 1f                      // the program itself holds them off
    cmpl $0, UAREA_PEND(%rcx)
    jne 2f
1:  restore
2:  orl $1, UAREA_MASK(%rcx)
    jmp upcall_ret_restart
upcall_ret_end:

3:  restore

upcall_ret_restart:
    cmpq $8, (%rsp)
    jb 4f
    sub $FRAME_RIP, %rsp
4:  mov %rsp, %rdi
    call upcall_drain
    jmp upcall_return

    .section .note.GNU-stack, "", @progbits
