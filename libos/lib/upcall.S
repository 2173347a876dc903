// SPDX-License-Identifier: MIT
/*
 * upcall.S: entry and restartable return of upcalls; see exo/upcall.h.
 *
 * On entry rsp = rdi = frame (16-aligned), rax = the vector. The u-area and the
 * upcall stack are those of the first env's layout (start.h): one thread of
 * control in each address space.
 *
 * The return restores the scratch registers, then flags (popfq), stack pointer
 * (pop %rsp) and instruction pointer (an indirect jump, which needs no
 * register). That is what iretq does, but cheaper, and without iretq's rules
 * for kernels: an emulator that checks its stack reads as the kernel's would
 * refuse them on user pages [SDM1 6.4, SDM3 4.6.1].
 *
 * A frame whose interrupted rsp lies in the upcall stack is nested: a FAULT or
 * FOREIGN inside a handler. It returns with the mask as it is. The outermost
 * return clears the mask inside [upcall_ret_start, upcall_ret_end), unless the
 * program holds upcalls off. Wherever the kernel stops it there, the frame is
 * still whole and its address in the u-area, so upcall_ret_restart begins anew.
 */

#define FRAME_CAUSE  8
#define FRAME_R11    24
#define FRAME_RIP    104
#define FRAME_RFLAGS 120
#define FRAME_RSP    128

#define UAREA       0x200000 // EXO_FIRST_UAREA: the jump at the end has no base
#define UAREA_MASK  0
#define UAREA_PEND  4
#define STATE_HOLDS 0xfe8
#define STATE_FRAME 0xff0
#define STATE_RIP   0xff8
#define UPCALL_LAST 0x8000
#define SYS_WAIT    22
#define SYS_REPLY   25

    .macro resume
    mov FRAME_R11(%rsp), %r11
    mov FRAME_R11 + 8(%rsp), %r10
    mov FRAME_R11 + 16(%rsp), %r9
    mov FRAME_R11 + 24(%rsp), %r8
    mov FRAME_R11 + 32(%rsp), %rdi
    mov FRAME_R11 + 40(%rsp), %rsi
    mov FRAME_R11 + 48(%rsp), %rdx
    mov FRAME_R11 + 56(%rsp), %rcx
    mov FRAME_R11 + 64(%rsp), %rax
    lea FRAME_RFLAGS(%rsp), %rsp
    popfq
    pop %rsp
    jmp *UAREA + STATE_RIP
    .endm

    .section .text.upcall, "ax", @progbits

/* The server's loop. It keeps nothing in registers and nothing on its stack,
 * so each call may begin with the stack as it was here and end in the loop. */
    .globl upcall_serve_loop
    .type upcall_serve_loop, @function
upcall_serve_loop:
    mov %rsp, server_rsp(%rip)
1:  mov $SYS_WAIT, %eax
    xor %edi, %edi
    mov $-1, %rsi               // no deadline
    xor %edx, %edx
    syscall
    jmp 1b

/* A call: its six words become an array, the second argument, and then the
 * reply. Unmasked before it replies: from then on it can be called again. */
    .globl upcall_serve_entry
    .type upcall_serve_entry, @function
upcall_serve_entry:
    sub $48, %rsp
    mov %r8, (%rsp)
    mov %r9, 8(%rsp)
    mov %r10, 16(%rsp)
    mov %rsi, 24(%rsp)
    mov %rdx, 32(%rsp)
    mov %rax, 40(%rsp)
    mov %rsp, %rsi
    call *upcall_server(%rip)
    mov (%rsp), %r8
    mov 8(%rsp), %r9
    mov 16(%rsp), %r10
    mov 24(%rsp), %r12
    mov 32(%rsp), %r13
    mov 40(%rsp), %r14
    mov 48 + FRAME_CAUSE(%rsp), %rdi
    mov server_rsp(%rip), %rsp
    mov $SYS_REPLY, %eax
    movl $0, UAREA + UAREA_MASK
    syscall
    jmp 1b

    .local server_rsp
    .comm server_rsp, 8, 8

    .globl upcall_entry, upcall_return
    .type upcall_entry, @function
upcall_entry:
    call *upcall_handler(, %rax, 8)
upcall_return:
    mov FRAME_RIP(%rsp), %rax
    mov %rax, UAREA + STATE_RIP
    mov FRAME_RSP(%rsp), %rdx
    sub $UAREA, %rdx
    cmp $UPCALL_LAST, %rdx
    jb 3f
    mov %rsp, UAREA + STATE_FRAME

    .globl upcall_ret_start, upcall_ret_end, upcall_ret_restart
upcall_ret_start:
    cmpl $0, UAREA + STATE_HOLDS
    jne 1f
    movl $0, UAREA + UAREA_MASK
    cmpl $0, UAREA + UAREA_PEND
    jne 2f
1:  resume
2:  movl $1, UAREA + UAREA_MASK
    jmp upcall_ret_restart
upcall_ret_end:

3:  resume

upcall_ret_restart:
    mov UAREA + STATE_FRAME, %rsp
    mov %rsp, %rdi
    call upcall_drain
    jmp upcall_return

    .section .note.GNU-stack, "", @progbits
