// SPDX-License-Identifier: MIT
/*
 * First instructions, the way into and out of upcall handlers, and coming back
 * from a fault. The contract is in exo/upcall.h.
 *
 * The way out: rip is put below the interrupted stack's red zone, and the
 * frame's rsp aimed at it, so that the last instruction is `ret $128`. (iretq
 * does the same at once, but QEMU 7.2 reads its operands with the kernel's
 * rights, which SMAP forbids.) All before that is the restartable range, in
 * which rsp is the frame or the word below it, told apart by bit 3. At `ret`
 * the frame is of no use any more, so an upcall there may overwrite it.
 *
 * A frame that interrupted code on the upcall stack is a FAULT in a handler:
 * the mask stays set when it returns.
 */
#define UAREA_MASK    0
#define UAREA_PENDING 4
#define BLOCK_BITS    0xffffffffffff0000
#define ASYNCHRONOUS  0x3c  /* QUANTUM, REVOKE, REPOSSESSED, EVENT */
#define FRAME_RIP     104
#define FRAME_RFLAGS  120
#define FRAME_RSP     128
#define BELOW         136
#define UPCALL_FIRST  0x3000
#define UPCALL_END    0x8000

    .text
    .globl test_entry, kid_entry, upcall_entry, call_entry
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

.macro restore_and_leave
    mov 24(%rsp), %r11
    mov 32(%rsp), %r10
    mov 40(%rsp), %r9
    mov 48(%rsp), %r8
    mov 56(%rsp), %rdi
    mov 64(%rsp), %rsi
    mov 72(%rsp), %rdx
    mov 80(%rsp), %rcx
    mov 88(%rsp), %rax
    pushq FRAME_RFLAGS(%rsp)
    popfq
    mov FRAME_RSP(%rsp), %rsp
.endm

/* rdi = rsp = frame, eax = vector; callee-saved registers are whoever's was
 * interrupted, and C keeps them. */
upcall_entry:
    mov %eax, %esi
    call upcall_dispatch
leave_upcall:
    mov FRAME_RSP(%rsp), %rax
    mov FRAME_RIP(%rsp), %rcx
    mov %rcx, -BELOW(%rax)
    mov %rsp, %rdi
    and $BLOCK_BITS, %rdi
    mov %rax, %rdx
    sub %rdi, %rdx
    sub $BELOW, %rax
    mov %rax, FRAME_RSP(%rsp)
    sub $UPCALL_FIRST, %rdx
    cmp $UPCALL_END - UPCALL_FIRST, %rdx
    jb return_nested
return_start:
    movl $0, UAREA_MASK(%rdi)
    testl $ASYNCHRONOUS, UAREA_PENDING(%rdi)
    jnz return_again
    restore_and_leave
return_end:
    ret $128

return_nested:
    restore_and_leave
    ret $128

return_again:
    movl $1, UAREA_MASK(%rdi)
return_restart:
    test $8, %spl
    jz 1f
    add $8, %rsp
1:  addq $BELOW, FRAME_RSP(%rsp)
    mov %rsp, %rdi
    call upcall_drain
    jmp leave_upcall

/* A call: its words become an array, in the order of exo/call.h. */
call_entry:
    sub $48, %rsp
    mov %r8, (%rsp)
    mov %r9, 8(%rsp)
    mov %r10, 16(%rsp)
    mov %rsi, 24(%rsp)
    mov %rdx, 32(%rsp)
    mov %rax, 40(%rsp)
    mov %rsp, %rsi
    call call_dispatch
    add $48, %rsp
    jmp leave_upcall

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
