// SPDX-License-Identifier: MIT
//
// stress.c: the work that makes the kernel hold its lock longest, one kind for
// each boot, because the kernel keeps one maximum: phase=N on the command line
// chooses. Every call here asks for as much as it may.
#include "bench.h"

#include "lib/caps.h"
#include "lib/clock.h"
#include "lib/net.h"
#include "lib/string.h"

#define BOTH         EXO_CAPS(ROOT_CAP, ROOT_CAP)
#define MANY         512u // pages of the phases that work on pages
#define ENVS         200u // envs of the phases that work on envs
#define LARGE        512u
#define EXPERIMENTAL 0x88b5u // Ethernet type for such [RFC9542]

static exo_page page[MANY];
static struct exo_run run[MANY];
static struct spawn peer[ENVS];

static uint64_t
arena(uint32_t n)
{
    return ARENA + (uint64_t)n * EXO_PAGE_BYTES;
}

// Pages that no table entry near another binds: one in each of the four leaf
// tables in turn.
static uint64_t
apart(uint32_t n)
{
    return arena(n % 4 * 512 + n / 4 * 3 % 512);
}

static bool
take(void)
{
    return take_pages("lock_hold", page, MANY, false);
}

// Writes the runs, `batch` in one call: one where the phase is about something
// else.
static void
bind_runs(uint32_t batch)
{
    for (uint32_t i = 0; i < MANY;) {
        uint32_t n = MANY - i < batch ? MANY - i : batch;
        int64_t done = exo_bind(BOTH, 0, &run[i], n);
        if (done <= 0)
            break;
        i += (uint32_t)done;
    }
}

// Binds all pages apart from each other; `from` says which page comes first.
static void
bind_apart(uint32_t from, uint32_t flags, uint32_t batch)
{
    for (uint32_t i = 0; i < MANY; i++)
        run[i] = (struct exo_run){apart(i), page[(i + from) % MANY], 1, flags};
    bind_runs(batch);
}

static void
touch_all(void)
{
    for (uint32_t i = 0; i < MANY; i++)
        *(volatile char *)apart(i) = 1;
}

// Phases.

static void
alloc_and_free(void)
{
    for (unsigned i = 0; i < 3 && take(); i++)
        pages_free(&own_pages, page, MANY);
}

static void
bind_scattered(void)
{
    if (!take())
        return;
    bind_apart(0, EXO_BIND_W, MANY);
    touch_all();
    bind_apart(0, 0, MANY);
}

// Each binding replaces one that a TLB knows. Every page is bound elsewhere
// first, so that these are recorded in link pages.
static void
rebind(void)
{
    if (!take())
        return;
    for (uint32_t i = 0; i < MANY; i++) {
        map_run(&own_map, ROOT_CAP, IMAGES + (uint64_t)i * EXO_PAGE_BYTES,
                page[i], 1, EXO_BIND_W);
        map_run(&own_map, ROOT_CAP, apart(i), page[i], 1, EXO_BIND_W);
    }
    touch_all();
    bind_apart(7, EXO_BIND_W, MANY);
}

// One page bound everywhere, then taken back.
static void
bind_one_everywhere(void)
{
    if (!take())
        return;
    for (uint32_t i = 0; i < MANY; i++)
        map_run(&own_map, ROOT_CAP, apart(i), page[0], 1, EXO_BIND_R);
    for (uint32_t i = 0; i < MANY; i++)
        *(volatile char *)apart(i);
    pages_free(&own_pages, page, 1);
}

// Frees leaf tables that are full.
static void
free_tables(void)
{
    if (!take())
        return;
    exo_page table;
    uint64_t va = IMAGES + UINT64_C(0x10000000);
    if (map_table(&own_map, va, 1, &table))
        return;
    for (uint32_t i = 0; i < MANY; i++)
        map_run(&own_map, ROOT_CAP, va + (uint64_t)i * EXO_PAGE_BYTES, page[i],
                1, EXO_BIND_W);
    for (uint32_t i = 0; i < MANY; i++)
        *(volatile char *)(va + (uint64_t)i * EXO_PAGE_BYTES) = 1;
    pages_free(&own_pages, &table, 1);
}

static void
reguard(void)
{
    exo_page first;
    if (pages_take_run(&own_pages, &first, MANY, 1))
        return;
    for (uint32_t i = 0; i < MANY; i++)
        map_run(&own_map, ROOT_CAP, apart(i), first + i, 1, EXO_BIND_W);
    touch_all();
    exo_reguard(BOTH, EXO_KIND_PAGE, first, MANY, 1);
    for (uint32_t done = 0; done < MANY;) {
        int64_t n = exo_reguard(BOTH, EXO_KIND_PAGE | EXO_REGUARD_BREAK,
                                first + done, MANY - done, 2);
        if (n < 0 && n != -EXO_E_AGAIN)
            return;
        done += n > 0 ? (uint32_t)n : 0;
    }
}

static void
large_pages(void)
{
    exo_page first;
    if (pages_take_run(&own_pages, &first, LARGE, LARGE))
        return;
    struct exo_run one = {ARENA + UINT64_C(0x1000000), first, 1,
                          EXO_BIND_W | EXO_BIND_LARGE};
    while (exo_page_size(ROOT_CAP, first, 1) == -EXO_E_AGAIN)
        ;
    exo_bind(BOTH, 0, &one, 1);
    *(volatile char *)one.va = 1;
    one.flags = 0;
    exo_bind(BOTH, 0, &one, 1);
    exo_page_size(ROOT_CAP, first, 0);
}

static uint32_t
make_envs(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (!peer_open("lock_hold", &peer[i], "wait"))
            return i;
    return count;
}

static void
make_and_bury(void)
{
    for (uint32_t n = make_envs(20); n--;)
        peer_close(&peer[n]);
}

// Destroys an env that holds many bound pages and some slots.
static void
destroy_rich(void)
{
    struct pages of = {.cap = ROOT_CAP, .control = ROOT_CAP};
    struct image self;
    static const char args[] = "peer\0wait";
    struct exo_share share = {MANY + 64, MANY + 64};
    if (!image_open("lock_hold", 0, &self) ||
        !peer_try(&peer[0], &self, args, sizeof(args), share))
        return;
    of.payer = peer[0].env;
    if (pages_take(&of, page, MANY))
        return;
    bind_apart(0, EXO_BIND_W, 1);
    touch_all();
    exo_slot_set(BOTH, EXO_SLOT(0, 0), exo_machine()->nslots, peer[0].env, 0);
    peer_close(&peer[0]);
}

// Envs that end by an exception, with all that is recorded of them.
static void
end_by_fault(void)
{
    for (unsigned i = 0; i < 8; i++) {
        if (!peer_open("lock_hold", &peer[i], "crash"))
            return;
        exo_yield(ROOT_CAP, peer[i].env);
        peer_close(&peer[i]);
    }
}

static void
purge(void)
{
    uint64_t cursor = 0;
    uint32_t n = make_envs(ENVS);
    do {
        int64_t next = exo_cap_purge(ROOT_CAP, 0, 8, cursor);
        if (next < 0)
            break;
        cursor = (uint64_t)next;
    } while (cursor);
    while (n--)
        peer_close(&peer[n]);
}

static void
seal(void)
{
    int64_t next = 0;
    do
        next = exo_table_seal(ROOT_CAP, 0, (uint64_t)next);
    while (next > 0);
}

// Slices that are as long as the vector, and envs that wait for their turn.
static void
slots(void)
{
    uint32_t nslots = exo_machine()->nslots;
    exo_slot_set(BOTH, EXO_SLOT(0, 0), nslots, UAREA->self, 0);
    exo_tsc end = clock_after(5 * CLOCK_MS);
    while (clock_tsc() < end)
        exo_yield(0, 0);
    exo_slot_set(BOTH, EXO_SLOT(0, 0), nslots, EXO_NEVER, 0);
}

// Many envs whose deadlines pass at the same time.
static void
wake_many(void)
{
    uint32_t n = 0;
    for (; n < 100 && peer_open("lock_hold", &peer[n], "sleep"); n++)
        exo_yield(ROOT_CAP, peer[n].env);
    for (unsigned i = 0; i < 20; i++)
        exo_wait(0, clock_after(CLOCK_MS), 0);
    while (n--)
        peer_close(&peer[n]);
}

// Takes pages from an env that was asked for them and does not answer.
static void
repossess(void)
{
    struct pages of = {.cap = ROOT_CAP, .control = ROOT_CAP};
    struct image self;
    static const char args[] = "peer\0wait";
    struct exo_share share = {32, MANY + 64};
    if (!image_open("lock_hold", 0, &self) ||
        !peer_try(&peer[0], &self, args, sizeof(args), share))
        return;
    of.payer = peer[0].env;
    if (pages_take(&of, page, MANY))
        return;
    bind_apart(0, EXO_BIND_W, 1);
    touch_all();
    exo_revoke(ROOT_CAP, peer[0].env, EXO_KIND_PAGE, MANY, clock_after(1000));
    exo_wait(0, clock_after(20 * CLOCK_MS), 0);
    peer_close(&peer[0]);
}

static struct net crowd[1 + EXO_SHARERS_MAX];

static bool
crowd_open(void)
{
    for (unsigned i = 0; i < sizeof(crowd) / sizeof(crowd[0]); i++) {
        const struct net_plan plan = {.cap = ROOT_CAP,
                                      .va = arena(8 * i),
                                      .send = 2,
                                      .receive = 2,
                                      .page = &page[8 * i]};
        if (net_open(&crowd[i], &own_map, &plan))
            return false;
    }
    return true;
}

// The first may send frames that all others get.
static bool
crowd_join(void)
{
    struct exo_filter_spec spec;
    for (unsigned d = 0; d < 2; d++) {
        enum exo_direction direction = d ? EXO_NET_SEND : EXO_NET_RECEIVE;
        net_spec(&spec, direction, 0, 0);
        net_type(&spec, EXPERIMENTAL);
        spec.flags = EXO_FILTER_SHARED;
        int64_t filter = exo_filter_add(BOTH, &spec);
        if (filter < 0)
            return false;
        for (unsigned i = !d; i < (d ? 1 : 1 + EXO_SHARERS_MAX); i++)
            if (exo_filter_attach(BOTH, (exo_filter)filter, crowd[i].id,
                                  EXO_ATTACH))
                return false;
    }
    return true;
}

// Long frames for many receivers and the card, and sums of them all.
static void
packets_to_many(void)
{
    if (!crowd_open() || !crowd_join()) {
        say("# packets_to_many: no interfaces");
        return;
    }
    for (unsigned n = 0; n < 8; n++) {
        uint8_t *frame = net_reserve(&crowd[0]);
        if (!frame)
            return;
        memset(frame, 0xff, EXO_FRAME_MAX);
        frame[12] = EXPERIMENTAL >> 8;
        frame[13] = EXPERIMENTAL & 0xff;
        net_commit(&crowd[0], EXO_FRAME_MAX, EXO_TX_SUM);
        if (n % 4 == 3)
            net_kick(&crowd[0]);
    }
}

static void
console(void)
{
    for (unsigned i = 0; i < 20; i++)
        say("# a line that is longer than what one call takes, and then some");
}

static void
nothing(void)
{
}

static const struct {
    const char *name;
    void (*run)(void);
} phases[] = {
    {"nothing", nothing},
    {"alloc_and_free", alloc_and_free},
    {"bind_scattered", bind_scattered},
    {"rebind", rebind},
    {"bind_one_everywhere", bind_one_everywhere},
    {"free_tables", free_tables},
    {"reguard", reguard},
    {"large_pages", large_pages},
    {"make_and_bury", make_and_bury},
    {"destroy_rich", destroy_rich},
    {"end_by_fault", end_by_fault},
    {"purge", purge},
    {"seal", seal},
    {"slots", slots},
    {"wake_many", wake_many},
    {"repossess", repossess},
    {"packets_to_many", packets_to_many},
    {"console", console},
};

// Says which phase ran, the longest hold so far, and what held the lock.
void
lock_hold(void)
{
    uint64_t which = option("phase", 0);
    const struct exo_cpu_info *cpu = exo_cpu_info(0);
    if (which >= sizeof(phases) / sizeof(phases[0])) {
        say("#end");
        return;
    }
    phases[which].run();
    uint64_t held = cpu->lock_hold_max, path = cpu->lock_hold_path;
    say("#lock %s %lu %lu", phases[which].name, held, path);
}
