// SPDX-License-Identifier: MIT
/*
 * answers.c: what each verb of the management protocol answers; the fields are
 * defined in docs/management.md.
 */
#include "manage.h"

#include "lib/errors.h"
#include "lib/names.h"
#include "lib/print.h"

#define LOCK_INTERRUPT 256 // lock_hold_path: 256 + vector, else a call

static const volatile struct exo_account *
account_of(exo_env env, enum exo_kind kind)
{
    return &exo_env_info(env)->account[kind];
}

/* Its addresses, and which ports of them are its own. */
static void
put_place(struct json *json, const struct start_net *net)
{
    char text[64] = "";
    const uint8_t *a = net->address4;
    if (net->prefix4)
        print_text(text, sizeof(text), "%u.%u.%u.%u", a[0], a[1], a[2], a[3]);
    json_text(json, "address4", text);
    text[0] = 0;
    for (unsigned i = 0; net->prefix6 && i < sizeof(net->address6); i++)
        print_text(text + 2 * i, sizeof(text) - 2 * i, "%02x",
                   net->address6[i]);
    json_text(json, "address6", text);
    json_begin(json, "ports", '[');
    for (unsigned i = 0; i < net->nports; i++) {
        const struct start_ports *p = &net->ports[i];
        json_begin(json, NULL, '{');
        json_number(json, "protocol", p->protocol);
        json_number(json, "first", p->first);
        json_number(json, "last", p->last);
        json_end(json, '}');
    }
    json_end(json, ']');
}

static void
put_account(struct json *json, const struct app *a)
{
    uint32_t used = 0, slots = 0;
    if (a->env) {
        used = account_of(a->env, EXO_KIND_PAGE)->used;
        slots = account_of(a->env, EXO_KIND_SLOT)->used;
    }
    json_number(json, "pages_used", used);
    json_number(json, "pages_reserved", a->spec.reserved);
    json_number(json, "pages_limit", a->spec.limit);
    json_number(json, "slots", slots);
}

static bool
answer_ps(struct answer *answer, struct json *json)
{
    static const char *const policy[] = {
        [MANIFEST_NEVER] = "never",
        [MANIFEST_ON_FAILURE] = "on-failure",
        [MANIFEST_ALWAYS] = "always",
    };
    if (answer->line >= napps)
        return false;
    const struct app *a = app[answer->line];
    json_text(json, "app", a->spec.name);
    json_text(json, "image", a->spec.image);
    json_text(json, "state", app_state_name(a));
    json_number(json, "env", a->env);
    json_signed(json, "status", a->status);
    json_number(json, "restarts", a->restarts);
    json_text(json, "restart", policy[a->spec.restart]);
    json_number(json, "uptime_ms",
                a->env ? (clock_uptime_ns() - a->born_ns) / CLOCK_MS : 0);
    put_account(json, a);
    put_place(json, &a->spec.net);
    return true;
}

static void
put_row(struct json *json, const char *name, uint64_t ticks, uint64_t ticks_1s,
        uint64_t pages)
{
    json_text(json, "app", name);
    json_number(json, "cpu_ns", clock_ns(ticks));
    json_number(json, "cpu_ns_1s", clock_ns(ticks_1s));
    json_number(json, "pages_used", pages);
    json_number(json, "pages_reserved", 0);
    json_number(json, "pages_limit", 0);
    json_number(json, "slots", 0);
}

static void
put_init(struct json *json)
{
    const volatile struct exo_account *pages =
        account_of(UAREA->self, EXO_KIND_PAGE);
    json_text(json, "app", "init");
    json_number(json, "cpu_ns", clock_ns(init_ticks));
    json_number(json, "cpu_ns_1s", clock_ns(init_ticks_1s));
    json_number(json, "pages_used", pages->own);
    json_number(json, "pages_reserved", pages->reserved - pages->carved);
    json_number(json, "pages_limit", pages->reserved);
    json_number(json, "slots", account_of(UAREA->self, EXO_KIND_SLOT)->own);
}

static void
put_rest(struct json *json, bool idle)
{
    const struct exo_machine *m = exo_machine();
    uint64_t ticks = 0;
    for (uint32_t cpu = 0; cpu < m->ncpus; cpu++) {
        const volatile struct exo_cpu_info *info = exo_cpu_info(cpu);
        ticks += idle ? info->idle : info->kernel;
    }
    put_row(json, idle ? "(idle)" : "(kernel)", ticks, rest_ticks_1s[idle],
            idle ? m->pages_free : m->pages_kernel);
}

static bool
answer_top(struct answer *answer, struct json *json)
{
    uint32_t n = answer->line;
    if (n == 0)
        apps_count(false);
    if (n < napps) {
        json_text(json, "app", app[n]->spec.name);
        json_number(json, "cpu_ns", clock_ns(app[n]->ticks));
        json_number(json, "cpu_ns_1s", clock_ns(app[n]->ticks_1s));
        put_account(json, app[n]);
    } else if (n == napps) {
        put_init(json);
    } else if (n == napps + 1) {
        put_row(json, "(ended)", gone_ticks, 0, 0);
    } else if (n <= napps + 3) {
        put_rest(json, n == napps + 3);
    } else {
        return false;
    }
    return true;
}

static bool
answer_logs(struct answer *answer, struct json *json)
{
    const struct output *output =
        answer->app ? &answer->app->output : &init_output;
    struct history_line line;
    if (!history_next(&output->history, &answer->at, &line))
        return false;
    json_number(json, "n", line.number);
    json_number(json, "t_ms", line.ms);
    json_text(json, "text", line.text);
    return true;
}

static bool
refuse(struct answer *answer, const char *why)
{
    print_text(answer->error, sizeof(answer->error), "%s", why);
    return false;
}

static bool
answer_stop(struct answer *answer, struct json *json)
{
    if (answer->line)
        return false;
    if (!answer->app)
        return refuse(answer, "init ends with the machine: shutdown");
    if (!app_alive(answer->app))
        return refuse(answer, "that application is not running");
    app_stop(answer->app);
    json_text(json, "app", answer->app->spec.name);
    json_number(json, "grace_ms", 1000);
    return true;
}

static bool
answer_kill(struct answer *answer, struct json *json)
{
    (void)json;
    if (!answer->app)
        return refuse(answer, "init ends with the machine: shutdown");
    if (!app_alive(answer->app))
        return refuse(answer, "that application is not running");
    app_kill(answer->app);
    return false;
}

static bool
put_event(struct answer *answer, struct json *json)
{
    struct exo_trace_event event;
    if (!trace_next(&answer->trace, &event))
        return false;
    json_number(json, "cpu", event.cpu);
    json_number(json, "tsc", event.time);
    json_text(json, "ev", name_trace(event.type));
    json_number(json, "env", event.env);
    json_number(json, "a", event.a);
    json_number(json, "b", event.b);
    return true;
}

static bool
dump_trace(struct answer *answer, struct json *json)
{
    uint32_t n = answer->line;
    if (n == 0) {
        json_number(json, "tsc_khz", exo_machine()->clock.tsc_khz);
        json_number(json, "cpus", exo_machine()->ncpus);
        json_number(json, "lost", trace_lost());
    } else if (n == 1) {
        json_number(json, "env", EXO_ENV_INDEX(UAREA->self));
        json_text(json, "app", "init");
    } else if (n - 2 < napps) {
        /* An application without an env gets index 0, which no event has. */
        json_number(json, "env", EXO_ENV_INDEX(app[n - 2]->env));
        json_text(json, "app", app[n - 2]->spec.name);
    } else {
        return put_event(answer, json);
    }
    return true;
}

static bool
answer_trace(struct answer *answer, struct json *json)
{
    if (strcmp(answer->argument, "dump") == 0)
        return dump_trace(answer, json);
    if (strcmp(answer->argument, "on") == 0)
        trace_on();
    else if (strcmp(answer->argument, "off") == 0)
        trace_off();
    else
        return refuse(answer, "trace takes on, off or dump");
    return false;
}

/* Begins a capture; without an application, ends it. */
static bool
answer_pcap(struct answer *answer, struct json *json)
{
    (void)json;
    tap_off();
    if (!answer->argument[0])
        return false;
    if (!answer->app)
        return refuse(answer, "init has no address of its own");
    int64_t error = tap_on(answer->app);
    if (error == -EXO_E_NONE)
        return refuse(answer, "that application has no address");
    if (error)
        print_text(answer->error, sizeof(answer->error),
                   "a capture takes %u pages and room for its taps: %s",
                   3 + TAP_FRAMES / 2, error_text(error));
    return false;
}

static bool
answer_packets(struct answer *answer, struct json *json)
{
    struct tap_frame frame;
    if (!tap_runs())
        return refuse(answer, "there is no capture; pcap NAME begins one");
    if (answer->line == 0) {
        tap_mark();
        json_number(json, "lost", tap_lost());
        return true;
    }
    if (!tap_next(&frame))
        return false;
    json_number(json, "t_ns", frame.wall_ns);
    json_number(json, "sent", frame.sent);
    json_bytes(json, "data", frame.frame, frame.bytes);
    return true;
}

static uint64_t
envs_used(void)
{
    return account_of(UAREA->self, EXO_KIND_ENV)->used;
}

static void
put_lock(struct json *json)
{
    uint64_t most = 0, path = 0;
    char text[32];
    for (uint32_t cpu = 0; cpu < exo_machine()->ncpus; cpu++) {
        const volatile struct exo_cpu_info *info = exo_cpu_info(cpu);
        if (info->lock_hold_max < most)
            continue;
        most = info->lock_hold_max;
        path = info->lock_hold_path;
    }
    if (path < LOCK_INTERRUPT)
        print_text(text, sizeof(text), "call %s", name_syscall(path));
    else
        print_text(text, sizeof(text), "vector %lu", path - LOCK_INTERRUPT);
    json_number(json, "lock_hold_max_tsc", most);
    json_text(json, "lock_hold_max_path", text);
}

static bool
answer_machine(struct answer *answer, struct json *json)
{
    const struct exo_machine *m = exo_machine();
    if (answer->line)
        return false;
    json_number(json, "abi", m->version);
    json_number(json, "cpus", m->ncpus);
    json_number(json, "tsc_khz", m->clock.tsc_khz);
    json_number(json, "uptime_ms", clock_uptime_ns() / CLOCK_MS);
    json_number(json, "epoch_s", clock_wall_ns() / CLOCK_S);
    json_number(json, "pages_total", m->pages_total);
    json_number(json, "pages_free", m->pages_free);
    json_number(json, "pages_kernel", m->pages_kernel);
    json_number(json, "pages_limbo", m->pages_limbo);
    json_number(json, "envs_used", envs_used());
    json_number(json, "envs_total", m->nenvs);
    json_number(json, "slots_per_cpu", m->nslots);
    json_number(json, "slot_us", clock_ns(m->slot_tsc) / CLOCK_US);
    put_lock(json);
    return true;
}

static void
put_regs(struct json *json, const struct exo_context *context)
{
    struct record_reg regs[RECORD_REGS];
    record_regs(context, regs);
    json_begin(json, "regs", '{');
    for (unsigned i = 0; i < RECORD_REGS; i++)
        json_number(json, regs[i].name, regs[i].value);
    json_end(json, '}');
}

static void
put_stack(struct json *json, const struct exo_mortem *m)
{
    json_begin(json, "stack", '{');
    json_number(json, "address", m->context.rsp & ~UINT64_C(7));
    json_begin(json, "words", '[');
    for (uint32_t i = 0; i < m->nstack && i < EXO_MORTEM_STACK; i++)
        json_item(json, m->stack[i]);
    json_end(json, ']');
    json_end(json, '}');
}

static void
put_history(struct json *json, const struct record *record)
{
    const struct exo_mortem *m = &record->mortem;
    json_begin(json, "back", '[');
    for (uint32_t i = 0; i < record->nback; i++)
        json_item(json, record->back[i]);
    json_end(json, ']');
    json_begin(json, "held", '{');
    for (uint32_t kind = 0; kind < EXO_KINDS; kind++)
        if (m->used[kind] || kind <= EXO_KIND_SLOT)
            json_number(json, name_kind(kind), m->used[kind]);
    json_end(json, '}');
    json_begin(json, "trace", '[');
    for (uint32_t i = 0; i < m->ntrace && i < EXO_MORTEM_TRACE; i++) {
        json_begin(json, NULL, '{');
        json_number(json, "tsc", m->trace[i].time);
        json_number(json, "cpu", m->trace[i].cpu);
        json_text(json, "ev", name_trace(m->trace[i].type));
        json_number(json, "a", m->trace[i].a);
        json_number(json, "b", m->trace[i].b);
        json_end(json, '}');
    }
    json_end(json, ']');
}

static void
put_record(struct json *json, const struct app *a)
{
    const struct exo_mortem *m = &a->record.mortem;
    char detail[80];
    record_detail(m, detail, sizeof(detail));
    json_text(json, "app", a->spec.name);
    json_text(json, "image", a->spec.image);
    json_number(json, "env", m->env);
    json_text(json, "why", name_end(m->end));
    json_text(json, "detail", detail);
    if (m->end == EXO_END_FAULT) {
        json_begin(json, "fault", '{');
        json_number(json, "vector", m->vector);
        json_number(json, "error", m->value);
        json_number(json, "address", m->addr);
        json_end(json, '}');
    }
    put_regs(json, &m->context);
    put_stack(json, m);
    put_history(json, &a->record);
    json_number(json, "t_ms", a->record.ms);
}

/* The oldest record that was not written yet. */
static bool
answer_mortem(struct answer *answer, struct json *json)
{
    const struct app *oldest = NULL;
    for (uint32_t i = 0; i < napps; i++) {
        const struct app *a = app[i];
        bool wanted = a->record.valid && !(answer->written >> i & 1) &&
                      (!answer->argument[0] || a == answer->app);
        if (wanted && (!oldest || a->record.ms < oldest->record.ms))
            oldest = a;
    }
    if (!oldest)
        return false;
    answer->written |= UINT64_C(1) << oldest->index;
    put_record(json, oldest);
    return true;
}

static bool
answer_shutdown(struct answer *answer, struct json *json)
{
    (void)answer, (void)json;
    shut_down();
    return false;
}

const struct verb verbs[] = {
    {"ps", VERB_NONE, answer_ps},
    {"top", VERB_NONE, answer_top},
    {"logs", VERB_APP, answer_logs},
    {"stop", VERB_APP, answer_stop},
    {"kill", VERB_APP, answer_kill},
    {"trace", VERB_WORD, answer_trace},
    {"pcap", VERB_MAYBE_APP, answer_pcap},
    {"packets", VERB_NONE, answer_packets},
    {"machine", VERB_NONE, answer_machine},
    {"mortem", VERB_MAYBE_APP, answer_mortem},
    {"shutdown", VERB_NONE, answer_shutdown},
    {NULL, VERB_NONE, NULL},
};
