// SPDX-License-Identifier: MIT
/* The env calls: contracts in syscall.def. */
#include "cap/cap.h"
#include "debug/trace.h"
#include "env/env.h"
#include "env/fpu.h"
#include "env/switch.h"
#include "lib/string.h"
#include "lock.h"
#include "page/page.h"
#include "slice/slice.h"
#include "tlb/tlb.h"
#include "tlb/user.h"

/* Flags a user may have set when an env is resumed: arithmetic, TF, DF, ID. */
#define FLAGS_USER 0x200dd5ull
#define FLAGS_SET  0x202ull

static bool
kind_known(unsigned kind)
{
    return kind == EXO_KIND_PAGE || kind == EXO_KIND_ENV ||
           kind == EXO_KIND_SLOT || kind == EXO_KIND_ATOM ||
           kind == EXO_KIND_RING;
}

/* The pages a spec donates, besides the root, in one list. */
struct donation {
    exo_page page[8];
    uint8_t use[8];
    unsigned n;
};

static void
donate(struct donation *d, exo_page page, enum exo_page_use use)
{
    d->page[d->n] = page;
    d->use[d->n++] = (uint8_t)use;
}

static void
list_donation(struct donation *d, const struct exo_env_spec *s)
{
    d->n = 0;
    donate(d, s->save, EXO_USE_SAVE);
    donate(d, s->uarea, EXO_USE_UAREA);
    for (unsigned i = 0; i < 4 && (i == 0 || s->stack[i]); i++)
        donate(d, s->stack[i], EXO_USE_STACK);
    if (s->log)
        donate(d, s->log, EXO_USE_LOG);
    if (s->fpu)
        donate(d, s->fpu, EXO_USE_FPU);
}

/* Is this page one that the caller can donate for that use? 0 or error. */
static int64_t
donation_check(const struct env *me, const struct cap *cap, exo_page page,
               unsigned use)
{
    if (!page_valid(page))
        return -EXO_E_STATE;
    const struct exo_page_info *info = &K.page_info[page];
    if (info->payer != me->index || info->use != EXO_USE_DATA ||
        (info->flags & EXO_PAGE_LARGE) || K.page[page].nexec)
        return -EXO_E_STATE;
    if ((use == EXO_USE_SAVE || use == EXO_USE_FPU) && info->bindings)
        return -EXO_E_STATE;
    return cap_covers(cap, info->guard, EXO_WRITE) ? 0 : -EXO_E_CAP;
}

static int64_t
pages_check(const struct env *me, const struct cap *cap,
            const struct donation *d)
{
    for (unsigned i = 0; i < d->n; i++) {
        int64_t error = donation_check(me, cap, d->page[i], d->use[i]);
        for (unsigned j = 0; j < i; j++)
            if (d->page[j] == d->page[i])
                error = -EXO_E_STATE;
        if (error)
            return error;
    }
    return 0;
}

/* May the new env run on this root, and does the root move to it? */
static int64_t
root_check(const struct env *me, const struct cap *cap, exo_page root,
           bool *moves)
{
    if (!is_table(root, 4))
        return -EXO_E_STATE;
    if (!cap_covers(cap, K.page_info[root].guard, EXO_WRITE))
        return -EXO_E_CAP;
    bool used = K.page[root].users;
    *moves = !used;
    return used || K.page_info[root].payer == me->index ? 0 : -EXO_E_STATE;
}

static unsigned
depth(const struct env *e)
{
    unsigned n = 0;
    for (; e; e = e->parent)
        n++;
    return n;
}

/* Can `me` carve these shares out, and do the donated pages fit them? */
static bool
shares_fit(const struct env *me, const struct exo_share *share, uint32_t pages,
           uint32_t promises)
{
    for (unsigned kind = 0; kind < EXO_KINDS; kind++) {
        const struct exo_account *a = &me->info->account[kind];
        if (share[kind].reserved > a->reserved - a->carved - a->pinned)
            return false;
    }
    return share[EXO_KIND_PAGE].reserved >= pages &&
           share[EXO_KIND_PAGE].limit - pages >= promises &&
           account_fits(me, EXO_KIND_ENV, 1) && depth(me) < EXO_MAX_DEPTH;
}

static int64_t
spec_check(const struct env *me, const struct exo_env_spec *s)
{
    uint32_t flags = EXO_ENV_FPU | EXO_ENV_HIDE | EXO_ENV_WX | EXO_ENV_LOYAL;
    if ((s->flags & ~flags) || !(s->flags & EXO_ENV_FPU) != !s->fpu ||
        s->rip < EXO_USER_MIN || s->rip >= EXO_USER_TOP ||
        (s->cpu != EXO_CPU_ANY && s->cpu >= K.ncpus))
        return -EXO_E_INVAL;
    for (unsigned kind = 0; kind < EXO_KINDS; kind++)
        if (s->share[kind].reserved > s->share[kind].limit ||
            (s->share[kind].limit && !kind_known(kind)))
            return -EXO_E_INVAL;
    if ((s->flags & EXO_ENV_WX) && me != K.first &&
        !(me->info->flags & EXO_ENV_WX))
        return -EXO_E_CAP;
    return 0;
}

static void
take_donation(struct env *e, const struct donation *d)
{
    unsigned stack = 0;
    for (unsigned i = 0; i < d->n; i++) {
        page_repay(d->page[i], e);
        page_hold(d->page[i], d->use[i]);
        switch (d->use[i]) {
        case EXO_USE_UAREA:
            e->uarea_page = d->page[i];
            break;
        case EXO_USE_STACK:
            e->stack_page[stack++] = d->page[i];
            break;
        case EXO_USE_LOG:
            e->log_page = d->page[i];
            break;
        case EXO_USE_FPU:
            e->fpu_page = d->page[i];
            break;
        default:
            break;
        }
    }
    e->uarea = page_kva(e->uarea_page);
    env_set_stack(e, stack);
}

static struct env *
build(struct env *me, const struct exo_env_spec *s, const struct donation *d,
      bool root_moves)
{
    page_clean(s->save);
    struct env *e = env_place(s->save);
    env_adopt(me, e);
    account_charge(me, EXO_KIND_ENV, 1);
    e->info->guard = s->guard;
    e->info->flags = (uint16_t)(s->flags | (me->info->flags & EXO_ENV_HIDE));
    e->cpu = s->cpu;
    if (s->cpu != EXO_CPU_ANY)
        e->queue = &K.cpu[s->cpu]->queue;
    for (unsigned kind = 0; kind < EXO_KINDS; kind++)
        account_set(e, kind, s->share[kind]);
    if (root_moves)
        page_repay(s->root, e);
    take_donation(e, d);
    env_use_root(e, s->root);
    e->full = true;
    e->context = (struct exo_context){
        .rip = s->rip, .rsp = s->rsp, .rdi = s->arg, .rflags = FLAGS_SET};
    if (e->fpu_page)
        fpu_state_reset(page_kva(e->fpu_page));
    env_fill_uarea(e, s->arg);
    trace(hw_this_cpu(), EXO_TRACE_BORN, e, me->index, 0);
    return e;
}

int64_t
sys_env_create(uint32_t caps, EXO_USER(const struct exo_env_spec) spec)
{
    struct env *me = env_self();
    const struct cap *over_pages = cap_slot(me, caps >> 8);
    struct exo_env_spec s;
    if (!user_get(&s, spec, sizeof(s) / 8))
        return -EXO_E_FAULT;
    struct donation d;
    bool root_moves = false;
    int64_t error = spec_check(me, &s);
    if (!error && !cap_covers(cap_slot(me, caps), s.guard, EXO_GRANT))
        error = -EXO_E_CAP;
    if (!error)
        error = root_check(me, over_pages, s.root, &root_moves);
    if (error)
        return error;
    list_donation(&d, &s);
    error = pages_check(me, over_pages, &d);
    uint32_t weight = root_moves ? page_weight(s.root) : 0;
    uint32_t promises = root_moves ? K.page[s.root].heirs : 0;
    if (!error && !shares_fit(me, s.share, d.n + weight, promises))
        error = -EXO_E_LIMIT;
    if (!error && !K.env_free_head)
        error = -EXO_E_NONE;
    if (error)
        return error;
    return (int64_t)build(me, &s, &d, root_moves)->id;
}

/* The env a call names, if the caller may control it. */
static struct env *
controlled(exo_cap cap, exo_env env, int64_t *error)
{
    struct env *me = env_self();
    struct env *e = env ? env_get(env) : me;
    *error = -EXO_E_STALE;
    if (!e || e == me)
        return e;
    *error = -EXO_E_CAP;
    return cap_covers(cap_slot(me, cap), e->info->guard, EXO_CONTROL) ? e
                                                                      : NULL;
}

static int64_t
start(struct env *e)
{
    if (env_state(e) != EXO_ENV_EMBRYO && env_state(e) != EXO_ENV_STOPPED)
        return -EXO_E_STATE;
    if (env_on_cpu(e))
        return -EXO_E_AGAIN;
    env_ready(e);
    env_find_cpu(e);
    return 0;
}

/* Off the queue, heap and CPU; with what it waited for given up. */
static int64_t
stop(struct cpu *c, struct env *e)
{
    switch (env_state(e)) {
    case EXO_ENV_RUNNING:
        e->info->state = EXO_ENV_STOPPED;
        if (c->current == e) {
            env_off_light(c, e, 0);
            slice_schedule(c);
        }
        cpu_kick(K.cpu[e->info->cpu]);
        return 0;
    case EXO_ENV_READY:
        env_unready(e);
        break;
    case EXO_ENV_WAITING:
        env_stop_waiting(e, e->callee ? -EXO_E_STATE : 0);
        break;
    case EXO_ENV_STOPPED:
        return 0;
    default:
        return -EXO_E_STATE;
    }
    e->info->state = EXO_ENV_STOPPED;
    return 0;
}

static int64_t
destroy(struct cpu *c, struct env *e, uint64_t value)
{
    if (e == c->current) {
        env_end(e, &(struct env_end){.end = EXO_END_EXIT, .value = value});
        slice_schedule(c);
    }
    if (env_alive(e)) {
        env_end(e, &(struct env_end){.end = EXO_END_DESTROYED, .value = value});
        return -EXO_E_AGAIN; /* that was a step of its own */
    }
    bool dead = env_reap(e, ENV_REAP_STEP);
    if (!c->current)
        slice_schedule(c); /* the caller was loyal to e, or used its root */
    return dead ? 0 : -EXO_E_AGAIN;
}

static int64_t
bury(struct env *e)
{
    int budget = ENV_REAP_STEP;
    if (env_state(e) != EXO_ENV_DEAD)
        return -EXO_E_STATE;
    if (e->log_page) {
        if (!tlb_break(e->log_page, &budget, env_tell_taken))
            return -EXO_E_AGAIN; /* still held, so nobody else's meanwhile */
        page_unhold(e->log_page);
        page_put(e->log_page);
        e->log_page = 0;
    }
    exo_page save = e->save;
    env_bury(e);
    page_unhold(save);
    page_clean(save); /* the kernel's own words, which its payer may not see */
    page_put(save);
    return 0;
}

int64_t
sys_env_control(exo_cap cap, exo_env env, uint32_t op, uint64_t value)
{
    int64_t error;
    struct env *e = controlled(cap, env, &error);
    if (!e)
        return error;
    switch (op) {
    case EXO_ENV_START:
        return start(e);
    case EXO_ENV_STOP:
        return stop(hw_this_cpu(), e);
    case EXO_ENV_DESTROY:
        return destroy(hw_this_cpu(), e, value);
    case EXO_ENV_BURY:
        return bury(e);
    default:
        return -EXO_E_INVAL;
    }
}

static int64_t
state_read(const struct env *e, uint64_t buf)
{
    struct exo_context x = e->context;
    if (!e->full)
        x = (struct exo_context){.rax = x.rax,
                                 .rip = x.rip,
                                 .rsp = x.rsp,
                                 .rflags = FLAGS_SET,
                                 .fs_base = x.fs_base,
                                 .gs_base = x.gs_base};
    return user_put(buf, &x, sizeof(x) / 8) ? 0 : -EXO_E_FAULT;
}

static int64_t
state_write(struct env *e, uint64_t buf)
{
    struct exo_context x;
    if (!user_get(&x, buf, sizeof(x) / 8))
        return -EXO_E_FAULT;
    if (x.rip < EXO_USER_MIN || x.rip >= EXO_USER_TOP ||
        x.fs_base >= EXO_USER_TOP || x.gs_base >= EXO_USER_TOP)
        return -EXO_E_INVAL;
    x.rflags = (x.rflags & FLAGS_USER) | FLAGS_SET;
    e->context = x;
    e->full = true;
    return 0;
}

static int64_t
fpu_read(const struct env *e, uint64_t buf)
{
    if (!e->fpu_page)
        return -EXO_E_STATE;
    if (!e->fpu_saved)
        fpu_state_reset(page_kva(e->fpu_page)); /* what it will resume with */
    return user_put_bytes(buf, page_kva(e->fpu_page), K.features.xsave_bytes)
               ? 0
               : -EXO_E_FAULT;
}

/* A state that will not do leaves the initial one behind. */
static int64_t
fpu_write(struct env *e, uint64_t buf)
{
    if (!e->fpu_page)
        return -EXO_E_STATE;
    void *area = page_kva(e->fpu_page);
    bool read = user_get_bytes(area, buf, K.features.xsave_bytes);
    e->fpu_saved = true;
    if (read && fpu_state_is_sane(area))
        return 0;
    fpu_state_reset(area);
    return read ? -EXO_E_INVAL : -EXO_E_FAULT;
}

int64_t
sys_env_state(exo_cap cap, exo_env env, uint32_t op, EXO_USER(void) buf)
{
    int64_t error;
    struct env *e = controlled(cap, env, &error);
    if (!e)
        return error;
    unsigned state = env_state(e);
    bool ended = state >= EXO_ENV_DYING;
    bool held = state == EXO_ENV_EMBRYO || state == EXO_ENV_STOPPED;
    if (env_on_cpu(e))
        return e == env_self() ? -EXO_E_STATE : -EXO_E_AGAIN;
    switch (op) {
    case EXO_STATE_READ:
        return held || ended ? state_read(e, buf) : -EXO_E_STATE;
    case EXO_STATE_WRITE:
        return held ? state_write(e, buf) : -EXO_E_STATE;
    case EXO_STATE_FPU_READ:
        return held ? fpu_read(e, buf) : -EXO_E_STATE;
    case EXO_STATE_FPU_WRITE:
        return held ? fpu_write(e, buf) : -EXO_E_STATE;
    case EXO_STATE_MORTEM:
        if (!ended)
            return -EXO_E_STATE;
        return user_put(buf, &e->mortem, sizeof(e->mortem) / 8) ? 0
                                                                : -EXO_E_FAULT;
    default:
        return -EXO_E_INVAL;
    }
}

int64_t
sys_env_account(exo_cap cap, exo_env env, uint32_t kind, uint32_t reserved,
                uint32_t limit)
{
    int64_t error;
    if (!kind_known(kind) || limit < reserved)
        return -EXO_E_INVAL;
    struct env *e = controlled(cap, env, &error);
    if (!e)
        return error;
    if (e->parent != env_self() || !env_alive(e))
        return -EXO_E_STATE;
    return account_set(e, kind, (struct exo_share){reserved, limit})
               ? 0
               : -EXO_E_LIMIT;
}

int64_t
sys_env_root(uint32_t caps, exo_env env, exo_page root)
{
    int64_t error;
    struct cpu *c = hw_this_cpu();
    struct env *e = controlled(caps, env, &error);
    if (!e)
        return error;
    if (!is_table(root, 4))
        return page_valid(root) ? -EXO_E_STATE : -EXO_E_INVAL;
    if (!cap_covers(cap_slot(c->current, caps >> 8), K.page_info[root].guard,
                    EXO_WRITE))
        return -EXO_E_CAP;
    if (e != c->current && env_state(e) != EXO_ENV_EMBRYO &&
        env_state(e) != EXO_ENV_STOPPED)
        return -EXO_E_STATE;
    if (e != c->current && env_on_cpu(e))
        return -EXO_E_AGAIN;
    /* Whoever sealed the root, an env that runs on it keeps it. */
    if ((e->info->flags & EXO_ENV_SEALED) ||
        (K.page_info[e->root_pa >> EXO_PAGE_SHIFT].flags & EXO_PAGE_SEALED))
        return -EXO_E_EXCL;
    env_leave_root(e);
    env_use_root(e, root);
    if (e == c->current)
        flush_load_root(c, e->root_pa);
    return 0;
}
