// SPDX-License-Identifier: MIT
/*
 * Kernel stacks. Each CPU has one: an entry starts on it afresh; leaving for
 * user mode abandons it, as the real exit code does; a halt keeps it, and an
 * interrupt continues there. While one runs, time passes.
 */
#include "parts.h"

#include <stdlib.h>
#include <sys/mman.h>

#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>

#include "lock.h"
#include "tlb/flush.h"

#define STACK_BYTES (256 << 10)
#define SPIN_MAX    1000
#define LOOKS_MAX   5000
#define TSC_STEP    40

uint64_t host_clock;

static unsigned char *kernel_stack[HOST_CPUS];
static void *kernel_sp[HOST_CPUS], *test_sp; /* of who does not run */
static const void *test_stack;
static size_t test_stack_bytes;
static struct host_cpu *now = host_cpus; /* whose kernel runs */
static unsigned spins, looks;            /* since the entry */

struct host_cpu *
host_this(void)
{
    return now;
}

struct host_cpu *
host_of(const struct cpu *c)
{
    return &host_cpus[c->index];
}

struct cpu *
hw_this_cpu(void)
{
    return now->c;
}

static unsigned
number_of(const struct host_cpu *h)
{
    return (unsigned)(h - host_cpus);
}

/* On the kernel stack that runs, or in memory? */
bool
host_is_kernel(const void *at)
{
    const unsigned char *p = at, *stack = kernel_stack[number_of(now)];
    return host_memory_has(at) || (p >= stack && p < stack + STACK_BYTES);
}

void
host_serve(struct host_cpu *h)
{
    struct host_cpu *me = now;
    now = h;
    cpu_serve_mailbox(h->c);
    now = me;
}

void
host_stack_make(struct host_cpu *h)
{
    unsigned char **stack = &kernel_stack[number_of(h)];
    if (!*stack)
        *stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (*stack == MAP_FAILED)
        exit(2);
}

/* Push what C expects to keep, and go on where `to` was left. */
void host_switch(void **from, void *to);
__asm__(".text\n"
        ".type host_switch, @function\n"
        "host_switch:\n"
        "    push %rbx\n"
        "    push %rbp\n"
        "    push %r12\n"
        "    push %r13\n"
        "    push %r14\n"
        "    push %r15\n"
        "    mov %rsp, (%rdi)\n"
        "    mov %rsi, %rsp\n"
        "    pop %r15\n"
        "    pop %r14\n"
        "    pop %r13\n"
        "    pop %r12\n"
        "    pop %rbp\n"
        "    pop %rbx\n"
        "    ret\n"
        ".size host_switch, . - host_switch\n");

void
host_resume(struct host_cpu *h)
{
    unsigned n = number_of(h);
    void *fake;
    now = h;
    spins = looks = 0;
    __sanitizer_start_switch_fiber(&fake, kernel_stack[n], STACK_BYTES);
    host_switch(&test_sp, kernel_sp[n]);
    __sanitizer_finish_switch_fiber(fake, NULL, NULL);
    now = &host_cpus[0];
}

void
host_arrive(void)
{
    __sanitizer_finish_switch_fiber(NULL, &test_stack, &test_stack_bytes);
}

void
host_enter(struct host_cpu *h, void (*entry)(void))
{
    unsigned n = number_of(h);
    __asan_unpoison_memory_region(kernel_stack[n], STACK_BYTES);
    void **sp = (void **)(kernel_stack[n] + STACK_BYTES) - 2;
    *sp = (void *)entry;
    kernel_sp[n] = sp - 6;
    host_resume(h);
}

_Noreturn void
host_back(void)
{
    void *gone;
    __sanitizer_start_switch_fiber(NULL, test_stack, test_stack_bytes);
    host_switch(&gone, test_sp);
    abort();
}

void
host_halt(void)
{
    void *fake;
    __sanitizer_start_switch_fiber(&fake, test_stack, test_stack_bytes);
    host_switch(&kernel_sp[number_of(now)], test_sp);
    __sanitizer_finish_switch_fiber(fake, &test_stack, &test_stack_bytes);
}

/* ---- time ---------------------------------------------------------------- */

void (*host_on_pause)(void);

void
hw_pause(void)
{
    if (host_on_pause)
        host_on_pause();
    if (++spins > SPIN_MAX)
        panic("the kernel spins for what nobody can give");
}

/* An idle CPU reaps in a loop and drops the lock each time round: meanwhile
 * others get off the envs they were kicked from. Nothing but that loop looks at
 * the clock so often, and the lock has just been taken when it does. */
static void
let_others_run(void)
{
    struct host_cpu *me = now;
    void *sp = test_sp;
    const void *stack = test_stack;
    size_t bytes = test_stack_bytes;
    K.lock = 0;
    for (unsigned i = 0; i < K.ncpus; i++)
        if (host_cpus[i].must_irq && &host_cpus[i] != me)
            host_interrupt(&host_cpus[i], 33);
    K.lock = LOCK_HELD;
    now = me;
    test_sp = sp;
    test_stack = stack;
    test_stack_bytes = bytes;
}

uint64_t
hw_rdtsc(void)
{
    if (++looks == LOOKS_MAX && kernel_is_locked())
        let_others_run();
    if (looks > 100 * LOOKS_MAX)
        panic("the kernel loops");
    return host_clock += TSC_STEP;
}

/* ---- going back ---------------------------------------------------------- */

static struct {
    void *sp[HOST_CPUS];
    unsigned char *stack[HOST_CPUS];
    uint64_t clock;
} kept;

void
host_stack_save(void)
{
    kept.clock = host_clock;
    memcpy(kept.sp, kernel_sp, sizeof(kernel_sp));
    for (unsigned i = 0; i < K.ncpus; i++) {
        if (!kept.stack[i])
            kept.stack[i] = malloc(STACK_BYTES);
        __asan_unpoison_memory_region(kernel_stack[i], STACK_BYTES);
        memcpy(kept.stack[i], kernel_stack[i], STACK_BYTES);
    }
}

void
host_stack_restore(void)
{
    host_clock = kept.clock;
    memcpy(kernel_sp, kept.sp, sizeof(kernel_sp));
    for (unsigned i = 0; i < K.ncpus; i++) {
        __asan_unpoison_memory_region(kernel_stack[i], STACK_BYTES);
        memcpy(kernel_stack[i], kept.stack[i], STACK_BYTES);
    }
}
