// SPDX-License-Identifier: MIT
/*
 * log.c: writing and reading the ring of a log page.
 *
 * The writer stores bytes, then head; the reader loads head, then bytes, and
 * stores tail after it. The writer reads tail after it stored head and the
 * reader looks at head again after it stored tail, so one of them sees the
 * other and no wake-up is lost.
 */
#include "lib/log.h"

uint32_t
log_write(struct exo_log *log, const char *bytes, uint32_t count, bool *first)
{
    uint64_t head = log->head;
    uint64_t used = head - __atomic_load_n(&log->tail, __ATOMIC_ACQUIRE);
    uint64_t room = used < EXO_LOG_BYTES ? EXO_LOG_BYTES - used : 0;
    if (count > room)
        count = (uint32_t)room;
    for (uint32_t i = 0; i < count; i++)
        log->text[(head + i) % EXO_LOG_BYTES] = bytes[i];
    __atomic_store_n(&log->head, head + count, __ATOMIC_SEQ_CST);
    *first = __atomic_load_n(&log->tail, __ATOMIC_SEQ_CST) == head;
    return count;
}

void
log_open(struct log_reader *reader, struct exo_log *log)
{
    *reader = (struct log_reader){.log = log};
}

uint32_t
log_read(struct log_reader *reader, char *bytes, uint32_t count)
{
    struct exo_log *log = reader->log;
    uint64_t head = __atomic_load_n(&log->head, __ATOMIC_SEQ_CST);
    uint64_t unread = head - reader->tail;
    if (unread > EXO_LOG_BYTES) {
        reader->lost += unread - EXO_LOG_BYTES;
        reader->tail = head - EXO_LOG_BYTES;
        unread = EXO_LOG_BYTES;
    }
    if (count > unread)
        count = (uint32_t)unread;
    for (uint32_t i = 0; i < count; i++)
        bytes[i] = log->text[(reader->tail + i) % EXO_LOG_BYTES];
    reader->tail += count;
    __atomic_store_n(&log->tail, reader->tail, __ATOMIC_SEQ_CST);
    return count;
}
