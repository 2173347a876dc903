// SPDX-License-Identifier: MIT
/*
 * The system-call fuzzer on the host: see calls.h.
 *
 *   random [--calls N] [--seed N] [--cpus N] [--pages N] [--verbose]
 *       [--statistics]
 *
 * Without arguments: 200,000 calls in runs of several seeds. After each step
 * every room's invariants and the TLBs are checked. A failure is an abort that
 * follows the seed and the last calls.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "calls.h"

static uint64_t state, calls;
static bool verbose, statistics;
static struct {
    uint64_t nr, a[5];
    uint32_t env, cpu;
} last[24];

static const char *const names[] = {
#define ROW(nr, name, ...)  [nr] = #name,
#define EXO_CALL0(nr, name) [nr] = #name,
#define EXO_CALL1           ROW
#define EXO_CALL2           ROW
#define EXO_CALL3           ROW
#define EXO_CALL4           ROW
#define EXO_CALL5           ROW
#define EXO_SWITCH2         ROW
#define EXO_SWITCH3         ROW
#define EXO_SWITCH4         ROW
#define EXO_WORDS1          ROW
#define EXO_WORDS3          ROW
#include <exo/syscall.def>
#include <exo/syscall_undef.h>
};

static uint64_t
next(void)
{
    uint64_t z = state += 0x9e3779b97f4a7c15ull; /* splitmix64 [Steele14] */
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}

static void
print_call(FILE *to, uint64_t n)
{
    unsigned i = n % ARRAY_SIZE(last);
    fprintf(to, "  %lu: cpu %u env %u %s(%lx, %lx, %lx, %lx, %lx)\n", n,
            last[i].cpu, last[i].env,
            last[i].nr < EXO_SYSCALLS ? names[last[i].nr] : "foreign",
            last[i].a[0], last[i].a[1], last[i].a[2], last[i].a[3],
            last[i].a[4]);
}

void
calls_note(const struct host_cpu *h, uint64_t nr, uint64_t a, uint64_t b,
           uint64_t c, uint64_t d, uint64_t e)
{
    unsigned i = calls % ARRAY_SIZE(last);
    last[i].nr = nr;
    last[i].env = h->c->current->index;
    last[i].cpu = h->c->index;
    last[i].a[0] = a, last[i].a[1] = b, last[i].a[2] = c;
    last[i].a[3] = d, last[i].a[4] = e;
    if (verbose)
        print_call(stdout, calls);
    calls++;
}

static uint32_t results[EXO_SYSCALLS + 1][EXO_ERRORS];

void
calls_result(uint64_t nr, int64_t result)
{
    unsigned row = nr < EXO_SYSCALLS ? (unsigned)nr : EXO_SYSCALLS;
    results[row][result < 0 && result > -EXO_ERRORS ? -result : 0]++;
    if (verbose)
        printf("    = %ld\n", result);
}

/* How often each call had each result: is the fuzzer worth its time? */
static void
print_results(void)
{
    static const char *const errors[] = {
        "ok",
#define EXO_ERROR(code, name, text) #name,
#include <exo/error.def>
#undef EXO_ERROR
    };
    for (unsigned nr = 0; nr < EXO_SYSCALLS; nr++) {
        printf("%-12s", names[nr]);
        for (unsigned e = 0; e < EXO_ERRORS; e++)
            if (results[nr][e])
                printf(" %s %u", errors[e], results[nr][e]);
        printf("\n");
    }
}

extern void (*host_on_panic)(const char *why);

static void
show_last(const char *why)
{
    (void)why;
    uint64_t from = calls < ARRAY_SIZE(last) ? 0 : calls - ARRAY_SIZE(last);
    for (uint64_t i = from; i < calls; i++)
        print_call(stderr, i);
}

static unsigned
live_envs(void)
{
    unsigned n = 0;
    for (uint32_t i = 1; i < K.nenvs; i++)
        n += K.env[i] != NULL;
    return n;
}

/* One machine, `want` calls; ends early if the machine does or all sleep. */
static void
run(uint64_t seed, uint64_t want, struct host_setup setup)
{
    state = seed;
    setup.pcid = next() % 2;
    setup.invpcid = setup.pcid && next() % 2;
    host_on_panic = show_last;
    host_quiet = true;
    calls_packets = true;
    packets_card();
    host_boot(&setup);
    calls_begin();
    unsigned most = 0;
    uint64_t before = 0, asleep = 0;
    while (calls < want && !host_off && asleep < 10000) {
        calls_step(next);
        host_check();
        unsigned n = live_envs();
        most = n > most ? n : most;
        asleep = calls == before ? asleep + 1 : 0;
        before = calls;
    }
    printf("seed %lu: %lu calls, at most %u envs%s\n", seed, calls, most,
           host_off ? ", switched off"
           : asleep ? ", all asleep"
                    : "");
    if (statistics)
        print_results();
}

/* Every machine is a process of its own. */
static bool
run_apart(uint64_t seed, uint64_t want, struct host_setup setup)
{
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        run(seed, want, setup);
        exit(0);
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child || status) {
        printf("not ok random_calls: seed %lu, --cpus %u --pages %u\n", seed,
               setup.cpus, setup.pages);
        return false;
    }
    return true;
}

int
main(int argc, char **argv)
{
    uint64_t want = 5000, seed = 0;
    struct host_setup setup = {.pages = 2048, .cpus = 2};
    for (int i = 1; i < argc; i++) {
        uint64_t value = i + 1 < argc ? strtoull(argv[i + 1], NULL, 0) : 0;
        if (!strcmp(argv[i], "--calls"))
            want = value;
        else if (!strcmp(argv[i], "--seed"))
            seed = value;
        else if (!strcmp(argv[i], "--cpus"))
            setup.cpus = (uint32_t)value;
        else if (!strcmp(argv[i], "--pages"))
            setup.pages = (uint32_t)value;
        else if (!strcmp(argv[i], "--verbose"))
            verbose = true;
        else if (!strcmp(argv[i], "--statistics"))
            statistics = true;
    }
    if (seed)
        return !run_apart(seed, want, setup);
    unsigned failed = 0;
    for (seed = 1; seed <= 40; seed++) {
        setup.cpus = 1 + seed % HOST_CPUS;
        setup.pages = seed % 3 ? 1536 : 2560;
        failed += !run_apart(seed, want, setup);
    }
    if (!failed)
        printf("ok random_calls\n");
    return failed != 0;
}
