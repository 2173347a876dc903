// SPDX-License-Identifier: MIT
/*
 * Entries from user mode and the ways straight back.
 *
 * Stack after an exception, upwards: struct exo_frame, of which the CPU pushed
 * the tail. rsp[0] of the TSS is the stack's top, 16-aligned, and the frame is
 * 144 bytes, so C is called with an aligned stack.
 *
 * A system call has only rcx (rip) and r11 (flags) on the stack. What it leaves
 * in caller-saved registers is cleared on the way out; callee-saved ones are
 * kept by C. [SDM2 SYSCALL], [SDM3 6.14]
 */
#include "kernel.h"

#define NR_SYSCALLS 37
#define FLAGS_CLEAN 0x202
#define USER_CODE   0x23
#define USER_DATA   0x1b
#define LOCK        K + K_LOCK(%rip)
#define WAITERS     K + K_WAITERS(%rip)

/* Registers to the stack and back: those C may change, those it keeps, and all
 * of them, with rax lowest as in struct panic_frame. rax is apart where a stub
 * has used it. */
.macro push_scratch
    push %rcx
    push %rdx
    push %rsi
    push %rdi
    push %r8
    push %r9
    push %r10
    push %r11
.endm

.macro pop_scratch
    pop %r11
    pop %r10
    pop %r9
    pop %r8
    pop %rdi
    pop %rsi
    pop %rdx
    pop %rcx
.endm

.macro push_kept
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
.endm

.macro pop_kept
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
.endm

.macro push_all
    push %r15
    push %r14
    push %r13
    push %r12
    push %r11
    push %r10
    push %r9
    push %r8
    push %rbp
    push %rdi
    push %rsi
    push %rdx
    push %rcx
    push %rbx
    push %rax
.endm

.macro pop_all
    pop %rax
    pop %rbx
    pop %rcx
    pop %rdx
    pop %rsi
    pop %rdi
    pop %rbp
    pop %r8
    pop %r9
    pop %r10
    pop %r11
    pop %r12
    pop %r13
    pop %r14
    pop %r15
.endm

/* Leave the user's registers zero; frame pointer and vector go in. */
.macro clear_scratch
    xor %ecx, %ecx
    xor %edx, %edx
    xor %esi, %esi
    xor %r8d, %r8d
    xor %r9d, %r9d
    xor %r10d, %r10d
    xor %r11d, %r11d
.endm

/* AC may be set on the way in; there is no CLAC without SMAP. */
.macro clear_ac
    cmpb $0, user_smap(%rip)
    je .Lno_smap\@
    clac
.Lno_smap\@:
.endm

    .text
    .globl syscall_entry, trap_stubs

/* ---- system calls ---------------------------------------------------- */

    .balign 64
syscall_entry:
    swapgs
    mov %rsp, %gs:CPU_USER_RSP
    mov %gs:CPU_STACK_TOP, %rsp
    push %rcx
    cmp $NR_SYSCALLS, %rax
    jae foreign
    push %r11
    mov %rax, %r11
    xor %eax, %eax
    mov $LOCK_HELD, %ecx
    lock cmpxchg %ecx, LOCK
    jne syscall_wait
syscall_locked:
    mov %r11, %gs:CPU_LOCK_PATH
    mov %rdx, %rcx
    rdtsc
    mov %eax, %gs:CPU_LOCK_TSC
    mov %rcx, %rdx
    mov %r10, %rcx
    testl $0x80000003, K + K_TRACE(%rip) /* SYSCALL, RETURN, CHECK_BIT */
    jnz syscall_traced
    call *syscall_table(, %r11, 8)
syscall_done:
    mov %rax, %rcx
    rdtsc
    sub %gs:CPU_LOCK_TSC, %eax
    cmp %gs:CPU_LOCK_MAX, %eax
    ja syscall_longest
syscall_unlock:
    cmpq $0, WAITERS
    jne syscall_pass
    movl $0, LOCK
syscall_unlocked:
    mov %rcx, %rax
    mov 8(%rsp), %rcx
    mov $FLAGS_CLEAN, %r11d
    xor %edx, %edx
    xor %esi, %esi
    xor %edi, %edi
    xor %r8d, %r8d
    xor %r9d, %r9d
    xor %r10d, %r10d
    mov %gs:CPU_USER_RSP, %rsp
    swapgs
    sysretq

syscall_longest:
    mov %eax, %gs:CPU_LOCK_MAX
    mov %gs:CPU_INFO, %rdi
    mov %rax, INFO_HOLD_MAX(%rdi)
    mov %gs:CPU_LOCK_PATH, %rdx
    mov %rdx, INFO_HOLD_PATH(%rdi)
    jmp syscall_unlock

syscall_pass:
    push %rcx
    push %rcx
    mov %gs:CPU_SELF, %rdi
    call kernel_pass_turn
    pop %rcx
    pop %rcx
    jmp syscall_unlocked

syscall_traced:
    push %rdi
    push %rsi
    push %rdx
    push %rcx
    push %r8
    push %r9
    mov %rdi, %rsi
    mov %r11, %rdi
    call trace_syscall
    mov %gs:CPU_LOCK_PATH, %r11
    pop %r9
    pop %r8
    pop %rcx
    pop %rdx
    pop %rsi
    pop %rdi
    call *syscall_table(, %r11, 8)
    push %rax
    push %rax
    mov %rax, %rdi
    call trace_return
    pop %rax
    pop %rax
    jmp syscall_done

/* Calls that carry words: r10 is in rcx already. */
    .globl words_call, words_reply
.macro keep_words
    mov %r8, %gs:CPU_WORDS
    mov %r9, %gs:CPU_WORDS + 8
    mov %rcx, %gs:CPU_WORDS + 16
    mov %r12, %gs:CPU_WORDS + 24
    mov %r13, %gs:CPU_WORDS + 32
    mov %r14, %gs:CPU_WORDS + 40
.endm
words_call:
    keep_words
    jmp sys_call
words_reply:
    keep_words
    jmp sys_reply

/* The lock is taken: wait for it in C, with every register the user has, rax in
 * r11, saved as struct trapframe, so that the call can be put off: the env may
 * have been stopped or ended meanwhile, and then the call never began. */
syscall_wait:
    mov 8(%rsp), %rcx
    mov %gs:CPU_STACK_TOP, %rsp
    push $USER_DATA
    push %gs:CPU_USER_RSP
    push $FLAGS_CLEAN
    push $USER_CODE
    push %rcx
    push $0
    push %r11
    push $0                             /* rcx */
    push %rdx
    push %rsi
    push %rdi
    push %r8
    push %r9
    push %r10
    push $0                             /* r11 */
    push $0
    push $0
    push $0
    push_kept
    mov %rsp, %rdi
    call syscall_wait_lock
    mov 80(%rsp), %r10                  /* offsets in struct trapframe */
    mov 88(%rsp), %r9
    mov 96(%rsp), %r8
    mov 104(%rsp), %rdi
    mov 112(%rsp), %rsi
    mov 120(%rsp), %rdx
    mov 136(%rsp), %r11
    mov 152(%rsp), %rcx
    mov %gs:CPU_STACK_TOP, %rsp
    push %rcx
    push $FLAGS_CLEAN
    jmp syscall_locked

/* A number that is not ours: as if it were an exception after the call. */
foreign:
    movq $USER_DATA, (%rsp)             /* over rcx, which is in its register */
    push %gs:CPU_USER_RSP
    push %r11
    push $USER_CODE
    push %rcx
    push $0
    push %rax
    push_scratch
    push $0
    push $0
    push $1                             /* EXO_UP_FOREIGN */
    mov %rsp, %rdi
    call trap_foreign
    jmp enter_handler

/* ---- exceptions ------------------------------------------------------ */

/* One stub for each vector, 16 bytes apart. Exceptions that push an error code
 * are 8, 10..14, 17, 21, 29, 30. */
    .balign 16
trap_stubs:
    vector = 0
    .rept 256
    .balign 16
    .if (vector == 8) || ((vector >= 10) && (vector <= 14)) || (vector == 17) \
        || (vector == 21) || (vector == 29) || (vector == 30)
    .else
    push $0
    .endif
    push %rax
    mov $vector, %eax
    .if vector < 32
    jmp exception
    .else
    jmp interrupt
    .endif
    vector = vector + 1
    .endr

    .balign 16
exception:                              /* rax, error, rip, cs ... */
    testb $3, 24(%rsp)
    jz kernel_exception
    swapgs
exception_user:
    push_scratch
    mov %cr2, %rcx
    push %rcx
    push %rax
    push $0                             /* EXO_UP_FAULT */
    clear_ac
    cld
    mov %rsp, %rdi
    call trap_exception
enter_handler:                          /* the frame now leads to a handler */
    test %eax, %eax
    jnz no_handler
enter_upcall:
    mov (%rsp), %eax
    mov 128(%rsp), %rdi                 /* rsp of the handler */
    clear_scratch
    add $104, %rsp                      /* to rip */
    swapgs
    iretq

/* #DB has a stack of its own, for it may strike before the kernel has one: a
 * program that steps through SYSCALL is trapped at the first instruction here by
 * a CPU (Bochs 2.7) that looks at TF after FMASK has cleared it. That step is
 * passed over. A trap of user code moves to the usual stack. */
    .balign 16
    .globl trap_debug
trap_debug:                             /* rip, cs, flags, rsp, ss */
    testb $3, 8(%rsp)
    jz 1f
    swapgs
    push %rax
    push %rcx
    mov %gs:CPU_STACK_TOP, %rax
    mov 48(%rsp), %rcx
    mov %rcx, -8(%rax)                  /* ss */
    mov 40(%rsp), %rcx
    mov %rcx, -16(%rax)                 /* rsp */
    mov 32(%rsp), %rcx
    mov %rcx, -24(%rax)                 /* flags */
    mov 24(%rsp), %rcx
    mov %rcx, -32(%rax)                 /* cs */
    mov 16(%rsp), %rcx
    mov %rcx, -40(%rax)                 /* rip */
    movq $0, -48(%rax)
    mov 8(%rsp), %rcx
    mov %rcx, -56(%rax)                 /* rax */
    pop %rcx
    lea -56(%rax), %rsp
    mov $1, %eax
    jmp exception_user
1:  push $0
    push %rax
    lea syscall_entry(%rip), %rax
    cmp %rax, 16(%rsp)
    mov $1, %eax
    jne kernel_exception
    pop %rax
    add $8, %rsp
    iretq

/* There is none: with the rest of the registers, struct trapframe. */
no_handler:
    push_kept
    mov %rsp, %rdi
    mov %eax, %esi
    call trap_undeliverable

/* The kernel's own fault: struct panic_frame, which a fixup may change. */
kernel_exception:
    cld
    xchg (%rsp), %rax                   /* vector in its place, rax back */
    push_all
    mov %rsp, %rdi
    mov %rsp, %rbx
    and $-16, %rsp
    call trap_kernel_exception
    mov %rbx, %rsp
    pop_all
    add $16, %rsp
    iretq

/* ---- interrupts ------------------------------------------------------ */

    .balign 16
interrupt:
    testb $3, 24(%rsp)
    jz idle_interrupt
    swapgs
    push_scratch
    push $0
    push %rax
    push $0
    push_kept
    clear_ac
    cld
    mov %rsp, %rdi
    call trap_interrupt
    pop_kept
    test %al, %al
    jnz enter_upcall
    add $24, %rsp
    pop_scratch
    pop %rax
    add $8, %rsp
    swapgs
    iretq

/* The idle loop halts with interrupts on; they are noted, and it looks. */
idle_interrupt:
    push_scratch
    push %rbp
    mov %rsp, %rbp
    and $-16, %rsp
    cld
    mov %eax, %edi
    call trap_idle_interrupt
    mov %rbp, %rsp
    pop %rbp
    pop_scratch
    pop %rax
    add $8, %rsp
    iretq

/* ---- NMI, #DF, #MC: own stacks, GS base unknown ----------------------- */

.macro paranoid name, number, error
    .globl \name
    .balign 16
\name:
    .if \error == 0
    push $0
    .endif
    push $\number
    push_all
    cld
    mov %rsp, %rbx
    and $-16, %rsp
    mov $0xc0000101, %ecx               /* GS base */
    rdmsr
    mov %eax, %r12d
    mov %edx, %r13d
    mov %rbx, %rdi
    call trap_cpu_of_stack
    mov %rax, %rdx
    shr $32, %rdx
    mov $0xc0000101, %ecx
    wrmsr
    mov %rbx, %rdi
    call trap_paranoid
    mov %r12d, %eax
    mov %r13d, %edx
    mov $0xc0000101, %ecx
    wrmsr
    mov %rbx, %rsp
    pop_all
    add $16, %rsp
    iretq
.endm

    paranoid trap_nmi, 2, 0
    paranoid trap_double_fault, 8, 1
    paranoid trap_machine_check, 18, 0
