// SPDX-License-Identifier: MIT
/*
 * main.c: the first program. Names itself, reads the modules, admits what the
 * manifest asks for, starts it, then serves events until all is over and
 * switches the machine off.
 */
#include "init.h"

#include "lib/print.h"

#define MARGIN_PAGES 16 // tables and buffers that init makes later

/* What the machine's exit value is for a status, so that it differs from the
 * kernel's own values [docs/management.md]. */
#define EXIT_BASE   0x10
#define EXIT_STATUS 0x6f // most

static bool ending;     // everything is being stopped
static bool by_request; // ... because an operator asked for it

/* Sends what is left and switches the machine off. */
static _Noreturn void
power_off(uint32_t status)
{
    say("power off, status %u", status);
    port_drain(&console);
    if (management.bytes)
        port_drain(&management);
    if (status > EXIT_STATUS)
        status = EXIT_STATUS;
    for (;;)
        exo_power(ROOT_CAP, 0, EXIT_BASE + status);
}

/* Takes a part of the name space for init itself, so that the door it gives to
 * its children covers its env and nothing else. */
static void
name_init(void)
{
    exo_guard prefix;
    self_name(0, 0);
    prefixes_issue(&self.children, &prefix);
    self.prefix = prefix;
    page_own.guard = prefix;
    exo_reguard(EXO_CAPS(ROOT_CAP, ROOT_CAP), EXO_KIND_ENV, UAREA->self, 1,
                START_ENV_GUARD(prefix));
}

static void
keep_slots(void)
{
    uint32_t nslots = exo_machine()->nslots;
    for (uint32_t i = 0; i < INIT_SLOTS; i++)
        exo_slot_set(EXO_CAPS(ROOT_CAP, ROOT_CAP),
                     EXO_SLOT(0, i * nslots / INIT_SLOTS), 1, UAREA->self,
                     self.prefix);
}

/* Adds an application for every module, with default limits. The module's
 * string is its name and arguments. */
static void
add_modules(void)
{
    uint32_t cursor = 0;
    const char *text;
    while ((text = images_next(&cursor)) != NULL) {
        struct app *a = app_add();
        if (!a)
            power_off(STATUS_REFUSED);
        manifest_default(&a->spec, text, text);
    }
}

static void
read_manifest(const struct image *module)
{
    static struct manifest m;
    static struct manifest_app spec;
    const char *text = images_bind(module);
    int got = -1;
    if (!text) {
        say("manifest: cannot be read");
        power_off(STATUS_REFUSED);
    }
    manifest_open(&m, text, module->bytes);
    while ((got = manifest_next(&m, &spec)) == 1) {
        struct app *a = app_add();
        if (!a)
            break;
        a->spec = spec;
    }
    images_unbind(module);
    if (got == 0)
        return;
    say("manifest: %s", got < 0 ? m.error : "no memory to keep it");
    power_off(STATUS_REFUSED);
}

static void
fill_admit(struct admit *admit)
{
    const struct exo_machine *m = exo_machine();
    const struct exo_account *account = exo_env_info(UAREA->self)->account;
    const struct exo_account *pages = &account[EXO_KIND_PAGE];
    const struct exo_account *envs = &account[EXO_KIND_ENV];
    uint64_t kept = (uint64_t)pages->carved + pages->own + MARGIN_PAGES + napps;
    admit->pages = pages->reserved > kept ? pages->reserved - kept : 0;
    admit->envs = envs->reserved - envs->carved - envs->own;
    admit->ncpus = m->ncpus;
    admit->nslots = m->nslots;
    for (uint32_t cpu = 0; cpu < m->ncpus; cpu++) {
        admit->free_slots[cpu] = 0;
        for (uint32_t n = 0; n < m->nslots; n++)
            admit->free_slots[cpu] += exo_slot_info(cpu, n)->owner == 0;
    }
}

static void
admit_all(void)
{
    struct admit admit;
    char error[160];
    fill_admit(&admit);
    for (uint32_t i = 0; i < napps; i++) {
        if (admit_app(&admit, &app[i]->spec, error, sizeof(error)))
            continue;
        say("manifest: %s", error);
        power_off(STATUS_REFUSED);
    }
}

/* Every program must be there and loadable before the first one starts. */
static void
check_images(void)
{
    for (uint32_t i = 0; i < napps; i++) {
        const struct manifest_app *spec = &app[i]->spec;
        const struct image *image = images_find(spec->image);
        if (!image) {
            say("manifest: %s: there is no module \"image %s\"", spec->name,
                spec->image);
            power_off(STATUS_REFUSED);
        }
        if (spec->files[0] && !images_files(spec->files)) {
            say("manifest: %s: there is no module \"files %s\"", spec->name,
                spec->files);
            power_off(STATUS_REFUSED);
        }
        const char *wrong = images_parse(image, &app[i]->program);
        if (!wrong)
            continue;
        say("cannot load %s: %s", spec->image, wrong);
        power_off(STATUS_NO_PROGRAM);
    }
}

static void
set_up(void)
{
    event_keep_end(); // who rings init cannot end it
    name_init();
    if (!port_open(&console, 0) || !page_window())
        exit(STATUS_FAILED);
    keep_slots();
    if (!images_open())
        power_off(STATUS_REFUSED);
    if (images_manifest())
        read_manifest(images_manifest());
    else
        add_modules();
    if (!napps) {
        say("there is no application to run: no manifest and no module");
        power_off(STATUS_REFUSED);
    }
    check_images();
    images_trim();
    admit_all();
    if (!net_open_all())
        power_off(STATUS_REFUSED);
}

/* The machine's exit status, when all is over. */
static uint32_t
final_status(void)
{
    if (by_request)
        return 0;
    if (napps == 1 && !app[0]->spec.background && !app[0]->spec.may_fail)
        return (uint32_t)app[0]->status;
    for (uint32_t i = 0; i < napps; i++) {
        const struct app *a = app[i];
        bool forgiven =
            a->spec.may_fail || a->spec.background || a->by_operator;
        if (a->status != 0 && !forgiven)
            return STATUS_FAILED;
    }
    return 0;
}

static void
stop_all(void)
{
    ending = true;
    for (uint32_t i = 0; i < napps; i++) {
        if (app[i]->state == APP_WAITING)
            app[i]->state = APP_ENDED;
        app_stop(app[i]);
    }
}

void
shut_down(void)
{
    by_request = true;
    stop_all();
}

/* Ends the machine when nothing keeps it up. */
static void
look_for_end(void)
{
    bool alive = false, needed = false;
    for (uint32_t i = 0; i < napps; i++) {
        bool here = app_alive(app[i]) || app[i]->state == APP_WAITING;
        alive = alive || here;
        needed = needed || (here && !app[i]->spec.background);
    }
    if (!alive)
        power_off(final_status());
    if (!needed && !ending)
        stop_all();
}

/* Waits for the next thing to do. */
static void
wait(uint64_t second_ns)
{
    uint64_t now = clock_uptime_ns(), due = apps_due_ns();
    if (second_ns < due)
        due = second_ns;
    if (!port_flush(&console) && now + CLOCK_MS < due)
        due = now + CLOCK_MS;
    if (management.bytes && !port_flush(&management) && now + CLOCK_MS < due)
        due = now + CLOCK_MS;
    event_wait(START_EVENT_LOG | EXO_EVENT_CHILD | EXO_EVENT_CHAN,
               clock_after(due > now ? due - now : 0));
}

int
main(int argc, char **argv)
{
    (void)argc, (void)argv;
    set_up();
    for (uint32_t i = 0; i < napps; i++)
        app_start(app[i]);
    uint64_t second_ns = clock_uptime_ns();
    for (;;) {
        if (clock_uptime_ns() >= second_ns) {
            apps_count(true);
            tap_tend();
            second_ns = clock_uptime_ns() + CLOCK_S;
        }
        bool more = apps_read();
        apps_tend();
        more = manage_poll() || more;
        look_for_end();
        if (!more)
            wait(second_ns);
    }
}
