// SPDX-License-Identifier: MIT
//
// switch.c: from one env to another: directed yield, protected control transfer
// and the end of a slice. Both sides have address spaces of their own.
#include "bench.h"

#include "lib/clock.h"
#include "lib/string.h"

extern const char spin_end[], serve_handler[], serve_quietly_handler[];
void spin(void);
_Noreturn void serve(void);

// Roles of peers.

static _Noreturn void
yield_back(void)
{
    for (;;)
        exo_yield(START_CAP_DOOR, UAREA->parent);
}

static void
give_way(struct exo_frame *frame)
{
    (void)frame;
    exo_yield(0, 0);
}

// Sleeps to the next full millisecond, as all that do this.
static _Noreturn void
sleep_again(void)
{
    uint64_t step = exo_machine()->slot_tsc;
    for (;;)
        exo_wait(0, (clock_tsc() / step + 1) * step, 0);
}

static _Noreturn void
take_turns(void)
{
    upcall_set(UAREA, EXO_UP_QUANTUM, give_way);
    for (;;)
        spin();
}

static _Noreturn void
be_server(const char *handler)
{
    UAREA->handler[EXO_UP_CALL] = (uint64_t)handler;
    serve();
}

static void
answer(struct exo_frame *frame, uint64_t words[EXO_CALL_WORDS])
{
    (void)frame;
    words[1]++;
}

_Noreturn void
peer_run(const char *role)
{
    if (strcmp(role, "yield") == 0)
        yield_back();
    if (strcmp(role, "turns") == 0)
        take_turns();
    if (strcmp(role, "crash") == 0)
        __builtin_trap();
    if (strcmp(role, "sleep") == 0)
        sleep_again();
    if (strcmp(role, "serve") == 0)
        be_server(serve_handler);
    if (strcmp(role, "quiet") == 0)
        be_server(serve_quietly_handler);
    if (strcmp(role, "library") == 0)
        upcall_serve(UAREA, answer);
    for (;;)
        exo_wait(0, EXO_NEVER, 0);
}

// The rows.

void
yield_to(void)
{
    struct spawn peer;
    if (!peer_open("yield_to", &peer, "yield"))
        return;
    row("yield_to", 2);
    for (unsigned i = 0; i < REPETITIONS; i++) {
        BEGIN();
        exo_yield(ROOT_CAP, peer.env);
        END();
    }
    peer_close(&peer);
}

// One repetition is a call and its reply. The peer is in its waiting loop
// before the first one.
static void
repeat_call(const char *name, const char *role)
{
    struct spawn peer;
    if (!peer_open(name, &peer, role))
        return;
    exo_yield(ROOT_CAP, peer.env);
    row(name, 1);
    for (unsigned i = 0; i < REPETITIONS; i++) {
        uint64_t words[EXO_CALL_WORDS] = {i, 1, 2, 3, 4, 5};
        BEGIN();
        int64_t error =
            exo_call(peer.env, ROOT_CAP | EXO_CALL_SYNC, EXO_NEVER, words);
        END();
        if (error || words[0] != i) {
            give_up(name, "call", error);
            break;
        }
    }
    peer_close(&peer);
}

void
call_oneway(void)
{
    repeat_call("call_oneway|reply_oneway", "serve");
    repeat_call("call_reply", "quiet");
    repeat_call("call_reply_lib", "library");
}

static void
give_way_once(struct exo_frame *frame)
{
    exo_yield(0, 0);
    frame->rip = (uint64_t)spin_end;
}

// Each repetition: this env's slice ends, the peer's begins and ends, and this
// one's begins again.
void
slice_switch(void)
{
    struct spawn peer;
    if (!peer_open("slice_switch", &peer, "turns"))
        return;
    upcall_set(UAREA, EXO_UP_QUANTUM, give_way_once);
    row("slice_switch", 2);
    for (unsigned i = 0; i < REPETITIONS; i++) {
        BEGIN();
        spin();
        END();
    }
    upcall_set(UAREA, EXO_UP_QUANTUM, NULL);
    peer_close(&peer);
}
