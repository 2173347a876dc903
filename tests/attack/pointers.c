// SPDX-License-Identifier: MIT
/*
 * Pointers, lengths, counts and ids that no sane program would pass.
 *
 * Must be seen: the kernel reads and writes nothing outside what the caller
 * itself may, whatever the address, alignment or count, says FAULT or INVAL,
 * and goes on; what a call did before it came to the bad part is reported as
 * done. Stale ids name nobody. Arguments at random do no harm.
 */
#include "attack.h"

static uint64_t said[4];

/* Nobody's in a kid: page zero, holes, beyond user space, the kernel's. */
static const uint64_t bad[] = {
    0,
    8,
    EXO_USER_MIN,
    EXO_FIRST_LOG, // bound only with KID_LOG
    UINT64_C(0x12340000),
    EXO_USER_TOP - 8,
    UINT64_C(0x00007ffffffff000),
    UINT64_C(0x00007ffffffffff8),
    UINT64_C(0x0000800000000000),
    UINT64_C(0x4141414141414140),
    UINT64_C(0xffff7ffffffffff8),
    UINT64_C(0xffff800000000000),
    UINT64_C(0xffff800000100000),
    UINT64_C(0xffffffff80000000),
    UINT64_C(0xffffffff80100000),
    UINT64_C(0xffffffffc0000000),
    UINT64_C(0xffffffffe0000000),
    UINT64_C(0xfffffffffffff000),
    UINT64_C(0xfffffffffffffff8),
};

#define FOR_BAD(p)                                                             \
    for (uint64_t i_ = 0, p; i_ < ARRAY_SIZE(bad) && (p = bad[i_], true); i_++)

static void
refuse(const char *call, uint64_t p, int64_t got)
{
    if (got != -EXO_E_FAULT && got != -EXO_E_INVAL)
        FAIL("%s with a pointer to %lx returns %ld", call, p, (long)got);
}

#define REFUSED(call) refuse(#call, p, (int64_t)(call))

static void
point_everywhere(uint64_t stopped)
{
    FOR_BAD(p)
    {
        REFUSED(exo_page_alloc(0, own_of(uarea())->arg, 0, (void *)p, 1));
        REFUSED(exo_page_alloc(0, 0, 0, (void *)p, 1));
        REFUSED(exo_page_free(0, (void *)p, 1));
        REFUSED(exo_bind(0, 0, (void *)p, 1));
        REFUSED(exo_env_create(0, (void *)p));
        REFUSED(exo_cap_read(0, (void *)p));
        REFUSED(exo_chan_write(0, 0, (void *)p, 8));
        for (unsigned op = EXO_STATE_READ; op <= EXO_STATE_FPU_WRITE; op++)
            REFUSED(exo_env_state(0, stopped, op, (void *)p));
        int64_t got = exo_chan_read(0, 0, (void *)p, 8);
        if (got != 0)
            refuse("chan_read", p, got);
    }
}

/* Everything is allowed to this one: only the pointers are wrong. */
TEST(pointers_to_nowhere_are_refused_by_every_call)
{
    struct kid *n = neighbour_new();
    struct kid *stopped = kid_start(KID_FPU, spin_forever, 0);
    EQ(control(stopped->id, EXO_ENV_STOP), 0);
    struct kid *k =
        kid_new(&(struct kid_plan){0}, point_everywhere, stopped->id);
    EQ(exo_cap_grant(CAPS, k->id, 0, 0, EXO_ALL << 8), 0);
    uint64_t free = exo_machine()->pages_free;
    kid_go(k);
    EQ(kid_join(k), 0);
    CHECK(exo_machine()->pages_free >= free); // nothing was lost on the way
    neighbour_check(n);
}

/* The last words before a hole, and structures that reach into it. */
TEST(pointers_into_the_end_of_a_page)
{
    page_at(SCRATCH);
    uint64_t end = SCRATCH + EXO_PAGE_BYTES;
    exo_page *last = (exo_page *)(end - 8);
    *last = EXO_PAGE_ANY;
    EQ(exo_page_alloc(CAPS, 0, 0, last, 1000), 1); // the first was done
    exo_page page = *last;
    EQ(exo_page_free(ROOT_CAP, last, 1000), 1);
    EQ(exo_page_info(page)->use, EXO_USE_FREE);
    for (uint64_t at = 1; at < sizeof(struct exo_run); at++)
        CHECK(exo_bind(CAPS, 0, (void *)(end - at), 1) < 0);
    for (uint64_t at = 1; at < sizeof(struct exo_env_spec); at += 7)
        CHECK(exo_env_create(CAPS, (void *)(end - at)) < 0);
    for (uint64_t at = 1; at < sizeof(struct exo_cap_info); at++)
        CHECK(exo_cap_read(0, (void *)(end - at)) < 0);
    struct kid *k = kid_start(0, spin_forever, 0);
    EQ(control(k->id, EXO_ENV_STOP), 0);
    for (uint64_t at = 1; at < sizeof(struct exo_context); at += 7) {
        CHECK(exo_env_state(0, k->id, EXO_STATE_READ, (void *)(end - at)) < 0);
        CHECK(exo_env_state(0, k->id, EXO_STATE_WRITE, (void *)(end - at)) < 0);
    }
    EQ(kid_state(k), EXO_ENV_STOPPED);
}

/* Read-only pages: exposed pages, text, a table, a page bound so. */
TEST(pointers_to_read_only_pages_are_not_written)
{
    exo_page page = page_at(SCRATCH);
    fill((void *)SCRATCH, UINT64_MAX, EXO_PAGE_BYTES); // EXO_PAGE_ANY
    EQ(bind_one(0, SCRATCH, page, R), 1);
    struct kid *k = kid_start(0, spin_forever, 0);
    EQ(control(k->id, EXO_ENV_STOP), 0);
    const uint64_t ro[] = {SCRATCH, EXO_INFO, EXO_INFO + exo_machine()->envs,
                           (uint64_t)point_everywhere & ~UINT64_C(63)};
    uint64_t free = exo_machine()->pages_free;
    for (unsigned i = 0; i < ARRAY_SIZE(ro); i++) {
        void *p = (void *)ro[i];
        CHECK(exo_page_alloc(CAPS, 0, 0, p, 1) < 0);
        FAILS(exo_cap_read(0, p), FAULT);
        FAILS(exo_env_state(0, k->id, EXO_STATE_READ, p), FAULT);
    }
    EQ(exo_machine()->pages_free, free);
    CHECK(is_filled((void *)SCRATCH, UINT64_MAX, EXO_PAGE_BYTES));
    CHECK(exo_machine()->magic == EXO_MACHINE_MAGIC);
}

static void
count_everywhere(uint64_t guard)
{
    static exo_page pages[1024];
    const uint64_t counts[] = {0,
                               UINT64_C(1) << 31,
                               UINT64_C(1) << 32,
                               UINT64_C(1) << 52,
                               UINT64_C(1) << 60,
                               UINT64_C(1) << 61,
                               UINT64_C(1) << 63,
                               UINT64_MAX - 7,
                               UINT64_MAX};
    for (unsigned i = 0; i < ARRAY_SIZE(counts); i++) {
        uint64_t n = counts[i];
        fill(pages, UINT64_MAX, sizeof(pages));
        int64_t got = exo_page_alloc(0, guard, 0, pages, n);
        for (int64_t done = 0; done < got;) {
            int64_t freed =
                exo_page_free(0, pages + done, (uint64_t)(got - done));
            OK(freed);
            done += freed;
        }
        pages[0] = 0;
        CHECK(exo_page_free(0, pages, n) <= 0);
        struct exo_run run = {UINT64_C(0x12340000), 0, (uint32_t)n, 0};
        exo_bind(0, 0, &run, n);
        run.va = EXO_USER_TOP - EXO_PAGE_BYTES;
        exo_bind(0, 0, &run, 1);
        run.va = UINT64_MAX & ~UINT64_C(4095);
        CHECK(exo_bind(0, 0, &run, 1) <= 0);
        CHECK(exo_reguard(0, EXO_KIND_PAGE, 1, n, guard) <= 0);
        CHECK(exo_reguard(0, EXO_KIND_PAGE, UINT64_MAX, n, guard) <= 0);
        CHECK(exo_reguard(0, EXO_KIND_ENV, self(), 0, guard) <= 0);
        CHECK(exo_slot_set(0, EXO_SLOT(0, 0), n, 0, guard) <= 0);
        CHECK(exo_chan_write(0, 0, (char *)pages, n) <= 0);
        CHECK(exo_chan_read(0, 0, (char *)pages, n) <= 0);
    }
}

TEST(pointers_with_counts_that_wrap)
{
    struct kid *n = neighbour_new();
    struct kid *k = kid_new(&(struct kid_plan){0}, count_everywhere, 0);
    k->own->arg = k->guard;
    kid_go(k);
    EQ(kid_join(k), 0);
    neighbour_check(n);
}

/* As many runs as fit a page, each as long as it can be. */
static void
batch(uint64_t unused)
{
    (void)unused;
    static struct exo_run runs[512];
    for (unsigned i = 0; i < ARRAY_SIZE(runs); i++)
        runs[i] = (struct exo_run){EXO_FIRST_STACK_TOP, 0, UINT32_MAX, 0};
    exo_tsc end = now() + microseconds(20000);
    while (now() < end)
        said[0] += exo_bind(0, 0, runs, ARRAY_SIZE(runs)) < 0;
}

TEST(batches_of_the_greatest_size_hold_up_nobody)
{
    struct kid *n = neighbour_new();
    struct kid *k = kid_start(0, batch, 0);
    uint64_t before = neighbour_words(n->u)->rounds;
    EQ(kid_join(k), 0);
    UNTIL(neighbour_words(n->u)->rounds > before);
    neighbour_check(n);
}

static void
stale_everywhere(uint64_t id)
{
    exo_page any = EXO_PAGE_ANY;
    uint64_t words[EXO_CALL_WORDS] = {0};
    struct exo_context context;
    for (unsigned op = EXO_ENV_START; op <= EXO_ENV_BURY; op++)
        FAILS(exo_env_control(0, id, op, 0), STALE);
    for (unsigned op = EXO_STATE_READ; op <= EXO_STATE_WRITE; op++)
        FAILS(exo_env_state(0, id, op, &context), STALE);
    FAILS(exo_page_alloc(0, 0, id, &any, 1), STALE);
    FAILS(exo_env_account(0, id, EXO_KIND_PAGE, 0, 0), STALE);
    FAILS(exo_env_root(0, id, ME->root), STALE);
    FAILS(exo_cap_grant(0, id, 1, 0, 64 | 1 << 8), STALE);
    FAILS(exo_cap_open(9, id), STALE);
    FAILS(exo_yield(0, id), STALE);
    FAILS(exo_wait(1, now(), id), STALE);
    FAILS(exo_ring(0, id, 1), STALE);
    FAILS(exo_call(id, 0, 0, words), STALE);
    FAILS(exo_call(id, EXO_CALL_SYNC, 0, words), STALE);
    FAILS(exo_revoke(0, id, EXO_KIND_PAGE, 1, now()), STALE);
    CHECK(exo_reguard(0, EXO_KIND_ENV, id, 1, 0) < 0);
    CHECK(exo_slot_set(0, EXO_SLOT(0, 3), 1, id, 0) < 0);
    CHECK(exo_reply(id, words) < 0);
}

TEST(stale_ids_name_nobody)
{
    struct kid *k = kid_start(0, spin_forever, 0);
    exo_env gone = k->id;
    kid_end(k);
    stale_everywhere(gone);
    struct kid *n = neighbour_new(); // most likely in the same place
    stale_everywhere(gone);
    stale_everywhere(gone + (UINT64_C(1) << 40));
    stale_everywhere(n->id + (UINT64_C(1) << 16));
    stale_everywhere(n->id | UINT64_C(1) << 63);
    stale_everywhere((UINT64_C(1) << 16) | 0xffff);
    stale_everywhere(UINT64_MAX - 1);
    stale_everywhere(0xffff);
    neighbour_check(n);
}

/* ---- anything at all -------------------------------------------------- */

static exo_env known[3];
static exo_page pages_known[6];

static uint64_t
anything(void)
{
    uint64_t r = random64();
    switch (r >> 32 & 15) {
    case 0:
        return 0;
    case 1:
        return r & 15;
    case 2:
        return bad[r % ARRAY_SIZE(bad)];
    case 3:
    case 4:
        return known[r % ARRAY_SIZE(known)];
    case 5:
    case 6:
        return pages_known[r % ARRAY_SIZE(pages_known)];
    case 7:
        return EXO_FIRST_STACK_TOP - 512 + (r & 0x1f8); // own stack
    case 8:
        return r % exo_machine()->npages;
    case 9:
        return own_of(uarea())->arg;
    case 10:
        return UINT64_C(1) << (r & 63);
    case 11:
        return now() + (r & 0xffff);
    case 12:
        return EXO_FIRST_UAREA + (r & 0xff000);
    case 13:
        return UINT64_MAX - (r & 1);
    default:
        return r;
    }
}

/* Registers and stack hold nothing it needs: everything is in the u-area. */
static void
anything_forever(uint64_t unused)
{
    (void)unused;
    for (;;) {
        uint64_t nr = random64() % (EXO_SYS_power + 1);
        if (nr == EXO_SYS_env_control && random64() % 64)
            continue; // it would mostly end itself
        if (nr == EXO_SYS_wait && random64() % 16)
            continue;
        exo_trap_switch(nr, anything(), anything(), anything(), anything());
        said[0]++;
    }
}

TEST(arguments_at_random_harm_nobody)
{
    struct kid *n = neighbour_new();
    unsigned envs = COUNTED ? 12 : 6;
    for (unsigned round = 0; round < envs; round++) {
        struct kid *k = kid_new(
            &(struct kid_plan){
                .flags = KID_COPY | KID_RAISES, .envs = 4, .slots = 4},
            anything_forever, 0);
        k->own->arg = k->guard;
        pages_new(k->guard, k->id, pages_known, 4);
        pages_known[4] = k->root;
        pages_known[5] = k->stack[0];
        known[0] = k->id;
        known[1] = n->id;
        known[2] = self();
        kid_go(k);
        exo_tsc end = now() + microseconds(30000);
        while (now() < end && kid_state(k) < EXO_ENV_DYING)
            pause_here();
        neighbour_check(n);
        kid_end(k);
        const char *fault = ledger_fault();
        if (fault)
            FAIL("round %u: %s", round, fault);
    }
    CHECK(said[0] > 100);
}
