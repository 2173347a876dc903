// SPDX-License-Identifier: MIT
//
// enter.S: the least that an upcall handler can be, and what raises upcalls.
//
// The bare handlers show what the kernel's part costs: they restore what the
// kernel cleared and unmask, but do not look for upcalls that came meanwhile,
// as the return sequence of libos/lib does.

#define FRAME_CAUSE  8
#define FRAME_RIP    104
#define FRAME_RFLAGS 120
#define UAREA_MASK  0x200000
#define STACK_TOP   0x210000
#define SYS_bind    9
#define SYS_wait    22
#define SYS_reply   25
#define BEGIN       .byte 0x0f, 0x1f, 0x84, 0, 1, 0, 0xc5, 0x5e
#define END         .byte 0x0f, 0x1f, 0x84, 0, 2, 0, 0xc5, 0x5e
#define TURN        .byte 0x0f, 0x1f, 0x84, 0, 0, 0, 0xc6, 0x5e

    .macro restore_but_rax
    mov 24(%rsp), %r11
    mov 32(%rsp), %r10
    mov 40(%rsp), %r9
    mov 48(%rsp), %r8
    mov 56(%rsp), %rdi
    mov 64(%rsp), %rsi
    mov 72(%rsp), %rdx
    mov 80(%rsp), %rcx
    .endm

// With the address to go on from in bare_rip.
    .macro leave_handler
    movl $0, UAREA_MASK
    lea FRAME_RFLAGS(%rsp), %rsp
    popfq
    pop %rsp
    jmp *bare_rip(%rip)
    .endm

    .macro take_rip
    mov FRAME_RIP(%rsp), %rax
    mov %rax, bare_rip(%rip)
    .endm

    .local bare_rip
    .comm bare_rip, 8, 8

    .text
    .globl bare_exception, bare_foreign, bare_fault, bare_return

// Steps over a two-byte instruction.
bare_exception:
    addq $2, FRAME_RIP(%rsp)
    take_rip
    restore_but_rax
    mov 88(%rsp), %rax
    leave_handler

// Answers 0.
bare_foreign:
    take_rip
    restore_but_rax
    xor %eax, %eax
    leave_handler

// Writes the one binding at fault_run and tries again.
bare_fault:
    mov $SYS_bind, %eax
    xor %edi, %edi
    xor %esi, %esi
    lea fault_run(%rip), %rdx
    mov $1, %r10d
    syscall
bare_return:
    take_rip
    restore_but_rax
    mov 88(%rsp), %rax
    leave_handler

// Waits to be called, and answers each call with its own words. The call ends
// here: nothing of the waiting code is needed again, so the reply is sent with
// the stack unwound and upcalls unmasked, and the next call finds the env ready
// for it.
    .globl serve, serve_handler, serve_quietly_handler
serve_handler:
    END
    BEGIN
serve_quietly_handler:
    mov FRAME_CAUSE(%rdi), %rdi
    mov %rsi, %r12              // words 3, 4 and 5 arrive and leave elsewhere
    mov %rdx, %r13
    mov %rax, %r14
    mov $STACK_TOP, %esp
    movl $0, UAREA_MASK
    mov $SYS_reply, %eax
    syscall
serve:
    mov $SYS_wait, %eax
    xor %edi, %edi
    mov $-1, %rsi
    xor %edx, %edx
    syscall
    jmp serve

// Takes turns until the QUANTUM handler sends it to spin_end.
    .globl spin, spin_end
spin:
    TURN
    jmp spin
spin_end:
    ret

    .section .note.GNU-stack, "", @progbits
