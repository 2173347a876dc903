// SPDX-License-Identifier: MIT
/* print.c: output. A program writes to its own log page, which needs no call;
 * its parent reads the same page. The doorbell is rung only when the parent has
 * read everything and may sleep. */
#include "minimal/minimal.h"

#include "lib/log.h"
#include "lib/print.h"

#define LINE_BYTES 256
#define PATIENCE   1000 // sleeps of a millisecond until text is dropped

static void
ring_parent(void)
{
    exo_ring(START_CAP_DOOR, UAREA->parent, START_EVENT_LOG);
}

static void
write_log(const char *text, size_t length)
{
    struct exo_log *log = (struct exo_log *)EXO_FIRST_LOG;
    for (unsigned tries = 0; length && tries < PATIENCE; tries++) {
        bool first;
        uint32_t done = log_write(log, text, (uint32_t)length, &first);
        text += done;
        length -= done;
        if (first || length)
            ring_parent();
        if (length)
            event_sleep(CLOCK_MS);
    }
}

void
print(const char *format, ...)
{
    char text[LINE_BYTES];
    va_list args;
    if (!self.start || !self.start->has_log)
        return;
    va_start(args, format);
    size_t length = print_text_args(text, sizeof(text), format, args);
    va_end(args);
    upcall_hold(UAREA); // a handler may print too
    write_log(text, length);
    upcall_release(UAREA);
}
