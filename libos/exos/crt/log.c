// SPDX-License-Identifier: MIT
/* log.c: output by plain stores; the doorbell rings only when the parent has
 * read everything and may sleep. */
#include "exos/crt/log.h"

#include <exo/syscall.h>

#include "exos/crt/crt.h"
#include "exos/vm/space.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/upcall.h"

#define PATIENCE 1000 // sleeps of a millisecond until text is dropped

void
log_text(const char *text, size_t bytes)
{
    struct exo_log *log = (struct exo_log *)EXO_FIRST_LOG;
    if (!crt_block->has_log)
        return;
    for (unsigned tries = 0; bytes && tries < PATIENCE; tries++) {
        uint32_t most = bytes < EXO_LOG_BYTES ? (uint32_t)bytes : EXO_LOG_BYTES;
        bool first;
        uint32_t done = log_write(log, text, most, &first);
        text += done;
        bytes -= done;
        if (done)
            tries = 0;
        if (first || bytes)
            exo_ring(START_CAP_DOOR, UAREA->parent, START_EVENT_LOG);
        if (bytes)
            exo_wait(0, clock_after(CLOCK_MS), 0);
    }
}
