// SPDX-License-Identifier: MIT
/*
 * report.c: see report.h. As text, a group has a line for each fact; a table
 * has a line for each row, on which every fact carries its name, so that rows
 * need not be known before they are written.
 */
#include "report.h"

#define REPORT_BYTES (1u << 18)

void
report_begin(struct report *r, bool json)
{
    *r = (struct report){.json = json, .text.most = REPORT_BYTES};
    if (json)
        text_string(&r->text, "{");
}

static void
close_row(struct report *r)
{
    if (r->row)
        text_string(&r->text, r->json ? "}" : "\n");
    r->row = false;
}

static void
open_part(struct report *r, const char *name, bool table)
{
    close_row(r);
    if (r->json) {
        if (r->open)
            text_string(&r->text, r->table ? "]," : "},");
        text_format(&r->text, "\n\"%s\":%s", name, table ? "[" : "{");
    } else {
        text_format(&r->text, "%s%s\n", r->open ? "\n" : "", name);
    }
    r->open = true;
    r->table = table;
    r->comma = false;
}

void
report_group(struct report *r, const char *name)
{
    open_part(r, name, false);
}

void
report_table(struct report *r, const char *name)
{
    open_part(r, name, true);
}

void
report_row(struct report *r)
{
    bool first = !r->row && !r->comma;
    close_row(r);
    if (r->json)
        text_string(&r->text, first ? "\n{" : ",\n{");
    else
        text_string(&r->text, " ");
    r->row = true;
    r->comma = false;
}

/* What stands before a value. */
static void
name_fact(struct report *r, const char *name)
{
    if (r->json)
        text_format(&r->text, "%s\"%s\":", r->comma ? "," : "", name);
    else if (r->table)
        text_format(&r->text, " %s ", name);
    else
        text_format(&r->text, "  %-24s ", name);
    r->comma = true;
}

static void
end_fact(struct report *r)
{
    if (!r->json && !r->table)
        text_string(&r->text, "\n");
}

void
report_text(struct report *r, const char *name, const char *value)
{
    name_fact(r, name);
    if (r->json)
        text_json(&r->text, value);
    else
        text_string(&r->text, value);
    end_fact(r);
}

void
report_number(struct report *r, const char *name, uint64_t value)
{
    name_fact(r, name);
    text_format(&r->text, "%llu", (unsigned long long)value);
    end_fact(r);
}

void
report_finish(struct report *r)
{
    close_row(r);
    if (r->json)
        text_string(&r->text, !r->open   ? "}\n"
                              : r->table ? "]\n}\n"
                                         : "}\n}\n");
}
