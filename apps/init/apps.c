// SPDX-License-Identifier: MIT
/*
 * apps.c: lives of applications.
 *
 *            start           exit, crash         restart policy, no operator
 *   WAITING ------> RUNNING -------------> ENDED, CRASHED ---------> WAITING
 *                     | stop                   KILLED (by an operator)
 *                     v        grace over
 *                  STOPPING -------------> destroyed
 *
 * Each life has an env, a prefix and slots of its own; the account and the
 * slots return to init when it ends, so that a restart always finds them.
 */
#include "init.h"

#include "lib/errors.h"

#define STACK_PAGES  2
#define UPCALL_PAGES 1
#define RINGS        4   // interfaces of an application with an address
#define ATOMS        256 // ... and atoms, for filters that refine its own
#define PAUSE_MIN    (100 * CLOCK_MS)
#define PAUSE_MAX    (10 * CLOCK_S)
#define GRACE        CLOCK_S
#define RETRY        (20 * CLOCK_MS)
#define READ_MOST    1024 // bytes of one application in one round

struct app *app[MANIFEST_APPS_MAX];
uint32_t napps;
uint64_t init_ticks, init_ticks_1s, gone_ticks, rest_ticks_1s[2];

struct app *
app_add(void)
{
    uint64_t pages = (sizeof(struct app) + EXO_PAGE_BYTES - 1) / EXO_PAGE_BYTES;
    if (napps == MANIFEST_APPS_MAX)
        return NULL;
    struct app *a = page_grow(pages);
    if (!a)
        return NULL;
    a->index = napps;
    a->state = APP_ENDED;
    a->status = -1;
    a->output.name = a->spec.name;
    return app[napps++] = a;
}

struct app *
app_find(const char *name)
{
    for (uint32_t i = 0; i < napps; i++)
        if (strcmp(app[i]->spec.name, name) == 0)
            return app[i];
    return NULL;
}

const char *
app_state_name(const struct app *a)
{
    static const char *const names[] = {
        [APP_RUNNING] = "running", [APP_STOPPING] = "stopping",
        [APP_WAITING] = "waiting", [APP_ENDED] = "ended",
        [APP_CRASHED] = "crashed", [APP_KILLED] = "killed",
    };
    return names[a->state];
}

bool
app_alive(const struct app *a)
{
    return a->state == APP_RUNNING || a->state == APP_STOPPING;
}

/* Which slots are unowned now. */
static void
count_slots(struct admit *admit)
{
    const struct exo_machine *m = exo_machine();
    admit->ncpus = m->ncpus < MANIFEST_CPUS_MAX ? m->ncpus : MANIFEST_CPUS_MAX;
    admit->nslots = m->nslots;
    for (uint32_t cpu = 0; cpu < admit->ncpus; cpu++) {
        admit->free_slots[cpu] = 0;
        for (uint32_t n = 0; n < m->nslots; n++)
            admit->free_slots[cpu] += exo_slot_info(cpu, n)->owner == 0;
    }
}

/* Gives `count` unowned slots of a CPU to an env, spread evenly. */
static int64_t
give_slots(const struct app *a, uint32_t cpu, uint32_t count)
{
    uint32_t nslots = exo_machine()->nslots;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t n = i * nslots / count;
        for (uint32_t tries = 0; exo_slot_info(cpu, n)->owner; tries++) {
            if (tries == nslots)
                return -EXO_E_NONE;
            n = (n + 1) % nslots;
        }
        int64_t done = exo_slot_set(EXO_CAPS(ROOT_CAP, ROOT_CAP),
                                    EXO_SLOT(cpu, n), 1, a->env, a->prefix);
        if (done < 0)
            return done;
    }
    return 0;
}

static int64_t
give_cpu_time(const struct app *a)
{
    struct admit admit;
    uint32_t plan[MANIFEST_CPUS_MAX];
    count_slots(&admit);
    int64_t error = 0;
    if (!admit_plan(&admit, a->spec.affinity,
                    admit_slots(&a->spec, admit.nslots), plan))
        return -EXO_E_NONE;
    for (uint32_t cpu = 0; !error && cpu < admit.ncpus; cpu++)
        if (plan[cpu])
            error = give_slots(a, cpu, plan[cpu]);
    return error;
}

/* Seals the address space: no new executable binding from here on. */
static int64_t
seal(const struct spawn *spawn)
{
    int64_t next = 0;
    do
        next = exo_table_seal(ROOT_CAP, spawn->root, (uint64_t)next);
    while (next > 0);
    return next;
}

static void
describe(const struct app *a, const struct image *image, struct spawn *s)
{
    const struct manifest_app *spec = &a->spec;
    uint32_t slots = admit_slots(spec, exo_machine()->nslots);
    uint64_t affinity = spec->affinity;
    *s = (struct spawn){
        .program = &a->program,
        .image_page = image->page,
        .image_bytes = image->bytes,
        .image_cap = ROOT_CAP,
        .image_guard = image->guard,
        .prefix = a->prefix,
        .length = self.children.child,
        .cap = ROOT_CAP,
        .door_cap = ROOT_CAP,
        .door = START_ENV_GUARD(self.prefix),
        .args = spec->args,
        .args_bytes = spec->args_bytes,
        .argc = spec->argc,
        .net = &spec->net,
        .vars = spec->vars,
        .vars_bytes = spec->vars_bytes,
        .nvars = spec->nvars,
        .with_log = true,
        .stack_pages = STACK_PAGES,
        .upcall_pages = UPCALL_PAGES,
        .flags =
            (spec->wx ? EXO_ENV_WX : 0) | (spec->hide_info ? EXO_ENV_HIDE : 0),
        .cpu = EXO_CPU_ANY,
    };
    if (affinity && !(affinity & (affinity - 1)))
        s->cpu = (uint32_t)__builtin_ctzll(affinity);
    const struct image *files = images_files(spec->files);
    if (files) {
        s->files = files->page;
        s->files_bytes = files->bytes;
        s->files_cap = ROOT_CAP;
        s->files_guard = files->guard;
    }
    s->share[EXO_KIND_PAGE] = (struct exo_share){
        (uint32_t)spec->reserved,
        spec->limit < UINT32_MAX ? (uint32_t)spec->limit : UINT32_MAX};
    s->share[EXO_KIND_ENV] = (struct exo_share){spec->envs, spec->envs};
    if (spec->net.nfilters) {
        s->share[EXO_KIND_RING] = (struct exo_share){0, RINGS};
        s->share[EXO_KIND_ATOM] = (struct exo_share){0, ATOMS};
    }
    s->share[EXO_KIND_SLOT] = (struct exo_share){slots, slots};
}

/* What follows creation, until the first instruction. */
static int64_t
launch(struct app *a, struct spawn *s)
{
    uint64_t log_va = INIT_LOGS + (uint64_t)a->index * EXO_PAGE_BYTES;
    int64_t error;
    s->what = "bind its log";
    error = map_run(&page_map, ROOT_CAP, log_va, s->log, 1, EXO_BIND_W);
    if (error)
        return error;
    a->output.log = (struct exo_log *)log_va;
    a->output.taken = 0;
    s->what = "give it its address";
    error = net_grant(a);
    if (error)
        return error;
    s->what = "give it slots";
    error = give_cpu_time(a);
    if (!error && a->spec.seal) {
        s->what = "seal it";
        error = seal(s);
    }
    if (error)
        return error;
    s->what = "start it";
    return exo_env_control(ROOT_CAP, a->env, EXO_ENV_START, 0);
}

static void
close_log(struct app *a)
{
    if (!a->output.log)
        return;
    output_finish(&a->output);
    map_run(&page_map, ROOT_CAP, (uint64_t)a->output.log, 0, 1, 0);
    a->output.log = NULL;
}

/* Makes the env of a new life. */
static int64_t
create(struct app *a, struct spawn *s)
{
    /* There, and checked, before the first application started. */
    const struct image *image = images_find(a->spec.image);
    s->what = "name it";
    int64_t error = prefixes_issue(&self.children, &a->prefix);
    if (error)
        return error;
    describe(a, image, s);
    error = spawn_create(s, &page_map);
    a->env = error ? 0 : s->env;
    return error;
}

void
app_start(struct app *a)
{
    struct spawn s;
    int64_t error = create(a, &s);
    if (!error)
        error = launch(a, &s);
    if (!error) {
        a->state = APP_RUNNING;
        a->by_operator = false;
        a->born_ns = clock_uptime_ns();
        say("start %s (env %lu)", a->spec.name, a->env);
        return;
    }
    close_log(a);
    if (a->env)
        spawn_bury(ROOT_CAP, a->env, NULL);
    a->env = 0;
    if (error == -EXO_E_WAIT) { // its memory is being collected
        a->state = APP_WAITING;
        a->due_ns = clock_uptime_ns() + RETRY;
        return;
    }
    say("cannot start %s: could not %s: %s", a->spec.name, s.what,
        error_text(error));
    a->state = APP_ENDED;
    a->status = STATUS_NO_PROGRAM;
}

/* Is it restarted after this end, and when? */
static void
plan_restart(struct app *a, bool failed)
{
    const struct manifest_app *spec = &a->spec;
    uint64_t now = clock_uptime_ns();
    bool wanted = spec->restart == MANIFEST_ALWAYS ||
                  (spec->restart == MANIFEST_ON_FAILURE && failed);
    if (!wanted || a->by_operator)
        return;
    if (spec->restarts && a->restarts >= spec->restarts) {
        say("%s was restarted %u times, that was the last", spec->name,
            a->restarts);
        return;
    }
    uint64_t pause = a->pause_ns * 2;
    if (!pause || now - a->born_ns >= PAUSE_MAX)
        pause = PAUSE_MIN;
    a->pause_ns = pause < PAUSE_MAX ? pause : PAUSE_MAX;
    a->due_ns = now + a->pause_ns;
    a->state = APP_WAITING;
    a->restarts++;
    say("restart %s in %lu ms", spec->name, a->pause_ns / CLOCK_MS);
}

/* How a life ended: state and status. */
static void
judge(struct app *a)
{
    const struct exo_mortem *m = &a->record.mortem;
    if (m->end == EXO_END_EXIT) {
        a->status = m->value < STATUS_MAX ? (int32_t)m->value : STATUS_MAX;
        a->state = APP_ENDED;
        say("%s ended with status %d", a->spec.name, a->status);
    } else {
        a->status = a->by_operator ? STATUS_STOPPED : STATUS_CRASHED;
        a->state = a->by_operator ? APP_KILLED : APP_CRASHED;
        record_print(&a->record, a->spec.name, a->spec.image);
    }
    if (a->by_operator)
        a->status = STATUS_STOPPED;
}

/* Takes apart what is left of a life. */
static void
bury(struct app *a)
{
    while (exo_env_control(ROOT_CAP, a->env, EXO_ENV_DESTROY, 0) ==
           -EXO_E_AGAIN)
        ;
    apps_count(false);
    a->past_ticks = a->ticks;
    close_log(a);
    memset(&a->record, 0, sizeof(a->record));
    spawn_bury(ROOT_CAP, a->env, &a->record.mortem);
    record_fill(&a->record, &a->program);
    a->env = 0;
    judge(a);
    plan_restart(a, a->status != 0);
}

void
app_stop(struct app *a)
{
    if (a->state != APP_RUNNING)
        return;
    a->state = APP_STOPPING;
    a->by_operator = true;
    a->due_ns = clock_uptime_ns() + GRACE;
    exo_ring(ROOT_CAP, a->env, START_EVENT_END);
}

void
app_kill(struct app *a)
{
    a->by_operator = true;
    bury(a);
}

static uint16_t
env_state(exo_env env)
{
    const volatile struct exo_env_info *info = exo_env_info(env);
    return info->state;
}

/* Children of applications that ended without taking them along. */
static void
bury_orphans(void)
{
    const struct exo_machine *m = exo_machine();
    for (uint32_t i = 0; i < m->nenvs; i++) {
        const volatile struct exo_env_info *info = exo_env_info(i);
        exo_env id = info->id;
        bool ours = false;
        if (!id || info->parent != UAREA->self)
            continue;
        for (uint32_t n = 0; n < napps; n++)
            ours = ours || app[n]->env == id;
        if (!ours)
            spawn_bury(ROOT_CAP, id, NULL);
    }
}

void
apps_tend(void)
{
    uint64_t now = clock_uptime_ns();
    bool buried = false;
    for (uint32_t i = 0; i < napps; i++) {
        struct app *a = app[i];
        bool over = a->state == APP_STOPPING && now >= a->due_ns;
        if (app_alive(a) && (over || env_state(a->env) >= EXO_ENV_DYING)) {
            bury(a);
            buried = true;
        } else if (a->state == APP_WAITING && now >= a->due_ns) {
            app_start(a);
        }
    }
    if (buried)
        bury_orphans();
}

uint64_t
apps_due_ns(void)
{
    uint64_t due = UINT64_MAX;
    for (uint32_t i = 0; i < napps; i++)
        if ((app[i]->state == APP_WAITING || app[i]->state == APP_STOPPING) &&
            app[i]->due_ns < due)
            due = app[i]->due_ns;
    return due;
}

bool
apps_read(void)
{
    bool any = false;
    for (uint32_t i = 0; i < napps; i++)
        any = output_read(&app[i]->output, READ_MOST) || any;
    return any;
}

/* The application that an env belongs to; null: init, or none. */
static struct app *
owner_of(exo_env id)
{
    for (unsigned depth = 0; id && depth < 8; depth++) {
        for (uint32_t n = 0; n < napps; n++)
            if (app[n]->env == id)
                return app[n];
        const volatile struct exo_env_info *info = exo_env_info(id);
        id = info->parent;
    }
    return NULL;
}

static void
sum_ticks(void)
{
    const struct exo_machine *m = exo_machine();
    for (uint32_t i = 0; i < napps; i++)
        app[i]->ticks = app[i]->past_ticks;
    for (uint32_t i = 0; i < m->nenvs; i++) {
        const volatile struct exo_env_info *info = exo_env_info(i);
        exo_env id = info->id;
        struct app *a = id ? owner_of(id) : NULL;
        if (a)
            a->ticks += info->time_ran;
        else if (id == UAREA->self)
            init_ticks = info->time_ran;
    }
}

/* Time within the second that ended: the count now less the one then. */
static uint64_t
since(uint64_t *sample, uint64_t now)
{
    uint64_t before = *sample;
    *sample = now;
    return now - before;
}

void
apps_count(bool second)
{
    static uint64_t init_sample, rest_sample[2];
    uint64_t user = 0, rest[2] = {0, 0}, known;
    sum_ticks();
    for (uint32_t cpu = 0; cpu < exo_machine()->ncpus; cpu++) {
        const volatile struct exo_cpu_info *info = exo_cpu_info(cpu);
        user += info->user;
        rest[0] += info->kernel;
        rest[1] += info->idle;
    }
    known = init_ticks;
    for (uint32_t i = 0; i < napps; i++)
        known += app[i]->ticks;
    gone_ticks = user > known ? user - known : 0;
    if (!second)
        return;
    init_ticks_1s = since(&init_sample, init_ticks);
    for (uint32_t i = 0; i < napps; i++)
        app[i]->ticks_1s = since(&app[i]->sample, app[i]->ticks);
    for (unsigned i = 0; i < 2; i++)
        rest_ticks_1s[i] = since(&rest_sample[i], rest[i]);
}
