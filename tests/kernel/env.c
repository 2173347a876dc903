// SPDX-License-Identifier: MIT
/*
 * Envs: env_create, env_control, env_state, env_root.
 *
 * Must be seen: an env is what its spec says and holds nothing more; its states
 * follow the drawing in exo/env.h; CONTROL reads and writes what it should;
 * stale ids name nobody; every refusal comes with its cause.
 */
#include "test.h"

static volatile uint64_t said[24];

static struct exo_env_spec
spec(exo_guard guard)
{
    struct exo_env_spec s = {
        .guard = guard, .rip = EXO_USER_MIN, .cpu = EXO_CPU_ANY};
    s.root = table_new(guard, 0, 4, 0);
    s.save = page_new(guard);
    s.uarea = page_new(guard);
    s.stack[0] = page_new(guard);
    s.share[EXO_KIND_PAGE] = (struct exo_share){20, 20};
    return s;
}

/* ---- env_create ------------------------------------------------------- */

TEST(env_create_makes_an_embryo_of_the_pages_given)
{
    struct exo_env_spec s = spec(0x77);
    s.stack[1] = page_new(0x77);
    s.log = page_new(0x77);
    s.fpu = page_new(0x77);
    s.flags = EXO_ENV_FPU;
    int64_t id = exo_env_create(CAPS, &s);
    OK(id);
    const struct exo_env_info *e = exo_env_info((exo_env)id);
    EQ(e->id, id);
    EQ(e->state, EXO_ENV_EMBRYO);
    EQ(e->guard, 0x77);
    EQ(e->parent, self());
    EQ(e->root, s.root);
    EQ(e->flags, EXO_ENV_FPU);
    EQ(e->account[EXO_KIND_PAGE].own, 7);
    EQ(e->account[EXO_KIND_PAGE].pinned, 7);
    EQ(exo_page_info(s.root)->use, EXO_USE_TABLE);
    EQ(exo_page_info(s.save)->use, EXO_USE_SAVE);
    EQ(exo_page_info(s.uarea)->use, EXO_USE_UAREA);
    EQ(exo_page_info(s.stack[0])->use, EXO_USE_STACK);
    EQ(exo_page_info(s.stack[1])->use, EXO_USE_STACK);
    EQ(exo_page_info(s.log)->use, EXO_USE_LOG);
    EQ(exo_page_info(s.fpu)->use, EXO_USE_FPU);
    const exo_page pages[] = {s.root,     s.save, s.uarea, s.stack[0],
                              s.stack[1], s.log,  s.fpu};
    for (unsigned i = 0; i < ARRAY_SIZE(pages); i++)
        EQ(exo_page_info(pages[i])->payer, EXO_ENV_INDEX((exo_env)id));
}

TEST(env_create_checks_flags_addresses_and_cpu)
{
    struct exo_env_spec s = spec(0), bad;
    const uint32_t flags[] = {EXO_ENV_FPU, EXO_ENV_SEALED, 64, 1u << 31};
    for (unsigned i = 0; i < ARRAY_SIZE(flags); i++) {
        bad = s;
        bad.flags = flags[i];
        FAILS(exo_env_create(CAPS, &bad), INVAL);
    }
    const uint64_t rips[] = {0,
                             EXO_USER_MIN - 1,
                             EXO_USER_TOP,
                             UINT64_C(0x800000000000),
                             EXO_INFO,
                             UINT64_C(0xffffffff80100000),
                             UINT64_MAX};
    for (unsigned i = 0; i < ARRAY_SIZE(rips); i++) {
        bad = s;
        bad.rip = rips[i];
        FAILS(exo_env_create(CAPS, &bad), INVAL);
    }
    bad = s;
    bad.cpu = NCPUS;
    FAILS(exo_env_create(CAPS, &bad), INVAL);
    bad = s;
    bad.fpu = page_new(0);
    FAILS(exo_env_create(CAPS, &bad), INVAL); // a page, but no flag
    FAILS(exo_env_create(CAPS, (struct exo_env_spec *)SCRATCH), FAULT);
    FAILS(exo_env_create(CAPS,
                         (struct exo_env_spec *)UINT64_C(0xffff800000000000)),
          FAULT);
    OK(exo_env_create(CAPS, &s));
}

TEST(env_create_needs_grant_over_its_guard_and_write_over_its_pages)
{
    struct exo_env_spec s = spec(UINT64_C(0x5500000000000000));
    FAILS(exo_env_create(EXO_CAPS(NO_CAP, ROOT_CAP), &s), CAP);
    FAILS(exo_env_create(EXO_CAPS(ROOT_CAP, NO_CAP), &s), CAP);
    EQ(exo_cap_grant(CAPS, 0, 1, 0, (EXO_ALL & ~EXO_GRANT) << 8), 0);
    FAILS(exo_env_create(EXO_CAPS(1, ROOT_CAP), &s), CAP);
    EQ(exo_cap_grant(CAPS, 0, 2, 0, (EXO_ALL & ~EXO_WRITE) << 8), 0);
    FAILS(exo_env_create(EXO_CAPS(ROOT_CAP, 2), &s), CAP);
    EQ(exo_cap_grant(CAPS, 0, 3, s.guard, 8 | EXO_ALL << 8), 0);
    const exo_page *pages[] = {&s.root, &s.save, &s.uarea, &s.stack[0]};
    for (unsigned i = 0; i < ARRAY_SIZE(pages); i++) {
        EQ(exo_reguard(CAPS, EXO_KIND_PAGE, *pages[i], 1, 1), 1);
        FAILS(exo_env_create(EXO_CAPS(3, 3), &s), CAP);
        EQ(exo_reguard(CAPS, EXO_KIND_PAGE, *pages[i], 1, s.guard), 1);
    }
    OK(exo_env_create(EXO_CAPS(3, 3), &s));
}

TEST(env_create_refuses_pages_that_will_not_do)
{
    struct exo_env_spec s = spec(0), bad;
    struct kid *k = kid_start(0, sleep_forever, 0);
    exo_page foreign, free = page_new(0), bound = page_at(SCRATCH);
    exo_page text = (entry_of(0, 0x401000, 1) & EXO_PTE_PAGE) >> 12;
    pages_new(0, k->id, &foreign, 1);
    page_gone(free);
    const exo_page never[] = {foreign,
                              free,
                              0,
                              s.root,
                              k->save,
                              ME->root,
                              UINT64_C(1) << 52,
                              exo_machine()->npages};
    for (unsigned i = 0; i < ARRAY_SIZE(never); i++) {
        bad = s;
        bad.save = never[i];
        FAILS(exo_env_create(CAPS, &bad), STATE);
        bad = s;
        bad.uarea = never[i];
        FAILS(exo_env_create(CAPS, &bad), STATE);
        bad = s;
        bad.stack[0] = never[i];
        FAILS(exo_env_create(CAPS, &bad), STATE);
    }
    bad = s;
    bad.save = bound;
    FAILS(exo_env_create(CAPS, &bad), STATE);
    bad = s;
    bad.fpu = bound;
    bad.flags = EXO_ENV_FPU;
    FAILS(exo_env_create(CAPS, &bad), STATE);
    CHECK(text);
    unbind_here(SCRATCH);
    bind_here(SCRATCH, bound, RX);
    bad = s;
    bad.uarea = bound;
    FAILS(exo_env_create(CAPS, &bad), STATE);
    bad = s;
    bad.stack[0] = s.uarea; // the same page twice
    FAILS(exo_env_create(CAPS, &bad), STATE);
    bad = s;
    bad.log = s.save;
    FAILS(exo_env_create(CAPS, &bad), STATE);
    EQ(exo_page_info(s.save)->use, EXO_USE_DATA); // nothing was changed
    OK(exo_env_create(CAPS, &s));
}

TEST(env_create_refuses_roots_that_will_not_do)
{
    struct exo_env_spec s = spec(0), bad;
    struct kid *k = kid_new(&(struct kid_plan){0}, sleep_forever, 0);
    exo_page others = table_new(0, k->id, 4, 0); // paid by another, unused
    const exo_page never[] = {
        page_new(0), table_new(0, 0, 3, 0), others,
        0,           exo_machine()->npages, UINT64_C(1) << 52};
    for (unsigned i = 0; i < ARRAY_SIZE(never); i++) {
        bad = s;
        bad.root = never[i];
        FAILS(exo_env_create(CAPS, &bad), STATE);
    }
    bad = s;
    bad.root = k->root; // in use: a second thread of control there
    int64_t id = exo_env_create(CAPS, &bad);
    OK(id);
    EQ(exo_page_info(k->root)->payer, EXO_ENV_INDEX(k->id));
}

TEST(env_create_runs_out_of_slots)
{
    NEEDS(exo_machine()->nenvs < 2000, "too many env slots for this machine");
    unsigned made = 0;
    for (;; made++) {
        struct exo_env_spec s = spec(0);
        s.share[EXO_KIND_PAGE] = (struct exo_share){4, 4};
        int64_t id = exo_env_create(CAPS, &s);
        if (id == -EXO_E_NONE || id == -EXO_E_LIMIT)
            break;
        OK(id);
        CHECK(made <= exo_machine()->nenvs);
    }
    CHECK(made > 30);
}

static void
look_at_uarea(uint64_t arg)
{
    const struct exo_uarea *u = uarea();
    said[0] = u->self;
    said[1] = u->parent;
    said[2] = u->arg;
    said[3] = arg;
    for (unsigned i = 0; i < 4; i++)
        said[4 + i] = u->seed[i];
}

TEST(env_finds_ids_arguments_and_seed_in_its_uarea)
{
    struct kid *k = kid_new(&(struct kid_plan){0}, look_at_uarea, 5);
    EQ(k->u->self, k->id);
    EQ(k->u->parent, self());
    EQ(k->u->pending, 0);
    EQ(k->u->events, 0);
    kid_go(k);
    EQ(kid_join(k), 0);
    EQ(said[0], k->id);
    EQ(said[1], self());
    EQ(said[3], 5);
}

TEST(env_seeds_are_all_different)
{
    static uint64_t seeds[40];
    for (unsigned i = 0; i < 10; i++) {
        struct kid *k =
            kid_new(&(struct kid_plan){.flags = KID_EMPTY}, NULL, 0);
        for (unsigned j = 0; j < 4; j++)
            seeds[4 * i + j] = k->u->seed[j];
        kid_end(k);
    }
    for (unsigned i = 0; i < 40; i++) {
        CHECK(seeds[i] != 0);
        for (unsigned j = 0; j < i; j++)
            CHECK(seeds[i] != seeds[j]);
    }
}

/* ---- starting state --------------------------------------------------- */

/* Writes what it finds in its registers to said[]. */
void register_witness(void);
__asm__(".text\n"
        "register_witness:\n\t"
        "mov %rax, said(%rip)\n\t"
        "mov %rbx, said+8(%rip)\n\t"
        "mov %rcx, said+16(%rip)\n\t"
        "mov %rdx, said+24(%rip)\n\t"
        "mov %rsi, said+32(%rip)\n\t"
        "mov %rdi, said+40(%rip)\n\t"
        "mov %rbp, said+48(%rip)\n\t"
        "mov %rsp, said+56(%rip)\n\t"
        "mov %r8, said+64(%rip)\n\t"
        "mov %r9, said+72(%rip)\n\t"
        "mov %r10, said+80(%rip)\n\t"
        "mov %r11, said+88(%rip)\n\t"
        "mov %r12, said+96(%rip)\n\t"
        "mov %r13, said+104(%rip)\n\t"
        "mov %r14, said+112(%rip)\n\t"
        "mov %r15, said+120(%rip)\n\t"
        "pushfq\n\t"
        "pop said+128(%rip)\n\t"
        "mov %cs, said+136(%rip)\n\t"
        "mov %ss, said+144(%rip)\n\t"
        "mov $11, %eax\n\t" // env_control(0, 0, DESTROY, 0)
        "xor %edi, %edi\n\t"
        "xor %esi, %esi\n\t"
        "mov $2, %edx\n\t"
        "xor %r10d, %r10d\n\t"
        "syscall\n\t"
        "ud2");

/* A kid that begins at register_witness with this context, if any. */
static struct kid *
witness(void)
{
    struct kid *k = kid_new(&(struct kid_plan){0}, NULL, 0);
    struct exo_context x;
    EQ(exo_env_state(ROOT_CAP, k->id, EXO_STATE_READ, &x), 0);
    x.rip = (uint64_t)register_witness;
    EQ(exo_env_state(ROOT_CAP, k->id, EXO_STATE_WRITE, &x), 0);
    return k;
}

TEST(env_begins_with_clean_registers)
{
    struct kid *k = witness();
    kid_go(k);
    EQ(kid_join(k), 0);
    for (unsigned i = 0; i < 16; i++)
        if (i != 7)
            EQ(said[i], 0);
    EQ(said[7], k->block + BLOCK_BYTES - 8);
    EQ(said[16], 0x202);
    EQ(said[17] & 3, 3);
    EQ(said[18] & 3, 3);
}

TEST(env_gets_its_argument_in_rdi)
{
    struct exo_env_spec s = spec(0);
    s.arg = 0x1122334455667788;
    int64_t id = exo_env_create(CAPS, &s);
    OK(id);
    struct exo_context x;
    EQ(exo_env_state(ROOT_CAP, (exo_env)id, EXO_STATE_READ, &x), 0);
    EQ(x.rdi, s.arg);
    EQ(x.rip, s.rip);
    EQ(x.rax | x.rbx | x.rcx | x.rdx | x.rsi | x.rbp | x.r8 | x.r15, 0);
}

/* ---- env_state -------------------------------------------------------- */

TEST(env_state_write_sets_every_register)
{
    struct kid *k = witness();
    struct exo_context x;
    EQ(exo_env_state(ROOT_CAP, k->id, EXO_STATE_READ, &x), 0);
    uint64_t *words[] = {&x.rax, &x.rbx, &x.rcx, &x.rdx, &x.rsi, &x.rdi,
                         &x.rbp, &x.rsp, &x.r8,  &x.r9,  &x.r10, &x.r11,
                         &x.r12, &x.r13, &x.r14, &x.r15};
    for (unsigned i = 0; i < 16; i++)
        if (i != 7)
            *words[i] = UINT64_C(0x1111111111111111) * (i + 1) ^ 0xa5;
    x.rflags = 0xcd5; // CF PF AF ZF SF DF OF and bit 1
    EQ(exo_env_state(ROOT_CAP, k->id, EXO_STATE_WRITE, &x), 0);
    struct exo_context back;
    EQ(exo_env_state(ROOT_CAP, k->id, EXO_STATE_READ, &back), 0);
    for (unsigned i = 0; i < sizeof(x) / 8; i++)
        if (i != 17)
            EQ(((uint64_t *)&back)[i], ((uint64_t *)&x)[i]);
    kid_go(k);
    EQ(kid_join(k), 0);
    for (unsigned i = 0; i < 16; i++)
        EQ(said[i], *words[i]);
    EQ(said[16], 0xcd5 | 0x202);
}

TEST(env_state_write_cleans_flags)
{
    struct kid *k = witness();
    struct exo_context x;
    EQ(exo_env_state(ROOT_CAP, k->id, EXO_STATE_READ, &x), 0);
    x.rflags = UINT64_MAX & ~UINT64_C(0x100); // all but TF
    EQ(exo_env_state(ROOT_CAP, k->id, EXO_STATE_WRITE, &x), 0);
    kid_go(k);
    EQ(kid_join(k), 0);
    // IOPL, NT, RF, VM, AC, VIF, VIP stay clear; IF is set.
    EQ(said[16] & 0x1f7000, 0);
    EQ(said[16] & 0x202, 0x202);
}

TEST(env_state_write_refuses_addresses_that_are_none)
{
    struct kid *k = kid_new(&(struct kid_plan){0}, sleep_forever, 0);
    struct exo_context good, x;
    EQ(exo_env_state(ROOT_CAP, k->id, EXO_STATE_READ, &good), 0);
    const uint64_t bad[] = {EXO_USER_TOP, UINT64_C(0x800000000000),
                            UINT64_C(0xffff7fffffffffff),
                            UINT64_C(0xffff800000000000), UINT64_MAX};
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        x = good;
        x.rip = bad[i];
        FAILS(exo_env_state(ROOT_CAP, k->id, EXO_STATE_WRITE, &x), INVAL);
        x = good;
        x.fs_base = bad[i];
        FAILS(exo_env_state(ROOT_CAP, k->id, EXO_STATE_WRITE, &x), INVAL);
        x = good;
        x.gs_base = bad[i];
        FAILS(exo_env_state(ROOT_CAP, k->id, EXO_STATE_WRITE, &x), INVAL);
    }
    x = good;
    x.rip = 0;
    FAILS(exo_env_state(ROOT_CAP, k->id, EXO_STATE_WRITE, &x), INVAL);
    EQ(exo_env_state(ROOT_CAP, k->id, EXO_STATE_READ, &x), 0);
    EQ(x.rip, good.rip);
}

TEST(env_state_depends_on_the_state)
{
    struct exo_context x;
    struct exo_mortem m;
    struct kid *k = kid_start(0, sleep_forever, 0);
    UNTIL(kid_state(k) == EXO_ENV_WAITING);
    for (uint32_t op = 0; op < 5; op++)
        FAILS(exo_env_state(ROOT_CAP, k->id, op, &x), STATE);
    EQ(exo_env_control(ROOT_CAP, k->id, EXO_ENV_STOP, 0), 0);
    EQ(exo_env_state(ROOT_CAP, k->id, EXO_STATE_READ, &x), 0);
    EQ(exo_env_state(ROOT_CAP, k->id, EXO_STATE_WRITE, &x), 0);
    FAILS(exo_env_state(ROOT_CAP, k->id, EXO_STATE_MORTEM, &m), STATE);
    FAILS(exo_env_state(ROOT_CAP, k->id, EXO_STATE_FPU_READ, &x), STATE);
    FAILS(exo_env_state(ROOT_CAP, k->id, 5, &x), INVAL);
    FAILS(exo_env_state(ROOT_CAP, k->id, UINT32_MAX, &x), INVAL);
    FAILS(exo_env_state(ROOT_CAP, 0, EXO_STATE_READ, &x), STATE); // running
    control(k->id, EXO_ENV_DESTROY);
    EQ(exo_env_state(ROOT_CAP, k->id, EXO_STATE_READ, &x), 0);
    EQ(exo_env_state(ROOT_CAP, k->id, EXO_STATE_MORTEM, &m), 0);
    FAILS(exo_env_state(ROOT_CAP, k->id, EXO_STATE_WRITE, &x), STATE);
    kid_end(k);
    FAILS(exo_env_state(ROOT_CAP, m.env, EXO_STATE_MORTEM, &m), STALE);
}

TEST(env_state_needs_control_and_memory)
{
    struct exo_context x;
    struct kid *k = kid_new(&(struct kid_plan){0}, sleep_forever, 0);
    FAILS(exo_env_state(NO_CAP, k->id, EXO_STATE_READ, &x), CAP);
    EQ(exo_cap_grant(CAPS, 0, 1, k->guard, 64 | (EXO_ALL & ~EXO_CONTROL) << 8),
       0);
    FAILS(exo_env_state(1, k->id, EXO_STATE_READ, &x), CAP);
    FAILS(exo_env_state(ROOT_CAP, k->id, EXO_STATE_READ, (void *)SCRATCH),
          FAULT);
    FAILS(exo_env_state(ROOT_CAP, k->id, EXO_STATE_WRITE, (void *)SCRATCH),
          FAULT);
    FAILS(exo_env_state(ROOT_CAP, k->id, EXO_STATE_READ,
                        (void *)UINT64_C(0xffff800000000000)),
          FAULT);
    FAILS(exo_env_state(ROOT_CAP, k->id, EXO_STATE_READ, (void *)exo_machine()),
          FAULT);
}

TEST(env_state_after_a_yield_shows_no_registers)
{
    struct exo_context x;
    struct kid *k = kid_start(0, sleep_forever, 0);
    UNTIL(kid_state(k) == EXO_ENV_WAITING);
    EQ(exo_env_control(ROOT_CAP, k->id, EXO_ENV_STOP, 0), 0);
    EQ(exo_env_state(ROOT_CAP, k->id, EXO_STATE_READ, &x), 0);
    EQ(x.rbx | x.rcx | x.rdx | x.rsi | x.rdi | x.rbp | x.r8 | x.r9 | x.r10 |
           x.r11 | x.r12 | x.r13 | x.r14 | x.r15,
       0);
    CHECK(x.rip >= 0x400000 && x.rip < 0x600000);
    CHECK(x.rsp > k->block && x.rsp < k->block + BLOCK_BYTES);
}

/* ---- env_control ------------------------------------------------------ */

TEST(env_control_checks_its_arguments)
{
    struct kid *k = kid_new(&(struct kid_plan){0}, sleep_forever, 0);
    FAILS(exo_env_control(ROOT_CAP, k->id, 4, 0), INVAL);
    FAILS(exo_env_control(ROOT_CAP, k->id, UINT32_MAX, 0), INVAL);
    FAILS(exo_env_control(ROOT_CAP, k->id + 0x10000, 0, 0), STALE);
    FAILS(exo_env_control(ROOT_CAP, UINT64_MAX, 0, 0), STALE);
    for (uint32_t op = 0; op < 4; op++) {
        FAILS(exo_env_control(NO_CAP, k->id, op, 0), CAP);
        EQ(exo_cap_grant(CAPS, 0, 1, k->guard,
                         64 | (EXO_ALL & ~EXO_CONTROL) << 8),
           0);
        FAILS(exo_env_control(1, k->id, op, 0), CAP);
    }
    FAILS(exo_env_control(ROOT_CAP, k->id, EXO_ENV_BURY, 0), STATE);
    FAILS(exo_env_control(ROOT_CAP, 0, EXO_ENV_START, 0), STATE);
    FAILS(exo_env_control(ROOT_CAP, 0, EXO_ENV_BURY, 0), STATE);
    EQ(kid_state(k), EXO_ENV_EMBRYO);
    kid_go(k);
    FAILS(exo_env_control(ROOT_CAP, k->id, EXO_ENV_START, 0), STATE);
}

static volatile uint64_t counter;

static void
count(uint64_t unused)
{
    (void)unused;
    for (;;)
        __atomic_fetch_add(&counter, 1, __ATOMIC_RELAXED);
}

static void
let_it_run(void)
{
    uint64_t from = counter;
    UNTIL(counter != from);
}

TEST(env_stopped_does_not_run_and_goes_on_when_started)
{
    struct kid *k = kid_start(0, count, 0);
    let_it_run();
    EQ(exo_env_control(ROOT_CAP, k->id, EXO_ENV_STOP, 0), 0);
    EQ(kid_state(k), EXO_ENV_STOPPED);
    uint64_t at = counter;
    for (unsigned i = 0; i < 50; i++)
        pause_here();
    EQ(counter, at);
    EQ(exo_env_control(ROOT_CAP, k->id, EXO_ENV_STOP, 0), 0); // already is
    EQ(control(k->id, EXO_ENV_START), 0);
    let_it_run();
}

static void
stop_myself(uint64_t unused)
{
    (void)unused;
    said[0] = 1;
    said[1] = (uint64_t)exo_env_control(0, 0, EXO_ENV_STOP, 0);
    said[0] = 2;
}

TEST(env_can_stop_itself)
{
    said[0] = 0;
    struct kid *k = kid_start(0, stop_myself, 0);
    UNTIL(kid_state(k) == EXO_ENV_STOPPED);
    EQ(said[0], 1);
    EQ(control(k->id, EXO_ENV_START), 0);
    EQ(kid_join(k), 0);
    EQ(said[0], 2);
    EQ(said[1], 0);
}

TEST(env_that_never_started_cannot_be_stopped)
{
    struct kid *k = kid_new(&(struct kid_plan){0}, sleep_forever, 0);
    FAILS(exo_env_control(ROOT_CAP, k->id, EXO_ENV_STOP, 0), STATE);
    EQ(kid_state(k), EXO_ENV_EMBRYO);
}

TEST(env_destroyed_never_runs_again)
{
    struct kid *k = kid_start(0, count, 0);
    let_it_run();
    exo_env_control(ROOT_CAP, k->id, EXO_ENV_DESTROY, 0);
    uint64_t at = counter;
    CHECK(kid_state(k) >= EXO_ENV_DYING);
    for (unsigned i = 0; i < 50; i++)
        pause_here();
    EQ(counter, at);
    FAILS(exo_env_control(ROOT_CAP, k->id, EXO_ENV_START, 0), STATE);
    FAILS(exo_env_control(ROOT_CAP, k->id, EXO_ENV_STOP, 0), STATE);
}

TEST(env_ids_are_never_issued_twice)
{
    exo_env old[8];
    for (unsigned i = 0; i < 8; i++) {
        struct kid *k =
            kid_new(&(struct kid_plan){.flags = KID_EMPTY}, NULL, 0);
        old[i] = k->id;
        for (unsigned j = 0; j < i; j++)
            CHECK(old[j] != old[i]);
        kid_end(k);
    }
    struct exo_context x;
    for (unsigned i = 0; i < 8; i++) {
        FAILS(exo_env_control(ROOT_CAP, old[i], EXO_ENV_START, 0), STALE);
        FAILS(exo_env_state(ROOT_CAP, old[i], EXO_STATE_READ, &x), STALE);
        FAILS(exo_env_root(CAPS, old[i], ME->root), STALE);
        FAILS(exo_yield(ROOT_CAP, old[i]), STALE);
        FAILS(exo_ring(ROOT_CAP, old[i], 1), STALE);
        FAILS(exo_revoke(ROOT_CAP, old[i], EXO_KIND_PAGE, 1, EXO_NEVER), STALE);
        FAILS(exo_wait(1, now() + seconds(1), old[i]), STALE);
        FAILS(exo_slot_set(CAPS, 0, 1, old[i], 0), STALE);
        FAILS(exo_cap_open(1, old[i]), STALE);
        uint64_t words[6] = {0};
        FAILS(exo_call(old[i], ROOT_CAP, EXO_NEVER, words), STALE);
    }
}

TEST(env_reguard_changes_who_controls)
{
    struct kid *k = kid_new(&(struct kid_plan){0}, sleep_forever, 0);
    EQ(exo_cap_grant(CAPS, 0, 1, k->guard, 64 | EXO_ALL << 8), 0);
    struct exo_context x;
    EQ(exo_env_state(1, k->id, EXO_STATE_READ, &x), 0);
    EQ(exo_reguard(CAPS, EXO_KIND_ENV, k->id, 1, 0x4711), 1);
    EQ(kid_info(k)->guard, 0x4711);
    FAILS(exo_env_state(1, k->id, EXO_STATE_READ, &x), CAP);
}

/* ---- env_root --------------------------------------------------------- */

static void
store_there(uint64_t va)
{
    said[0] = *(volatile uint64_t *)va;
    exo_wait(1, EXO_NEVER, 0);
    said[1] = *(volatile uint64_t *)va;
}

#define THERE (EXO_FIRST_UAREA + 0x30000)

/* A second space like the kid's, with another page at THERE. */
static exo_page
space_like(struct kid *k)
{
    struct kid *copy = kid_new(&(struct kid_plan){0}, sleep_forever, 0);
    exo_page root = table_new(0, k->id, 4, 0);
    for (unsigned level = 3; level >= 1; level--)
        EQ(exo_table_link(CAPS, root, THERE, level,
                          table_new(0, k->id, level, THERE)),
           0);
    exo_page two = table_of(root, THERE, 2), one = table_of(root, THERE, 1);
    for (unsigned half = 0; half < 2; half++) {
        exo_page link;
        pages_new(0, k->id, &link, 1);
        EQ(exo_table_extra(CAPS, two, half, link), 0);
        pages_new(0, k->id, &link, 1);
        EQ(exo_table_extra(CAPS, one, half, link), 0);
    }
    EQ(exo_table_link(CAPS, root, 0x400000, 1, table_of(0, 0x400000, 1)), 0);
    for (uint64_t at = 0; at < BLOCK_BYTES; at += 4096) {
        uint64_t e = entry_of(k->root, k->block + at, 1);
        if (e)
            EQ(bind_one(root, k->block + at, (e & EXO_PTE_PAGE) >> 12, RW), 1);
    }
    kid_end(copy);
    return root;
}

TEST(env_root_moves_an_env_to_another_space)
{
    struct kid *k = kid_new(&(struct kid_plan){0}, store_there, THERE);
    exo_page a = page_at(SCRATCH), b = page_at(SCRATCH + 4096);
    *word(SCRATCH) = 100;
    *word(SCRATCH + 4096) = 200;
    EQ(bind_one(k->root, THERE, a, R), 1);
    exo_page root = space_like(k);
    EQ(bind_one(root, THERE, b, R), 1);
    kid_go(k);
    UNTIL(kid_state(k) == EXO_ENV_WAITING);
    EQ(said[0], 100);
    FAILS(exo_env_root(CAPS, k->id, root), STATE); // not stopped
    EQ(exo_env_control(ROOT_CAP, k->id, EXO_ENV_STOP, 0), 0);
    EQ(exo_env_root(CAPS, k->id, root), 0);
    EQ(kid_info(k)->root, root);
    FAILS(exo_page_free(ROOT_CAP, &root, 1), BUSY);
    EQ(control(k->id, EXO_ENV_START), 0);
    EQ(kid_join(k), 0);
    EQ(said[1], 200);
}

static volatile uint64_t second_root;

static void
move_myself(uint64_t va)
{
    said[0] = *(volatile uint64_t *)va;
    said[2] = (uint64_t)exo_env_root(0, 0, second_root);
    said[1] = *(volatile uint64_t *)va;
}

TEST(env_root_moves_oneself)
{
    struct kid *k = kid_new(&(struct kid_plan){0}, move_myself, THERE);
    exo_page a = page_at(SCRATCH), b = page_at(SCRATCH + 4096);
    *word(SCRATCH) = 300;
    *word(SCRATCH + 4096) = 400;
    EQ(bind_one(k->root, THERE, a, R), 1);
    second_root = space_like(k);
    EQ(exo_reguard(CAPS, EXO_KIND_PAGE, second_root, 1, k->guard), 1);
    EQ(bind_one(second_root, THERE, b, R), 1);
    kid_go(k);
    EQ(kid_join(k), 0);
    EQ(said[0], 300);
    EQ(said[2], 0);
    EQ(said[1], 400);
}

TEST(env_root_checks_its_arguments)
{
    struct kid *k = kid_new(&(struct kid_plan){0}, sleep_forever, 0);
    exo_page root = table_new(0x99, 0, 4, 0);
    FAILS(exo_env_root(CAPS, k->id + 0x10000, root), STALE);
    FAILS(exo_env_root(EXO_CAPS(NO_CAP, 0), k->id, root), CAP);
    FAILS(exo_env_root(EXO_CAPS(0, NO_CAP), k->id, root), CAP);
    EQ(exo_cap_grant(CAPS, 0, 1, 0, (EXO_ALL & ~EXO_WRITE) << 8), 0);
    FAILS(exo_env_root(EXO_CAPS(0, 1), k->id, root), CAP);
    EQ(exo_cap_grant(CAPS, 0, 1, 0, (EXO_ALL & ~EXO_CONTROL) << 8), 0);
    FAILS(exo_env_root(EXO_CAPS(1, 0), k->id, root), CAP);
    FAILS(exo_env_root(CAPS, k->id, page_new(0)), STATE);
    FAILS(exo_env_root(CAPS, k->id, table_new(0, 0, 3, 0)), STATE);
    FAILS(exo_env_root(CAPS, k->id, 0), INVAL);
    FAILS(exo_env_root(CAPS, k->id, UINT64_MAX), INVAL);
    control(k->id, EXO_ENV_DESTROY);
    FAILS(exo_env_root(CAPS, k->id, root), STATE);
}
