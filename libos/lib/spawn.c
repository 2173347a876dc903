// SPDX-License-Identifier: MIT
/*
 * spawn.c: a new env from a program image.
 *
 * Order: pages and root; u-area, log and stack cleared and filled through the
 * window; env_create, which moves them to the new account; then everything
 * further is allocated on that account: tables, stack, data. Pages that the
 * kernel hands to a new payer read as zeros, so only content is copied.
 */
#include "lib/spawn.h"

#include <exo/error.h>
#include <exo/syscall.h>

#include "lib/caps.h"
#include "lib/start.h"
#include "lib/string.h"

#define BATCH 8 // pages allocated, copied and bound at a time

/* What a new env consists of, in the order in which it is allocated. */
enum { ROOT, SAVE, UAREA, UPCALL, LOG = UPCALL + 4, FPU, OWN_PAGES };

struct job {
    struct spawn *spawn;
    struct map *own;
    struct pages pages; // the new env's
    struct map map;     // its address space
    exo_page page[OWN_PAGES];
};

/* Pages copied at a time: the window holds source and target, and its last page
 * is for peek.h. */
static uint32_t
batch_size(const struct job *job)
{
    uint32_t room = (job->own->window->pages - 1) / 2;
    return room < BATCH ? room : BATCH;
}

/* Says what failed, for people. */
static int64_t
fail(struct job *job, int64_t error, const char *what)
{
    if (error)
        job->spawn->what = what;
    return error;
}

static int64_t
check(const struct spawn *spawn)
{
    if (spawn->stack_pages < 1 || spawn->stack_pages > SPAWN_STACK_MAX ||
        spawn->upcall_pages < 1 || spawn->upcall_pages > 4 ||
        spawn->args_bytes > START_ARGS_BYTES || spawn->argc > START_ARGS_MAX ||
        spawn->vars_bytes > START_VARS_BYTES || spawn->nvars > START_VARS_MAX)
        return -EXO_E_INVAL;
    return 0;
}

static bool
wants_fpu(const struct spawn *spawn)
{
    return spawn->program->note.flags & START_WANT_FPU;
}

static uint32_t
upcall_pages(const struct spawn *spawn)
{
    uint32_t asked = spawn->program->note.upcall_pages;
    return asked > spawn->upcall_pages ? asked : spawn->upcall_pages;
}

static void
fill_start_block(const struct spawn *spawn, struct start_block *start)
{
    start->magic = START_MAGIC;
    start->argc = spawn->argc;
    start->prefix = spawn->prefix;
    start->length = spawn->length;
    start->has_log = spawn->with_log;
    start->image = spawn->image_guard ? spawn->image_page : 0;
    start->image_bytes = spawn->image_bytes;
    if (spawn->net)
        start->net = *spawn->net;
    start->files = spawn->files;
    start->files_bytes = spawn->files_bytes;
    start->nvars = spawn->nvars;
    memcpy(start->args, spawn->args, spawn->args_bytes);
    memcpy(start->vars, spawn->vars, spawn->vars_bytes);
}

/* Clears one of the new env's first pages, and fills the u-area. */
static int64_t
prepare_page(struct job *job, unsigned which)
{
    const struct window *window = job->own->window;
    exo_page page = job->page[which];
    if (!page || (which != UAREA && pages_is_zero(page)))
        return 0;
    char *at = window_bind(window, job->spawn->cap, 0, &page, 1, EXO_BIND_W);
    if (!at)
        return -EXO_E_CAP;
    memset(at, 0, EXO_PAGE_BYTES);
    if (which == UAREA) {
        struct exo_uarea *uarea = (struct exo_uarea *)at;
        uarea->mask = 1;
        fill_start_block(job->spawn, start_block(uarea));
    }
    window_clear(window, 0, 1);
    return 0;
}

/* The pages the kernel wants for an env. The caller pays for them until the
 * env exists. */
static int64_t
take_own_pages(struct job *job)
{
    const struct spawn *spawn = job->spawn;
    struct pages mine = {.cap = spawn->cap, .guard = spawn->prefix};
    exo_page page[OWN_PAGES];
    uint32_t first = UPCALL + upcall_pages(spawn);
    uint32_t n = first + spawn->with_log + wants_fpu(spawn);
    int64_t error = pages_take(&mine, page, n);
    if (error)
        return error;
    memcpy(job->page, page, first * sizeof(page[0]));
    if (spawn->with_log)
        job->page[LOG] = page[first];
    if (wants_fpu(spawn))
        job->page[FPU] = page[n - 1];
    error = exo_table_make(spawn->cap, job->page[ROOT], 4, 0);
    for (unsigned i = UAREA; !error && i < OWN_PAGES; i++)
        error = prepare_page(job, i);
    if (error)
        pages_free(&mine, page, n);
    return error;
}

static int64_t
create_env(struct job *job)
{
    struct spawn *spawn = job->spawn;
    struct exo_env_spec spec = {
        .guard = START_ENV_GUARD(spawn->prefix),
        .root = job->page[ROOT],
        .save = job->page[SAVE],
        .uarea = job->page[UAREA],
        .log = job->page[LOG],
        .fpu = job->page[FPU],
        .rip = spawn->program->entry,
        .rsp = EXO_FIRST_STACK_TOP - 8,
        .arg = EXO_FIRST_UAREA + EXO_UAREA_KERNEL,
        .flags = spawn->flags | (wants_fpu(spawn) ? EXO_ENV_FPU : 0),
        .cpu = spawn->cpu,
    };
    memcpy(spec.stack, job->page + UPCALL, sizeof(spec.stack));
    memcpy(spec.share, spawn->share, sizeof(spec.share));
    int64_t env = exo_env_create(EXO_CAPS(spawn->cap, spawn->cap), &spec);
    if (env < 0) {
        struct pages mine = {.cap = spawn->cap};
        for (unsigned i = 0; i < OWN_PAGES; i++)
            if (job->page[i])
                pages_free(&mine, &job->page[i], 1);
        return env;
    }
    spawn->env = (exo_env)env;
    spawn->root = job->page[ROOT];
    spawn->log = job->page[LOG];
    job->pages = (struct pages){.cap = spawn->cap,
                                .control = spawn->cap,
                                .guard = spawn->prefix,
                                .payer = spawn->env};
    job->map = (struct map){.root = spawn->root,
                            .cap = spawn->cap,
                            .pages = &job->pages,
                            .window = job->own->window};
    return 0;
}

/* Can instances bind the image's own pages? What a page shows beyond the
 * segment's end is more of the image, which its reader may read anyway. */
static bool
is_shared(const struct spawn *spawn, const struct elf_segment *s)
{
    return spawn->image_page && !(s->flags & ELF_W) &&
           s->file_bytes == s->memory_bytes;
}

/* How many pages a small program will take of its own: tables, stack, data. */
static uint32_t
pages_wanted(const struct spawn *spawn)
{
    const struct elf_program *program = spawn->program;
    uint32_t pages = 3 + spawn->stack_pages;
    for (uint32_t i = 0; i < program->count; i++)
        if (!is_shared(spawn, &program->segment[i]))
            pages += program->segment[i].pages;
    return pages < PAGES_CACHE ? pages : PAGES_CACHE;
}

/* Binds u-area, log, upcall stack and stack into the new address space. */
static int64_t
bind_own_pages(struct job *job)
{
    struct spawn *spawn = job->spawn;
    exo_page stack[SPAWN_STACK_MAX];
    struct exo_run run[2 + 4 + SPAWN_STACK_MAX];
    uint32_t n = 0;
    int64_t error = pages_stock(&job->pages, pages_wanted(spawn));
    if (!error)
        error = pages_take(&job->pages, stack, spawn->stack_pages);
    if (error)
        return error;
    run[n++] =
        (struct exo_run){EXO_FIRST_UAREA, job->page[UAREA], 1, EXO_BIND_W};
    if (spawn->log)
        run[n++] = (struct exo_run){EXO_FIRST_LOG, spawn->log, 1, EXO_BIND_W};
    for (uint32_t i = 0; i < upcall_pages(spawn); i++)
        run[n++] = (struct exo_run){EXO_FIRST_UPCALL + i * EXO_PAGE_BYTES,
                                    job->page[UPCALL + i], 1, EXO_BIND_W};
    for (uint32_t i = 0; i < spawn->stack_pages; i++)
        run[n++] =
            (struct exo_run){EXO_FIRST_STACK_TOP - (i + 1) * EXO_PAGE_BYTES,
                             stack[i], 1, EXO_BIND_W};
    return map_runs(&job->map, spawn->cap, run, n);
}

static uint32_t
bind_flags(const struct elf_segment *s)
{
    return EXO_BIND_R | (s->flags & ELF_W ? EXO_BIND_W : 0) |
           (s->flags & ELF_X ? EXO_BIND_X : 0);
}

static int64_t
share_segment(struct job *job, const struct elf_segment *s)
{
    uint64_t va = s->va & ~(uint64_t)(EXO_PAGE_BYTES - 1);
    return map_run(&job->map, job->spawn->image_cap, va,
                   job->spawn->image_page + s->offset / EXO_PAGE_BYTES,
                   s->pages, bind_flags(s));
}

/* How many pages of a segment have content. */
static uint32_t
content_pages(const struct elf_segment *s)
{
    uint64_t end = s->va % EXO_PAGE_BYTES + s->file_bytes;
    if (!s->file_bytes)
        return 0;
    return (uint32_t)((end + EXO_PAGE_BYTES - 1) / EXO_PAGE_BYTES);
}

/* Copies what content there is for pages [first, first + count) of a segment.
 * from, to: where these pages are bound, as the image has them and empty. */
static void
copy_content(const struct elf_segment *s, uint32_t first, uint32_t count,
             const char *from, char *to)
{
    uint64_t base = (uint64_t)first * EXO_PAGE_BYTES;
    uint64_t start = s->va % EXO_PAGE_BYTES; // of the content, from page 0 on
    uint64_t end = start + s->file_bytes;
    if (start < base)
        start = base;
    if (end > base + (uint64_t)count * EXO_PAGE_BYTES)
        end = base + (uint64_t)count * EXO_PAGE_BYTES;
    memcpy(to + (start - base), from + (start - base), end - start);
}

/* Fills pages [first, first + count) of a segment, which are page[]. Source and
 * target are bound in the window unless the image is in memory anyway. */
static int64_t
fill_pages(struct job *job, const struct elf_segment *s, uint32_t first,
           uint32_t count, const exo_page *page)
{
    const struct spawn *spawn = job->spawn;
    const struct window *window = job->own->window;
    exo_page source[BATCH];
    uint64_t at = s->offset / EXO_PAGE_BYTES + first;
    const char *from = spawn->image + at * EXO_PAGE_BYTES;
    if (spawn->image_page) {
        for (uint32_t i = 0; i < count; i++)
            source[i] = spawn->image_page + at + i;
        from = window_bind(window, spawn->image_cap, count, source, count,
                           EXO_BIND_R);
    }
    char *to = window_bind(window, spawn->cap, 0, page, count, EXO_BIND_W);
    if (from && to)
        copy_content(s, first, count, from, to);
    window_clear(window, 0, spawn->image_page ? 2 * count : count);
    return from && to ? 0 : -EXO_E_CAP;
}

/* Makes, fills and binds pages [first, first + count) of a segment. */
static int64_t
copy_batch(struct job *job, const struct elf_segment *s, uint32_t first,
           uint32_t count)
{
    struct exo_run run[BATCH];
    exo_page page[BATCH];
    uint64_t va = s->va / EXO_PAGE_BYTES + first;
    uint32_t content = content_pages(s);
    int64_t error = pages_take(&job->pages, page, count);
    if (error)
        return error;
    if (first < content) {
        uint32_t n = content - first < count ? content - first : count;
        error = fill_pages(job, s, first, n, page);
        if (error)
            return error;
    }
    for (uint32_t i = 0; i < count; i++)
        run[i] = (struct exo_run){(va + i) * EXO_PAGE_BYTES, page[i], 1,
                                  bind_flags(s)};
    return map_runs(&job->map, job->spawn->cap, run, count);
}

static int64_t
load_program(struct job *job)
{
    const struct elf_program *program = job->spawn->program;
    uint32_t room = batch_size(job);
    int64_t error = 0;
    for (uint32_t i = 0; !error && i < program->count; i++) {
        const struct elf_segment *s = &program->segment[i];
        if (is_shared(job->spawn, s)) {
            error = share_segment(job, s);
            continue;
        }
        for (uint32_t at = 0, n; !error && at < s->pages; at += n) {
            n = s->pages - at < room ? s->pages - at : room;
            error = copy_batch(job, s, at, n);
        }
    }
    return error;
}

static int64_t
grant_caps(const struct spawn *spawn)
{
    int64_t error = cap_give(spawn->cap, spawn->cap, spawn->env, START_CAP_SELF,
                             spawn->prefix, spawn->length, EXO_ALL);
    if (!error && spawn->door)
        error = cap_give(spawn->door_cap, spawn->cap, spawn->env,
                         START_CAP_DOOR, spawn->door, 64, EXO_WRITE);
    if (!error && spawn->image_guard)
        error = cap_give(spawn->image_cap, spawn->cap, spawn->env,
                         START_CAP_IMAGE, spawn->image_guard, 64, EXO_READ);
    if (!error && spawn->files)
        error = cap_give(spawn->files_cap, spawn->cap, spawn->env,
                         START_CAP_FILES, spawn->files_guard, 64, EXO_READ);
    return error;
}

/* The FS base that the program wants: where it keeps its thread's data. */
static int64_t
set_fs_base(const struct spawn *spawn)
{
    struct exo_context context = {
        .rip = spawn->program->entry,
        .rsp = EXO_FIRST_STACK_TOP - 8,
        .rdi = EXO_FIRST_UAREA + EXO_UAREA_KERNEL,
        .fs_base = spawn->program->note.fs_base,
    };
    if (!context.fs_base)
        return 0;
    return exo_env_state(spawn->cap, spawn->env, EXO_STATE_WRITE, &context);
}

int64_t
spawn_create(struct spawn *spawn, struct map *own)
{
    struct job job = {.spawn = spawn, .own = own};
    spawn->env = 0;
    int64_t error = fail(&job, check(spawn), "check its description");
    if (!error)
        error = fail(&job, take_own_pages(&job), "take its first pages");
    if (error)
        return error;
    error = fail(&job, create_env(&job), "create its environment");
    if (error)
        return error;
    error = fail(&job, bind_own_pages(&job), "make its stack");
    if (!error)
        error = fail(&job, load_program(&job), "load its program");
    if (!error)
        error = fail(&job, grant_caps(spawn), "hand over its capabilities");
    if (!error)
        error = fail(&job, set_fs_base(spawn), "set its FS base");
    pages_trim(&job.pages, PAGES_CACHE);
    if (error)
        spawn_bury(spawn->cap, spawn->env, NULL);
    return error;
}

int64_t
spawn_bury(exo_cap cap, exo_env env, struct exo_mortem *mortem)
{
    int64_t error;
    do
        error = exo_env_control(cap, env, EXO_ENV_DESTROY, 0);
    while (error == -EXO_E_AGAIN);
    if (error && error != -EXO_E_STATE) // STATE: it is dead already
        return error;
    if (mortem)
        exo_env_state(cap, env, EXO_STATE_MORTEM, mortem);
    do
        error = exo_env_control(cap, env, EXO_ENV_BURY, 0);
    while (error == -EXO_E_AGAIN);
    return error;
}
