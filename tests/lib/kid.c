// SPDX-License-Identifier: MIT
/*
 * Envs made by tests: see test.h.
 *
 * A kid runs a function of the same image. With an address space of its own it
 * shares the leaf table of the image, so that what tests keep in static data
 * is common to all; everything else in it is its own and paid for by it.
 *
 *   root - level 3 - level 2 -+- level 1: block at EXO_FIRST_UAREA
 *                             +- level 1: the image's, the first env's
 *
 * The first env sees each kid's block through a window of 64 KiB.
 */
#include "lib.h"

#define WINDOWS     0x30000000ull
#define NWINDOWS    32
#define IMAGE       0x400000ull
#define COPY_STEP   64 // pages
#define BLOCK_PAGES (BLOCK_BYTES / EXO_PAGE_BYTES)

static struct kid kids[NWINDOWS];
static uint64_t prefixes; // issued so far; none is issued twice

void
kid_prepare(void)
{
    leaf_ensure(0, 0, 0, WINDOWS, true);
}

void
kid_forget_all(void)
{
    bind_run(0, (struct exo_run){WINDOWS, 0, 512, 0});
    memset(kids, 0, sizeof(kids));
}

exo_guard
prefix_new(void)
{
    uint64_t n = __atomic_add_fetch(&prefixes, 1, __ATOMIC_RELAXED);
    return (UINT64_C(0x400000) | n) << (64 - KID_PREFIX_BITS);
}

static struct kid *
kid_place(void)
{
    for (unsigned i = 0; i < NWINDOWS; i++) {
        if (kids[i].guard)
            continue;
        kids[i] = (struct kid){.window = i};
        return &kids[i];
    }
    FAIL("more than %d kids at once", NWINDOWS);
}

/* A zeroed page of the kid's, seen in its window. */
static exo_page
block_page(struct kid *k, uint32_t offset)
{
    exo_page page = page_new(k->guard);
    uint64_t va = (uint64_t)k->u + offset;
    bind_here(va, page, EXO_BIND_R | EXO_BIND_W);
    memset((void *)va, 0, EXO_PAGE_BYTES);
    return page;
}

static void
make_pages(struct kid *k, const struct kid_plan *plan)
{
    k->save = page_new(k->guard);
    k->uarea_page = block_page(k, 0);
    k->upcall = block_page(k, BLOCK_UPCALL);
    if (plan->flags & KID_LOG) {
        k->log_page = block_page(k, BLOCK_LOG);
        k->log = (struct exo_log *)((uint64_t)k->u + BLOCK_LOG);
    }
    if (plan->flags & KID_FPU)
        k->fpu = page_new(k->guard);
    k->root =
        plan->flags & KID_THREAD ? ME->root : table_new(k->guard, 0, 4, 0);
    k->block = plan->flags & KID_THREAD ? (uint64_t)k->u : EXO_FIRST_UAREA;
}

void kid_entry(void);

static void
fill_spec(const struct kid *k, const struct kid_plan *plan,
          struct exo_env_spec *s)
{
    uint32_t reserved = plan->reserved ? plan->reserved : 64;
    uint32_t limit = plan->limit ? plan->limit : 256;
    *s = (struct exo_env_spec){
        .guard = k->guard,
        .root = k->root,
        .save = k->save,
        .uarea = k->uarea_page,
        .stack = {k->upcall},
        .log = k->log_page,
        .fpu = k->fpu,
        .rip = (uint64_t)kid_entry,
        .rsp = k->block + BLOCK_BYTES - 8,
        .flags = (plan->flags & KID_FPU ? EXO_ENV_FPU : 0) |
                 (plan->flags & KID_LOYAL ? EXO_ENV_LOYAL : 0) |
                 (plan->flags & KID_HIDE ? EXO_ENV_HIDE : 0) |
                 (plan->flags & KID_WX ? EXO_ENV_WX : 0),
        .cpu = plan->cpu1 ? plan->cpu1 - 1 : EXO_CPU_ANY,
    };
    s->share[EXO_KIND_PAGE] =
        (struct exo_share){reserved, limit > reserved ? limit : reserved};
    s->share[EXO_KIND_ENV] = (struct exo_share){plan->envs, plan->envs};
    s->share[EXO_KIND_SLOT] = (struct exo_share){0, plan->slots};
    s->share[EXO_KIND_RING] = (struct exo_share){0, plan->rings};
    s->share[EXO_KIND_ATOM] = (struct exo_share){0, plan->atoms};
}

static exo_page
kid_page(const struct kid *k)
{
    exo_page page;
    pages_new(k->guard, k->id, &page, 1);
    return page;
}

extern char image_text[], image_data[], image_end[];

/* `n` pages of the image once more, with the rights they have here. */
static void
copy_pages(const struct kid *k, uint64_t va, unsigned n)
{
    uint64_t entry[COPY_STEP];
    struct exo_run run[COPY_STEP];
    entries_of(0, va, entry, n);
    for (unsigned i = 0; i < n; i++, va += EXO_PAGE_BYTES) {
        uint32_t right = va >= (uint64_t)image_data   ? EXO_BIND_W
                         : va >= (uint64_t)image_text ? EXO_BIND_X
                                                      : 0;
        run[i] = (struct exo_run){
            va, (entry[i] & EXO_PTE_PAGE) >> EXO_PAGE_SHIFT, 1, R | right};
    }
    for (unsigned done = 0; done < n;) {
        int64_t got = exo_bind(CAPS, k->root, run + done, n - done);
        CHECK(got > 0);
        done += (unsigned)got;
    }
}

static void
copy_image(struct kid *k)
{
    exo_page leaf = table_new(k->guard, k->id, 1, IMAGE);
    OK(exo_table_link(CAPS, k->root, IMAGE, 1, leaf));
    OK(exo_table_extra(CAPS, leaf, 0, kid_page(k)));
    OK(exo_table_extra(CAPS, leaf, 1, kid_page(k)));
    uint64_t pages = ((uint64_t)image_end - IMAGE + 4095) / EXO_PAGE_BYTES;
    for (uint64_t at = 0; at < pages; at += COPY_STEP)
        copy_pages(k, IMAGE + at * EXO_PAGE_BYTES,
                   pages - at < COPY_STEP ? (unsigned)(pages - at) : COPY_STEP);
}

/* Its own tables, paid for by it, with the image in them. */
static void
make_space(struct kid *k, const struct kid_plan *plan)
{
    for (unsigned level = 3; level >= 1; level--) {
        exo_page table = table_new(k->guard, k->id, level, EXO_FIRST_UAREA);
        OK(exo_table_link(CAPS, k->root, EXO_FIRST_UAREA, level, table));
        k->table[3 - level] = table;
    }
    OK(exo_table_extra(CAPS, k->table[1], 0, kid_page(k)));
    OK(exo_table_extra(CAPS, k->table[2], 0, kid_page(k)));
    if (plan->flags & KID_COPY)
        copy_image(k);
    else
        OK(exo_table_link(CAPS, k->root, IMAGE, 1, table_of(0, IMAGE, 1)));
    uint32_t rw = EXO_BIND_R | EXO_BIND_W;
    EQ(bind_one(k->root, k->block, k->uarea_page, rw), 1);
    EQ(bind_one(k->root, k->block + BLOCK_UPCALL, k->upcall, rw), 1);
    if (k->log_page)
        EQ(bind_one(k->root, k->block + BLOCK_LOG, k->log_page, rw), 1);
    for (unsigned i = 0; i < ARRAY_SIZE(k->stack); i++) {
        uint64_t at = BLOCK_BYTES - (i + 1) * EXO_PAGE_BYTES;
        k->stack[i] = kid_page(k);
        bind_here((uint64_t)k->u + at, k->stack[i], rw);
        memset((char *)k->u + at, 0, EXO_PAGE_BYTES);
        EQ(bind_one(k->root, k->block + at, k->stack[i], rw), 1);
    }
}

/* In the maker's space its block is the window, and all is there but a stack.
 */
static void
make_thread_stack(struct kid *k)
{
    for (unsigned i = 0; i < ARRAY_SIZE(k->stack); i++) {
        uint64_t at = BLOCK_BYTES - (i + 1) * EXO_PAGE_BYTES;
        k->stack[i] = kid_page(k);
        bind_here(k->block + at, k->stack[i], EXO_BIND_R | EXO_BIND_W);
    }
}

static void
no_handler_left(struct exo_frame *f)
{
    fail("kid", 0, "fault %lu error %lx address %lx rip %lx", f->cause,
         f->error, f->addr, f->rip);
}

struct kid *
kid_new(const struct kid_plan *plan, void (*entry)(uint64_t arg), uint64_t arg)
{
    struct exo_env_spec spec;
    struct kid *k = kid_place();
    k->guard = plan->guard ? plan->guard : prefix_new();
    k->u = (struct exo_uarea *)(WINDOWS + k->window * (uint64_t)BLOCK_BYTES);
    k->own = own_of(k->u);
    make_pages(k, plan);
    uarea_prepare(k->u, k->block);
    k->own->entry = entry;
    k->own->arg = arg;
    if (!(plan->flags & KID_RAISES))
        on_upcall(k->u, EXO_UP_FAULT, no_handler_left);
    fill_spec(k, plan, &spec);
    int64_t id = exo_env_create(CAPS, &spec);
    OK(id);
    k->id = (exo_env)id;
    if (plan->flags & KID_EMPTY)
        return k;
    if (plan->flags & KID_THREAD)
        make_thread_stack(k);
    else
        make_space(k, plan);
    OK(exo_cap_grant(CAPS, k->id, 0,
                     k->guard & (~UINT64_C(0) << (64 - KID_PREFIX_BITS)),
                     KID_PREFIX_BITS | EXO_ALL << 8));
    return k;
}

struct kid *
kid_start(unsigned flags, void (*entry)(uint64_t arg), uint64_t arg)
{
    struct kid *k = kid_new(&(struct kid_plan){.flags = flags}, entry, arg);
    kid_go(k);
    return k;
}

void
kid_go(struct kid *k)
{
    EQ(exo_env_control(ROOT_CAP, k->id, EXO_ENV_START, 0), 0);
}

int64_t
control(exo_env env, enum exo_env_op op)
{
    exo_tsc limit = now() + patience();
    int64_t result;
    while ((result = exo_env_control(ROOT_CAP, env, op, 0)) == -EXO_E_AGAIN) {
        if (now() > limit)
            FAIL("operation %d on an env does not end", op);
        __asm__ volatile("pause");
    }
    return result;
}

void
kid_mortem(struct kid *k, struct exo_mortem *m)
{
    UNTIL(kid_state(k) >= EXO_ENV_DYING);
    EQ(control(k->id, EXO_ENV_DESTROY), 0);
    EQ(exo_env_state(ROOT_CAP, k->id, EXO_STATE_MORTEM, m), 0);
}

uint64_t
kid_join(struct kid *k)
{
    struct exo_mortem m;
    kid_mortem(k, &m);
    if (m.end != EXO_END_EXIT)
        FAIL("env ended by %u, vector %u error %lx address %lx rip %lx", m.end,
             m.vector, m.value, m.addr, m.context.rip);
    return m.value;
}

void
kid_end(struct kid *k)
{
    EQ(control(k->id, EXO_ENV_DESTROY), 0);
    EQ(control(k->id, EXO_ENV_BURY), 0);
    struct exo_run run = {(uint64_t)k->u, 0, BLOCK_PAGES, 0};
    EQ(exo_bind(CAPS, 0, &run, 1), BLOCK_PAGES);
    memset(k, 0, sizeof(*k));
}

/* What env_create asks for and no more; it can never run. */
exo_env
bare_env(exo_guard guard, uint32_t pages, uint32_t envs)
{
    struct exo_env_spec s = {
        .guard = guard, .rip = EXO_USER_MIN, .cpu = EXO_CPU_ANY};
    s.root = table_new(guard, 0, 4, 0);
    s.save = page_new(guard);
    s.uarea = page_new(guard);
    s.stack[0] = page_new(guard);
    s.share[EXO_KIND_PAGE] = (struct exo_share){pages, pages};
    s.share[EXO_KIND_ENV] = (struct exo_share){envs, envs};
    int64_t id = exo_env_create(CAPS, &s);
    OK(id);
    return (exo_env)id;
}
