// SPDX-License-Identifier: MIT
/*
 * Registers full of a pattern, to see that they survive: declared in test.h.
 *
 * Fifteen words on the stack are what the registers must hold; rsp is the only
 * one that holds something else. A mismatch is counted, not repaired.
 */
    .text
    .globl pattern_trap, pattern_spin

#define WORDS 120

.macro enter_pattern                    /* rdi: seed */
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
    sub $WORDS + 24, %rsp               /* words, count, mismatches, what */
    movq $0, WORDS + 8(%rsp)
    mov %rdi, %rax
    mov $0x9e3779b97f4a7c15, %rcx
    xor %edx, %edx
1:  add %rcx, %rax
    mov %rax, (%rsp, %rdx, 8)
    inc %edx
    cmp $15, %edx
    jne 1b
    mov (%rsp), %rax
    mov 8(%rsp), %rbx
    mov 16(%rsp), %rcx
    mov 24(%rsp), %rdx
    mov 32(%rsp), %rsi
    mov 40(%rsp), %rdi
    mov 48(%rsp), %rbp
    mov 56(%rsp), %r8
    mov 64(%rsp), %r9
    mov 72(%rsp), %r10
    mov 80(%rsp), %r11
    mov 88(%rsp), %r12
    mov 96(%rsp), %r13
    mov 104(%rsp), %r14
    mov 112(%rsp), %r15
.endm

.macro compare offset, register
    cmp \offset(%rsp), \register
    je 7f
    incq WORDS + 8(%rsp)
7:
.endm

.macro compare_all
    compare 0, %rax
    compare 8, %rbx
    compare 16, %rcx
    compare 24, %rdx
    compare 32, %rsi
    compare 40, %rdi
    compare 48, %rbp
    compare 56, %r8
    compare 64, %r9
    compare 72, %r10
    compare 80, %r11
    compare 88, %r12
    compare 96, %r13
    compare 104, %r14
    compare 112, %r15
.endm

.macro leave_pattern
    mov WORDS + 8(%rsp), %rax
    add $WORDS + 24, %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    cld
    ret
.endm

/* uint64_t pattern_trap(uint64_t seed): executes ud2, whose handler must step
 * over it; also the words below rsp (the red zone) and the flags must survive.
 * Mismatches. */
pattern_trap:
    enter_pattern
    mov %rax, -8(%rsp)
    mov %rbx, -128(%rsp)
    std
    stc
    ud2
    jc 1f
    incq WORDS + 8(%rsp)
1:  compare -8, %rax
    compare -128, %rbx
    compare_all
    pushfq
    testq $0x400, (%rsp)
    lea 8(%rsp), %rsp
    jnz 1f
    incq WORDS + 8(%rsp)
1:  leave_pattern

/* uint64_t pattern_spin(uint64_t seed, uint64_t times): compares again and
 * again, in user mode only. Mismatches. */
pattern_spin:
    mov %rsi, -72(%rsp)                 /* where the count will be */
    enter_pattern
1:  compare_all
    decq WORDS(%rsp)
    jnz 1b
    leave_pattern

    .section .note.GNU-stack, "", @progbits
