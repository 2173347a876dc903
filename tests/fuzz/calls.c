// SPDX-License-Identifier: MIT
/* Random system calls by random envs: see calls.h. */
#include "calls.h"

#include <string.h>

#include "env/env.h"
#include "pick.h"
#include "tlb/tlb.h"

bool calls_packets;

bool
call(uint64_t nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
    calls_note(who.cpu, nr, a, b, c, d, e);
    enum host_way way = host_syscall(who.cpu, nr, a, b, c, d, e);
    int64_t result = way == HOST_RETURNED ? (int64_t)who.cpu->user.rax : 0;
    calls_result(nr, result);
    return way == HOST_RETURNED && result >= 0;
}

static void
do_page_alloc(void)
{
    exo_page pages[16];
    uint32_t n = 1 + below(ARRAY_SIZE(pages));
    for (unsigned i = 0; i < n; i++)
        pages[i] = chance(80) ? EXO_PAGE_ANY : pick_page();
    exo_env payer = chance(60) ? 0 : pick_env();
    call(EXO_SYS_page_alloc, pick_caps(), pick_guard(), payer,
         put_words(pages, n * 8), chance(98) ? n : hostile());
}

static void
do_page_free(void)
{
    exo_page pages[4];
    uint32_t n = 1 + below(ARRAY_SIZE(pages));
    for (unsigned i = 0; i < n; i++)
        pages[i] = pick_page();
    call(EXO_SYS_page_free, pick_cap(), put_words(pages, n * 8), n, 0, 0);
}

/* Sometimes take a whole 2 MiB first, so that there is something to merge. */
static void
do_page_size(void)
{
    exo_page head = pick_page() & ~511ull;
    call(EXO_SYS_page_size, pick_cap(), head, below(chance(99) ? 2 : 9), 0, 0);
}

static void
do_page_run(void)
{
    exo_page pages[64], head = below((uint32_t)K.npages) & ~511ull;
    for (unsigned i = 0; i < 512; i += ARRAY_SIZE(pages)) {
        for (unsigned j = 0; j < ARRAY_SIZE(pages); j++)
            pages[j] = head + i + j;
        uint64_t va = scratch();
        if (!va)
            return;
        memcpy(host_translate(who.cpu, va, EXO_BIND_W), pages, sizeof(pages));
        for (unsigned done = 0; done < ARRAY_SIZE(pages);) {
            call(EXO_SYS_page_alloc, 0, 0, 0, va + 8 * done,
                 ARRAY_SIZE(pages) - done);
            if (who.cpu->way != HOST_RETURNED ||
                (int64_t)who.cpu->user.rax <= 0)
                return;
            done += (unsigned)who.cpu->user.rax;
        }
    }
    for (uint32_t steps = below(5); steps; steps--) /* perhaps in part */
        call(EXO_SYS_page_size, 0, head, 1, 0, 0);
}

static void
do_reguard(void)
{
    static const uint32_t kinds[] = {EXO_KIND_PAGE,
                                     EXO_KIND_PAGE,
                                     EXO_KIND_PAGE | EXO_REGUARD_BREAK,
                                     EXO_KIND_ENV,
                                     EXO_KIND_SLOT,
                                     EXO_KIND_CHAN,
                                     77};
    uint32_t kind = kinds[below(ARRAY_SIZE(kinds))];
    uint64_t first = kind == EXO_KIND_ENV    ? pick_env()
                     : kind == EXO_KIND_SLOT ? EXO_SLOT(0, below(K.nslots))
                     : kind == EXO_KIND_CHAN ? below(3)
                                             : pick_page();
    call(EXO_SYS_reguard, pick_caps(), kind, first,
         chance(95) ? 1 + below(3) : hostile(), pick_guard());
}

static void
do_table_make(void)
{
    uint32_t level = chance(60) ? 1 : 1 + below(4);
    call(EXO_SYS_table_make, pick_cap(), pick_page(),
         chance(98) ? level : below(9), pick_va(), 0);
}

static void
do_table_link(void)
{
    exo_page page = pick_mine(EXO_USE_TABLE, chance(60));
    uint32_t level = 1 + below(3);
    uint64_t va = pick_va();
    if (chance(80) && K.page_info[page].use == EXO_USE_TABLE) {
        level = table_level(page);
        va = K.page[page].va;
    }
    if (chance(15) && who.env != K.first)
        page = 0;
    call(EXO_SYS_table_link, pick_caps(), pick_root(), va,
         level | (chance(30) ? EXO_LINK_HEIR : 0), page);
}

static void
do_table_extra(void)
{
    call(EXO_SYS_table_extra, pick_caps(), pick_mine(EXO_USE_TABLE, false),
         below(chance(98) ? 2 : 9),
         chance(85) ? pick_mine(EXO_USE_DATA, true) : 0, 0);
}

static void
do_table_seal(void)
{
    call(EXO_SYS_table_seal, pick_cap(), pick_root(), pick_va(), 0, 0);
}

static uint32_t
pick_bind_flags(void)
{
    static const uint32_t flags[] = {
        EXO_BIND_R,
        EXO_BIND_R | EXO_BIND_W,
        EXO_BIND_W,
        EXO_BIND_R | EXO_BIND_X,
        0,
        EXO_BIND_R | EXO_BIND_HEIR,
        EXO_BIND_R | EXO_BIND_W | EXO_BIND_HEIR,
        EXO_BIND_SAME | EXO_BIND_R | EXO_BIND_W,
        EXO_BIND_SAME | EXO_BIND_R,
        EXO_BIND_SAME,
        EXO_BIND_SAME | EXO_BIND_R | EXO_BIND_X,
        EXO_BIND_SAME | EXO_BIND_CLEAN | EXO_BIND_R | EXO_BIND_W,
        EXO_BIND_LARGE | EXO_BIND_R | EXO_BIND_W,
        EXO_BIND_LARGE | EXO_BIND_R | EXO_BIND_X,
        EXO_BIND_LARGE,
        EXO_BIND_LARGE | EXO_BIND_SAME | EXO_BIND_R,
        EXO_BIND_R | EXO_BIND_SOFT(0x3ff)};
    return chance(97) ? flags[below(chance(50) ? 4 : ARRAY_SIZE(flags))]
                      : (uint32_t)who.random();
}

static void
do_bind(void)
{
    struct exo_run run[4];
    uint32_t n = 1 + below(ARRAY_SIZE(run));
    for (unsigned i = 0; i < n; i++) {
        run[i] = (struct exo_run){.va = pick_va(),
                                  .page = pick_page(),
                                  .count = 1 + below(chance(80) ? 2 : 80),
                                  .flags = pick_bind_flags()};
        if (run[i].flags & EXO_BIND_LARGE) {
            run[i].va &= ~0x1fffffull;
            run[i].page &= ~511ull;
        }
        if (chance(1))
            run[i].count = (uint32_t)hostile();
    }
    call(EXO_SYS_bind, pick_caps(), pick_root(),
         put_words(run, n * sizeof(run[0])), chance(98) ? n : hostile(), 0);
}

/* Get a page for a donation: an unbound DATA page, mostly. */
static exo_page
donated(void)
{
    return chance(98) ? pick_mine(EXO_USE_DATA, true) : pick_page();
}

static exo_page
pick_spec_root(void)
{
    if (chance(20))
        return pick_env_at_all()->root_pa >> EXO_PAGE_SHIFT;
    for (unsigned i = 0; i < 8; i++) {
        exo_page page = pick_mine(EXO_USE_TABLE, false);
        if (is_table(page, 4) && !K.page[page].users)
            return page;
    }
    exo_page page = pick_mine(EXO_USE_DATA, true);
    call(EXO_SYS_table_make, 0, page, 4, 0, 0);
    return page;
}

/* What the libOS would write into the u-area of its child. */
static void
fill_uarea(exo_page page)
{
    if (page >= K.npages || !is_mine(page, EXO_USE_DATA, true))
        return;
    struct exo_uarea *u = page_kva(page);
    K.page_info[page].flags &= (uint8_t)~EXO_PAGE_ZERO;
    memset(u, 0, sizeof(*u));
    for (unsigned i = 0; i < EXO_VECTORS; i++)
        u->handler[i] = chance(80) ? HANDLER : chance(90) ? 0 : hostile();
    u->stack_base = chance(97) ? EXO_FIRST_UPCALL : hostile();
    u->event_upcall = chance(50) ? UINT64_MAX : 0;
    u->mask = chance(20);
    if (chance(30)) {
        u->ret_start = 0x310000;
        u->ret_end = 0x310010;
        u->ret_restart = chance(95) ? 0x310020 : hostile();
    }
}

static void
do_env_create(void)
{
    struct exo_env_spec s = {.guard = pick_guard(),
                             .root = pick_spec_root(),
                             .save = donated(),
                             .uarea = donated(),
                             .stack = {donated()},
                             .rip = HANDLER,
                             .rsp = 0x3ff000,
                             .cpu = chance(60) ? EXO_CPU_ANY : below(K.ncpus)};
    if (chance(50))
        s.stack[1] = donated();
    if (chance(60))
        s.log = donated();
    if (chance(20)) {
        s.fpu = donated();
        s.flags |= EXO_ENV_FPU;
    }
    if (chance(20))
        s.flags |= EXO_ENV_LOYAL;
    if (chance(10))
        s.flags |= EXO_ENV_WX;
    s.share[EXO_KIND_PAGE].reserved = 8 + below(60);
    s.share[EXO_KIND_PAGE].limit =
        s.share[EXO_KIND_PAGE].reserved + (chance(50) ? below(400) : 0);
    s.share[EXO_KIND_ENV] = (struct exo_share){below(4), 4};
    s.share[EXO_KIND_SLOT] = (struct exo_share){below(4), 8};
    s.share[EXO_KIND_RING] = (struct exo_share){below(2), 4};
    s.share[EXO_KIND_ATOM] = (struct exo_share){below(20), 60};
    if (chance(3))
        ((uint64_t *)&s)[below(sizeof(s) / 8)] = hostile();
    if (!who.env || host_env(who.cpu) != who.env)
        return;
    fill_uarea(s.uarea);
    call(EXO_SYS_env_create, pick_caps(), put_words(&s, sizeof(s)), 0, 0, 0);
}

static exo_page
new_page(exo_guard guard)
{
    exo_page page = EXO_PAGE_ANY;
    uint64_t va = scratch();
    if (!va)
        return 0;
    memcpy(host_translate(who.cpu, va, EXO_BIND_W), &page, 8);
    if (!call(EXO_SYS_page_alloc, 0, guard, 0, va, 1))
        return 0;
    memcpy(&page, host_translate(who.cpu, va, EXO_BIND_R), 8);
    return page;
}

/* A root table with one leaf table and two pages of memory. */
static exo_page
new_root(exo_guard guard)
{
    const uint64_t at = 0x404000;
    exo_page root = new_page(guard);
    if (!call(EXO_SYS_table_make, 0, root, 4, at, 0))
        return 0;
    for (unsigned level = 3; level >= 1; level--) {
        exo_page table = new_page(guard);
        if (!call(EXO_SYS_table_make, 0, table, level, at, 0) ||
            !call(EXO_SYS_table_link, 0, root, at,
                  level | (chance(30) ? EXO_LINK_HEIR : 0), table))
            return 0;
        if (chance(50))
            call(EXO_SYS_table_extra, 0, table, 0, new_page(guard), 0);
    }
    struct exo_run run = {.va = at,
                          .page = new_page(guard),
                          .count = 1,
                          .flags = EXO_BIND_R | EXO_BIND_W};
    call(EXO_SYS_bind, 0, root, put_words(&run, sizeof(run)), 1, 0);
    return root;
}

/* What a loader does: an env that can make calls of its own. */
static void
do_spawn(void)
{
    const exo_guard guard = chance(30) ? 0 : pick_guard();
    exo_page root = new_root(guard);
    if (!root || host_env(who.cpu) != who.env)
        return;
    struct exo_env_spec s = {.guard = guard,
                             .root = root,
                             .save = new_page(guard),
                             .uarea = new_page(guard),
                             .stack = {new_page(guard)},
                             .log = chance(50) ? new_page(guard) : 0,
                             .rip = HANDLER,
                             .rsp = 0x3ff000,
                             .cpu = EXO_CPU_ANY};
    s.flags = chance(30) ? EXO_ENV_LOYAL : 0;
    s.share[EXO_KIND_PAGE].reserved = 16 + below(200);
    s.share[EXO_KIND_PAGE].limit = s.share[EXO_KIND_PAGE].reserved + below(800);
    s.share[EXO_KIND_ENV] = (struct exo_share){4, 8};
    s.share[EXO_KIND_SLOT] = (struct exo_share){4, 8};
    fill_uarea(s.uarea);
    if (!call(EXO_SYS_env_create, 0, put_words(&s, sizeof(s)), 0, 0, 0))
        return;
    exo_env child = who.cpu->user.rax;
    call(EXO_SYS_cap_grant, 0, child, 0, guard & ~0ull << 56,
         (chance(50) ? 0 : 8) | EXO_ALL << 8);
    call(EXO_SYS_env_control, 0, child, EXO_ENV_START, 0, 0);
}

static void
do_env_control(void)
{
    static const uint8_t ops[] = {
        EXO_ENV_START,   EXO_ENV_START, EXO_ENV_STOP, EXO_ENV_DESTROY,
        EXO_ENV_DESTROY, EXO_ENV_BURY,  EXO_ENV_BURY, 9};
    exo_env env = pick_env();
    uint32_t op = ops[below(ARRAY_SIZE(ops))];
    bool self = env == 0 || env == who.env->id;
    if (self && who.env == K.first && op == EXO_ENV_DESTROY)
        return;
    if (self && op == EXO_ENV_STOP && (who.env == K.first || chance(90)))
        return;
    call(EXO_SYS_env_control, pick_cap(), env, op, who.random(), 0);
}

static void
do_env_state(void)
{
    struct exo_context x = {.rip = chance(80) ? HANDLER : hostile(),
                            .rsp = hostile(),
                            .rflags = who.random(),
                            .fs_base = chance(80) ? 0 : hostile(),
                            .rbx = who.random()};
    call(EXO_SYS_env_state, pick_cap(), pick_env(), below(chance(95) ? 5 : 9),
         put_words(&x, sizeof(x)), 0);
}

static void
do_env_account(void)
{
    static const uint32_t kinds[] = {EXO_KIND_PAGE, EXO_KIND_PAGE, EXO_KIND_ENV,
                                     EXO_KIND_SLOT, 5};
    uint32_t reserved = below(100);
    call(EXO_SYS_env_account, pick_cap(), pick_env(),
         kinds[below(ARRAY_SIZE(kinds))], reserved,
         chance(95) ? reserved + below(300) : below(100));
}

static void
do_env_root(void)
{
    exo_page root = pick_root();
    if (chance(50))
        root = pick_mine(EXO_USE_TABLE, false);
    exo_env env = pick_env();
    if (who.env == K.first && (env == 0 || env == who.env->id))
        return;
    call(EXO_SYS_env_root, pick_caps(), env, root, 0, 0);
}

static void
do_cap_grant(void)
{
    static const uint8_t lengths[] = {0, 0, 1, 2, 8, 64, 65};
    uint32_t length = lengths[below(ARRAY_SIZE(lengths))];
    uint64_t mask = length && length <= 64 ? ~0ull << (64 - length) : 0;
    exo_guard name = pick_guard();
    exo_env to = pick_env();
    bool self = to == 0 || to == who.env->id;
    call(EXO_SYS_cap_grant, pick_caps(), to,
         (self && who.env == K.first) + below(chance(97) ? 6 : 70),
         chance(95) ? name & mask : name,
         length | (chance(60) ? EXO_ALL : below(18)) << 8);
}

static void
do_cap_rest(void)
{
    switch (below(4)) {
    case 0:
        call(EXO_SYS_cap_drop, 1 + below(chance(95) ? 6 : 70), 0, 0, 0, 0);
        break;
    case 1:
        call(EXO_SYS_cap_open, below(chance(95) ? 8 : 70), pick_env(), 0, 0, 0);
        break;
    case 2:
        call(EXO_SYS_cap_read, below(chance(95) ? 8 : 70), scratch(), 0, 0, 0);
        break;
    default:
        call(EXO_SYS_cap_purge, pick_cap(), pick_guard() & ~0ull << 56,
             8 * below(3), chance(90) ? 0 : below(100), 0);
    }
}

static void
do_slot_set(void)
{
    uint64_t owner = chance(20) ? EXO_NEVER : pick_env();
    call(EXO_SYS_slot_set, pick_caps(),
         EXO_SLOT(below(chance(98) ? K.ncpus : 9), below(K.nslots)),
         chance(97) ? 1 + below(4) : hostile(), owner, pick_guard());
}

static void
do_wait(void)
{
    uint64_t events = chance(70) ? 1ull << below(64) : who.random();
    call(EXO_SYS_wait, chance(80) ? events : 0, pick_deadline(),
         chance(70) ? 0 : pick_env(), 0, 0);
}

static void
do_ring(void)
{
    call(EXO_SYS_ring, pick_cap(), pick_env(),
         chance(95) ? 1ull << below(61) : who.random(), 0, 0);
}

static void
do_call(void)
{
    call(EXO_SYS_call, pick_env(),
         pick_cap() | (chance(70) ? EXO_CALL_SYNC : 0), pick_deadline(), 0, 0);
}

static void
do_reply(void)
{
    struct env *caller = pick_env_at_all();
    call(EXO_SYS_reply,
         chance(95) ? (uint64_t)caller->call_sequence << 16 | caller->index
                    : hostile(),
         0, 0, 0, 0);
}

static void
do_revoke(void)
{
    call(EXO_SYS_revoke, pick_cap(), pick_env(), chance(97) ? 0 : below(12),
         chance(90) ? 1 + below(40) : (uint32_t)hostile(), pick_deadline());
}

static void
do_chan(void)
{
    uint64_t at = chance(90) ? scratch() : hostile();
    if (chance(50))
        call(EXO_SYS_chan_write, pick_cap(), below(3), at,
             chance(90) ? below(100) : hostile(), 0);
    else
        call(EXO_SYS_chan_read, pick_cap(), below(3), at,
             chance(90) ? below(100) : hostile(), 0);
    if (chance(20))
        host_type(below(2), "typed");
}

/* Anything at all; but not what ends the machine. */
static void
do_hostile(void)
{
    uint64_t nr = below(EXO_SYSCALLS + 3);
    if (nr == EXO_SYS_power ||
        ((nr == EXO_SYS_env_control || nr == EXO_SYS_wait) &&
         who.env == K.first))
        return;
    call(nr, hostile(), hostile(), hostile(), hostile(), hostile());
}

static void
do_trace(void)
{
    call(EXO_SYS_trace, pick_cap(), below(4096), 0, 0, 0);
}

static void
do_yield(void)
{
    call(EXO_SYS_yield, pick_cap(), chance(50) ? 0 : pick_env(), 0, 0, 0);
}

/* ---- what is no call ----------------------------------------------------- */

static void
do_touch(void)
{
    uint64_t va = pick_va();
    unsigned kind = chance(50)   ? EXO_BIND_R
                    : chance(80) ? EXO_BIND_W
                                 : EXO_BIND_X;
    if (!host_translate(who.cpu, va, kind) &&
        (chance(10) && who.env != K.first))
        host_exception(who.cpu, 14, kind == EXO_BIND_W ? 6 : 4, va);
}

/* A libOS returns from its handlers: clears the mask, drops the frame. */
static void
do_unmask(void)
{
    __atomic_store_n(&who.env->uarea->mask, 0, __ATOMIC_RELEASE);
    if (chance(50))
        who.env->uarea->taken.count = 0;
    who.cpu->user.rsp = 0x3ff000;
    who.cpu->user.rip = chance(80) ? HANDLER : 0x310008;
}

/* Words of the u-area that a libOS may change at any time. */
static void
do_uarea(void)
{
    struct exo_uarea *u = who.env->uarea;
    switch (below(6)) {
    case 0:
        u->release_count = chance(80) ? below(20) : (uint32_t)hostile();
        u->release[0] = chance(90) ? pick_mine(EXO_USE_DATA, false) : hostile();
        break;
    case 1:
        u->events = 0;
        break;
    case 2:
        u->taken.count = chance(50) ? 0 : (uint32_t)hostile();
        break;
    case 3:
        if (who.env != K.first)
            u->handler[below(EXO_VECTORS)] = chance(90) ? HANDLER : hostile();
        break;
    case 4:
        u->mask = chance(50);
        break;
    default:
        u->pending = chance(50) ? 0 : (uint32_t)who.random();
    }
}

static const struct {
    void (*act)(void);
    unsigned weight;
} actions[] = {
    {do_page_alloc, 60},  {do_page_free, 20},   {do_page_size, 6},
    {do_page_run, 1},     {do_reguard, 10},     {do_table_make, 20},
    {do_table_link, 30},  {do_table_extra, 15}, {do_table_seal, 2},
    {do_bind, 70},        {do_env_create, 20},  {do_spawn, 15},
    {do_env_control, 40}, {do_env_state, 10},   {do_env_account, 10},
    {do_env_root, 8},     {do_cap_grant, 30},   {do_cap_rest, 10},
    {do_slot_set, 10},    {do_wait, 15},        {do_ring, 10},
    {do_call, 15},        {do_reply, 10},       {do_revoke, 8},
    {do_chan, 4},         {do_hostile, 10},     {do_trace, 1},
    {do_yield, 15},       {do_touch, 40},       {do_unmask, 40},
    {do_uarea, 15},
};

void
calls_begin(void)
{
    struct exo_uarea *u = K.first->uarea;
    for (unsigned i = 0; i < EXO_VECTORS; i++)
        u->handler[i] = HANDLER;
    u->event_upcall = UINT64_MAX;
    pick_begin();
}

void
calls_step(uint64_t (*random)(void))
{
    who.random = random;
    host_clock += chance(90) ? below(2000) : below(300000);
    who.cpu = &host_cpus[below(K.ncpus)];
    if (who.cpu->must_irq || chance(30))
        host_take_interrupts(who.cpu);
    who.env = host_env(who.cpu);
    if (!who.env || host_off)
        return;
    unsigned total = 0;
    for (unsigned i = 0; i < ARRAY_SIZE(actions); i++)
        total += actions[i].weight;
    unsigned at = below(total), i = 0;
    if (calls_packets && chance(30)) {
        packets_step();
        return;
    }
    while (at >= actions[i].weight)
        at -= actions[i++].weight;
    actions[i].act();
}
