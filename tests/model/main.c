// SPDX-License-Identifier: MIT
/*
 * The model test: random calls on the kernel and on its reference model.
 *
 *   model [--steps N] [--seed N]
 *
 * Without arguments: 10,000 steps in machines of several seeds. A failure says
 * what differs, the seed and the last calls.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fuzz/calls.h"
#include "model.h"

static struct model_args args, last[16];
static uint64_t state, steps, checked;
static bool open_before;

static uint64_t
next(void)
{
    uint64_t z = state += 0x9e3779b97f4a7c15ull; /* splitmix64 [Steele14] */
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}

/* Which argument of a call points to memory, and how many words it has. */
static uint64_t
pointer(const struct model_args *c, unsigned *words)
{
    switch (c->nr) {
    case EXO_SYS_page_alloc:
        *words = c->a[4] < 64 ? (unsigned)c->a[4] : 64;
        return c->a[3];
    case EXO_SYS_page_free:
        *words = c->a[2] < 64 ? (unsigned)c->a[2] : 64;
        return c->a[1];
    case EXO_SYS_bind:
        *words = c->a[3] < 16 ? 3 * (unsigned)c->a[3] : 48;
        return c->a[2];
    case EXO_SYS_env_create:
        *words = sizeof(struct exo_env_spec) / 8;
        return c->a[1];
    default:
        *words = 0;
        return 0;
    }
}

/* What the caller's memory holds there, as far as it is bound. */
static unsigned
peek(struct host_cpu *h, uint64_t va, unsigned n, uint64_t *words)
{
    for (unsigned i = 0; i < n; i++) {
        uint64_t *at = va < EXO_USER_TOP && va % 8 == 0
                           ? host_translate(h, va + 8 * i, EXO_BIND_R)
                           : NULL;
        if (!at)
            return i;
        words[i] = *at;
    }
    return n;
}

/* Something is under way whose steps the contracts leave open. */
static bool
is_open(void)
{
    return K.dying_head || K.revokes || K.askers;
}

/* Did an env end since the last call, by an interrupt or a fault? */
static bool
somebody_died(void)
{
    for (unsigned i = 1; i < model.nenvs; i++)
        if (model.env[i].alive &&
            (!K.env[i] || K.env[i]->id != model.env[i].id ||
             K.env[i]->info->state >= EXO_ENV_DYING))
            return true;
    return false;
}

static struct host_cpu *caller;

void
calls_note(const struct host_cpu *h, uint64_t nr, uint64_t a, uint64_t b,
           uint64_t c, uint64_t d, uint64_t e)
{
    args.nr = nr;
    args.a[0] = a, args.a[1] = b, args.a[2] = c, args.a[3] = d, args.a[4] = e;
    args.me = (uint16_t)h->c->current->index;
    caller = &host_cpus[h->c->index];
    unsigned n;
    uint64_t va = pointer(&args, &n);
    args.nwords = peek(caller, va, n, args.words);
    if (open_before || is_open() || somebody_died())
        model_import(&model);
    open_before = is_open();
    last[steps % ARRAY_SIZE(last)] = args;
    steps++;
}

void
calls_result(uint64_t nr, int64_t result)
{
    unsigned n;
    uint64_t va = pointer(&args, &n);
    (void)nr;
    if (host_off)
        return;
    bool same = caller->way == HOST_RETURNED;
    if (same)
        peek(caller, va, args.nwords, args.after);
    if (same && !open_before && !is_open() && model_call(&args, result)) {
        model_compare();
        checked++;
    } else {
        model_import(&model);
    }
    open_before = is_open();
    model_audit();
}

extern void (*host_on_panic)(const char *why);

static void
show_last(const char *why)
{
    (void)why;
    uint64_t from = steps < ARRAY_SIZE(last) ? 0 : steps - ARRAY_SIZE(last);
    for (uint64_t i = from; i < steps; i++) {
        const struct model_args *c = &last[i % ARRAY_SIZE(last)];
        fprintf(stderr, "  %lu: env %u call %lu (%lx, %lx, %lx, %lx, %lx)\n", i,
                c->me, c->nr, c->a[0], c->a[1], c->a[2], c->a[3], c->a[4]);
    }
}

static void
run(uint64_t seed, uint64_t want)
{
    struct host_setup setup = {.cmdline = "slots=32"};
    state = seed;
    setup.cpus = 1 + (uint32_t)(next() % HOST_CPUS);
    setup.pages = 1536 + 512 * (uint32_t)(next() % 3);
    setup.pcid = next() % 2;
    setup.invpcid = setup.pcid && next() % 2;
    host_on_panic = show_last;
    host_quiet = true;
    host_boot(&setup);
    calls_begin();
    model_import(&model);
    for (uint64_t idle = 0; steps < want && !host_off && idle < 10000; idle++) {
        uint64_t before = steps;
        calls_step(next);
        host_check();
        if (steps != before)
            idle = 0;
        open_before |= is_open();
    }
    printf("seed %lu: %lu calls, %lu predicted in full\n", seed, steps,
           checked);
}

static bool
run_apart(uint64_t seed, uint64_t want)
{
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        run(seed, want);
        exit(0);
    }
    int status = 0;
    if (child > 0 && waitpid(child, &status, 0) == child && !status)
        return true;
    printf("not ok model: --seed %lu --steps %lu\n", seed, want);
    return false;
}

int
main(int argc, char **argv)
{
    uint64_t want = 2500, seed = 0;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (!strcmp(argv[i], "--steps"))
            want = strtoull(argv[i + 1], NULL, 0);
        else if (!strcmp(argv[i], "--seed"))
            seed = strtoull(argv[i + 1], NULL, 0);
    }
    if (seed)
        return !run_apart(seed, want);
    unsigned failed = 0;
    for (seed = 1; seed <= 4; seed++)
        failed += !run_apart(seed, want);
    if (!failed)
        printf("ok model_and_kernel_agree\n");
    return failed != 0;
}
