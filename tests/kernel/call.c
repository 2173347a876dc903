// SPDX-License-Identifier: MIT
/*
 * Protected control transfer: call and reply.
 *
 * Must be seen: words and caller arrive, the reply comes once and to whom it
 * belongs, every way a callee cannot be entered is BUSY, no side can hold or
 * surprise the other, and the slice goes along.
 */
#include "test.h"

static volatile uint64_t said[16];
static volatile uint64_t seen_words[6];
static volatile uint64_t seen_caller, seen_handle;
static volatile exo_env server;
static volatile uint64_t calls;

/* The caller's slot 1 covers the server. Retries while the server is BUSY;
 * words are lost by a call that fails. */
static int64_t
call_server(uint64_t words[6], uint32_t flags, exo_tsc deadline)
{
    exo_tsc limit = now() + patience();
    for (;;) {
        uint64_t w[6];
        for (unsigned i = 0; i < 6; i++)
            w[i] = words[i];
        int64_t result = exo_call(server, 1 | flags, deadline, w);
        if (result == -EXO_E_BUSY && now() < limit) {
            exo_yield(0, 0);
            continue;
        }
        for (unsigned i = 0; i < 6; i++)
            words[i] = w[i];
        return result;
    }
}

static void
plus_one(struct exo_frame *f, uint64_t words[6])
{
    seen_caller = f->addr;
    seen_handle = f->cause;
    for (unsigned i = 0; i < 6; i++) {
        seen_words[i] = words[i];
        words[i]++;
    }
    calls++;
    said[8] = (uint64_t)exo_reply(f->cause, words);
}

/* Two envs on one CPU: a server that sleeps, a client that holds a door. */
static struct kid *
make_server(call_handler *h)
{
    calls = 0;
    struct kid *k = kid_new(&(struct kid_plan){.cpu1 = 1}, sleep_forever, 0);
    on_call(k->u, h);
    server = k->id;
    kid_go(k);
    UNTIL(kid_state(k) == EXO_ENV_WAITING);
    return k;
}

static struct kid *
make_client(struct kid *to, void (*entry)(uint64_t), uint64_t arg)
{
    struct kid *k = kid_new(&(struct kid_plan){.cpu1 = 1}, entry, arg);
    EQ(exo_cap_grant(CAPS, k->id, 1, to->guard,
                     KID_PREFIX_BITS | EXO_WRITE << 8),
       0);
    return k;
}

static void
one_call(uint64_t base)
{
    uint64_t w[6];
    for (unsigned i = 0; i < 6; i++)
        w[i] = base + i * 1000;
    said[0] = (uint64_t)call_server(w, EXO_CALL_SYNC, EXO_NEVER);
    for (unsigned i = 0; i < 6; i++)
        said[1 + i] = w[i];
}

TEST(call_carries_six_words_there_and_back)
{
    struct kid *s = make_server(plus_one);
    struct kid *c = make_client(s, one_call, 0x1122334455667788);
    kid_go(c);
    EQ(kid_join(c), 0);
    EQ(said[0], 0);
    for (unsigned i = 0; i < 6; i++) {
        EQ(seen_words[i], 0x1122334455667788 + i * 1000);
        EQ(said[1 + i], 0x1122334455667788 + i * 1000 + 1);
    }
    EQ(seen_caller, c->id);
    EQ(calls, 1);
    UNTIL(kid_state(s) == EXO_ENV_WAITING); // and the server sleeps again
    EQ(kid_info(s)->upcalls[EXO_UP_CALL], 1);
}

static void
many_calls(uint64_t times)
{
    said[0] = 0;
    for (uint64_t i = 0; i < times; i++) {
        uint64_t w[6] = {i, i + 1, i + 2, i + 3, i + 4, i + 5};
        if (call_server(w, EXO_CALL_SYNC, EXO_NEVER) != 0)
            said[0]++;
        for (unsigned j = 0; j < 6; j++)
            said[0] += w[j] != i + j + 1;
    }
}

TEST(call_works_again_and_again)
{
    struct kid *s = make_server(plus_one);
    struct kid *c = make_client(s, many_calls, 300);
    struct kid *d = make_client(s, many_calls, 300);
    kid_go(c);
    EQ(kid_join(c), 0);
    EQ(said[0], 0);
    kid_go(d);
    EQ(kid_join(d), 0);
    EQ(said[0], 0);
    EQ(calls, 600);
    EQ(own_of(s->u)->deepest, 0);
    UNTIL(kid_state(s) == EXO_ENV_WAITING);
}

/* ---- who may, and when not -------------------------------------------- */

TEST(call_needs_write_over_the_callee)
{
    struct kid *s = make_server(plus_one);
    uint64_t w[6] = {0};
    FAILS(exo_call(s->id, NO_CAP | EXO_CALL_SYNC, EXO_NEVER, w), CAP);
    EQ(exo_cap_grant(CAPS, 0, 1, s->guard, 64 | (EXO_ALL & ~EXO_WRITE) << 8),
       0);
    FAILS(exo_call(s->id, 1 | EXO_CALL_SYNC, EXO_NEVER, w), CAP);
    FAILS(exo_call(s->id + 0x10000, EXO_CALL_SYNC, EXO_NEVER, w), STALE);
    FAILS(exo_call(UINT64_MAX, EXO_CALL_SYNC, EXO_NEVER, w), STALE);
    EQ(calls, 0);
}

TEST(call_to_oneself_is_busy)
{
    on_call(uarea(), plus_one);
    uint64_t w[6] = {0};
    FAILS(exo_call(self(), ROOT_CAP | EXO_CALL_SYNC, EXO_NEVER, w), BUSY);
}

/* Calls once, without retrying. */
static void
try_call(uint64_t flags)
{
    uint64_t w[6] = {1, 2, 3, 4, 5, 6};
    said[0] =
        (uint64_t)exo_call(server, 1 | (uint32_t)flags, now() + seconds(1), w);
}

static int64_t
try_as_client(struct kid *s)
{
    struct kid *c = make_client(s, try_call, EXO_CALL_SYNC);
    said[0] = 1234;
    kid_go(c);
    EQ(kid_join(c), 0);
    kid_end(c);
    return (int64_t)said[0];
}

TEST(call_to_an_env_that_cannot_answer_is_busy)
{
    struct kid *s = kid_new(&(struct kid_plan){.cpu1 = 1}, sleep_forever, 0);
    server = s->id;
    on_call(s->u, plus_one);
    EQ(try_as_client(s), -EXO_E_BUSY); // EMBRYO
    kid_go(s);
    UNTIL(kid_state(s) == EXO_ENV_WAITING);
    EQ(exo_env_control(ROOT_CAP, s->id, EXO_ENV_STOP, 0), 0);
    EQ(try_as_client(s), -EXO_E_BUSY); // STOPPED
    EQ(control(s->id, EXO_ENV_START), 0);
    UNTIL(kid_state(s) == EXO_ENV_WAITING);
    s->u->mask = 1;
    EQ(try_as_client(s), -EXO_E_BUSY); // masked
    s->u->mask = 0;
    on_call(s->u, NULL);
    EQ(try_as_client(s), -EXO_E_BUSY); // no handler
    on_call(s->u, plus_one);
    EQ(try_as_client(s), 0);
}

TEST(call_to_the_dead_is_stale)
{
    struct kid *s = make_server(plus_one);
    struct kid *c = make_client(s, try_call, EXO_CALL_SYNC);
    EQ(control(s->id, EXO_ENV_DESTROY), 0);
    kid_go(c);
    EQ(kid_join(c), 0);
    EQ(said[0], -EXO_E_STALE);
    FAILS(exo_yield(ROOT_CAP, s->id), STALE);
}

TEST(call_to_an_env_of_another_cpu_is_busy)
{
    NEEDS(NCPUS > 1, "needs two CPUs");
    struct kid *s = kid_new(&(struct kid_plan){.cpu1 = 2}, sleep_forever, 0);
    server = s->id;
    on_call(s->u, plus_one);
    kid_go(s);
    UNTIL(kid_state(s) == EXO_ENV_WAITING);
    EQ(try_as_client(s), -EXO_E_BUSY);
}

static void
call_on(struct exo_frame *f, uint64_t words[6])
{
    // Inside a call: a call of my own to myself's caller must not enter it.
    said[9] = (uint64_t)exo_call(f->addr, 1 | EXO_CALL_SYNC, now() + seconds(1),
                                 words);
    exo_reply(f->cause, words);
}

TEST(call_to_an_env_that_waits_in_a_call_is_busy)
{
    struct kid *s = make_server(call_on);
    struct kid *c = make_client(s, one_call, 1);
    on_call(c->u, plus_one);
    EQ(exo_cap_grant(CAPS, s->id, 1, c->guard,
                     KID_PREFIX_BITS | EXO_WRITE << 8),
       0);
    kid_go(c);
    EQ(kid_join(c), 0);
    EQ(said[9], -EXO_E_BUSY);
    EQ(said[0], 0);
}

/* ---- asynchronous calls ----------------------------------------------- */

static void
note_call(struct exo_frame *f, uint64_t words[6])
{
    seen_caller = f->addr;
    seen_handle = f->cause;
    seen_words[0] = words[0];
    calls++;
    said[10] = (uint64_t)exo_reply(f->cause, words); // nobody waits
}

static void
call_async(uint64_t unused)
{
    (void)unused;
    uint64_t w[6] = {77, 0, 0, 0, 0, 0};
    said[0] = (uint64_t)call_server(w, 0, 0);
    said[1] = w[0];
}

TEST(call_without_sync_does_not_wait)
{
    struct kid *s = make_server(note_call);
    struct kid *c = make_client(s, call_async, 0);
    kid_go(c);
    EQ(kid_join(c), 0);
    UNTIL(calls == 1 && kid_state(s) == EXO_ENV_WAITING);
    EQ(said[0], 0);
    EQ(seen_words[0], 77);
    EQ(said[10], -EXO_E_STALE);
}

/* ---- deadlines, deaths, stale replies --------------------------------- */

static void
never_reply(struct exo_frame *f, uint64_t words[6])
{
    (void)words;
    seen_handle = f->cause;
    calls++;
    uarea()->mask = 0;
    sleep_forever(0);
}

static void
call_with_deadline(uint64_t ticks)
{
    uint64_t w[6] = {0};
    exo_tsc end = now() + ticks;
    said[0] = (uint64_t)call_server(w, EXO_CALL_SYNC, end);
    said[1] = now() >= end;
}

TEST(call_ends_at_its_deadline)
{
    struct kid *s = make_server(never_reply);
    struct kid *c = make_client(s, call_with_deadline,
                                microseconds(COUNTED ? 3000 : 60000));
    kid_go(c);
    EQ(kid_join(c), 0);
    EQ(said[0], -EXO_E_TIME);
    EQ(said[1], 1);
    EQ(calls, 1);
    CHECK(kid_state(s) < EXO_ENV_DYING);
}

static void
spin_then_reply(struct exo_frame *f, uint64_t words[6])
{
    exo_tsc end = now() + microseconds(COUNTED ? 20000 : 150000);
    while (now() < end)
        ;
    said[11] = (uint64_t)exo_reply(f->cause, words);
    calls++;
}

TEST(call_deadline_holds_against_a_busy_callee)
{
    struct kid *s = make_server(spin_then_reply);
    struct kid *c = make_client(s, call_with_deadline,
                                microseconds(COUNTED ? 3000 : 60000));
    kid_go(c);
    EQ(kid_join(c), 0);
    EQ(said[0], -EXO_E_TIME);
    UNTIL(calls == 1);
    EQ(said[11], -EXO_E_STALE); // the reply came too late
}

TEST(call_ends_when_the_callee_dies)
{
    struct kid *s = make_server(never_reply);
    struct kid *c = make_client(s, one_call, 0);
    kid_go(c);
    UNTIL(calls == 1 && kid_state(s) == EXO_ENV_WAITING);
    EQ(kid_state(c), EXO_ENV_WAITING);
    EQ(control(s->id, EXO_ENV_DESTROY), 0);
    EQ(kid_join(c), 0);
    EQ(said[0], -EXO_E_DEAD);
}

static void
die_in_the_call(struct exo_frame *f, uint64_t words[6])
{
    (void)f;
    (void)words;
    leave(5);
}

TEST(call_ends_when_the_callee_exits_inside_it)
{
    struct kid *s = make_server(die_in_the_call);
    struct kid *c = make_client(s, one_call, 0);
    kid_go(c);
    EQ(kid_join(c), 0);
    EQ(said[0], -EXO_E_DEAD);
    EQ(kid_join(s), 5);
}

TEST(call_outlived_by_the_callee)
{
    struct kid *s = make_server(never_reply);
    struct kid *c = make_client(s, one_call, 0);
    kid_go(c);
    UNTIL(calls == 1 && kid_state(s) == EXO_ENV_WAITING);
    EQ(control(c->id, EXO_ENV_DESTROY), 0);
    kid_end(c);
    CHECK(kid_state(s) == EXO_ENV_WAITING);
}

TEST(call_of_a_stopped_caller_is_not_answered)
{
    struct kid *s = make_server(never_reply);
    struct kid *c = make_client(s, one_call, 0);
    kid_go(c);
    UNTIL(calls == 1 && kid_state(s) == EXO_ENV_WAITING);
    EQ(exo_env_control(ROOT_CAP, c->id, EXO_ENV_STOP, 0), 0);
    EQ(control(c->id, EXO_ENV_START), 0);
    EQ(kid_join(c), 0);
    EQ(said[0], -EXO_E_STATE);
}

static void
reply_twice(struct exo_frame *f, uint64_t words[6])
{
    said[11] = (uint64_t)exo_reply(f->cause, words);
    said[12] = (uint64_t)exo_reply(f->cause, words);
    calls++;
}

TEST(reply_is_good_once)
{
    struct kid *s = make_server(reply_twice);
    struct kid *c = make_client(s, one_call, 9);
    kid_go(c);
    EQ(kid_join(c), 0);
    EQ(said[0], 0);
    EQ(said[1], 9);
    UNTIL(calls == 1);
    EQ(said[11], 0);
    EQ(said[12], -EXO_E_STALE);
}

static volatile uint64_t first_handle;

/* Answers a second call first with the handle of the one before. */
static void
reply_late(struct exo_frame *f, uint64_t words[6])
{
    if (calls++)
        said[11] = (uint64_t)exo_reply(first_handle, words);
    first_handle = f->cause;
    exo_reply(f->cause, words);
}

static void
call_twice(uint64_t unused)
{
    (void)unused;
    for (uint64_t i = 0; i < 2; i++) {
        uint64_t w[6] = {i};
        said[i] = (uint64_t)call_server(w, EXO_CALL_SYNC, EXO_NEVER);
    }
}

TEST(reply_with_the_handle_of_an_earlier_call_is_stale)
{
    struct kid *s = make_server(reply_late);
    struct kid *c = make_client(s, call_twice, 0);
    kid_go(c);
    EQ(kid_join(c), 0);
    EQ(said[0], 0);
    EQ(said[1], 0);
    EQ(said[11], -EXO_E_STALE);
}

TEST(reply_to_handles_that_are_none_is_stale)
{
    struct kid *s = make_server(never_reply);
    struct kid *c = make_client(s, one_call, 0);
    kid_go(c);
    UNTIL(calls == 1 && kid_state(s) == EXO_ENV_WAITING);
    uint64_t w[6] = {1, 2, 3, 4, 5, 6};
    FAILS(exo_reply(seen_handle, w), STALE); // right, but not the callee's
    FAILS(exo_reply(0, w), STALE);
    FAILS(exo_reply(UINT64_MAX, w), STALE);
    FAILS(exo_reply(EXO_ENV_INDEX(c->id), w), STALE);
    EQ(kid_state(c), EXO_ENV_WAITING);
}

/* ---- the callee's own affairs ----------------------------------------- */

static void
spin_pattern(uint64_t seed)
{
    uint64_t broken = 0;
    while (!said[13])
        broken += pattern_spin(seed, 100);
    said[14] = broken;
}

TEST(call_into_an_interrupted_env_disturbs_nothing)
{
    said[13] = said[14] = 0;
    calls = 0;
    struct kid *s = kid_new(&(struct kid_plan){.cpu1 = 1}, spin_pattern, 123);
    on_call(s->u, plus_one);
    server = s->id;
    struct kid *c = make_client(s, many_calls, 60);
    kid_go(s);
    kid_go(c);
    EQ(kid_join(c), 0);
    said[13] = 1;
    EQ(kid_join(s), 0);
    EQ(said[0], 0);
    EQ(said[14], 0);
    CHECK(calls >= 60);
}

static void
wait_and_tell(uint64_t unused)
{
    (void)unused;
    said[12] = (uint64_t)exo_wait(1, EXO_NEVER, 0);
    said[13] = 1;
    sleep_forever(0);
}

TEST(call_ends_the_wait_of_its_callee)
{
    said[13] = 0;
    struct kid *s = kid_new(&(struct kid_plan){.cpu1 = 1}, wait_and_tell, 0);
    on_call(s->u, plus_one);
    server = s->id;
    kid_go(s);
    UNTIL(kid_state(s) == EXO_ENV_WAITING);
    struct kid *c = make_client(s, one_call, 0);
    kid_go(c);
    EQ(kid_join(c), 0);
    UNTIL(said[13]);
    EQ(said[12], 0);
}

TEST(call_handler_that_is_no_code_ends_the_callee_alone)
{
    struct exo_mortem m;
    struct kid *s = make_server(plus_one);
    s->u->handler[EXO_UP_CALL] = UINT64_C(0xffffffff80100000);
    struct kid *c = make_client(s, one_call, 0);
    kid_go(c);
    EQ(kid_join(c), 0);
    EQ(said[0], -EXO_E_DEAD);
    kid_mortem(s, &m);
    EQ(m.end, EXO_END_HANDLER);
}

/* ---- slices ----------------------------------------------------------- */

static void
work_then_reply(struct exo_frame *f, uint64_t words[6])
{
    exo_tsc end = now() + 20 * exo_machine()->slot_tsc;
    while (now() < end)
        calls++;
    exo_reply(f->cause, words);
}

static void
spin(uint64_t unused)
{
    (void)unused;
    for (;;)
        said[15]++;
}

TEST(call_with_sync_lends_the_following_slices)
{
    // The caller owns all slots; while it waits, its callee has them.
    struct kid *s = make_server(work_then_reply);
    struct kid *c =
        kid_new(&(struct kid_plan){.cpu1 = 1, .slots = 1024}, one_call, 0);
    EQ(exo_cap_grant(CAPS, c->id, 1, s->guard,
                     KID_PREFIX_BITS | EXO_WRITE << 8),
       0);
    struct kid *rival = kid_new(&(struct kid_plan){.cpu1 = 1}, spin, 0);
    kid_go(rival);
    uint32_t n = exo_machine()->nslots;
    for (uint32_t done = 0; done < n;) {
        int64_t more =
            exo_slot_set(CAPS, EXO_SLOT(0, done), n - done, c->id, 0);
        CHECK(more > 0);
        done += (uint32_t)more;
    }
    kid_go(c);
    EQ(kid_join(c), 0);
    EQ(said[0], 0);
    const struct exo_env_info *si = kid_info(s);
    CHECK(si->time_ran - si->time_slack > exo_machine()->slot_tsc);
    if (COUNTED)
        CHECK(si->time_ran > 4 * kid_info(rival)->time_ran);
}
