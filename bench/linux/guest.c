// SPDX-License-Identifier: MIT
//
// guest.c: what a Linux guest needs for the operations that Exo's benchmark
// program measures, as that guest's only process (its init), with the same
// markers and the same console lines (see bench.h and insn.c). Ordinary POSIX
// code on the distribution's libc.
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <unistd.h>

#define MARK(id)                                                               \
    __asm__ volatile(".byte 0x0f,0x1f,0x84,0," #id ",0,0xc5,0x5e" ::           \
                         : "memor"                                             \
                           "y")
#define BEGIN() MARK(1)
#define END()   MARK(2)

#define REPETITIONS 11
#define PAGE        4096L
#define TOUCHED     400 // pages, too few for a huge one to serve them
#define OPS         1000

static char *memory; // two pages
static volatile long faults_left;

static void
row(const char *name, unsigned ops)
{
    printf("#b %s %u\n", name, ops);
    fflush(stdout);
    MARK(4);
}

static void *
map(long pages)
{
    void *at = mmap(NULL, (size_t)(pages * PAGE), PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at != MAP_FAILED)
        return at;
    perror("#fail all mmap");
    exit(1);
}

static void
null_syscall(void)
{
    row("null_syscall", OPS);
    for (int i = 0; i < REPETITIONS; i++) {
        BEGIN();
        for (int n = 0; n < OPS; n++)
            getppid();
        END();
    }
}

static void
unprotect(int number, siginfo_t *info, void *context)
{
    (void)number, (void)info, (void)context;
    if (--faults_left <= 0)
        mprotect(memory, (size_t)PAGE, PROT_READ | PROT_WRITE);
}

// `faults` faults of one store; the last one's handler allows it.
static void
fault(const char *name, int faults, unsigned repetitions)
{
    row(name, (unsigned)faults);
    for (unsigned i = 0; i < repetitions; i++) {
        faults_left = faults;
        mprotect(memory, (size_t)PAGE, PROT_READ);
        BEGIN();
        *(volatile char *)memory = 1;
        END();
    }
}

static void
faults(void)
{
    struct sigaction action = {.sa_sigaction = unprotect,
                               .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, NULL);
    fault("trap", 100, REPETITIONS);
    fault("fault_unprotect", 1, 5 * REPETITIONS);
}

static void
first_touch(void)
{
    row("first_touch", TOUCHED);
    for (int i = 0; i < REPETITIONS; i++) {
        char *at = map(TOUCHED);
        BEGIN();
        for (long n = 0; n < TOUCHED; n++)
            ((volatile char *)at)[n * PAGE] = 1;
        END();
        munmap(at, (size_t)(TOUCHED * PAGE));
    }
}

static void
page_cycle(void)
{
    row("page_cycle", 100);
    for (int i = 0; i < REPETITIONS; i++) {
        BEGIN();
        for (int n = 0; n < 100; n++) {
            char *at = map(1);
            *(volatile char *)at = 1;
            munmap(at, (size_t)PAGE);
        }
        END();
    }
}

static void
protect(void)
{
    row("protect_1", 2);
    for (int i = 0; i < REPETITIONS; i++) {
        BEGIN();
        mprotect(memory, (size_t)PAGE, PROT_READ);
        mprotect(memory, (size_t)PAGE, PROT_READ | PROT_WRITE);
        END();
    }
}

static void
yield_often(void)
{
    for (int n = 0; n < OPS; n++)
        sched_yield();
}

// Under the default policy both keep the CPU through nearly all their yields;
// under FIFO each yield runs the other process.
static void
yield_pair(const char *name, int policy)
{
    const struct sched_param param = {.sched_priority = policy ? 1 : 0};
    if (sched_setscheduler(0, policy, &param))
        return;
    row(name, 2 * OPS);
    for (int i = 0; i < REPETITIONS; i++) {
        pid_t child = fork();
        if (child == 0) {
            yield_often();
            _exit(0);
        }
        BEGIN();
        yield_often();
        waitpid(child, NULL, 0);
        END();
    }
}

static void
echo(int from, int to)
{
    char byte;
    while (read(from, &byte, 1) == 1)
        if (write(to, &byte, 1) != 1)
            break;
}

static bool
pass(int to, int from)
{
    char byte = 1;
    return write(to, &byte, 1) == 1 && read(from, &byte, 1) == 1;
}

static void
pipe_round_trip(void)
{
    int there[2], back[2];
    if (pipe(there) || pipe(back))
        return;
    pid_t child = fork();
    if (child == 0) {
        close(there[1]);
        echo(there[0], back[1]);
        _exit(0);
    }
    pass(there[1], back[0]);
    row("pipe_round_trip", 100);
    for (int i = 0; i < REPETITIONS; i++) {
        BEGIN();
        for (int n = 0; n < 100; n++)
            pass(there[1], back[0]);
        END();
    }
    close(there[1]);
    waitpid(child, NULL, 0);
}

// fork, and in the child exit or execute a program that does.
static void
processes(const char *name, char *const argv[])
{
    row(name, 1);
    for (int i = 0; i < 2 * REPETITIONS; i++) {
        BEGIN();
        pid_t child = fork();
        if (child == 0) {
            if (argv)
                execv(argv[0], argv);
            _exit(0);
        }
        waitpid(child, NULL, 0);
        END();
    }
}

int
main(void)
{
    char *const tiny[] = {(char *)"/tiny", NULL};
    memory = map(2);
    memory[0] = memory[PAGE] = 1;
    null_syscall();
    faults();
    first_touch();
    page_cycle();
    protect();
    yield_pair("yield_pair", SCHED_OTHER);
    yield_pair("yield_switch", SCHED_FIFO);
    sched_setscheduler(0, SCHED_OTHER, &(struct sched_param){0});
    pipe_round_trip();
    processes("fork_exit_wait", NULL);
    processes("fork_exec_wait", tiny);
    puts("#end");
    fflush(stdout);
    return reboot(RB_POWER_OFF);
}
