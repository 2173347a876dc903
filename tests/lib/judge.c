// SPDX-License-Identifier: MIT
/*
 * Running the table of tests, and what they say: see test.h.
 *
 * A failure leaves the test at once. In an env that the test made it is only
 * recorded (the image's data is shared) and the env ends; the first env sees
 * it when the test is over.
 */
#include "test.h"

extern const struct test tests_begin[], tests_end[];
int mark_set(uint64_t mark[8]) __attribute__((returns_twice));
_Noreturn void mark_return(uint64_t mark[8]);
_Noreturn void test_main(void);

static uint64_t mark[8];
static exo_env first;
static volatile uint32_t failures; // of this test; only the first is told
static char reason[300];
static bool skipped;
static uint64_t random_state;

_Noreturn void
fail(const char *file, int line, const char *f, ...)
{
    if (__atomic_fetch_add(&failures, 1, __ATOMIC_RELAXED) == 0) {
        char text[200];
        va_list args;
        va_start(args, f);
        text_format_list(text, sizeof(text), f, &args);
        va_end(args);
        text_format(reason, sizeof(reason), "%s:%d: %s", file, line, text);
    }
    if (self() == first)
        mark_return(mark);
    leave(99);
}

_Noreturn void
skip(const char *why)
{
    skipped = true;
    text_format(reason, sizeof(reason), "%s", why);
    mark_return(mark);
}

/* A number, with the error's name if it may be one. */
static const char *
show(char *to, size_t size, int64_t n)
{
    static const char *const names[] = {
#define EXO_ERROR(code, name, text) [code] = #name,
#include <exo/error.def>
#undef EXO_ERROR
    };
    if (n < 0 && n > -(int64_t)ARRAY_SIZE(names))
        text_format(to, size, "-%s", names[-n]);
    else if (n > -65536 && n < 65536)
        text_format(to, size, "%ld", n);
    else
        text_format(to, size, "0x%lx", (uint64_t)n);
    return to;
}

void
judge_equal(const char *file, int line, const char *text, int64_t got,
            int64_t want)
{
    char a[24], b[24];
    if (got != want)
        fail(file, line, "%s is %s, not %s", text, show(a, sizeof(a), got),
             show(b, sizeof(b), want));
}

void
judge_ok(const char *file, int line, const char *text, int64_t got)
{
    char a[24];
    if (got < 0)
        fail(file, line, "%s is %s", text, show(a, sizeof(a), got));
}

uint64_t
random64(void)
{
    uint64_t z = (random_state += 0x9e3779b97f4a7c15ull); /* [Steele14] */
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}

/* Where the value of an option begins on the command line, or NULL. */
static const char *
option_text(const char *name)
{
    const char *at = exo_machine()->cmdline;
    for (; *at; at++) {
        if (at != exo_machine()->cmdline && at[-1] != ' ')
            continue;
        const char *a = at, *n = name;
        while (*n && *a == *n)
            a++, n++;
        if (!*n && *a == '=')
            return a + 1;
    }
    return NULL;
}

uint64_t
option(const char *name, uint64_t otherwise)
{
    const char *at = option_text(name);
    if (!at)
        return otherwise;
    uint64_t n = 0;
    for (; *at >= '0' && *at <= '9'; at++)
        n = n * 10 + (uint64_t)(*at - '0');
    return n;
}

exo_tsc
patience(void)
{
    return seconds(option("patience", 20));
}

/* Does the option `only`, if given, occur in the name? */
static bool
is_wanted(const char *name)
{
    const char *want = option_text("only");
    if (!want)
        return true;
    for (; *name; name++) {
        const char *a = name, *b = want;
        while (*b && *b != ' ' && *a == *b)
            a++, b++;
        if (!*b || *b == ' ')
            return true;
    }
    return false;
}

static void
run_body(const struct test *t)
{
    if (!mark_set(mark))
        t->run();
}

static void
run(const struct test *t)
{
    failures = 0;
    skipped = false;
    random_state = option("seed", 1);
    run_body(t);
    clean_up();
    const char *wrong = clean_difference();
    if (failures)
        say("not ok %s: %s\n", t->name, reason);
    else if (wrong)
        say("not ok %s: afterwards %s\n", t->name, wrong);
    else if (skipped)
        say("skip %s: %s\n", t->name, reason);
    else
        say("ok %s\n", t->name);
    if (wrong)
        clean_remember();
}

/* A fault that no test expects ends the run, with what is known of it. */
static void
unexpected(struct exo_frame *f)
{
    say("not ok unexpected_upcall: vector %lu cause %lu error %lx address %lx "
        "rip %lx rsp %lx\n",
        f->vector, f->cause, f->error, f->addr, f->rip, f->rsp);
    exo_power(ROOT_CAP, 0, 16 + 98);
}

_Noreturn void
test_main(void)
{
    const struct exo_machine *m = exo_machine();
    first = uarea()->self;
    uarea_prepare(uarea(), (uint64_t)uarea());
    on_upcall(uarea(), EXO_UP_FAULT, unexpected);
    say("# %u cpus, features %lx, %u kHz, %lu pages free: %s\n", m->ncpus,
        m->features, m->clock.tsc_khz, m->pages_free, m->cmdline);
    clean_remember();
    unsigned count = 0;
    for (const struct test *t = tests_begin; t < tests_end; t++) {
        if (!is_wanted(t->name))
            continue;
        on_upcall(uarea(), EXO_UP_FAULT, unexpected);
        run(t);
        count++;
    }
    say("# done %u\n", count);
    exo_power(ROOT_CAP, 0, 16);
    for (;;)
        __asm__ volatile("pause");
}
