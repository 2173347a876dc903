// SPDX-License-Identifier: MIT
/*
 * pingpong: protected control transfer between two address spaces. The first
 * env makes a peer from its own image and calls it; the peer's CALL handler
 * runs at once, on the rest of the caller's slice, and replies.
 * Arguments: calls (10000).
 */
#include "minimal/minimal.h"

#include "own_cpu.h"

/* Answers ping n with pong n + 1. */
static void
on_call(struct exo_frame *frame, uint64_t words[EXO_CALL_WORDS])
{
    (void)frame;
    words[0]++;
}

/* One call and its reply. A peer that is not ready yet, or that another CPU
 * runs for a moment, answers BUSY. */
static int64_t
ping(const struct spawn *peer, uint64_t *n)
{
    exo_tsc deadline = clock_after(CLOCK_S);
    for (unsigned tries = 1;; tries++) {
        uint64_t words[EXO_CALL_WORDS] = {*n};
        int64_t error = exo_call(peer->env, START_CAP_SELF | EXO_CALL_SYNC,
                                 deadline, words);
        if (error != -EXO_E_BUSY || clock_tsc() >= deadline) {
            *n = words[0];
            return error;
        }
        if (tries % 256 == 0)
            event_sleep(CLOCK_MS);
        __builtin_ia32_pause();
    }
}

static int64_t
make_peer(struct spawn *peer)
{
    static const char *const args[] = {"peer", "peer"};
    *peer = (struct spawn){
        .cpu = own_cpu(),
        .share = {[EXO_KIND_PAGE] = {24, 24}, [EXO_KIND_ENV] = {1, 1}},
    };
    int64_t error = child_create(peer, 2, args);
    return error ? error : child_start(peer);
}

int
main(int argc, char **argv)
{
    struct spawn peer;
    if (argc > 1 && strcmp(argv[1], "peer") == 0)
        upcall_serve(UAREA, on_call);
    uint64_t calls = number(argc > 1 ? argv[1] : NULL, 10000), n = 0;
    int64_t error = make_peer(&peer);
    if (error) {
        print("cannot %s: error %d\n", peer.what, (int)-error);
        return 1;
    }
    error = ping(&peer, &n); // the peer is ready from here on
    exo_tsc start = clock_tsc();
    while (!error && n <= calls)
        error = ping(&peer, &n);
    uint64_t ns = clock_ns(clock_tsc() - start);
    child_bury(&peer, NULL);
    if (error) {
        print("call %lu failed: error %d\n", n, (int)-error);
        return 1;
    }
    print("%lu calls and replies between two address spaces, %lu ns each\n",
          calls, calls ? ns / calls : 0);
    return 0;
}
