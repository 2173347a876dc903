// SPDX-License-Identifier: MIT
/*
 * How envs end: what must stay whole while one is taken apart in steps.
 */
#include "libos.h"

#define GUARD_A 0xa100000000000000ull
#define GUARD_B 0xb100000000000000ull

/* Cut a page up into bindings of one page each, so that reaping takes time. */
static void
bind_many(exo_page root, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        want_equal(
            lib_bind(root, 0x410000 + i * 0x1000ull, lib_page(), 1, EXO_BIND_R),
            1);
}

CLAIM(an_env_whose_upcall_fails_leaves_the_run_queue_whole)
{
    lib_boot(1, NULL);
    struct env *a = lib_spawn(&(struct lib_spawn){0, GUARD_A, 20, 40, 0, 0, 0});
    struct env *b = lib_spawn(&(struct lib_spawn){0, GUARD_B, 20, 40, 0, 0, 0});
    struct env *c = lib_spawn(&(struct lib_spawn){0, GUARD_B, 20, 40, 0, 0, 0});
    lib_call(EXO_SYS_env_control, 0, a->id, EXO_ENV_START, 0, 0);
    lib_call(EXO_SYS_env_control, 0, b->id, EXO_ENV_START, 0, 0);
    lib_call(EXO_SYS_env_control, 0, c->id, EXO_ENV_START, 0, 0);
    b->uarea->handler[EXO_UP_EVENT] = EXO_USER_TOP;
    b->uarea->pending = 1u << EXO_UP_EVENT;
    bool ran_a = false, ran_c = false;
    for (unsigned i = 0; i < 8; i++) {
        lib_call(EXO_SYS_yield, 0, 0, 0, 0, 0);
        ran_a |= host_env(lib_cpu) == a;
        ran_c |= host_env(lib_cpu) == c;
    }
    want(env_state(b) >= EXO_ENV_DYING);
    want_equal(b->mortem.end, EXO_END_HANDLER);
    want(ran_a && ran_c);
}

CLAIM(a_table_that_fills_again_while_it_is_emptied_is_freed)
{
    lib_boot(1, NULL);
    exo_page leaf = lib_table(0, 1, 0x600000, 0);
    exo_page page = lib_page();
    for (unsigned i = 0; i < 100; i++)
        want_equal(
            lib_bind(0, 0x600000 + i * 0x1000ull, lib_page(), 1, EXO_BIND_R),
            1);
    want_equal(lib_free(leaf), -EXO_E_AGAIN);
    want_equal(lib_bind(0, 0x600000, page, 1, EXO_BIND_R), 1);
    int64_t freed;
    while ((freed = lib_free(leaf)) == -EXO_E_AGAIN)
        ;
    want_equal(freed, 1);
}

CLAIM(a_root_in_use_outlives_its_payer)
{
    lib_boot(1, NULL);
    struct env *p = lib_spawn(&(struct lib_spawn){0, 0, 200, 300, 0, 0, 0});
    lib_call(EXO_SYS_cap_grant, 0, p->id, 0, 0, EXO_ALL << 8);
    lib_start(p);
    exo_page second = lib_root();
    struct env *c = lib_spawn(&(struct lib_spawn){0, 0, 40, 60, 0, 0, 0});
    want_equal(lib_call(EXO_SYS_env_root, 0, c->id, second, 0, 0), 0);
    lib_switch_to(K.first);
    lib_destroy(p);
    want(c->parent == K.first);
    if (env_alive(c)) {
        want(is_table(second, 4));
        want(K.env[K.page_info[second].payer] == c);
    } else {
        want_equal(c->mortem.end, EXO_END_ROOT);
    }
}

CLAIM(heir_links_in_a_root_that_moves_stay_accounted)
{
    lib_boot(1, NULL);
    exo_page root = lib_table(0, 4, 0, 0);
    lib_extra(root, 0);
    lib_table(root, 3, LIB_SCRATCH, EXO_LINK_HEIR);
    struct env *a =
        lib_spawn(&(struct lib_spawn){root, GUARD_A, 40, 60, 0, 0, 0});
    want(K.first->info->account[EXO_KIND_PAGE].promised <= 1);
    want(a->info->account[EXO_KIND_PAGE].promised <= 1);
    want_equal(lib_call(EXO_SYS_table_link, 0, root, LIB_SCRATCH, 3, 0), 0);
    want_equal(K.first->info->account[EXO_KIND_PAGE].promised, 0);
    want_equal(a->info->account[EXO_KIND_PAGE].promised, 0);
}

CLAIM(a_parent_may_die_while_its_child_is_taken_apart)
{
    lib_boot(1, NULL);
    struct env *p = lib_spawn(&(struct lib_spawn){0, 0, 400, 500, 0, 0, 1});
    lib_call(EXO_SYS_cap_grant, 0, p->id, 0, 0, EXO_ALL << 8);
    lib_start(p);
    exo_page root = lib_root();
    bind_many(root, 100);
    struct env *c = lib_spawn(&(struct lib_spawn){root, 0, 200, 250, 0, 0, 1});
    for (unsigned i = 0; i < 120; i++)
        lib_page_of(c->id, 0);
    int64_t result;
    do
        result = lib_call(EXO_SYS_env_control, 0, c->id, EXO_ENV_DESTROY, 0, 0);
    while (result == -EXO_E_AGAIN && !c->closed);
    want_equal(result, -EXO_E_AGAIN);
    lib_switch_to(K.first);
    lib_destroy(p);
    lib_destroy(c);
    lib_bury(p);
    lib_bury(c);
}

CLAIM(an_env_that_died_is_asked_for_nothing)
{
    lib_boot(1, NULL);
    struct env *a =
        lib_spawn(&(struct lib_spawn){0, GUARD_A, 20, 900, 0, 0, 0});
    for (unsigned i = 0; i < 600; i++)
        lib_page_of(a->id, GUARD_A);
    while (!a->closed)
        want_equal(
            lib_call(EXO_SYS_env_control, 0, a->id, EXO_ENV_DESTROY, 0, 0),
            -EXO_E_AGAIN);
    for (unsigned i = 0; i < ARRAY_SIZE(K.excess); i++)
        for (const struct env *e = K.excess[i]; e; e = e->excess_next)
            want(e != a);
}

CLAIM(slots_of_a_dead_env_are_found_wherever_they_are)
{
    lib_boot(4, "slots=1024");
    struct env *a = lib_spawn(&(struct lib_spawn){0, GUARD_A, 20, 40, 0, 0, 0});
    want_equal(lib_call(EXO_SYS_slot_set, 0, EXO_SLOT(3, 1000), 2, a->id, 0),
               2);
    lib_destroy(a);
    want_equal(K.slot[3 * 1024 + 1000].owner, 0);
}

CLAIM(a_loyal_child_that_destroys_its_parent_ends)
{
    lib_boot(1, NULL);
    struct env *p = lib_spawn(&(struct lib_spawn){0, 0, 200, 300, 0, 0, 0});
    lib_call(EXO_SYS_cap_grant, 0, p->id, 0, 0, EXO_ALL << 8);
    lib_start(p);
    struct env *c =
        lib_spawn(&(struct lib_spawn){0, 0, 40, 60, EXO_ENV_LOYAL, 0, 0});
    lib_call(EXO_SYS_cap_grant, 0, c->id, 0, 0, EXO_ALL << 8);
    lib_start(c);
    while (host_env(lib_cpu) == c)
        lib_call(EXO_SYS_env_control, 0, p->id, EXO_ENV_DESTROY, 0, 0);
    want_equal(c->mortem.end, EXO_END_PARENT);
}

CLAIM(burying_in_steps_takes_no_strangers_page)
{
    lib_boot(1, NULL);
    struct env *a = lib_spawn(&(struct lib_spawn){0, GUARD_A, 20, 40, 0, 0, 1});
    exo_page log = a->log_page;
    exo_page leaf = lib_table(0, 1, 0x600000, 0);
    lib_extra(leaf, 0);
    for (unsigned i = 0; i < 100; i++)
        want_equal(lib_bind(0, 0x600000 + i * 0x1000ull, log, 1, EXO_BIND_R),
                   1);
    lib_destroy(a);
    want_equal(lib_call(EXO_SYS_env_control, 0, a->id, EXO_ENV_BURY, 0, 0),
               -EXO_E_AGAIN);
    if (lib_free(log) == 1) {
        struct env *b =
            lib_spawn(&(struct lib_spawn){0, GUARD_B, 20, 40, 0, 0, 0});
        exo_page page = log;
        lib_call(EXO_SYS_page_alloc, 0, GUARD_B, b->id, lib_put(&page, 8), 1);
        want(K.env[K.page_info[log].payer] == b);
        lib_call(EXO_SYS_env_control, 0, a->id, EXO_ENV_BURY, 0, 0);
        want(K.env[K.page_info[log].payer] == b);
        return;
    }
    while (lib_call(EXO_SYS_env_control, 0, a->id, EXO_ENV_BURY, 0, 0) ==
           -EXO_E_AGAIN)
        ;
    want_equal(K.page_info[log].use, EXO_USE_FREE);
}

CLAIM(reaping_the_owner_of_a_slot_spares_the_choice)
{
    lib_boot(1, "slots=1");
    struct env *p = lib_spawn(&(struct lib_spawn){0, 0, 200, 300, 0, 0, 0});
    lib_call(EXO_SYS_cap_grant, 0, p->id, 0, 0, EXO_ALL << 8);
    lib_call(EXO_SYS_slot_set, 0, EXO_SLOT(0, 0), 1, p->id, 0);
    lib_start(p);
    struct env *c =
        lib_spawn(&(struct lib_spawn){0, 0, 40, 60, EXO_ENV_LOYAL, 0, 0});
    lib_call(EXO_SYS_env_control, 0, c->id, EXO_ENV_START, 0, 0);
    lib_switch_to(K.first);
    lib_call(EXO_SYS_env_control, 0, p->id, EXO_ENV_STOP, 0, 0);
    exo_env id = p->id;
    /* Ended by somebody, and reaped only as the owner of the slot. */
    env_end(p, &(struct env_end){.end = EXO_END_DESTROYED});
    for (unsigned i = 0; i < 20; i++)
        lib_call(EXO_SYS_yield, 0, 0, 0, 0, 0);
    want(!env_alive(c));
    want(!env_get(id) || !env_alive(p));
}
