// SPDX-License-Identifier: MIT
/* sending.c: see sending.h. */
#include "sending.h"

#include <stdio.h>
#include <sys/sendfile.h>

#define PART_BYTES 256 // of a part's head

void
sending_begin(struct sending *sending, struct item *item,
              const struct range *ranges, uint32_t count)
{
    static uint64_t boundary;
    item->users++;
    sending->item = item;
    sending->count = count;
    sending->index = 0;
    sending->parts = sending->head_due = count > 1;
    sending->at = ranges[0].at;
    memcpy(sending->range, ranges, count * sizeof(*ranges));
    if (count > 1) // nobody who wrote the file can have known it
        sending->boundary = boundary =
            (boundary + item->checked_ms) * UINT64_C(6364136223846793005) +
            UINT64_C(1442695040888963407);
}

/* Writes the head of part `index`, or the end behind the last one. */
static size_t
write_part(const struct sending *s, uint32_t index, char to[PART_BYTES])
{
    unsigned long long boundary = s->boundary;
    if (index == s->count)
        return (size_t)snprintf(to, PART_BYTES, "\r\n--%016llx--\r\n",
                                boundary);
    return (size_t)snprintf(to, PART_BYTES,
                            "\r\n--%016llx\r\nContent-Type: %s\r\n"
                            "Content-Range: bytes %llu-%llu/%llu\r\n\r\n",
                            boundary, s->item->type,
                            (unsigned long long)s->range[index].at,
                            (unsigned long long)s->range[index].end - 1,
                            (unsigned long long)s->item->size);
}

uint64_t
sending_bytes(const struct sending *sending)
{
    char part[PART_BYTES];
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < sending->count; i++) {
        bytes += sending->range[i].end - sending->range[i].at;
        if (sending->parts)
            bytes += write_part(sending, i, part);
    }
    if (sending->parts)
        bytes += write_part(sending, sending->count, part);
    return bytes;
}

/* Copies bytes that are in memory. */
static void
copy(struct sending *s, struct buffer *buffer)
{
    uint64_t n = s->range[s->index].end - s->at;
    if (n > buffer_room(buffer))
        n = buffer_room(buffer);
    buffer_put(buffer, s->item->content + s->at, (size_t)n);
    s->at += n;
}

void
sending_fill(struct sending *s, struct buffer *buffer)
{
    while (s->item) {
        if (s->head_due) {
            if (buffer_room(buffer) < PART_BYTES)
                return;
            char part[PART_BYTES];
            buffer_put(buffer, part, write_part(s, s->index, part));
            s->head_due = false;
        }
        if (s->index == s->count) {
            sending_end(s);
            return;
        }
        if (s->item->content)
            copy(s, buffer);
        if (s->at < s->range[s->index].end)
            return;
        s->index++;
        s->head_due = s->parts;
        if (s->index < s->count)
            s->at = s->range[s->index].at;
    }
}

int64_t
sending_file(struct sending *s, int socket, size_t most)
{
    uint64_t n = s->range[s->index].end - s->at;
    off_t at = (off_t)s->at;
    ssize_t sent =
        sendfile(socket, s->item->file, &at, n < most ? (size_t)n : most);
    if (sent > 0)
        s->at += (uint64_t)sent;
    return sent;
}

void
sending_end(struct sending *sending)
{
    item_drop(sending->item);
    sending->item = NULL;
}
