// SPDX-License-Identifier: MIT
/*
 * wait.h: the one way in which anything on exos waits.
 *
 * Whoever can become ready has a queue; whoever waits for it puts a waiter
 * there. A change wakes the queue, and each waiter's function notes it. What
 * changes without the program's doing comes from sources: event bits of the
 * u-area that something else rings, and times. wait_once() sleeps in exo_wait
 * until one of these, runs it, and returns; the waiter then looks again.
 *
 * select, poll, epoll, blocking reads and sleeping all end here.
 */
#ifndef EXOS_FD_WAIT_H
#define EXOS_FD_WAIT_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/clock.h"

struct waiter;

struct waitq {
    struct waiter *first;
};

/* Events are POLLIN, POLLOUT ... of <poll.h>. */
typedef void wake_fn(struct waiter *waiter, uint32_t events);

struct waiter {
    struct waiter *next, **at; // at: what points to it; null: in no queue
    wake_fn *wake;
};

void waiter_add(struct waitq *queue, struct waiter *waiter);
void waiter_remove(struct waiter *waiter);

/* Tells all waiters of a queue. A waiter may take itself out. */
void waitq_wake(struct waitq *queue, uint32_t events);

/* Something outside of the program. */
struct wait_source {
    struct wait_source *next;
    uint64_t events;            // bits of the u-area that announce it
    exo_tsc (*due)(void);       // when to run it without; null: never
    void (*run)(uint64_t bits); // handles it; bits: those that were set
};

void wait_source_add(struct wait_source *source);

/* Runs the sources that have something, without sleeping. True: any ran. */
bool wait_look(void);

/* Runs sources, sleeping until there is one to run.
 * Errors: ETIMEDOUT the deadline passed; EINTR a signal handler ran. */
long wait_once(exo_tsc deadline);

/* Alarms: functions called from wait_look() or wait_once() after a time. */
struct alarm {
    struct alarm *next;
    exo_tsc when;
    void (*ring)(struct alarm *alarm);
    bool set;
};

void alarm_set(struct alarm *alarm, exo_tsc when);
void alarm_clear(struct alarm *alarm);

#endif
