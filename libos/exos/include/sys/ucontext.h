/* SPDX-License-Identifier: MIT */
/* The registers that a signal handler finds, as Linux lays them out. */
#ifndef EXOS_SYS_UCONTEXT_H
#define EXOS_SYS_UCONTEXT_H

#include <sys/cdefs.h>
#include <sys/signal.h>

typedef long long greg_t;

enum {
    REG_R8,
    REG_R9,
    REG_R10,
    REG_R11,
    REG_R12,
    REG_R13,
    REG_R14,
    REG_R15,
    REG_RDI,
    REG_RSI,
    REG_RBP,
    REG_RBX,
    REG_RDX,
    REG_RAX,
    REG_RCX,
    REG_RSP,
    REG_RIP,
    REG_EFL,
    REG_CSGSFS,
    REG_ERR,
    REG_TRAPNO,
    REG_OLDMASK,
    REG_CR2,
    NGREG
};

typedef greg_t gregset_t[NGREG];

typedef struct {
    gregset_t gregs;
    void *fpregs; /* what FXSAVE or XSAVE wrote */
    unsigned long __reserved[8];
} mcontext_t;

typedef struct ucontext {
    unsigned long uc_flags;
    struct ucontext *uc_link;
    stack_t uc_stack;
    mcontext_t uc_mcontext;
    sigset_t uc_sigmask;
} ucontext_t;

#endif
