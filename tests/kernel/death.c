// SPDX-License-Identifier: MIT
/*
 * How envs end: what is left of them, what becomes of what they held, and of
 * their children.
 *
 * Must be seen: the record tells why, where and with which registers; all that
 * was held returns in steps; heirs, adopters and holders get what is theirs;
 * nobody else notices.
 */
#include "test.h"

static volatile uint64_t said[8];
static struct exo_mortem m;

static void
exit_with(uint64_t status)
{
    leave(status);
}

TEST(death_by_exit_leaves_the_status)
{
    struct kid *k = kid_start(KID_LOG, exit_with, 0x1234567890);
    kid_mortem(k, &m);
    EQ(m.end, EXO_END_EXIT);
    EQ(m.value, 0x1234567890);
    EQ(m.env, k->id);
    CHECK(m.born < m.died && m.died <= now());
    EQ(kid_state(k), EXO_ENV_DEAD);
    EQ(k->log->head, 0); // a proper end needs no line
}

TEST(death_by_a_controller_says_so)
{
    struct kid *k = kid_start(0, sleep_forever, 0);
    EQ(control(k->id, EXO_ENV_DESTROY), 0);
    kid_mortem(k, &m);
    EQ(m.end, EXO_END_DESTROYED);
}

/* Dies with known registers: ud2 at known_death. */
void known_death_entry(uint64_t arg);
extern char known_death[];
__asm__(".text\n"
        "known_death_entry:\n\t"
        "mov $0x0101010101010101, %rax\n\t"
        "lea (%rax, %rax), %rbx\n\t"
        "lea (%rbx, %rax), %rcx\n\t"
        "lea (%rcx, %rax), %rdx\n\t"
        "lea (%rdx, %rax), %rsi\n\t"
        "lea (%rsi, %rax), %rdi\n\t"
        "lea (%rdi, %rax), %rbp\n\t"
        "lea (%rbp, %rax), %r8\n\t"
        "lea (%r8, %rax), %r9\n\t"
        "lea (%r9, %rax), %r10\n\t"
        "lea (%r10, %rax), %r11\n\t"
        "lea (%r11, %rax), %r12\n\t"
        "lea (%r12, %rax), %r13\n\t"
        "lea (%r13, %rax), %r14\n\t"
        "lea (%r14, %rax), %r15\n\t"
        "pushq $0x77\n\t"
        "pushq $0x66\n\t"
        "cmp %rax, %rax\n"
        "known_death:\n\t"
        "ud2");

TEST(death_by_a_fault_leaves_vector_and_place)
{
    struct kid *k = kid_start(KID_RAISES, known_death_entry, 0);
    kid_mortem(k, &m);
    EQ(m.end, EXO_END_FAULT);
    EQ(m.vector, 6);
    EQ(m.value, 0);
    EQ(m.context.rip, (uint64_t)known_death);
    EQ(m.context.rax, 0x0101010101010101);
    EQ(m.context.rcx, 0x0303030303030303);
    EQ(m.context.rdx, 0x0404040404040404);
    EQ(m.context.rsi, 0x0505050505050505);
    EQ(m.context.rdi, 0x0606060606060606);
    EQ(m.context.r8, 0x0808080808080808);
    EQ(m.context.r11, 0x0b0b0b0b0b0b0b0b);
    EQ(m.context.rflags & 0x40, 0x40); // equal
    CHECK(m.nstack >= 2);
    EQ(m.stack[0], 0x66);
    EQ(m.stack[1], 0x77);
}

TEST(mortem_has_the_registers_of_the_fault)
{
    struct kid *k = kid_start(KID_RAISES, known_death_entry, 0);
    kid_mortem(k, &m);
    EQ(m.context.rbx, 0x0202020202020202);
    EQ(m.context.rbp, 0x0707070707070707);
    EQ(m.context.r12, 0x0c0c0c0c0c0c0c0c);
    EQ(m.context.r13, 0x0d0d0d0d0d0d0d0d);
    EQ(m.context.r14, 0x0e0e0e0e0e0e0e0e);
    EQ(m.context.r15, 0x0f0f0f0f0f0f0f0f);
}

static void
touch(uint64_t va)
{
    *(volatile uint64_t *)va = 1;
}

TEST(death_by_a_page_fault_leaves_the_address)
{
    struct kid *k = kid_start(KID_RAISES | KID_LOG, touch, 0x12345678);
    kid_mortem(k, &m);
    EQ(m.end, EXO_END_FAULT);
    EQ(m.vector, 14);
    EQ(m.addr, 0x12345678);
    EQ(m.value & 6, 6); // a write in user mode
}

static bool
log_has(const struct exo_log *log, const char *text)
{
    for (uint32_t at = 0; at < log->head; at++) {
        uint32_t i = 0;
        while (text[i] && log->text[(at + i) % EXO_LOG_BYTES] == text[i])
            i++;
        if (!text[i])
            return true;
    }
    return false;
}

static void
log_and_die(uint64_t unused)
{
    (void)unused;
    struct exo_log *log = (struct exo_log *)(EXO_FIRST_UAREA + BLOCK_LOG);
    const char text[] = "my own words\n";
    for (unsigned i = 0; i + 1 < sizeof(text); i++)
        log->text[i] = text[i];
    log->head = sizeof(text) - 1;
    *(volatile uint64_t *)0x1000 = 1;
}

TEST(death_writes_a_line_to_the_log_that_outlives_it)
{
    struct kid *k = kid_start(KID_RAISES | KID_LOG, log_and_die, 0);
    kid_mortem(k, &m);
    CHECK(log_has(k->log, "my own words\n"));
    CHECK(k->log->head > 20);
    CHECK(log_has(k->log, "[kernel: "));
    CHECK(log_has(k->log, "vector 14"));
    EQ(exo_page_info(k->log_page)->payer, EXO_ENV_INDEX(self()));
}

TEST(death_with_a_hostile_log_head_is_harmless)
{
    struct kid *k = kid_start(KID_RAISES | KID_LOG, sleep_forever, 0);
    UNTIL(kid_state(k) == EXO_ENV_WAITING);
    k->log->head = 0xffffffff;
    EQ(control(k->id, EXO_ENV_DESTROY), 0);
    EQ(kid_state(k), EXO_ENV_DEAD);
}

TEST(death_of_a_child_is_an_event)
{
    __atomic_exchange_n(&uarea()->events, 0, __ATOMIC_ACQ_REL);
    struct kid *k = kid_start(0, exit_with, 3);
    UNTIL(uarea()->events & EXO_EVENT_CHILD);
    CHECK(kid_state(k) >= EXO_ENV_DYING);
    EQ(exo_wait(EXO_EVENT_CHILD, now() + seconds(1), 0), 1);
}

TEST(death_record_names_what_was_held)
{
    struct kid *k = kid_new(&(struct kid_plan){.slots = 4}, sleep_forever, 0);
    EQ(exo_slot_set(CAPS, EXO_SLOT(0, 3), 2, k->id, 0), 2);
    uint32_t pages = kid_info(k)->account[EXO_KIND_PAGE].used;
    EQ(control(k->id, EXO_ENV_DESTROY), 0);
    kid_mortem(k, &m);
    EQ(m.used[EXO_KIND_PAGE], pages);
    EQ(m.used[EXO_KIND_SLOT], 2);
    EQ(m.used[EXO_KIND_ENV], 0);
    EQ(exo_slot_info(0, 3)->owner, 0);
    EQ(exo_slot_info(0, 4)->owner, 0);
}

TEST(death_record_has_its_own_trace)
{
    struct kid *k = kid_start(KID_RAISES, touch, 0x5000);
    kid_mortem(k, &m);
    CHECK(m.ntrace >= 1 && m.ntrace <= EXO_MORTEM_TRACE);
    bool fault = false;
    for (unsigned i = 0; i < m.ntrace; i++) {
        EQ(m.trace[i].env, EXO_ENV_INDEX(k->id));
        fault |= m.trace[i].type == EXO_TRACE_FAULT && m.trace[i].a == 14 &&
                 m.trace[i].b == 0x5000;
        if (i)
            CHECK(m.trace[i].time >= m.trace[i - 1].time);
    }
    CHECK(fault);
}

TEST(death_returns_every_page_and_keeps_save_and_log)
{
    uint64_t free = exo_machine()->pages_free;
    struct kid *k =
        kid_new(&(struct kid_plan){.flags = KID_LOG}, sleep_forever, 0);
    exo_page save = k->save, log = k->log_page;
    EQ(control(k->id, EXO_ENV_DESTROY), 0);
    EQ(exo_machine()->pages_free, free - 2);
    EQ(exo_page_info(save)->use, EXO_USE_SAVE);
    EQ(exo_page_info(log)->use, EXO_USE_LOG);
    EQ(exo_page_info(save)->payer, EXO_ENV_INDEX(self()));
    FAILS(exo_page_free(ROOT_CAP, &save, 1), BUSY);
    kid_end(k);
    EQ(exo_machine()->pages_free, free);
}

TEST(death_goes_in_bounded_steps)
{
    struct kid *k = kid_new(&(struct kid_plan){.reserved = 400, .limit = 900},
                            sleep_forever, 0);
    static exo_page p[500];
    pages_new(0, k->id, p, 500);
    unsigned steps = 0;
    int64_t result;
    while ((result = exo_env_control(ROOT_CAP, k->id, EXO_ENV_DESTROY, 0)) ==
           -EXO_E_AGAIN) {
        EQ(kid_state(k), EXO_ENV_DYING);
        steps++;
    }
    EQ(result, 0);
    EQ(kid_state(k), EXO_ENV_DEAD);
    CHECK(steps > 4);
    for (unsigned i = 0; i < 500; i++)
        CHECK(exo_page_info(p[i])->use == EXO_USE_FREE);
}

TEST(death_is_reaped_by_idle_cpus)
{
    struct kid *k = kid_new(&(struct kid_plan){.reserved = 200, .limit = 400},
                            exit_with, 0);
    static exo_page p[150];
    pages_new(0, k->id, p, 150);
    kid_go(k);
    exo_tsc limit = now() + patience();
    while (kid_state(k) != EXO_ENV_DEAD && now() < limit)
        exo_wait(1, now() + microseconds(2000), 0);
    EQ(kid_state(k), EXO_ENV_DEAD);
}

TEST(death_twice_is_one)
{
    struct kid *k = kid_start(0, sleep_forever, 0);
    EQ(control(k->id, EXO_ENV_DESTROY), 0);
    EQ(exo_env_control(ROOT_CAP, k->id, EXO_ENV_DESTROY, 0), 0);
    kid_end(k);
}

TEST(death_of_an_embryo_returns_everything)
{
    struct kid *k = kid_new(&(struct kid_plan){0}, sleep_forever, 0);
    EQ(control(k->id, EXO_ENV_DESTROY), 0);
    kid_mortem(k, &m);
    EQ(m.end, EXO_END_DESTROYED);
}

/* ---- how an env's own doing ends it ----------------------------------- */

static void
no_handler(uint64_t unused)
{
    (void)unused;
    __asm__ volatile("ud2");
}

static void
bad_handler(uint64_t address)
{
    uarea()->handler[EXO_UP_FAULT] = address;
    __asm__ volatile("ud2");
}

TEST(handler_that_is_no_user_code_ends_the_env)
{
    const uint64_t bad[] = {EXO_USER_TOP,
                            UINT64_C(0x800000000000),
                            UINT64_C(0xffffffff80100000),
                            UINT64_MAX,
                            1,
                            0xfff};
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        struct kid *k = kid_start(0, bad_handler, bad[i]);
        kid_mortem(k, &m);
        EQ(m.end, EXO_END_HANDLER);
        kid_end(k);
    }
    struct kid *k = kid_start(KID_RAISES, no_handler, 0);
    kid_mortem(k, &m);
    EQ(m.end, EXO_END_FAULT);
}

static void
bad_base(uint64_t address)
{
    uarea()->stack_base = address;
    __asm__ volatile("ud2");
}

TEST(upcall_stack_base_that_is_none_ends_the_env)
{
    const uint64_t bad[] = {EXO_USER_TOP, UINT64_C(0x800000000000),
                            UINT64_C(0xffff800000000000), UINT64_MAX};
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        struct kid *k = kid_start(0, bad_base, bad[i]);
        kid_mortem(k, &m);
        CHECK(m.end == EXO_END_HANDLER || m.end == EXO_END_STACK);
        kid_end(k);
    }
}

static void
fault_again(struct exo_frame *f)
{
    (void)f;
    __asm__ volatile("ud2");
}

static void
fault_for_ever(uint64_t unused)
{
    (void)unused;
    on_upcall(uarea(), EXO_UP_FAULT, fault_again);
    __asm__ volatile("ud2");
}

TEST(upcall_stack_that_is_full_ends_the_env)
{
    struct kid *neighbour = kid_start(0, sleep_forever, 0);
    struct kid *k = kid_start(0, fault_for_ever, 0);
    kid_mortem(k, &m);
    EQ(m.end, EXO_END_STACK);
    CHECK(kid_info(k)->upcalls[EXO_UP_FAULT] >= 4); // they nested so far
    UNTIL(kid_state(neighbour) == EXO_ENV_WAITING);
}

/* ---- children --------------------------------------------------------- */

static volatile exo_env grandchild;

static void
have_a_child(uint64_t guard)
{
    grandchild = bare_env(guard, 8, 0);
    exo_wait(1, EXO_NEVER, 0);
}

static struct kid *
parent_kid(unsigned flags)
{
    grandchild = 0;
    struct kid *k =
        kid_new(&(struct kid_plan){.envs = 3, .reserved = 100, .flags = flags},
                have_a_child, 0);
    k->own->arg = k->guard;
    kid_go(k);
    UNTIL(grandchild && kid_state(k) == EXO_ENV_WAITING);
    return k;
}

TEST(orphan_passes_to_the_next_living_ancestor)
{
    struct kid *k = parent_kid(0);
    EQ(exo_env_info(grandchild)->parent, k->id);
    EQ(control(k->id, EXO_ENV_DESTROY), 0);
    EQ(exo_env_info(grandchild)->id, grandchild);
    EQ(exo_env_info(grandchild)->parent, self());
    EQ(exo_env_info(grandchild)->state, EXO_ENV_EMBRYO);
    kid_end(k);
    EQ(control(grandchild, EXO_ENV_DESTROY), 0);
    EQ(control(grandchild, EXO_ENV_BURY), 0);
}

TEST(orphan_is_told_its_new_parent)
{
    // The child's u-area is a page its maker can bind.
    struct kid *k = parent_kid(0);
    exo_page ua = 0;
    for (exo_page page = 1; page < exo_machine()->npages; page++)
        if (exo_page_info(page)->use == EXO_USE_UAREA &&
            exo_page_info(page)->payer == EXO_ENV_INDEX(grandchild))
            ua = page;
    CHECK(ua);
    bind_here(SCRATCH, ua, R);
    const struct exo_uarea *u = (const struct exo_uarea *)SCRATCH;
    EQ(u->parent, k->id);
    EQ(control(k->id, EXO_ENV_DESTROY), 0);
    EQ(u->parent, self());
}

static void
have_a_loyal_child(uint64_t guard)
{
    struct exo_env_spec s = {.guard = guard,
                             .rip = EXO_USER_MIN,
                             .cpu = EXO_CPU_ANY,
                             .flags = EXO_ENV_LOYAL};
    s.root = table_new(guard, 0, 4, 0);
    s.save = page_new(guard);
    s.uarea = page_new(guard);
    s.stack[0] = page_new(guard);
    s.share[EXO_KIND_PAGE] = (struct exo_share){8, 8};
    grandchild = (exo_env)exo_env_create(0, &s);
    exo_wait(1, EXO_NEVER, 0);
}

TEST(loyal_child_dies_with_its_parent)
{
    grandchild = 0;
    struct kid *k = kid_new(&(struct kid_plan){.envs = 3, .reserved = 100},
                            have_a_loyal_child, 0);
    k->own->arg = k->guard;
    kid_go(k);
    UNTIL(grandchild && kid_state(k) == EXO_ENV_WAITING);
    EQ(control(k->id, EXO_ENV_DESTROY), 0);
    EQ(control(grandchild, EXO_ENV_DESTROY), 0);
    EQ(exo_env_state(ROOT_CAP, grandchild, EXO_STATE_MORTEM, &m), 0);
    EQ(m.end, EXO_END_PARENT);
    EQ(exo_env_info(grandchild)->parent, self());
}

static void
have_a_dead_child(uint64_t guard)
{
    grandchild = bare_env(guard, 8, 0);
    said[0] = (uint64_t)control(grandchild, EXO_ENV_DESTROY);
    exo_wait(1, EXO_NEVER, 0);
}

TEST(dead_child_of_a_dead_parent_passes_on_with_its_record)
{
    grandchild = 0;
    struct kid *k = kid_new(&(struct kid_plan){.envs = 3, .reserved = 100},
                            have_a_dead_child, 0);
    k->own->arg = k->guard;
    kid_go(k);
    UNTIL(kid_state(k) == EXO_ENV_WAITING);
    EQ(said[0], 0);
    EQ(control(k->id, EXO_ENV_DESTROY), 0);
    EQ(exo_env_info(grandchild)->parent, self());
    EQ(exo_env_state(ROOT_CAP, grandchild, EXO_STATE_MORTEM, &m), 0);
    EQ(m.env, grandchild);
    EQ(control(grandchild, EXO_ENV_BURY), 0);
}

static void
have_a_dying_child(uint64_t guard)
{
    static exo_page p[300];
    grandchild = bare_env(guard, 320, 0);
    pages_new(guard, grandchild, p, 300);
    // It is DYING, and closed, and far from DEAD.
    said[0] = (uint64_t)exo_env_control(0, grandchild, EXO_ENV_DESTROY, 0);
    exo_wait(1, EXO_NEVER, 0);
}

TEST(dying_child_of_a_dying_parent_passes_on)
{
    grandchild = 0;
    struct kid *k =
        kid_new(&(struct kid_plan){.envs = 3, .reserved = 500, .limit = 800},
                have_a_dying_child, 0);
    k->own->arg = k->guard;
    kid_go(k);
    UNTIL(kid_state(k) == EXO_ENV_WAITING);
    EQ(said[0], -EXO_E_AGAIN);
    EQ(control(k->id, EXO_ENV_DESTROY), 0);
    kid_end(k);
    EQ(exo_env_info(grandchild)->parent, self());
    EQ(control(grandchild, EXO_ENV_DESTROY), 0);
    EQ(control(grandchild, EXO_ENV_BURY), 0);
}

/* ---- roots ------------------------------------------------------------ */

TEST(root_shared_by_two_outlives_its_payer)
{
    struct kid *k = kid_start(0, sleep_forever, 0);
    struct exo_env_spec s = {
        .guard = k->guard, .rip = EXO_USER_MIN, .cpu = EXO_CPU_ANY};
    s.root = k->root;
    s.save = page_new(0);
    s.uarea = page_new(0);
    s.stack[0] = page_new(0);
    s.share[EXO_KIND_PAGE] = (struct exo_share){10, 10};
    int64_t second = exo_env_create(CAPS, &s);
    OK(second);
    EQ(control(k->id, EXO_ENV_DESTROY), 0);
    EQ(exo_page_info(s.root)->use, EXO_USE_TABLE);
    EQ(exo_page_info(s.root)->payer, EXO_ENV_INDEX((exo_env)second));
    EQ(exo_env_info((exo_env)second)->state, EXO_ENV_EMBRYO);
}

TEST(root_whose_user_cannot_pay_ends_the_user)
{
    struct kid *k = kid_start(0, sleep_forever, 0);
    struct exo_env_spec s = {
        .guard = k->guard, .rip = EXO_USER_MIN, .cpu = EXO_CPU_ANY};
    s.root = k->root;
    s.save = page_new(0);
    s.uarea = page_new(0);
    s.stack[0] = page_new(0);
    s.share[EXO_KIND_PAGE] = (struct exo_share){3, 3}; // and no more
    int64_t second = exo_env_create(CAPS, &s);
    OK(second);
    EQ(control(k->id, EXO_ENV_DESTROY), 0);
    EQ(control((exo_env)second, EXO_ENV_DESTROY), 0);
    EQ(exo_env_state(ROOT_CAP, (exo_env)second, EXO_STATE_MORTEM, &m), 0);
    EQ(m.end, EXO_END_ROOT);
}

TEST(dead_payers_root_stays_with_its_user)
{
    // b runs on a root that a pays for, though a never ran on it.
    struct kid *a = kid_new(&(struct kid_plan){0}, sleep_forever, 0);
    struct kid *b = kid_new(&(struct kid_plan){0}, sleep_forever, 0);
    exo_page root = table_new(0, a->id, 4, 0);
    EQ(exo_env_root(CAPS, b->id, root), 0);
    EQ(control(a->id, EXO_ENV_DESTROY), 0);
    if (kid_state(b) >= EXO_ENV_DYING) { // it may end for that ...
        kid_mortem(b, &m);
        EQ(m.end, EXO_END_ROOT);
        return;
    }
    EQ(kid_info(b)->root, root); // ... or go on, with the root
    EQ(exo_page_info(root)->use, EXO_USE_TABLE);
    EQ(exo_page_info(root)->payer, EXO_ENV_INDEX(b->id));
}

/* ---- bury ------------------------------------------------------------- */

TEST(bury_gives_up_slot_save_and_log)
{
    struct kid *k =
        kid_new(&(struct kid_plan){.flags = KID_LOG}, sleep_forever, 0);
    exo_env id = k->id;
    exo_page save = k->save, log = k->log_page;
    EQ(control(id, EXO_ENV_DESTROY), 0);
    EQ(control(id, EXO_ENV_BURY), 0);
    EQ(exo_env_info(id)->id, 0);
    EQ(exo_env_info(id)->state, EXO_ENV_FREE);
    CHECK(exo_page_info(save)->use == EXO_USE_FREE);
    CHECK(exo_page_info(log)->use == EXO_USE_FREE);
    FAILS(exo_env_control(ROOT_CAP, id, EXO_ENV_BURY, 0), STALE);
}

TEST(bury_breaks_many_bindings_of_the_log_in_steps)
{
    struct kid *k =
        kid_new(&(struct kid_plan){.flags = KID_LOG}, sleep_forever, 0);
    exo_page log = k->log_page, save = k->save;
    for (unsigned i = 0; i < 200; i++)
        bind_here(SCRATCH + i * 4096, log, R);
    EQ(control(k->id, EXO_ENV_DESTROY), 0);
    EQ(control(k->id, EXO_ENV_BURY), 0);
    CHECK(exo_page_info(log)->use == EXO_USE_FREE);
    CHECK(exo_page_info(save)->use == EXO_USE_FREE);
    CHECK(load_faults(SCRATCH + 199 * 4096));
}

TEST(burying_frees_only_its_own_log)
{
    // Between two steps the log page must not become somebody else's.
    struct kid *k =
        kid_new(&(struct kid_plan){.flags = KID_LOG}, sleep_forever, 0);
    struct kid *other = kid_new(&(struct kid_plan){0}, sleep_forever, 0);
    exo_page log = k->log_page;
    for (unsigned i = 0; i < 200; i++)
        bind_here(SCRATCH + i * 4096, log, R);
    EQ(control(k->id, EXO_ENV_DESTROY), 0);
    FAILS(exo_env_control(ROOT_CAP, k->id, EXO_ENV_BURY, 0), AGAIN);
    int64_t freed;
    while ((freed = exo_page_free(ROOT_CAP, &log, 1)) == -EXO_E_AGAIN)
        ;
    bool newcomer =
        freed == 1 && exo_page_alloc(CAPS, 0, other->id, &log, 1) == 1;
    EQ(control(k->id, EXO_ENV_BURY), 0);
    if (newcomer)
        EQ(exo_page_info(log)->payer, EXO_ENV_INDEX(other->id));
}
