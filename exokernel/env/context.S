// SPDX-License-Identifier: MIT
/*
 * The ways out of the kernel into user mode: see context.h.
 *
 * SYSRET takes rip from rcx and flags from r11 [SDM2 SYSRET]; rip is checked to
 * be a user address wherever it is set, so SYSRET cannot fault in ring 0.
 */
#include "kernel.h"

#define FLAGS_CLEAN 0x202
#define USER_CODE   0x23
#define USER_DATA   0x1b

    .text
    .globl exit_light, exit_reply, exit_call, exit_full

exit_light:                         /* rdi, rsp, rax, rip */
    mov %rdx, %rax
    mov %rsi, %rsp
    xor %ebx, %ebx
    xor %edx, %edx
    xor %esi, %esi
    xor %ebp, %ebp
    xor %r8d, %r8d
    xor %r9d, %r9d
    xor %r10d, %r10d
    xor %r12d, %r12d
    xor %r13d, %r13d
    xor %r14d, %r14d
    xor %r15d, %r15d
    mov $FLAGS_CLEAN, %r11d
    swapgs
    sysretq

exit_reply:                         /* rip, rsp, words */
    mov %rdi, %rcx
    mov %rsi, %rsp
    mov (%rdx), %r8
    mov 8(%rdx), %r9
    mov 16(%rdx), %r10
    mov 24(%rdx), %r12
    mov 32(%rdx), %r13
    mov 40(%rdx), %r14
    xor %eax, %eax
    xor %ebx, %ebx
    xor %edx, %edx
    xor %esi, %esi
    xor %edi, %edi
    xor %ebp, %ebp
    xor %r15d, %r15d
    mov $FLAGS_CLEAN, %r11d
    swapgs
    sysretq

exit_call:                          /* rip, rsp, words */
    mov %rdi, %rcx
    mov %rsi, %rsp
    mov %rsi, %rdi
    mov (%rdx), %r8
    mov 8(%rdx), %r9
    mov 16(%rdx), %r10
    mov 24(%rdx), %rsi
    mov 40(%rdx), %rax
    mov 32(%rdx), %rdx
    xor %ebx, %ebx
    xor %ebp, %ebp
    xor %r12d, %r12d
    xor %r13d, %r13d
    xor %r14d, %r14d
    xor %r15d, %r15d
    mov $FLAGS_CLEAN, %r11d
    swapgs
    sysretq

/* struct exo_context: rax rbx rcx rdx rsi rdi rbp rsp r8..r15 rip rflags */
exit_full:
    push $USER_DATA
    push 56(%rdi)
    push 136(%rdi)
    push $USER_CODE
    push 128(%rdi)
    mov (%rdi), %rax
    mov 8(%rdi), %rbx
    mov 16(%rdi), %rcx
    mov 24(%rdi), %rdx
    mov 32(%rdi), %rsi
    mov 48(%rdi), %rbp
    mov 64(%rdi), %r8
    mov 72(%rdi), %r9
    mov 80(%rdi), %r10
    mov 88(%rdi), %r11
    mov 96(%rdi), %r12
    mov 104(%rdi), %r13
    mov 112(%rdi), %r14
    mov 120(%rdi), %r15
    mov 40(%rdi), %rdi
    swapgs
    iretq
