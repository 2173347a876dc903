// SPDX-License-Identifier: MIT
//
// main.c: from the first instruction to the benchmarks, and the end.
//
// The kernel's command line chooses: only=NAME,NAME... runs these benchmarks,
// else all of the table but those that are too long for every run.
#include "bench.h"

#include "lib/print.h"
#include "lib/string.h"

#define WINDOW_PAGES 20
#define LINE_BYTES   256
#define EXIT_BASE    0x10 // what the machine ends with means: status 0

struct pages own_pages = {.cap = ROOT_CAP};
struct map own_map = {.cap = ROOT_CAP, .pages = &own_pages};

static struct window window;

_Noreturn void bench_start(const struct start_block *start);

// Says that the first program runs, for those who wait for it.
static void
up(void)
{
    say("up");
}

static const struct {
    const char *name;
    void (*run)(void);
    bool chosen; // runs only when it is named
} benchmark[] = {
    {"null_call", null_call, false},
    {"exception_upcall", exception_upcall, false},
    {"foreign_upcall", foreign_upcall, false},
    {"fault_upcall", fault_upcall, false},
    {"first_touch", first_touch, false},
    {"call_oneway", call_oneway, false},
    {"yield_to", yield_to, false},
    {"slice_switch", slice_switch, false},
    {"bind_1", bind_one, false},
    {"bind_many", bind_many, false},
    {"page_cycle", page_cycle, false},
    {"env_cycle", env_cycle, false},
    {"up", up, true},
    {"lock_hold", lock_hold, true},
    {"many_envs", many_envs, true},
    {"packets", packets, true},
    {"filters", filters, true},
};

void
say(const char *format, ...)
{
    char line[LINE_BYTES];
    va_list args;
    va_start(args, format);
    size_t n = print_text_args(line, sizeof(line) - 1, format, args);
    va_end(args);
    line[n++] = '\n';
    for (size_t done = 0; done < n;) {
        int64_t wrote = exo_chan_write(ROOT_CAP, 0, line + done, n - done);
        if (wrote < 0)
            return;
        done += (size_t)wrote;
    }
}

void
row(const char *name, unsigned ops)
{
    say("#b %s %u", name, ops);
    MARK(MARK_ROW);
}

bool
give_up(const char *name, const char *what, int64_t error)
{
    say("#fail %s %s: %s", name, what, error_text(error));
    return false;
}

bool
take_pages(const char *name, exo_page *page, uint32_t count, bool run)
{
    int64_t error;
    if (!run) {
        error = pages_take(&own_pages, page, count);
        return !error || give_up(name, "take pages", error);
    }
    error = pages_take_run(&own_pages, page, count, 1);
    for (uint32_t i = 1; i < count; i++)
        page[i] = page[0] + i;
    return !error || give_up(name, "take consecutive pages", error);
}

// Does `text` begin with the `n` bytes at `word`, and end there?
static bool
word_is(const char *text, const char *word, size_t n)
{
    return strncmp(text, word, n) == 0 && text[n] == '\0';
}

// The text after `name=` on the command line, or null.
static const char *
find_option(const char *name)
{
    size_t n = strlen(name);
    const char *at = exo_machine()->cmdline;
    for (; *at; at++) {
        if (strncmp(at, name, n) == 0 && at[n] == '=')
            return at + n + 1;
        while (*at && *at != ' ')
            at++;
        if (!*at)
            break;
    }
    return NULL;
}

uint64_t
option(const char *name, uint64_t otherwise)
{
    const char *text = find_option(name);
    uint64_t value = 0;
    if (!text)
        return otherwise;
    for (; *text >= '0' && *text <= '9'; text++)
        value = value * 10 + (uint64_t)(*text - '0');
    return value;
}

// Is a benchmark in the comma-separated list, if there is one?
static bool
is_wanted(unsigned which)
{
    const char *at = find_option("only");
    if (!at)
        return !benchmark[which].chosen;
    while (*at && *at != ' ') {
        size_t n = 0;
        while (at[n] && at[n] != ',' && at[n] != ' ')
            n++;
        if (word_is(benchmark[which].name, at, n))
            return true;
        at += n + (at[n] == ',');
    }
    return false;
}

static void
be_first(void)
{
    exo_page table;
    int64_t error = exo_reguard(EXO_CAPS(ROOT_CAP, ROOT_CAP), EXO_KIND_ENV, 0,
                                1, START_ENV_GUARD(0));
    if (error < 0)
        give_up("all", "guard the first env", error);
    error = window_open(&window, &own_map, WINDOW, WINDOW_PAGES);
    for (uint32_t n = 0; !error && n < ARENA_PAGES; n += 512)
        error = map_table(&own_map, ARENA + (uint64_t)n * EXO_PAGE_BYTES, 1,
                          &table);
    if (error)
        give_up("all", "make page tables", error);
    for (unsigned i = 0; i < sizeof(benchmark) / sizeof(benchmark[0]); i++)
        if (!error && is_wanted(i))
            benchmark[i].run();
}

_Noreturn void
bench_start(const struct start_block *start)
{
    upcall_open(UAREA, EXO_FIRST_UPCALL);
    if (start)
        peer_run(start->args + strlen(start->args) + 1);
    be_first();
    for (;;)
        exo_power(ROOT_CAP, 0, EXIT_BASE);
}
