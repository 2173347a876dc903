// SPDX-License-Identifier: MIT
/*
 * manifest.c: a strict reader of the flat manifest.
 *
 * Every key has one row in `keys`: its name and the function that reads its
 * value. A reader gets the value as a span of the line and answers with null
 * or what is wrong. Those of the network are in manifest_net.c.
 */
#include "manifest_read.h"

#include "lib/print.h"
#include "lib/string.h"

#define HEADER        "exo-manifest 1"
#define BYTES_MAX     65536
#define LINE_MAX      300
#define PAGES_MIN     16
#define PAGES_MAX     (UINT64_C(1) << 32)
#define ENVS_MAX      4096
#define RESTARTS_MAX  1000
#define SLOTS_MAX     65536
#define DEFAULT_PAGES 64
#define DEFAULT_ENVS  16
#define ARG_BYTES_MAX 255

bool
span_is(struct span s, const char *text)
{
    return s.length == strlen(text) && memcmp(s.at, text, s.length) == 0;
}

static int
fail(struct manifest *m, const char *what, struct span about)
{
    int length = about.length < 40 ? (int)about.length : 40;
    if (length)
        print_text(m->error, sizeof(m->error), "line %u: %s \"%.*s\"", m->line,
                   what, length, about.at);
    else
        print_text(m->error, sizeof(m->error), "line %u: %s", m->line, what);
    return -1;
}

static const struct span nothing;

/* Reads the next line with something on it. Result: 1, 0 at the end, or -1. */
static int
next_line(struct manifest *m, struct span *line)
{
    while (m->at < m->bytes) {
        const char *start = m->text + m->at;
        uint64_t length = 0, rest = m->bytes - m->at;
        m->line++;
        for (; length < rest && start[length] != '\n'; length++) {
            if ((uint8_t)start[length] < ' ' || start[length] == 0x7f)
                return fail(m, "control characters are not allowed", nothing);
            if (length == LINE_MAX)
                return fail(m, "the line is longer than 300 bytes", nothing);
        }
        if (length == rest)
            return fail(m, "the last line does not end", nothing);
        m->at += length + 1;
        for (; length && *start == ' '; length--)
            start++;
        *line = (struct span){start, length};
        if (length && (*start != '#' || m->line == 1))
            return 1;
    }
    return 0;
}

void
split(struct span line, struct span *key, struct span *value)
{
    uint64_t n = 0;
    while (n < line.length && line.at[n] != ' ')
        n++;
    *key = (struct span){line.at, n};
    *value = n < line.length
                 ? (struct span){line.at + n + 1, line.length - n - 1}
                 : (struct span){line.at + n, 0};
}

bool
read_number(struct span s, uint64_t least, uint64_t most, uint64_t *out)
{
    uint64_t value = 0;
    if (!s.length || s.length > 18 || (s.at[0] == '0' && s.length > 1))
        return false;
    for (uint64_t i = 0; i < s.length; i++) {
        if (s.at[i] < '0' || s.at[i] > '9')
            return false;
        value = value * 10 + (uint64_t)(s.at[i] - '0');
    }
    *out = value;
    return value >= least && value <= most;
}

static bool
read_small(struct span s, uint64_t least, uint64_t most, uint32_t *out)
{
    uint64_t value;
    if (!read_number(s, least, most, &value))
        return false;
    *out = (uint32_t)value;
    return true;
}

static bool
is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool
copy_name(struct span s, char *to)
{
    if (!s.length || s.length >= MANIFEST_NAME_BYTES)
        return false;
    memcpy(to, s.at, s.length);
    to[s.length] = 0;
    return true;
}

static const char *
read_image(struct manifest_app *app, struct span value)
{
    for (uint64_t i = 0; i < value.length; i++) {
        char c = value.at[i];
        if (!is_lower(c) && !is_digit(c) && !(c >= 'A' && c <= 'Z') &&
            c != '.' && c != '_' && c != '-')
            return "an image name is of a-z A-Z 0-9 . _ -, not";
    }
    return copy_name(value, app->image)
               ? NULL
               : "an image name has 1 to 31 bytes, not";
}

bool
manifest_add_arg(struct manifest_app *app, const char *arg, uint64_t length)
{
    if (app->argc == START_ARGS_MAX || length > ARG_BYTES_MAX ||
        length + 1 > START_ARGS_BYTES - app->args_bytes)
        return false;
    memcpy(app->args + app->args_bytes, arg, length);
    app->args[app->args_bytes + length] = 0;
    app->args_bytes += (uint32_t)length + 1;
    app->argc++;
    return true;
}

static const char *
read_arg(struct manifest_app *app, struct span value)
{
    return manifest_add_arg(app, value.at, value.length)
               ? NULL
               : "too many arguments, or too long: they end at";
}

/* NAME=VALUE. */
static const char *
read_var(struct manifest_app *app, struct span value)
{
    uint64_t n = 0;
    while (n < value.length && value.at[n] != '=')
        n++;
    if (!n || n == value.length)
        return "a variable is NAME=VALUE, not";
    if (app->nvars == START_VARS_MAX ||
        value.length + 1 > START_VARS_BYTES - app->vars_bytes)
        return "too many variables, or too long: they end at";
    memcpy(app->vars + app->vars_bytes, value.at, value.length);
    app->vars_bytes += (uint32_t)value.length + 1; // with the zero behind it
    app->nvars++;
    return NULL;
}

static const char *
read_files(struct manifest_app *app, struct span value)
{
    for (uint64_t i = 0; i < value.length; i++)
        if (!is_lower(value.at[i]) && !is_digit(value.at[i]) &&
            value.at[i] != '-')
            return "an archive's name is of a-z 0-9 -, not";
    return copy_name(value, app->files)
               ? NULL
               : "an archive's name has 1 to 31 bytes, not";
}

static const char *
read_reserved(struct manifest_app *app, struct span value)
{
    return read_number(value, PAGES_MIN, PAGES_MAX, &app->reserved)
               ? NULL
               : "reserved is a number of pages, 16 to 4294967296, not";
}

static const char *
read_limit(struct manifest_app *app, struct span value)
{
    return read_number(value, PAGES_MIN, PAGES_MAX, &app->limit)
               ? NULL
               : "limit is a number of pages, 16 to 4294967296, not";
}

static const char *
read_envs(struct manifest_app *app, struct span value)
{
    return read_small(value, 1, ENVS_MAX, &app->envs)
               ? NULL
               : "envs is a number from 1 to 4096, not";
}

static const char *
read_slots(struct manifest_app *app, struct span value)
{
    return read_small(value, 0, SLOTS_MAX, &app->slots)
               ? NULL
               : "slots is a number from 0 to 65536, not";
}

static const char *
read_share(struct manifest_app *app, struct span value)
{
    return read_small(value, 0, 1000 * MANIFEST_CPUS_MAX, &app->share)
               ? NULL
               : "share is thousandths of a CPU, 0 to 64000, not";
}

static const char *
read_affinity(struct manifest_app *app, struct span value)
{
    struct span rest = value, word;
    uint64_t cpu, least = 0;
    do {
        split(rest, &word, &rest);
        if (!read_number(word, least, MANIFEST_CPUS_MAX - 1, &cpu))
            return "affinity is CPU numbers, ascending, one space between, not";
        app->affinity |= UINT64_C(1) << cpu;
        least = cpu + 1;
    } while (rest.length);
    return word.at + word.length == value.at + value.length
               ? NULL
               : "affinity ends with a space:";
}

static const char *
read_restart(struct manifest_app *app, struct span value)
{
    if (span_is(value, "never"))
        app->restart = MANIFEST_NEVER;
    else if (span_is(value, "on-failure"))
        app->restart = MANIFEST_ON_FAILURE;
    else if (span_is(value, "always"))
        app->restart = MANIFEST_ALWAYS;
    else
        return "restart is never, on-failure or always, not";
    return NULL;
}

static const char *
read_restarts(struct manifest_app *app, struct span value)
{
    return read_small(value, 0, RESTARTS_MAX, &app->restarts)
               ? NULL
               : "restarts is a number from 0 to 1000, not";
}

static const char *
read_bool(bool *to, struct span value)
{
    *to = span_is(value, "yes");
    return *to || span_is(value, "no") ? NULL : "the value is yes or no, not";
}

static const char *
read_may_fail(struct manifest_app *app, struct span value)
{
    return read_bool(&app->may_fail, value);
}

static const char *
read_background(struct manifest_app *app, struct span value)
{
    return read_bool(&app->background, value);
}

static const char *
read_wx(struct manifest_app *app, struct span value)
{
    return read_bool(&app->wx, value);
}

static const char *
read_seal(struct manifest_app *app, struct span value)
{
    return read_bool(&app->seal, value);
}

static const char *
read_hide_info(struct manifest_app *app, struct span value)
{
    return read_bool(&app->hide_info, value);
}

static const struct key {
    const char *name;
    read_fn *read;
    bool repeated; // may come more than once ...
    bool empty;    // ... and with an empty value
} keys[] = {
    {"image", read_image, false, false},
    {"arg", read_arg, true, true},
    {"var", read_var, true, true},
    {"files", read_files, false, false},
    {"reserved", read_reserved, false, false},
    {"limit", read_limit, false, false},
    {"envs", read_envs, false, false},
    {"slots", read_slots, false, false},
    {"share", read_share, false, false},
    {"affinity", read_affinity, false, false},
    {"restart", read_restart, false, false},
    {"restarts", read_restarts, false, false},
    {"may_fail", read_may_fail, false, false},
    {"background", read_background, false, false},
    {"wx", read_wx, false, false},
    {"seal", read_seal, false, false},
    {"hide_info", read_hide_info, false, false},
    {"address4", manifest_read_address4, false, false},
    {"address6", manifest_read_address6, false, false},
    {"port", manifest_read_port, true, false},
};

#define KEYS (sizeof(keys) / sizeof(keys[0]))

/* The first line. */
static int
read_header(struct manifest *m)
{
    struct span line;
    if (m->bytes > BYTES_MAX) {
        m->line = 1;
        return fail(m, "the manifest is longer than 64 KiB", nothing);
    }
    int got = next_line(m, &line);
    if (got < 0)
        return got;
    if (got == 0 || m->line != 1 || !span_is(line, HEADER)) {
        m->line = 1;
        return fail(m, "the first line must be \"" HEADER "\"", nothing);
    }
    return 0;
}

/* "app NAME": checks the name and notes it. */
static int
read_name(struct manifest *m, struct span value, struct manifest_app *app)
{
    bool good = value.length && is_lower(value.at[0]);
    for (uint64_t i = 0; i < value.length; i++)
        good = good && (is_lower(value.at[i]) || is_digit(value.at[i]) ||
                        value.at[i] == '-');
    if (!good || value.length >= MANIFEST_NAME_BYTES)
        return fail(m, "a name is 1 to 31 of a-z 0-9 -, a letter first, not",
                    value);
    if (span_is(value, "init") || span_is(value, "exo"))
        return fail(m, "the name is taken:", value);
    for (uint32_t i = 0; i < m->count; i++)
        if (span_is(value, m->name[i]))
            return fail(m, "a second application of the name", value);
    if (m->count == MANIFEST_APPS_MAX)
        return fail(m, "more than 64 applications", nothing);
    char name[MANIFEST_NAME_BYTES];
    copy_name(value, name);
    memcpy(m->name[m->count], name, sizeof(name));
    manifest_default(app, name, "");
    app->reserved = app->limit = 0;
    return 0;
}

/* One line of a block. `seen`: bits of the keys that came before. */
static int
read_key(struct manifest *m, struct manifest_app *app, struct span line,
         uint32_t *seen)
{
    struct span key, value;
    split(line, &key, &value);
    for (unsigned i = 0; i < KEYS; i++) {
        if (!span_is(key, keys[i].name))
            continue;
        if ((*seen & 1u << i) && !keys[i].repeated)
            return fail(m, "given twice:", key);
        if (!value.length && !keys[i].empty)
            return fail(m, "no value for", key);
        *seen |= 1u << i;
        const char *wrong = keys[i].read(app, value);
        return wrong ? fail(m, wrong, value) : 0;
    }
    return fail(m, "unknown key", key);
}

static bool
has(uint32_t seen, read_fn *read)
{
    for (unsigned i = 0; i < KEYS; i++)
        if (keys[i].read == read)
            return seen >> i & 1;
    return false;
}

/* What must hold between the keys of a block; adds what the network says. */
static int
check_app(struct manifest *m, struct manifest_app *app, uint32_t seen)
{
    struct span name = {app->name, strlen(app->name)};
    if (!has(seen, read_image))
        return fail(m, "no image for", name);
    if (!has(seen, read_reserved) || !has(seen, read_limit))
        return fail(m, "no reserved and limit for", name);
    if (app->limit < app->reserved)
        return fail(m, "limit is below reserved for", name);
    if (has(seen, read_slots) && has(seen, read_share))
        return fail(m, "slots and share exclude each other for", name);
    if (app->restarts && app->restart == MANIFEST_NEVER)
        return fail(m, "restarts needs a restart other than never for", name);
    if (app->wx && app->seal)
        return fail(m, "wx and seal exclude each other for", name);
    const char *wrong = manifest_complete_net(m, app);
    return wrong ? fail(m, wrong, name) : 0;
}

static int
check_end(struct manifest *m)
{
    if (!m->count)
        return fail(m, "there is no application", nothing);
    if (m->background == m->count)
        return fail(m, "not every application can be background", nothing);
    return 0;
}

/* The block "network" up to its end, if it is next. */
static int
read_network(struct manifest *m, struct span line)
{
    uint32_t seen = 0;
    int got;
    if (m->count || m->networked)
        return fail(m, "the network comes once, before all applications",
                    nothing);
    m->networked = true;
    while ((got = next_line(m, &line)) == 1 && !span_is(line, "end")) {
        struct span key, value;
        split(line, &key, &value);
        const char *wrong = manifest_read_network(m, key, value, &seen);
        if (wrong)
            return fail(m, wrong, line);
    }
    return got == 0 ? fail(m, "the block has no end", nothing) : got;
}

void
manifest_open(struct manifest *m, const char *text, uint64_t bytes)
{
    *m = (struct manifest){.text = text, .bytes = bytes};
}

int
manifest_next(struct manifest *m, struct manifest_app *app)
{
    struct span line, key, value;
    uint32_t seen = 0;
    if (m->error[0] || (!m->at && read_header(m)))
        return -1;
    int got = next_line(m, &line);
    if (got <= 0)
        return got ? got : check_end(m);
    if (span_is(line, "network")) {
        got = read_network(m, line);
        return got < 0 ? got : manifest_next(m, app);
    }
    split(line, &key, &value);
    if (!span_is(key, "app"))
        return fail(m, "a block begins with \"app NAME\", not with", line);
    if (read_name(m, value, app))
        return -1;
    while ((got = next_line(m, &line)) == 1) {
        if (!span_is(line, "end")) {
            if (read_key(m, app, line, &seen))
                return -1;
            continue;
        }
        if (check_app(m, app, seen))
            return -1;
        m->count++;
        m->background += app->background;
        return 1;
    }
    return got ? got : fail(m, "the block has no end", nothing);
}

void
manifest_default(struct manifest_app *app, const char *name, const char *image)
{
    memset(app, 0, sizeof(*app));
    print_text(app->name, sizeof(app->name), "%s", name);
    print_text(app->image, sizeof(app->image), "%s", image);
    app->reserved = app->limit = DEFAULT_PAGES;
    app->envs = DEFAULT_ENVS;
    manifest_add_arg(app, app->name, strlen(app->name));
}
