// SPDX-License-Identifier: MIT
/*
 * CONTROL over an env is a debugger: stop, read, write, go on; single steps;
 * breakpoints; memory through bindings.
 *
 * Must be seen: an env that was stopped anywhere goes on unchanged; a debugger
 * env takes another through a program instruction by instruction.
 */
#include "test.h"

static volatile uint64_t said[8];
static volatile uint64_t rounds;

static void
spin_pattern(uint64_t seed)
{
    uint64_t broken = 0;
    while (!said[0]) {
        broken += pattern_spin(seed, 500);
        rounds++;
    }
    said[1] = broken;
}

TEST(debugger_stops_an_env_anywhere_and_it_goes_on_unchanged)
{
    said[0] = said[1] = 0;
    struct kid *k = kid_start(KID_RAISES, spin_pattern, 99);
    uint64_t rips = 0, last = 0;
    for (unsigned i = 0; i < 200; i++) {
        uint64_t from = rounds;
        for (unsigned n = i * 37 % 101; n; n--) // another phase each time
            __asm__ volatile("pause");
        UNTIL(rounds != from);
        struct exo_context x, y;
        EQ(exo_env_control(ROOT_CAP, k->id, EXO_ENV_STOP, 0), 0);
        int64_t r;
        while ((r = exo_env_state(ROOT_CAP, k->id, EXO_STATE_READ, &x)) ==
               -EXO_E_AGAIN)
            ;
        EQ(r, 0);
        EQ(exo_env_state(ROOT_CAP, k->id, EXO_STATE_WRITE, &x), 0);
        EQ(exo_env_state(ROOT_CAP, k->id, EXO_STATE_READ, &y), 0);
        for (unsigned w = 0; w < sizeof(x) / 8; w++)
            EQ(((uint64_t *)&y)[w], ((uint64_t *)&x)[w]);
        CHECK(x.rsp > k->block && x.rsp < k->block + BLOCK_BYTES);
        rips += x.rip != last;
        last = x.rip;
        EQ(control(k->id, EXO_ENV_START), 0);
    }
    CHECK(rips > 20);
    said[0] = 1;
    EQ(kid_join(k), 0);
    EQ(said[1], 0);
}

/* A program whose every step is known. */
void stepped(uint64_t arg);
extern char stepped_1[], stepped_2[], stepped_3[], stepped_4[], stepped_end[];
__asm__(".text\n"
        "stepped:\n\t"
        "mov $1, %eax\n"
        "stepped_1:\n\t"
        "add $2, %eax\n"
        "stepped_2:\n\t"
        "shl $4, %eax\n"
        "stepped_3:\n\t"
        "push %rax\n"
        "stepped_4:\n\t"
        "pop %rbx\n"
        "stepped_end:\n\t"
        "jmp stepped_end");

static volatile uint64_t stepped_at;

/* In the env that is stepped: say where, and stay until the debugger moves
 * on. A FAULT handler is where a debugger that is a library gets its hook. */
static void
one_step(struct exo_frame *f)
{
    said[2] = f->cause;
    said[3]++;
    stepped_at = f->rip;
    exo_env_control(0, 0, EXO_ENV_STOP, 0);
    f->rflags |= 0x100;
}

TEST(debugger_single_steps_another_env)
{
    said[3] = 0;
    struct kid *k = kid_new(&(struct kid_plan){0}, NULL, 0);
    on_upcall(k->u, EXO_UP_FAULT, one_step);
    struct exo_context x;
    EQ(exo_env_state(ROOT_CAP, k->id, EXO_STATE_READ, &x), 0);
    x.rip = (uint64_t)stepped;
    x.rflags |= 0x100;
    EQ(exo_env_state(ROOT_CAP, k->id, EXO_STATE_WRITE, &x), 0);
    kid_go(k);
    UNTIL(kid_state(k) == EXO_ENV_STOPPED);
    EQ(said[2], 1); // #DB
    EQ(stepped_at, (uint64_t)stepped_1);
    // The rest is done by the debugger itself: registers, one at a time.
    EQ(exo_env_state(ROOT_CAP, k->id, EXO_STATE_READ, &x), 0);
    x.rip = (uint64_t)stepped_1;
    x.rax = 1;
    x.rsp = k->block + BLOCK_BYTES - 64;
    x.rflags = 0x302;
    const uint64_t where[] = {(uint64_t)stepped_2, (uint64_t)stepped_3,
                              (uint64_t)stepped_4, (uint64_t)stepped_end};
    for (unsigned i = 0; i < 4; i++) {
        EQ(exo_env_state(ROOT_CAP, k->id, EXO_STATE_WRITE, &x), 0);
        EQ(control(k->id, EXO_ENV_START), 0);
        UNTIL(said[3] == i + 2 && kid_state(k) == EXO_ENV_STOPPED);
        EQ(stepped_at, where[i]);
        x.rip = stepped_at;
        x.rax = i == 0 ? 3 : 48;
    }
}

TEST(trap_flag_in_a_context_steps_once)
{
    // Without a handler the trap ends it right after one instruction.
    struct exo_mortem m;
    struct kid *k = kid_new(&(struct kid_plan){.flags = KID_RAISES}, NULL, 0);
    struct exo_context x;
    EQ(exo_env_state(ROOT_CAP, k->id, EXO_STATE_READ, &x), 0);
    x.rip = (uint64_t)stepped;
    x.rflags = 0x102;
    EQ(exo_env_state(ROOT_CAP, k->id, EXO_STATE_WRITE, &x), 0);
    kid_go(k);
    kid_mortem(k, &m);
    EQ(m.end, EXO_END_FAULT);
    EQ(m.vector, 1);
    EQ(m.context.rip, (uint64_t)stepped_1);
    EQ(m.context.rax, 1);
}

static volatile uint64_t hits;

static void
breakpoint(struct exo_frame *f)
{
    said[2] = f->cause;
    said[4] = f->rip;
    hits++;
}

static void
call_patched(uint64_t va)
{
    ((void (*)(void))va)();
    said[5] = 1;
}

TEST(debugger_patches_code_through_a_binding_of_its_own)
{
    // ret at va; the debugger writes int3 before it, W^X permitting.
    hits = said[5] = 0;
    uint64_t there = EXO_FIRST_UAREA + 0x30000;
    struct kid *k = kid_new(&(struct kid_plan){0}, call_patched, there);
    on_upcall(k->u, EXO_UP_FAULT, breakpoint);
    exo_page code = page_at(SCRATCH);
    ((volatile uint8_t *)SCRATCH)[0] = 0x90;
    ((volatile uint8_t *)SCRATCH)[1] = 0xc3;
    FAILS(bind_one(k->root, there, code, RX), EXCL);
    unbind_here(SCRATCH);
    EQ(bind_one(k->root, there, code, RX), 1);
    EQ(bind_one(k->root, there, 0, EXO_BIND_SAME | R), 1);
    bind_here(SCRATCH, code, RW);
    ((volatile uint8_t *)SCRATCH)[0] = 0xcc;
    unbind_here(SCRATCH);
    EQ(bind_one(k->root, there, 0, EXO_BIND_SAME | RX), 1);
    kid_go(k);
    EQ(kid_join(k), 0);
    EQ(hits, 1);
    EQ(said[2], 3);
    EQ(said[4], there + 1);
    EQ(said[5], 1);
}

TEST(stopped_env_keeps_its_events)
{
    struct kid *k = kid_start(0, sleep_forever, 0);
    UNTIL(kid_state(k) == EXO_ENV_WAITING);
    EQ(exo_env_control(ROOT_CAP, k->id, EXO_ENV_STOP, 0), 0);
    EQ(exo_ring(ROOT_CAP, k->id, 0x10), 0);
    EQ(kid_state(k), EXO_ENV_STOPPED);
    EQ(k->u->events, 0x10);
    EQ(control(k->id, EXO_ENV_START), 0);
    UNTIL(kid_state(k) == EXO_ENV_WAITING);
    EQ(k->u->events, 0x10);
}
