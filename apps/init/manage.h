// SPDX-License-Identifier: MIT
/*
 * manage.h: between the management protocol (manage.c) and what each verb
 * answers (answers.c).
 *
 * An answer is produced line by line, when there is room for a line, so that a
 * slow reader keeps nobody waiting.
 */
#ifndef INIT_MANAGE_H
#define INIT_MANAGE_H

#include "init.h"
#include "json.h"

#define ANSWER_BYTES 6144 // longest line

struct answer {
    const struct verb *verb;
    const char *argument;      // "" when there is none
    struct app *app;           // the one named, or null
    char error[120];           // set: the answer ends with this sentence
    uint32_t line;             // lines produced so far
    struct history_cursor at;  // logs
    struct trace_cursor trace; // trace dump
    uint64_t written;          // mortem: bit per application
};

/* Fills one object. False: that was all (and nothing was filled). */
typedef bool answer_fn(struct answer *answer, struct json *json);

enum verb_argument { VERB_NONE, VERB_APP, VERB_MAYBE_APP, VERB_WORD };

struct verb {
    const char *name;
    enum verb_argument argument;
    answer_fn *next;
};

/* All verbs, ended by one without a name. */
extern const struct verb verbs[];

#endif
