// SPDX-License-Identifier: MIT
/*
 * manage.c: the management protocol of docs/management.md: request lines in,
 * JSON lines and a closing line out, one request at a time.
 */
#include "manage.h"

#include "lib/print.h"

#define REQUEST_BYTES 200
#define TAG_BYTES     8

static struct {
    char text[REQUEST_BYTES + 1]; // the request as it arrives
    uint32_t length;
    bool overlong;
    bool busy; // an answer is being written
    struct answer answer;
    char *line; // ANSWER_BYTES, for one line
} m;

static void
put_line(const char *text)
{
    port_put(&management, text, (uint32_t)strlen(text));
    port_put(&management, "\n", 1);
}

static void
finish(const char *error)
{
    char line[sizeof(m.answer.error) + 8];
    if (error && error[0])
        print_text(line, sizeof(line), "error %s", error);
    put_line(error && error[0] ? line : "ok");
    m.busy = false;
}

/* Cuts the next word off *text. */
static char *
next_word(char **text)
{
    char *word = *text;
    while (*word == ' ')
        word++;
    char *end = word;
    while (*end && *end != ' ')
        end++;
    *text = *end ? end + 1 : end;
    *end = 0;
    return word;
}

static bool
is_tag(const char *word)
{
    uint32_t n = 0;
    if (*word++ != '#')
        return false;
    for (; *word; word++, n++)
        if (!((*word >= '0' && *word <= '9') ||
              (*word >= 'a' && *word <= 'f') || (*word >= 'A' && *word <= 'F')))
            return false;
    return n >= 1 && n <= TAG_BYTES;
}

/* Checks the argument of a verb. Result: null, or a sentence. */
static const char *
check_argument(struct answer *a)
{
    enum verb_argument kind = a->verb->argument;
    bool given = a->argument[0];
    if (kind == VERB_NONE)
        return given ? "this request takes no argument" : NULL;
    if (!given)
        return kind == VERB_MAYBE_APP ? NULL
               : kind == VERB_APP ? "this request needs an application's name"
                                  : "this request needs an argument";
    if (kind == VERB_WORD)
        return NULL;
    a->app = app_find(a->argument);
    if (a->app || strcmp(a->argument, "init") == 0)
        return NULL;
    return "there is no application of that name; ps lists them";
}

static void
begin(char *text)
{
    char *word = next_word(&text);
    if (is_tag(word)) {
        put_line(word);
        word = next_word(&text);
    }
    m.busy = true;
    m.answer = (struct answer){.argument = next_word(&text)};
    for (const struct verb *v = verbs; v->name; v++)
        if (strcmp(v->name, word) == 0)
            m.answer.verb = v;
    if (!m.answer.verb)
        finish("unknown request; there are ps, top, logs, stop, kill, trace, "
               "pcap, packets, machine, mortem, shutdown");
    else if (*next_word(&text))
        finish("too many arguments");
    else if (check_argument(&m.answer))
        finish(check_argument(&m.answer));
}

static void
take_byte(char c)
{
    if (c == '\r')
        return;
    if (c != '\n') {
        if (m.length < REQUEST_BYTES)
            m.text[m.length++] = c;
        else
            m.overlong = true;
        return;
    }
    m.text[m.length] = 0;
    if (m.overlong)
        finish("a request has at most 200 bytes");
    else if (m.length)
        begin(m.text);
    m.length = 0;
    m.overlong = false;
}

/* Writes lines of the answer while there is room for the longest one. */
static void
answer(void)
{
    struct json json;
    while (m.busy && port_room(&management) > ANSWER_BYTES + sizeof(m.text)) {
        json_open(&json, m.line, ANSWER_BYTES);
        if (!m.answer.verb->next(&m.answer, &json)) {
            finish(m.answer.error);
            return;
        }
        m.answer.line++;
        port_put(&management, m.line, (uint32_t)json_line(&json));
    }
}

/* Buffers are made when the first request arrives. */
static bool
ready(void)
{
    if (!m.line)
        m.line =
            page_grow((ANSWER_BYTES + EXO_PAGE_BYTES - 1) / EXO_PAGE_BYTES);
    return m.line && (management.bytes || port_open(&management, 1));
}

bool
manage_poll(void)
{
    char c;
    while (!m.busy && exo_chan_read(ROOT_CAP, 1, &c, 1) == 1) {
        if (!ready())
            return false;
        take_byte(c);
        answer();
    }
    if (!m.line)
        return false;
    answer();
    return port_flush(&management) && m.busy;
}
