// SPDX-License-Identifier: MIT
/*
 * env.h: protection domains.
 *
 *   create          START            wait            event, deadline
 *  -------> EMBRYO -------> READY <--------> RUNNING --------> WAITING
 *                             ^  \________________________________/
 *                     RESUME  |  STOP
 *                          STOPPED        destroy, abort (from any state)
 *                                              |
 *                              BURY            v      all reaped
 *                     slot free <------ DEAD <------ DYING
 *
 * An env is what the kernel can run: a root table, a saved context, upcall
 * entry points (u-area), a capability list and an account. The parent donates
 * the pages that hold it. From DYING on it never runs again.
 */
#ifndef EXO_ENV_H
#define EXO_ENV_H

#include <exo/page.h>
#include <exo/trace.h>
#include <exo/types.h>

enum exo_env_state {
    EXO_ENV_FREE,
    EXO_ENV_EMBRYO,
    EXO_ENV_READY,
    EXO_ENV_RUNNING,
    EXO_ENV_WAITING, // in exo_wait, or in a synchronous call
    EXO_ENV_STOPPED,
    EXO_ENV_DYING,
    EXO_ENV_DEAD,
};

enum exo_env_flag {
    EXO_ENV_FPU = 1,    // has an XSAVE area and may use FPU, SSE, AVX
    EXO_ENV_HIDE = 2,   // the exposed pages are not bound (root's choice)
    EXO_ENV_WX = 4,     // exempt from W^X: a JIT the manifest allows
    EXO_ENV_SEALED = 8, // keeps its sealed root; set by table_seal on its own
    EXO_ENV_LOYAL = 16, // dies with its parent instead of being adopted
};

#define EXO_CPU_ANY UINT32_MAX

struct exo_share {
    uint32_t reserved; // guaranteed: carved out of the parent's own reservation
    uint32_t limit;    // most it may use, descendants included
};

/* What env_create takes. All pages must be the caller's own DATA pages (root:
 * a level-4 table that the caller pays for, or one an existing env uses, for a
 * second thread of control in the same space); the new env pays for them from
 * then on. Unused page fields are 0. */
struct exo_env_spec {
    exo_guard guard; // the new env's guard
    exo_page root;
    exo_page save;     // not bound anywhere
    exo_page uarea;    // filled in by the caller: handlers, return range ...
    exo_page stack[4]; // upcall stack, lowest address first; at least one
    exo_page log;      // struct exo_log; or 0
    exo_page fpu;      // with EXO_ENV_FPU, not bound anywhere; or 0
    uint64_t rip, rsp; // first instruction and stack
    uint64_t arg;      // in rdi at the first instruction, and in the u-area
    uint32_t flags;    // enum exo_env_flag
    uint32_t cpu;      // the one CPU it may run on, or EXO_CPU_ANY
    struct exo_share share[EXO_KINDS];
};

enum exo_env_op {
    EXO_ENV_START, // EMBRYO or STOPPED to READY
    EXO_ENV_STOP,  // READY, RUNNING, WAITING to STOPPED; off its CPU on return
    EXO_ENV_DESTROY, // to DYING, then reaps in steps: EXO_E_AGAIN until DEAD
    EXO_ENV_BURY,    // a DEAD env's slot, save and log page are given up
};

enum exo_state_op {
    EXO_STATE_READ,      // struct exo_context, out; STOPPED, DYING or DEAD
    EXO_STATE_WRITE,     // struct exo_context, in; EMBRYO or STOPPED
    EXO_STATE_FPU_READ,  // the XSAVE area, exo_machine.xsave_bytes, out
    EXO_STATE_FPU_WRITE, // the same, in; header and MXCSR are checked
    EXO_STATE_MORTEM,    // struct exo_mortem, out; DYING or DEAD
};

/* A saved user context. After a voluntary yield, wait or call every register
 * but rip, rsp and rax is zero. */
struct exo_context {
    uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, rsp;
    uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
    uint64_t rip, rflags, fs_base, gs_base;
};

/* Why an env ended. */
enum exo_end {
    EXO_END_EXIT = 1,  // destroyed itself; `value` is what it left
    EXO_END_DESTROYED, // by someone with CONTROL
    EXO_END_FAULT,     // an exception and no FAULT handler
    EXO_END_STACK,     // an upcall frame did not fit the upcall stack
    EXO_END_HANDLER,   // a handler or return address that is not user code
    EXO_END_PARENT,    // loyal to a parent that died
    EXO_END_ROOT,      // its root table's payer died and it could not inherit
    EXO_END_PAGE,      // a kernel-held page was taken by force
};

#define EXO_MORTEM_STACK 32
#define EXO_MORTEM_TRACE 16

/* What is left of an env, until its parent buries it. */
struct exo_mortem {
    exo_env env;
    uint32_t end;    // enum exo_end
    uint32_t vector; // CPU exception number of a FAULT
    uint64_t value;  // EXIT: status; FAULT: error code
    uint64_t addr;   // FAULT: CR2
    exo_tsc born, died;
    struct exo_context context;
    uint32_t nstack, ntrace;
    uint64_t stack[EXO_MORTEM_STACK]; // words from rsp up, as far as bound
    uint32_t used[EXO_KINDS];         // resources held when it ended
    struct exo_trace_event trace[EXO_MORTEM_TRACE]; // its own, oldest first
};

/* The log page: a ring of bytes that the libOS fills and that outlives the
 * env. The kernel appends a line when it ends the env. `head` counts bytes
 * ever written, `tail` bytes ever taken by the reader; both only grow. */
#define EXO_LOG_BYTES 4032
struct exo_log {
    uint64_t head; // [U] by the writer
    uint64_t tail; // [U] by the reader
    uint8_t zero[48];
    char text[EXO_LOG_BYTES];
};

_Static_assert(sizeof(struct exo_log) == 4096, "ABI layout");
_Static_assert(sizeof(struct exo_mortem) <= 1280, "fits the save page");

#endif
