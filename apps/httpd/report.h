// SPDX-License-Identifier: MIT
/*
 * report.h: facts in tables, written as aligned text for people or as JSON for
 * programs. Who reports does not know which.
 *
 *     report_table(r, "envs");                      "envs": [
 *     report_row(r);                                   {
 *     report_text(r, "name", "httpd");                  "name": "httpd",
 *     report_number(r, "pages", 412);                   "pages": 412
 *     ...                                              } ... ]
 *
 * Between tables stand facts of their own, by report_group(r, "server") and
 * the same two functions.
 */
#ifndef HTTPD_REPORT_H
#define HTTPD_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "text.h"

struct report {
    struct text text;
    bool json;
    bool open;  // a group or table
    bool table; // it is a table
    bool row;   // a row of it is open
    bool comma; // the next fact needs one before it
};

/* Begins; ends what report_finish() ends. */
void report_begin(struct report *report, bool json);

/* One object, or one list of objects. Each ends what was open. */
void report_group(struct report *report, const char *name);
void report_table(struct report *report, const char *name);

/* The next object of a table. */
void report_row(struct report *report);

/* Names are ASCII and without quotes. */
void report_text(struct report *report, const char *name, const char *value);
void report_number(struct report *report, const char *name, uint64_t value);

/* Ends all. report->text is whole then, unless it is cut. */
void report_finish(struct report *report);

#endif
