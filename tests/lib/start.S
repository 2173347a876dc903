// SPDX-License-Identifier: MIT
/*
 * First instructions, the way into and out of upcall handlers, and coming back
 * from a fault. The contract is in exo/upcall.h.
 *
 * The way out is the restartable range: it clears `mask`, looks at `pending`
 * and returns with iretq. rsp is the frame (16-aligned) up to its last step,
 * and the frame's iretq image in the one after it, which restart tells apart
 * by rsp's bit 3.
 */
#define UAREA_MASK    0
#define UAREA_PENDING 4
#define BLOCK_BITS    0xffffffffffff0000
#define ASYNCHRONOUS  0x3c  /* QUANTUM, REVOKE, REPOSSESSED, EVENT */
#define FRAME_RIP     104

    .text
    .globl test_entry, kid_entry, upcall_entry
    .globl return_start, return_end, return_restart

test_entry:
    xor %ebp, %ebp
    and $-16, %rsp
    call test_main
    ud2

kid_entry:
    xor %ebp, %ebp
    and $-16, %rsp
    call kid_main
    ud2

/* rdi = rsp = frame, eax = vector; callee-saved registers are whoever's was
 * interrupted, and C keeps them. */
upcall_entry:
    mov %eax, %esi
    call upcall_dispatch
    jmp return_start

return_restart:
    test $8, %spl
    jz 1f
    sub $FRAME_RIP, %rsp
1:  mov %rsp, %rdi
    call upcall_drain
return_start:
    mov %rsp, %rdi
    and $BLOCK_BITS, %rdi
    movl $0, UAREA_MASK(%rdi)
    testl $ASYNCHRONOUS, UAREA_PENDING(%rdi)
    jnz return_again
    mov 24(%rsp), %r11
    mov 32(%rsp), %r10
    mov 40(%rsp), %r9
    mov 48(%rsp), %r8
    mov 56(%rsp), %rdi
    mov 64(%rsp), %rsi
    mov 72(%rsp), %rdx
    mov 80(%rsp), %rcx
    mov 88(%rsp), %rax
    lea FRAME_RIP(%rsp), %rsp
    iretq
return_again:
    movl $1, UAREA_MASK(%rdi)
return_end:
    jmp return_restart

/* bool catch_run(uint64_t *rsp_out, void (*fn)(uint64_t), uint64_t arg):
 * runs fn(arg); a handler that finds *rsp_out not 0 goes to catch_out with
 * that rsp. */
    .globl catch_run, catch_out
catch_run:
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
    push %rdi
    mov %rsp, (%rdi)
    mov %rdx, %rdi
    call *%rsi
    xor %eax, %eax
1:  pop %rdi
    movq $0, (%rdi)
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    cld
    ret
catch_out:
    mov $1, %eax
    jmp 1b

/* int mark_set(uint64_t mark[8]), void mark_return(uint64_t mark[8]): leave a
 * function from deep below, as setjmp and longjmp do. */
    .globl mark_set, mark_return
mark_set:
    mov %rbx, (%rdi)
    mov %rbp, 8(%rdi)
    mov %r12, 16(%rdi)
    mov %r13, 24(%rdi)
    mov %r14, 32(%rdi)
    mov %r15, 40(%rdi)
    lea 8(%rsp), %rax
    mov %rax, 48(%rdi)
    mov (%rsp), %rax
    mov %rax, 56(%rdi)
    xor %eax, %eax
    ret
mark_return:
    mov (%rdi), %rbx
    mov 8(%rdi), %rbp
    mov 16(%rdi), %r12
    mov 24(%rdi), %r13
    mov 32(%rdi), %r14
    mov 40(%rdi), %r15
    mov 48(%rdi), %rsp
    mov $1, %eax
    jmp *56(%rdi)

    .section .note.GNU-stack, "", @progbits
