// SPDX-License-Identifier: MIT
/*
 * What the kernel exposes: machine, CPUs, envs, clock; the trace ring; power;
 * the console.
 *
 * Must be seen: what stands there is true, belongs together, is never writable
 * and is hidden from whom it is hidden; traces and the console need their
 * capability.
 */
#include "test.h"

static volatile uint64_t said[8];

TEST(info_machine_describes_this_machine)
{
    const struct exo_machine *m = exo_machine();
    EQ(m->magic, EXO_MACHINE_MAGIC);
    EQ(m->version, EXO_ABI_VERSION);
    CHECK(m->bytes >= sizeof(*m));
    EQ(m->ncpus, option("cpus", 1));
    EQ(m->nslots, option("slots", 128));
    CHECK(m->nenvs >= 8);
    CHECK(m->pages_total > 1000 && m->pages_total <= m->npages);
    CHECK(m->xsave_bytes >= 512 && m->xsave_bytes <= 4096);
    CHECK(m->slot_tsc && m->grace_tsc && m->grace_tsc <= m->slot_tsc);
    CHECK(m->boot_tsc <= m->init_tsc && m->init_tsc <= now());
    CHECK(m->env_stride >= sizeof(struct exo_env_info));
    CHECK(m->cpu_stride >= sizeof(struct exo_cpu_info));
    CHECK(m->nmodules >= 1);
    EQ(m->trace_mask, EXO_TRACE_DEFAULT);
}

TEST(info_names_the_modules)
{
    const struct exo_module *m = &exo_machine()->module[0];
    const char want[] = "test";
    for (unsigned i = 0; i < sizeof(want); i++)
        EQ(m->name[i], want[i]);
    CHECK(m->bytes > 10000);
    EQ(exo_page_info(m->page)->payer, EXO_ENV_INDEX(self()));
    bind_here(SCRATCH, m->page, R);
    const uint8_t *elf = (const uint8_t *)SCRATCH;
    CHECK(elf[0] == 0x7f && elf[1] == 'E' && elf[2] == 'L' && elf[3] == 'F');
}

TEST(info_pages_are_read_only_and_not_executable)
{
    const struct exo_machine *m = exo_machine();
    const uint64_t at[] = {0,       m->cpus,  m->slots,
                           m->envs, m->pages, m->pages + 16 * (m->npages - 1)};
    for (unsigned i = 0; i < ARRAY_SIZE(at); i++) {
        CHECK(!load_faults(EXO_INFO + at[i]));
        CHECK(store_faults(EXO_INFO + at[i]));
        EQ(own_of(uarea())->catcher.error & 7, 7);
    }
    CHECK(catches((void (*)(uint64_t))EXO_INFO, 0));
    EQ(own_of(uarea())->catcher.cause, 14);
    CHECK(load_faults(EXO_INFO + (UINT64_C(1) << 38))); // beyond: nothing
}

static void
look_at_info(uint64_t unused)
{
    (void)unused;
    said[0] = *(volatile uint64_t *)EXO_INFO;
}

TEST(info_is_seen_by_every_env)
{
    struct kid *k = kid_start(0, look_at_info, 0);
    EQ(kid_join(k), 0);
    EQ(said[0], EXO_MACHINE_MAGIC);
}

TEST(hidden_env_cannot_read_the_exposed_pages)
{
    struct exo_mortem m;
    for (unsigned i = 0; i < 5; i++) {
        (void)load_faults(EXO_INFO); // the TLB knows them
        struct kid *k = kid_start(KID_HIDE | KID_RAISES, look_at_info, 0);
        kid_mortem(k, &m);
        EQ(m.end, EXO_END_FAULT);
        EQ(m.vector, 14);
        EQ(m.addr, EXO_INFO);
        EQ(kid_info(k)->flags & EXO_ENV_HIDE, EXO_ENV_HIDE);
        kid_end(k);
        CHECK(!load_faults(EXO_INFO)); // and I still see them
    }
}

TEST(info_cpu_says_who_runs)
{
    for (uint32_t i = 0; i < NCPUS; i++) {
        const struct exo_cpu_info *c = exo_cpu_info(i);
        for (uint32_t j = 0; j < i; j++)
            CHECK(c->apic_id != exo_cpu_info(j)->apic_id);
        CHECK(c->since > 0);
    }
    bool found = false;
    for (unsigned tries = 0; tries < 1000 && !found; tries++)
        found = exo_cpu_info(ME->cpu)->current == self();
    CHECK(found);
    EQ(ME->state, EXO_ENV_RUNNING);
}

TEST(info_clock_runs_at_the_tsc_rate)
{
    const struct exo_clock *c = &exo_machine()->clock;
    CHECK(c->tsc_khz > 1000);
    CHECK(c->error_ppm < 100000);
    // mult and shift turn a second's ticks into a billion nanoseconds.
    uint64_t second = (uint64_t)c->tsc_khz * 1000;
    uint64_t ns = (uint64_t)((unsigned __int128)second * c->mult >> c->shift);
    CHECK(ns > 999000000 && ns < 1001000000);
    CHECK(c->tsc_base <= now());
    if (c->epoch_ns) // some date between 2000 and 2100
        CHECK(c->epoch_ns > UINT64_C(946684000000000000) &&
              c->epoch_ns < UINT64_C(4102444800000000000));
}

TEST(info_counts_lock_holds)
{
    for (unsigned i = 0; i < 10; i++)
        exo_null();
    uint64_t longest = 0;
    for (uint32_t i = 0; i < NCPUS; i++)
        if (exo_cpu_info(i)->lock_hold_max > longest)
            longest = exo_cpu_info(i)->lock_hold_max;
    CHECK(longest > 0);
    CHECK(longest < seconds(1));
    CHECK(exo_cpu_info(ME->cpu)->lock_hold_path < 512);
}

TEST(info_env_counts_upcalls)
{
    uint64_t before = ME->upcalls[EXO_UP_FAULT];
    for (unsigned i = 0; i < 7; i++)
        CHECK(load_faults(SCRATCH));
    EQ(ME->upcalls[EXO_UP_FAULT], before + 7);
}

TEST(info_free_slots_of_the_env_table_are_empty)
{
    struct kid *k = kid_new(&(struct kid_plan){.flags = KID_EMPTY}, NULL, 0);
    const struct exo_env_info *info = kid_info(k);
    kid_end(k);
    CHECK(is_filled(info, 0, sizeof(*info) & ~UINT64_C(7)));
}

/* ---- the trace ring --------------------------------------------------- */

static const struct exo_trace_event *
map_ring(uint32_t cpu)
{
    const struct exo_cpu_info *c = exo_cpu_info(cpu);
    for (uint64_t i = 0; i < c->trace_pages; i++)
        bind_here(SCRATCH + i * 4096, c->trace_page + i, R);
    return (const struct exo_trace_event *)SCRATCH;
}

static void
on_cpu0_do_calls(uint64_t n)
{
    for (uint64_t i = 0; i < n; i++)
        exo_null();
}

TEST(trace_ring_shows_what_was_asked_for)
{
    const struct exo_trace_event *ring = map_ring(0);
    uint32_t size = exo_machine()->trace_events;
    EQ(exo_cpu_info(0)->trace_pages * 4096 / 32, size);
    struct kid *k =
        kid_new(&(struct kid_plan){.cpu1 = 1}, on_cpu0_do_calls, 20);
    uint64_t head = exo_cpu_info(0)->trace_head;
    EQ(exo_trace(ROOT_CAP, 1u << EXO_TRACE_SYSCALL | 1u << EXO_TRACE_RETURN |
                               1u << EXO_TRACE_END),
       EXO_TRACE_DEFAULT);
    kid_go(k);
    UNTIL(kid_state(k) >= EXO_ENV_DYING);
    exo_trace(ROOT_CAP, EXO_TRACE_DEFAULT);
    uint64_t end = exo_cpu_info(0)->trace_head;
    unsigned calls = 0, returns = 0, ends = 0;
    exo_tsc last = 0;
    if (end - head > size)
        head = end - size;
    for (; head < end; head++) {
        const struct exo_trace_event *e = &ring[head % size];
        CHECK(e->time >= last);
        last = e->time;
        EQ(e->cpu, 0);
        if (e->env != EXO_ENV_INDEX(k->id))
            continue;
        calls += e->type == EXO_TRACE_SYSCALL && e->a == EXO_SYS_null;
        returns += e->type == EXO_TRACE_RETURN && e->a == EXO_SYS_null;
        ends += e->type == EXO_TRACE_END && e->a == EXO_END_EXIT;
    }
    EQ(calls, 20);
    EQ(returns, 20);
    EQ(ends, 1);
}

TEST(trace_shows_when_a_cpu_has_nothing_to_run)
{
    uint32_t cpu = ME->cpu, size = exo_machine()->trace_events;
    const struct exo_trace_event *ring = map_ring(cpu);
    uint64_t head = exo_cpu_info(cpu)->trace_head;
    exo_trace(ROOT_CAP, 1u << EXO_TRACE_SWITCH);
    exo_wait(0, now() + microseconds(5000), 0);
    exo_trace(ROOT_CAP, EXO_TRACE_DEFAULT);
    unsigned idle = 0;
    for (; head < exo_cpu_info(cpu)->trace_head; head++) {
        const struct exo_trace_event *e = &ring[head % size];
        idle += e->type == EXO_TRACE_SWITCH && !e->env;
    }
    EQ(idle, 1);
}

TEST(trace_is_quiet_by_default)
{
    uint64_t head = exo_cpu_info(ME->cpu)->trace_head;
    uint32_t cpu = ME->cpu;
    for (unsigned i = 0; i < 100; i++)
        exo_null();
    CHECK(exo_cpu_info(cpu)->trace_head - head < 20);
}

TEST(trace_needs_control_over_everything)
{
    FAILS(exo_trace(NO_CAP, 1), CAP);
    EQ(exo_cap_grant(CAPS, 0, 1, 0, (EXO_ALL & ~EXO_CONTROL) << 8), 0);
    FAILS(exo_trace(1, 1), CAP);
    EQ(exo_cap_grant(CAPS, 0, 1, UINT64_C(1) << 63, 1 | EXO_ALL << 8), 0);
    FAILS(exo_trace(1, 1), CAP);
    EQ(exo_trace(ROOT_CAP, UINT32_MAX), EXO_TRACE_DEFAULT);
    EQ(exo_trace(ROOT_CAP, EXO_TRACE_DEFAULT), (1u << EXO_TRACE_TYPES) - 1);
}

/* ---- power ------------------------------------------------------------ */

TEST(power_checks_its_arguments)
{
    FAILS(exo_power(ROOT_CAP, 2, 0), INVAL);
    FAILS(exo_power(ROOT_CAP, 0, 128), INVAL);
    FAILS(exo_power(ROOT_CAP, UINT32_MAX, 0), INVAL);
    FAILS(exo_power(NO_CAP, 0, 0), CAP);
    EQ(exo_cap_grant(CAPS, 0, 1, 0, (EXO_ALL & ~EXO_CONTROL) << 8), 0);
    FAILS(exo_power(1, 0, 0), CAP);
    FAILS(exo_power(1, 1, 0), CAP);
}

/* ---- channels --------------------------------------------------------- */

TEST(chan_write_checks_its_arguments)
{
    char text[] = "# not to be seen\n";
    FAILS(exo_chan_write(ROOT_CAP, 2, text, 5), INVAL);
    FAILS(exo_chan_write(ROOT_CAP, UINT32_MAX, text, 5), INVAL);
    FAILS(exo_chan_write(NO_CAP, 0, text, 5), CAP);
    EQ(exo_cap_grant(CAPS, 0, 1, 0, (EXO_ALL & ~EXO_WRITE) << 8), 0);
    FAILS(exo_chan_write(1, 0, text, 5), CAP);
    FAILS(exo_chan_write(ROOT_CAP, 0, (char *)SCRATCH, 5), FAULT);
    FAILS(exo_chan_write(ROOT_CAP, 0, (char *)0xffffffff80100000, 5), FAULT);
    FAILS(exo_chan_write(ROOT_CAP, 0, (char *)exo_machine(), 5), FAULT);
    EQ(exo_chan_write(ROOT_CAP, 0, text, 0), 0);
}

TEST(chan_read_checks_its_arguments)
{
    char text[8];
    FAILS(exo_chan_read(ROOT_CAP, 2, text, 5), INVAL);
    FAILS(exo_chan_read(NO_CAP, 0, text, 5), CAP);
    EQ(exo_cap_grant(CAPS, 0, 1, 0, (EXO_ALL & ~EXO_READ) << 8), 0);
    FAILS(exo_chan_read(1, 0, text, 5), CAP);
    EQ(exo_chan_read(ROOT_CAP, 0, text, sizeof(text)), 0);
}

TEST(chan_has_a_guard)
{
    EQ(exo_reguard(CAPS, EXO_KIND_CHAN, 1, 1, 0x1234), 1);
    EQ(exo_cap_grant(CAPS, 0, 1, 0x1200, 56 | EXO_ALL << 8), 0);
    char c = 0;
    EQ(exo_chan_read(1, 1, &c, 1), 0);
    FAILS(exo_chan_read(1, 0, &c, 1), CAP);
    EQ(exo_reguard(CAPS, EXO_KIND_CHAN, 1, 1, 0), 1);
    FAILS(exo_chan_read(1, 1, &c, 1), CAP);
}

TEST(chan_brings_what_is_typed)
{
    char text[64];
    unsigned n = 0;
    while (exo_chan_read(ROOT_CAP, 0, text, sizeof(text)) > 0)
        ;
    say("# type hello, kernel\n");
    exo_tsc limit = now() + 4 * patience();
    while (n == 0 || text[n - 1] != '\n') {
        int64_t got = exo_chan_read(ROOT_CAP, 0, text + n, sizeof(text) - n);
        OK(got);
        n += (unsigned)got;
        if (got == 0) {
            if (now() > limit)
                FAIL("no input arrives");
            exo_wait(EXO_EVENT_CHAN, now() + microseconds(20000), 0);
            __atomic_fetch_and(&uarea()->events, ~EXO_EVENT_CHAN,
                               __ATOMIC_ACQ_REL);
        }
    }
    const char want[] = "hello, kernel\n";
    EQ(n, sizeof(want) - 1);
    for (unsigned i = 0; i < n; i++)
        EQ(text[i], want[i]);
}

TEST(chan_input_is_an_event_for_who_read_last)
{
    char text[64];
    while (exo_chan_read(ROOT_CAP, 0, text, sizeof(text)) > 0)
        ;
    __atomic_fetch_and(&uarea()->events, ~EXO_EVENT_CHAN, __ATOMIC_ACQ_REL);
    say("# type again\n");
    exo_tsc limit = now() + 4 * patience();
    EQ(exo_wait(EXO_EVENT_CHAN, limit, 0), 1);
    EQ(exo_wait(1, now() + microseconds(50000), 0), -EXO_E_TIME);
    CHECK(exo_chan_read(ROOT_CAP, 0, text, sizeof(text)) > 0);
}
