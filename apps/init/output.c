// SPDX-License-Identifier: MIT
/*
 * output.c: what applications write, by lines.
 *
 * A line goes to the console as "NAME | TEXT" in one piece, so lines of two
 * applications never mix; control characters become dots, so no application
 * writes a line of another. The last few KiB are kept for `logs`.
 */
#include "init.h"

#include "lib/log.h"
#include "lib/print.h"

#define RECORD_HEAD 5 // bytes before the text of a kept line

struct output init_output = {.name = "init"};

static uint32_t
uptime_ms(void)
{
    return (uint32_t)(clock_uptime_ns() / CLOCK_MS);
}

static void
ring_put(struct history *h, const void *bytes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        h->ring[h->head++ % OUTPUT_HISTORY] = ((const char *)bytes)[i];
}

static void
ring_get(const struct history *h, uint32_t at, void *bytes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        ((char *)bytes)[i] = h->ring[(at + i) % OUTPUT_HISTORY];
}

static void
history_add(struct history *h, const char *text, uint32_t length)
{
    uint32_t ms = uptime_ms();
    uint8_t bytes = (uint8_t)length;
    while (h->head - h->tail + RECORD_HEAD + length > OUTPUT_HISTORY) {
        uint8_t oldest;
        ring_get(h, h->tail + sizeof(ms), &oldest, 1);
        h->tail += RECORD_HEAD + oldest;
        h->kept--;
    }
    ring_put(h, &ms, sizeof(ms));
    ring_put(h, &bytes, 1);
    ring_put(h, text, length);
    h->count++;
    h->kept++;
}

bool
history_next(const struct history *h, struct history_cursor *cursor,
             struct history_line *line)
{
    uint8_t length;
    uint32_t oldest = h->count - h->kept + 1;
    if (cursor->number < oldest) // at the start, or dropped meanwhile
        *cursor = (struct history_cursor){oldest, h->tail};
    if (cursor->number > h->count)
        return false;
    ring_get(h, cursor->at, &line->ms, sizeof(line->ms));
    ring_get(h, cursor->at + sizeof(line->ms), &length, 1);
    ring_get(h, cursor->at + RECORD_HEAD, line->text, length);
    line->text[length] = 0;
    line->length = length;
    line->number = cursor->number++;
    cursor->at += RECORD_HEAD + length;
    return true;
}

static void
write_line(struct output *output, const char *text, uint32_t length)
{
    char line[MANIFEST_NAME_BYTES + 4 + OUTPUT_LINE + 2];
    size_t n = print_text(line, sizeof(line), "%s | %.*s\n", output->name,
                          (int)length, text);
    if (port_room(&console) < n)
        port_drain(&console);
    port_put(&console, line, (uint32_t)n);
    history_add(&output->history, text, length);
}

static void
add_byte(struct output *output, char c)
{
    bool end = c == '\n';
    if (!end) {
        bool control = ((uint8_t)c < ' ' && c != '\t') || c == 0x7f;
        output->line[output->length++] = control ? '.' : c;
    }
    if (!end && output->length < OUTPUT_LINE)
        return;
    write_line(output, output->line, output->length);
    output->length = 0;
}

uint32_t
output_read(struct output *output, uint32_t most)
{
    char bytes[256];
    uint32_t done = 0, n;
    struct log_reader reader = {.log = output->log, .tail = output->taken};
    if (!output->log)
        return 0;
    do {
        n = most - done < sizeof(bytes) ? most - done : sizeof(bytes);
        n = log_read(&reader, bytes, n);
        for (uint32_t i = 0; i < n; i++)
            add_byte(output, bytes[i]);
        done += n;
    } while (n && done < most);
    output->taken = reader.tail;
    return done;
}

void
output_finish(struct output *output)
{
    /* What can be in the page at once; a writer cannot keep us here. */
    output_read(output, EXO_LOG_BYTES);
    if (output->length)
        add_byte(output, '\n');
}

void
say(const char *format, ...)
{
    char text[OUTPUT_LINE + 1];
    va_list args;
    va_start(args, format);
    uint32_t length =
        (uint32_t)print_text_args(text, sizeof(text), format, args);
    va_end(args);
    write_line(&init_output, text, length);
}
