// SPDX-License-Identifier: MIT
/*
 * The dispatch table, from syscall.def, and the rare paths of the entry.
 */
#include "debug/check.h"
#include "debug/trace.h"
#include "env/env.h"
#include "lock.h"
#include "slice/slice.h"

_Static_assert(EXO_SYSCALLS == 37, "NR_SYSCALLS in entry.S");

extern const void *const syscall_table[EXO_SYSCALLS];

/* In entry.S: keep the six words, then go on to sys_call and sys_reply. */
void words_call(void);
void words_reply(void);

#define ROW(nr, name, ...)        [nr] = (const void *)sys_##name,
#define EXO_CALL0(nr, name)       [nr] = (const void *)sys_##name,
#define EXO_CALL1                 ROW
#define EXO_CALL2                 ROW
#define EXO_CALL3                 ROW
#define EXO_CALL4                 ROW
#define EXO_CALL5                 ROW
#define EXO_SWITCH2               ROW
#define EXO_SWITCH3               ROW
#define EXO_SWITCH4               ROW
#define EXO_WORDS1(nr, name, ...) [nr] = (const void *)words_##name,
#define EXO_WORDS3(nr, name, ...) [nr] = (const void *)words_##name,

const void *const syscall_table[EXO_SYSCALLS] = {
#include <exo/syscall.def>
#include <exo/syscall_undef.h>
};

/* Called from entry.S. */
void trace_syscall(uint64_t number, uint64_t argument);
void trace_return(uint64_t result);
void syscall_wait_lock(struct trapframe *t);

void
trace_syscall(uint64_t number, uint64_t argument)
{
    struct cpu *c = hw_this_cpu();
    trace(c, EXO_TRACE_SYSCALL, c->current, number, argument);
}

void
trace_return(uint64_t result)
{
    struct cpu *c = hw_this_cpu();
    trace(c, EXO_TRACE_RETURN, c->current, c->lock_path, result);
    check_after_call();
}

/* Wait for the lock. If the env was stopped or
 * ended meanwhile, the call has not begun: it will be made when it resumes. */
void
syscall_wait_lock(struct trapframe *t)
{
    struct cpu *c = hw_this_cpu();
    kernel_lock_wait(c);
    if (likely(env_state(c->current) == EXO_ENV_RUNNING))
        return;
    c->lock_tsc = (uint32_t)hw_rdtsc();
    c->lock_path = 256;
    t->f.rip -= 2; /* the SYSCALL instruction */
    slice_interrupt(c, t);
    panic("a stopped env went on");
}

int64_t
sys_null(void)
{
    return 0;
}
