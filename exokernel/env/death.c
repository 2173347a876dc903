// SPDX-License-Identifier: MIT
/*
 * How an env ends: at once for itself, in bounded steps for what it held.
 *
 * env_end() writes the post-mortem record, takes the env off queue, heap and
 * CPU and tells the parent; from then on it never runs. env_reap() takes apart
 * what it held, a bounded part at a time: children, calls that wait for it,
 * slots, what other rooms hold, the root, then page by page to heirs or the
 * free list. It is driven by whoever destroys the env, by idle CPUs and by
 * allocations that find nothing free.
 */
#include "cap/cap.h"
#include "debug/trace.h"
#include "drv/power.h"
#include "debug/print.h"
#include "env/env.h"
#include "env/switch.h"
#include "lib/string.h"
#include "page/page.h"
#include "tlb/tlb.h"

void (*env_on_end)(struct env *e);
bool (*env_on_reap)(struct env *e, int *budget);

#define CHILD_PRICE     ENV_REAP_STEP /* it may have to be ended, with a record */
#define CALLERS_AT_ONCE 4   /* told at the end itself, the rest by reaping */
#define SWEEP_STEP      128 /* slots or envs looked at in one step */

/* Where an env's memory at `va` is, through its tables; NULL: not bound. Good
 * up to the end of the page. */
static const void *
peek(const struct env *e, uint64_t va)
{
    struct place at;
    exo_page root = e->root_pa >> EXO_PAGE_SHIFT;
    if (va >= EXO_USER_TOP || !root)
        return NULL;
    for (unsigned level = 1; level <= 2; level++) {
        if (!tlb_walk(root, va, level, &at) || !(*at.entry & EXO_PTE_P) ||
            (level == 2 && !(*at.entry & EXO_PTE_PS)))
            continue;
        uint64_t in_page = va & ((1ull << level_shift(level)) - 1);
        return (char *)page_kva(entry_page(*at.entry)) + in_page;
    }
    return NULL;
}

/* The words from the top of the stack up, as far as it is bound. */
static uint32_t
copy_stack(const struct env *e, uint64_t va, uint64_t *to)
{
    uint32_t n = 0;
    while (n < EXO_MORTEM_STACK) {
        const uint64_t *from = peek(e, va);
        if (!from)
            break;
        do
            to[n++] = *from++;
        while ((va += 8) % EXO_PAGE_BYTES && n < EXO_MORTEM_STACK);
    }
    return n;
}

static void
context_of_frame(struct exo_context *x, const struct exo_frame *f)
{
    x->rax = f->rax, x->rcx = f->rcx, x->rdx = f->rdx, x->rsi = f->rsi;
    x->rdi = f->rdi, x->r8 = f->r8, x->r9 = f->r9, x->r10 = f->r10;
    x->r11 = f->r11, x->rip = f->rip, x->rsp = f->rsp, x->rflags = f->rflags;
}

static void
write_mortem(struct env *e, const struct env_end *why)
{
    struct exo_mortem *m = &e->mortem;
    m->env = e->id;
    m->end = why->end;
    m->vector = why->vector;
    m->value = why->value;
    m->addr = why->addr;
    m->born = e->info->born;
    m->died = hw_rdtsc();
    m->context = e->context;
    if (why->frame)
        context_of_frame(&m->context, why->frame);
    m->nstack = copy_stack(e, m->context.rsp & ~7ull, m->stack);
    for (unsigned i = 0; i < EXO_KINDS; i++)
        m->used[i] = e->info->account[i].used;
    m->ntrace = trace_collect(K.cpu[e->info->cpu], (uint16_t)e->index, m->trace,
                              EXO_MORTEM_TRACE);
}

static const char *
end_text(enum exo_end end)
{
    static const char *const text[] = {
        [EXO_END_EXIT] = "exit",
        [EXO_END_DESTROYED] = "destroyed",
        [EXO_END_FAULT] = "unhandled exception",
        [EXO_END_STACK] = "upcall stack exhausted",
        [EXO_END_HANDLER] = "invalid handler address",
        [EXO_END_PARENT] = "its parent died",
        [EXO_END_ROOT] = "its root table was taken",
        [EXO_END_PAGE] = "a page that held it was taken",
    };
    return text[end];
}

/* The kernel's own line in the env's log: needs neither init nor the libOS. */
static void
log_end(const struct env *e, const struct env_end *why)
{
    if (!e->log_page || why->end == EXO_END_EXIT)
        return;
    struct exo_log *log = page_kva(e->log_page);
    char line[128];
    uint64_t head = __atomic_load_n(&log->head, __ATOMIC_RELAXED);
    bool amid = head && log->text[(head - 1) % EXO_LOG_BYTES] != '\n';
    size_t n = format_text(line, sizeof(line),
                           "%s[kernel: %s, vector %u, error %lx, address %lx, "
                           "rip %lx]\n",
                           amid ? "\n" : "", end_text(why->end), why->vector,
                           why->value, why->addr, e->mortem.context.rip);
    size_t at = head % EXO_LOG_BYTES;
    size_t first = n < EXO_LOG_BYTES - at ? n : EXO_LOG_BYTES - at;
    memcpy(log->text + at, line, first);
    memcpy(log->text, line + first, n - first);
    __atomic_store_n(&log->head, head + n, __ATOMIC_RELEASE);
}

static _Noreturn void
first_env_ended(const struct env *e)
{
    const struct exo_mortem *m = &e->mortem;
    printk("exo: the first program ended: %s, vector %u, error or status %lx, "
           "address %lx, rip %lx\n",
           end_text(m->end), m->vector, m->value, m->addr, m->context.rip);
    for (unsigned i = 0; i < m->nstack; i += 4)
        printk("exo:   %lx: %lx %lx %lx %lx\n", m->context.rsp + 8 * i,
               m->stack[i], m->stack[i + 1], m->stack[i + 2], m->stack[i + 3]);
    printk("exo: nothing is left to run; powering off\n");
    power_off(REFUSE_EXIT);
}

static void
off_the_machine(struct env *e)
{
    struct cpu *here = hw_this_cpu();
    unsigned state = env_state(e);
    if (state == EXO_ENV_READY)
        env_unready(e);
    else if (state == EXO_ENV_WAITING)
        env_stop_waiting(e, 0);
    e->info->state = EXO_ENV_DYING;
    if (state == EXO_ENV_RUNNING) {
        struct cpu *c = K.cpu[e->info->cpu];
        if (c == here && c->current == e)
            env_off(c, e, false);
        else
            cpu_kick(c);
    }
    env_timer_cancel(e, TIMER_REVOKE);
}

/* Who waits for a reply of e will get none. */
static bool
wake_callers(struct env *e, int *budget)
{
    while (!ring_is_empty(&e->callers)) {
        if (--*budget < 0)
            return false;
        env_wake(ring_first(&e->callers), -EXO_E_DEAD);
    }
    return true;
}

void
env_end(struct env *e, const struct env_end *why)
{
    assert(env_alive(e));
    trace(hw_this_cpu(), EXO_TRACE_END, e, why->end, why->value);
    off_the_machine(e);
    env_on_end(e);
    write_mortem(e, why);
    log_end(e, why);
    for (unsigned i = 0; i < ARRAY_SIZE(K.chan); i++)
        if (K.chan[i].listener == e)
            K.chan[i].listener = NULL;
    if (e == K.first)
        first_env_ended(e);
    e->dying_prev = NULL;
    e->dying_next = K.dying_head;
    if (e->dying_next)
        e->dying_next->dying_prev = e;
    K.dying_head = e;
    e->reap_slot = 0;
    int at_once = CALLERS_AT_ONCE;
    wake_callers(e, &at_once);
    if (env_alive(e->parent))
        env_ring(e->parent, EXO_EVENT_CHILD);
}

/* A pinned page moves to an ancestor, and with it the reservation for it. */
static void
move_held(struct env *e, exo_page page, struct env *heir)
{
    for (struct env *p = e; p != heir; p = p->parent) {
        p->info->account[EXO_KIND_PAGE].reserved--;
        p->parent->info->account[EXO_KIND_PAGE].carved--;
    }
    page_repay(page, heir);
}

/* The reservation goes back to the parent; a grandchild's was part of it. */
static void
pass_on_child(struct env *e, struct env *child)
{
    struct env *heir = e->parent;
    while (!env_alive(heir))
        heir = heir->parent;
    if (env_alive(child) && (child->info->flags & EXO_ENV_LOYAL))
        env_end(child, &(struct env_end){.end = EXO_END_PARENT});
    if (child->closed) { /* its save and log page are e's already */
        move_held(e, child->save, heir);
        if (child->log_page)
            move_held(e, child->log_page, heir);
    }
    env_move(child, heir);
}

static bool
reap_children(struct env *e, int *budget)
{
    while (e->child) {
        if ((*budget -= CHILD_PRICE) < 0)
            return false;
        pass_on_child(e, e->child);
    }
    return true;
}

static bool
reap_slots(struct env *e, int *budget)
{
    struct exo_account *a = &e->info->account[EXO_KIND_SLOT];
    uint32_t stop = e->reap_slot + SWEEP_STEP;
    for (; a->own && e->reap_slot < K.ncpus * K.nslots; e->reap_slot++) {
        struct exo_slot *slot = &K.slot[e->reap_slot];
        if (e->reap_slot == stop || *budget <= 0)
            return false;
        if (slot->owner != e->id)
            continue;
        *slot = (struct exo_slot){0, 0};
        account_refund(e, EXO_KIND_SLOT, 1);
        --*budget;
    }
    for (unsigned i = 0; i < K.ncpus; i++)
        if (K.cpu[i]->slot_owner == e)
            K.cpu[i]->slot_owner = NULL;
    return true;
}

/* A root that other envs run on moves to the first of them that can pay; who
 * cannot ends. */
static void
pass_on_root(exo_page root)
{
    while (K.page[root].users) {
        struct env *other = K.env[K.page[root].users];
        uint32_t n = page_weight(root);
        if (env_alive(other) &&
            account_fits(other, EXO_KIND_PAGE, page_burden(root)) &&
            account_pins(other, EXO_KIND_PAGE, n)) {
            page_repay(root, other);
            return;
        }
        if (env_alive(other))
            env_end(other, &(struct env_end){.end = EXO_END_ROOT});
        env_leave_root(other);
    }
}

/* Give the reservation back and the two pages that outlive the env to the
 * parent, whose reservation covers them again. */
static void
close_account(struct env *e)
{
    if (e->closed)
        return;
    e->closed = true;
    for (unsigned kind = 0; kind < EXO_KINDS; kind++) {
        struct exo_account *a = &e->info->account[kind];
        e->parent->info->account[kind].carved -= a->reserved;
        a->reserved = a->limit = 0;
    }
    account_unsort(e);
    page_repay(e->save, e->parent);
    if (e->log_page)
        page_repay(e->log_page, e->parent);
    memset(e->cap, 0, sizeof(e->cap));
}

static void
unhold_own_pages(struct env *e)
{
    if (!e->uarea_page)
        return;
    page_unhold(e->uarea_page);
    for (unsigned i = 0; i < ARRAY_SIZE(e->stack_page); i++)
        if (e->stack_page[i])
            page_unhold(e->stack_page[i]);
    if (e->fpu_page)
        page_unhold(e->fpu_page);
    e->uarea_page = e->fpu_page = 0;
}

/* Tables and their link pages first: they unbind most of the rest. */
static bool
reap_pages(struct env *e, int *budget)
{
    while (e->held || e->pages) {
        exo_page page = e->held ? e->held : e->pages;
        if (K.page_info[page].use == EXO_USE_LINK)
            page = K.page[page].va; /* its table takes it along */
        if (is_table(page, 4) && K.page[page].users) {
            pass_on_root(page);
            continue;
        }
        if (K.page_info[page].use == EXO_USE_TAIL)
            page &= ~(exo_page)(EXO_LARGE_PAGES - 1);
        if (!tlb_drop(page, budget, env_tell_taken))
            return false;
    }
    return true;
}

static void
unlist(struct env *e)
{
    if (e->dying_prev)
        e->dying_prev->dying_next = e->dying_next;
    else
        K.dying_head = e->dying_next;
    if (e->dying_next)
        e->dying_next->dying_prev = e->dying_prev;
}

bool
env_reap(struct env *e, int budget)
{
    if (env_state(e) == EXO_ENV_DEAD)
        return true;
    if (env_on_cpu(e))
        return false; /* kicked, but has not come round yet */
    if (!reap_children(e, &budget) || !wake_callers(e, &budget) ||
        !reap_slots(e, &budget) || !env_on_reap(e, &budget))
        return false;
    if (e->root_pa)
        env_leave_root(e);
    close_account(e);
    unhold_own_pages(e);
    if (!reap_pages(e, &budget))
        return false;
    unlist(e);
    e->info->state = EXO_ENV_DEAD;
    if (env_alive(e->parent))
        env_ring(e->parent, EXO_EVENT_CHILD);
    return true;
}

bool
env_reap_any(void)
{
    if (!K.dying_head)
        return false;
    env_reap(K.dying_head, ENV_REAP_STEP);
    return true;
}
