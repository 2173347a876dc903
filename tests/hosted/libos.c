// SPDX-License-Identifier: MIT
/* See libos.h. */
#include "libos.h"

#include <string.h>

#include "page/page.h"

struct host_cpu *lib_cpu;

void
lib_boot(unsigned cpus, const char *cmdline)
{
    host_boot(
        &(struct host_setup){.pages = 2048, .cpus = cpus, .cmdline = cmdline});
    lib_cpu = &host_cpus[0];
    for (unsigned i = 0; i < EXO_VECTORS; i++)
        K.first->uarea->handler[i] = LIB_HANDLER;
}

int64_t
lib_call(uint64_t nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d,
         uint64_t e)
{
    enum host_way way = host_syscall(lib_cpu, nr, a, b, c, d, e);
    host_check();
    return way == HOST_RETURNED ? (int64_t)lib_cpu->user.rax : LIB_SWITCHED;
}

static uint64_t
scratch(void)
{
    return host_env(lib_cpu) == K.first ? EXO_FIRST_STACK_TOP - EXO_PAGE_BYTES
                                        : LIB_SCRATCH;
}

uint64_t
lib_put(const void *bytes, size_t n)
{
    void *at = host_translate(lib_cpu, scratch(), EXO_BIND_W);
    want(at);
    memcpy(at, bytes, n);
    return scratch();
}

exo_page
lib_page_of(exo_env payer, exo_guard guard)
{
    exo_page page = EXO_PAGE_ANY;
    uint64_t at = lib_put(&page, 8);
    want_equal(lib_call(EXO_SYS_page_alloc, 0, guard, payer, at, 1), 1);
    memcpy(&page, host_translate(lib_cpu, at, EXO_BIND_R), 8);
    return page;
}

exo_page
lib_page(void)
{
    return lib_page_of(0, 0);
}

int64_t
lib_free(exo_page page)
{
    return lib_call(EXO_SYS_page_free, 0, lib_put(&page, 8), 1, 0, 0);
}

exo_page
lib_table(exo_page root, unsigned level, uint64_t va, uint32_t flags)
{
    exo_page page = lib_page();
    want_equal(lib_call(EXO_SYS_table_make, 0, page, level, va, 0), 0);
    if (level < 4)
        want_equal(
            lib_call(EXO_SYS_table_link, 0, root, va, level | flags, page), 0);
    return page;
}

void
lib_extra(exo_page table, unsigned half)
{
    want_equal(lib_call(EXO_SYS_table_extra, 0, table, half, lib_page(), 0), 0);
}

exo_page
lib_leaf(exo_page root, uint64_t va)
{
    struct place at;
    if (!root)
        root = host_env(lib_cpu)->root_pa >> EXO_PAGE_SHIFT;
    want(tlb_walk(root, va, 1, &at));
    return at.table;
}

int64_t
lib_bind(exo_page root, uint64_t va, exo_page page, uint32_t count,
         uint32_t flags)
{
    struct exo_run run = {va, page, count, flags};
    return lib_call(EXO_SYS_bind, 0, root, lib_put(&run, sizeof(run)), 1, 0);
}

exo_page
lib_root(void)
{
    exo_page root = lib_table(0, 4, 0, 0);
    for (unsigned level = 3; level >= 1; level--)
        lib_table(root, level, LIB_SCRATCH, 0);
    exo_page leaf = lib_leaf(root, LIB_SCRATCH);
    lib_extra(leaf, 0);
    lib_extra(leaf, 1);
    want_equal(
        lib_bind(root, LIB_SCRATCH, lib_page(), 1, EXO_BIND_R | EXO_BIND_W), 1);
    return root;
}

static void
fill_uarea(exo_page page)
{
    struct exo_uarea *u = page_kva(page);
    memset(u, 0, EXO_PAGE_BYTES);
    K.page_info[page].flags &= (uint8_t)~EXO_PAGE_ZERO;
    for (unsigned i = 0; i < EXO_VECTORS; i++)
        u->handler[i] = LIB_HANDLER;
    u->stack_base = EXO_FIRST_UPCALL;
}

struct env *
lib_spawn(const struct lib_spawn *how)
{
    struct exo_env_spec s = {.guard = how->guard,
                             .root = how->root ? how->root : lib_root(),
                             .save = lib_page(),
                             .uarea = lib_page(),
                             .stack = {lib_page()},
                             .log = how->log ? lib_page() : 0,
                             .fpu = how->flags & EXO_ENV_FPU ? lib_page() : 0,
                             .rip = LIB_HANDLER,
                             .rsp = 0x3ff000,
                             .flags = how->flags,
                             .cpu = how->cpu1 - 1};
    s.share[EXO_KIND_PAGE] = (struct exo_share){how->reserved, how->limit};
    s.share[EXO_KIND_RING] = (struct exo_share){0, 1};
    s.share[EXO_KIND_ATOM] = (struct exo_share){0, 8};
    s.share[EXO_KIND_ENV] = (struct exo_share){4, 4};
    s.share[EXO_KIND_SLOT] = (struct exo_share){0, 1024};
    fill_uarea(s.uarea);
    int64_t id =
        lib_call(EXO_SYS_env_create, 0, lib_put(&s, sizeof(s)), 0, 0, 0);
    want(id > 0);
    want_equal(lib_call(EXO_SYS_cap_grant, 0, (uint64_t)id, 0,
                        how->guard & 0xffull << 56, 8 | EXO_ALL << 8),
               0);
    return env_get((exo_env)id);
}

void
lib_switch_to(struct env *e)
{
    lib_call(EXO_SYS_yield, 0, e->id, 0, 0, 0);
    want(host_env(lib_cpu) == e);
}

void
lib_start(struct env *e)
{
    want_equal(lib_call(EXO_SYS_env_control, 0, e->id, EXO_ENV_START, 0, 0), 0);
    lib_switch_to(e);
}

void
lib_destroy(struct env *e)
{
    exo_env id = e->id;
    int64_t result = -EXO_E_AGAIN;
    for (unsigned i = 0; i < 10000 && result == -EXO_E_AGAIN; i++)
        result = lib_call(EXO_SYS_env_control, 0, id, EXO_ENV_DESTROY, 0, 0);
    want_equal(result, 0);
}

void
lib_bury(struct env *e)
{
    want_equal(lib_call(EXO_SYS_env_control, 0, e->id, EXO_ENV_BURY, 0, 0), 0);
}
