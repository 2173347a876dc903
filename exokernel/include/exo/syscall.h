// SPDX-License-Identifier: MIT
/*
 * syscall.h: what is derived from syscall.def: numbers for all, prototypes for
 * the kernel, stubs for user code.
 *
 * Register convention: rax the number; rdi, rsi, rdx, r10, r8, r9 arguments;
 * rax the result. `syscall` itself takes rcx and r11 [SDM2 SYSCALL]. An
 * EXO_CALL keeps rbx, rbp, r12..r15 and rsp and clears the rest; an EXO_SWITCH
 * keeps rsp alone: no vector register, no FPU control word. A number that is
 * not in the table is FOREIGN.
 */
#ifndef EXO_SYSCALL_H
#define EXO_SYSCALL_H

#include <exo/call.h>
#include <exo/cap.h>
#include <exo/env.h>
#include <exo/net.h>
#include <exo/tlb.h>
#include <exo/types.h>

enum exo_syscall {
#define EXO_CALL0(nr, name)        EXO_SYS_##name = nr,
#define EXO_CALL1(nr, name, ...)   EXO_SYS_##name = nr,
#define EXO_CALL2(nr, name, ...)   EXO_SYS_##name = nr,
#define EXO_CALL3(nr, name, ...)   EXO_SYS_##name = nr,
#define EXO_CALL4(nr, name, ...)   EXO_SYS_##name = nr,
#define EXO_CALL5(nr, name, ...)   EXO_SYS_##name = nr,
#define EXO_SWITCH2(nr, name, ...) EXO_SYS_##name = nr,
#define EXO_SWITCH3(nr, name, ...) EXO_SYS_##name = nr,
#define EXO_SWITCH4(nr, name, ...) EXO_SYS_##name = nr,
#define EXO_WORDS1(nr, name, ...)  EXO_SYS_##name = nr,
#define EXO_WORDS3(nr, name, ...)  EXO_SYS_##name = nr,
#include <exo/syscall.def>
#include <exo/syscall_undef.h>
    EXO_SYSCALLS
};

#ifdef EXO_KERNEL

#define EXO_CALL0(nr, name)               int64_t sys_##name(void);
#define EXO_CALL1(nr, name, ta, a)        int64_t sys_##name(ta a);
#define EXO_CALL2(nr, name, ta, a, tb, b) int64_t sys_##name(ta a, tb b);
#define EXO_CALL3(nr, name, ta, a, tb, b, tc, c)                               \
    int64_t sys_##name(ta a, tb b, tc c);
#define EXO_CALL4(nr, name, ta, a, tb, b, tc, c, td, d)                        \
    int64_t sys_##name(ta a, tb b, tc c, td d);
#define EXO_CALL5(nr, name, ta, a, tb, b, tc, c, td, d, te, e)                 \
    int64_t sys_##name(ta a, tb b, tc c, td d, te e);
#define EXO_SWITCH2 EXO_CALL2
#define EXO_SWITCH3 EXO_CALL3
#define EXO_SWITCH4 EXO_CALL4
#define EXO_WORDS1  EXO_CALL1
#define EXO_WORDS3  EXO_CALL3
#include <exo/syscall.def>
#include <exo/syscall_undef.h>

#else // user code

#define EXO_LOST "rcx", "r11", "memory"

static inline int64_t
exo_trap(uint64_t nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
         uint64_t e)
{
    int64_t result;
    register uint64_t r10 __asm__("r10") = d;
    register uint64_t r8 __asm__("r8") = e;
    __asm__ volatile("syscall"
                     : "=a"(result), "+D"(a), "+S"(b), "+d"(c), "+r"(r10),
                       "+r"(r8)
                     : "0"(nr)
                     : "r9", EXO_LOST);
    return result;
}

/* As exo_trap, for calls that switch: nothing survives but rsp. rbp is saved
 * by hand, because a compiler may not list it. */
static inline int64_t
exo_trap_switch(uint64_t nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    int64_t result;
    register uint64_t r10 __asm__("r10") = d;
    __asm__ volatile("lea -128(%%rsp), %%rsp\n\t"
                     "push %%rbp\n\t"
                     "syscall\n\t"
                     "pop %%rbp\n\t"
                     "lea 128(%%rsp), %%rsp"
                     : "=a"(result), "+D"(a), "+S"(b), "+d"(c), "+r"(r10)
                     : "0"(nr)
                     : "rbx", "r8", "r9", "r12", "r13", "r14", "r15", EXO_LOST);
    return result;
}

#define EXO_W(x) ((uint64_t)(x))
#define EXO_CALL0(nr, name)                                                    \
    static inline int64_t exo_##name(void)                                     \
    {                                                                          \
        return exo_trap(nr, 0, 0, 0, 0, 0);                                    \
    }
#define EXO_CALL1(nr, name, ta, a)                                             \
    static inline int64_t exo_##name(ta a)                                     \
    {                                                                          \
        return exo_trap(nr, EXO_W(a), 0, 0, 0, 0);                             \
    }
#define EXO_CALL2(nr, name, ta, a, tb, b)                                      \
    static inline int64_t exo_##name(ta a, tb b)                               \
    {                                                                          \
        return exo_trap(nr, EXO_W(a), EXO_W(b), 0, 0, 0);                      \
    }
#define EXO_CALL3(nr, name, ta, a, tb, b, tc, c)                               \
    static inline int64_t exo_##name(ta a, tb b, tc c)                         \
    {                                                                          \
        return exo_trap(nr, EXO_W(a), EXO_W(b), EXO_W(c), 0, 0);               \
    }
#define EXO_CALL4(nr, name, ta, a, tb, b, tc, c, td, d)                        \
    static inline int64_t exo_##name(ta a, tb b, tc c, td d)                   \
    {                                                                          \
        return exo_trap(nr, EXO_W(a), EXO_W(b), EXO_W(c), EXO_W(d), 0);        \
    }
#define EXO_CALL5(nr, name, ta, a, tb, b, tc, c, td, d, te, e)                 \
    static inline int64_t exo_##name(ta a, tb b, tc c, td d, te e)             \
    {                                                                          \
        return exo_trap(nr, EXO_W(a), EXO_W(b), EXO_W(c), EXO_W(d), EXO_W(e)); \
    }
#define EXO_SWITCH2(nr, name, ta, a, tb, b)                                    \
    static inline int64_t exo_##name(ta a, tb b)                               \
    {                                                                          \
        return exo_trap_switch(nr, EXO_W(a), EXO_W(b), 0, 0);                  \
    }
#define EXO_SWITCH3(nr, name, ta, a, tb, b, tc, c)                             \
    static inline int64_t exo_##name(ta a, tb b, tc c)                         \
    {                                                                          \
        return exo_trap_switch(nr, EXO_W(a), EXO_W(b), EXO_W(c), 0);           \
    }
#define EXO_SWITCH4(nr, name, ta, a, tb, b, tc, c, td, d)                      \
    static inline int64_t exo_##name(ta a, tb b, tc c, td d)                   \
    {                                                                          \
        return exo_trap_switch(nr, EXO_W(a), EXO_W(b), EXO_W(c), EXO_W(d));    \
    }
#define EXO_WORDS1(nr, name, ...) // by hand, below
#define EXO_WORDS3(nr, name, ...)
#include <exo/syscall.def>
#include <exo/syscall_undef.h>
#undef EXO_W

/* Calls `env` with words[0..5] and, with EXO_CALL_SYNC, receives the reply in
 * the same words. */
static inline int64_t
exo_call(exo_env env, uint32_t cap_flags, exo_tsc deadline,
         uint64_t words[EXO_CALL_WORDS])
{
    int64_t result;
    uint64_t *w = words;
    uint64_t flags = cap_flags;
    __asm__ volatile("lea -128(%%rsp), %%rsp\n\t"
                     "push %%rbp\n\t"
                     "push %%rbx\n\t"
                     "mov (%%rbx), %%r8\n\t"
                     "mov 8(%%rbx), %%r9\n\t"
                     "mov 16(%%rbx), %%r10\n\t"
                     "mov 24(%%rbx), %%r12\n\t"
                     "mov 32(%%rbx), %%r13\n\t"
                     "mov 40(%%rbx), %%r14\n\t"
                     "syscall\n\t"
                     "pop %%rbx\n\t"
                     "mov %%r8, (%%rbx)\n\t"
                     "mov %%r9, 8(%%rbx)\n\t"
                     "mov %%r10, 16(%%rbx)\n\t"
                     "mov %%r12, 24(%%rbx)\n\t"
                     "mov %%r13, 32(%%rbx)\n\t"
                     "mov %%r14, 40(%%rbx)\n\t"
                     "pop %%rbp\n\t"
                     "lea 128(%%rsp), %%rsp"
                     : "=a"(result), "+D"(env), "+S"(flags), "+d"(deadline),
                       "+b"(w)
                     : "0"((uint64_t)EXO_SYS_call)
                     : "r8", "r9", "r10", "r12", "r13", "r14", "r15", EXO_LOST);
    return result;
}

/* Answers the call `handle` with words[0..5]; returns when the caller of this
 * function runs again. */
static inline int64_t
exo_reply(uint64_t handle, const uint64_t words[EXO_CALL_WORDS])
{
    int64_t result;
    const uint64_t *w = words;
    __asm__ volatile("lea -128(%%rsp), %%rsp\n\t"
                     "push %%rbp\n\t"
                     "mov (%%rbx), %%r8\n\t"
                     "mov 8(%%rbx), %%r9\n\t"
                     "mov 16(%%rbx), %%r10\n\t"
                     "mov 24(%%rbx), %%r12\n\t"
                     "mov 32(%%rbx), %%r13\n\t"
                     "mov 40(%%rbx), %%r14\n\t"
                     "syscall\n\t"
                     "pop %%rbp\n\t"
                     "lea 128(%%rsp), %%rsp"
                     : "=a"(result), "+D"(handle), "+b"(w)
                     : "0"((uint64_t)EXO_SYS_reply)
                     : "rdx", "rsi", "r8", "r9", "r10", "r12", "r13", "r14",
                       "r15", EXO_LOST);
    return result;
}

#endif // user code

#endif
