// SPDX-License-Identifier: MIT
/* wait.c: queues, sources, alarms, and the only place that sleeps. */
#include "exos/fd/wait.h"

#include <errno.h>
#include <stddef.h>

#include <exo/error.h>
#include <exo/syscall.h>

#include "exos/proc/signal.h"
#include "exos/vm/space.h"
#include "exos/vm/vm.h"

/* Never rung: exo_wait wants to hear of something that could wake the caller,
 * and a signal may. */
#define NEVER_RUNG (UINT64_C(1) << 60)

static struct wait_source *sources;
static struct alarm *alarms; // the next one first

void
waiter_add(struct waitq *queue, struct waiter *waiter)
{
    waiter->next = queue->first;
    waiter->at = &queue->first;
    if (waiter->next)
        waiter->next->at = &waiter->next;
    queue->first = waiter;
}

void
waiter_remove(struct waiter *waiter)
{
    if (!waiter->at)
        return;
    *waiter->at = waiter->next;
    if (waiter->next)
        waiter->next->at = waiter->at;
    waiter->at = NULL;
}

void
waitq_wake(struct waitq *queue, uint32_t events)
{
    for (struct waiter *w = queue->first, *next; w; w = next) {
        next = w->next;
        w->wake(w, events);
    }
}

void
wait_source_add(struct wait_source *source)
{
    source->next = sources;
    sources = source;
}

void
alarm_clear(struct alarm *alarm)
{
    struct alarm **at = &alarms;
    while (alarm->set && *at != alarm)
        at = &(*at)->next;
    if (alarm->set)
        *at = alarm->next;
    alarm->set = false;
}

void
alarm_set(struct alarm *alarm, exo_tsc when)
{
    struct alarm **at = &alarms;
    alarm_clear(alarm);
    while (*at && (*at)->when <= when)
        at = &(*at)->next;
    alarm->when = when;
    alarm->next = *at;
    alarm->set = true;
    *at = alarm;
}

static bool
ring_alarms(exo_tsc now)
{
    bool any = false;
    while (alarms && alarms->when <= now) {
        struct alarm *alarm = alarms;
        alarm_clear(alarm);
        alarm->ring(alarm);
        any = true;
    }
    return any;
}

static uint64_t
take_events(uint64_t bits)
{
    if (!(__atomic_load_n(&UAREA->events, __ATOMIC_RELAXED) & bits))
        return 0;
    return __atomic_fetch_and(&UAREA->events, ~bits, __ATOMIC_SEQ_CST) & bits;
}

bool
wait_look(void)
{
    exo_tsc now = clock_tsc();
    bool any = ring_alarms(now);
    for (struct wait_source *s = sources; s; s = s->next) {
        uint64_t bits = take_events(s->events);
        if (bits || (s->due && s->due() <= now)) {
            s->run(bits);
            any = true;
        }
    }
    return any;
}

/* Sleeps until an event bit, an alarm or the deadline. */
static void
sleep(exo_tsc deadline)
{
    uint64_t bits = NEVER_RUNG;
    if (alarms && alarms->when < deadline)
        deadline = alarms->when;
    for (const struct wait_source *s = sources; s; s = s->next) {
        exo_tsc due = s->due ? s->due() : EXO_NEVER;
        bits |= s->events;
        deadline = due < deadline ? due : deadline;
    }
    release_sleep();
    exo_wait(bits, deadline, 0);
}

long
wait_once(exo_tsc deadline)
{
    if (wait_look())
        return 0;
    if (signal_deliver())
        return -EINTR;
    if (deadline <= clock_tsc())
        return -ETIMEDOUT;
    sleep(deadline);
    if (wait_look())
        return 0;
    if (signal_deliver())
        return -EINTR;
    return deadline <= clock_tsc() ? -ETIMEDOUT : 0;
}
