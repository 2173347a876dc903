// SPDX-License-Identifier: MIT
/* Bindings and tables, by the contracts of bind, table_make, link and extra. */
#include "spec.h"

#include <stdlib.h>
#include <string.h>

#define RWX (EXO_BIND_R | EXO_BIND_W | EXO_BIND_X)

bool
spec_judge(const char *call, uint32_t errors, int64_t result)
{
    if (!errors && result < 0)
        panic("%s is refused with %ld and should succeed", call, result);
    if (errors && result >= 0)
        panic("%s succeeds and should be refused (set %x)", call, errors);
    if (errors && !(errors & 1u << -result))
        panic("%s is refused with %ld, which is not in %x", call, result,
              errors);
    return !errors;
}

static struct model_use *
counted(void)
{
    static struct model_use use[MODEL_ENVS];
    model_count(use);
    return use;
}

bool
spec_fits(unsigned env, uint32_t n)
{
    const struct model_use *use = counted();
    for (unsigned e = env; e; e = model.env[e].parent)
        if ((uint64_t)use[e].used + use[e].promised + n >
            model.env[e].share[EXO_KIND_PAGE].limit)
            return false;
    return true;
}

static uint32_t
carved(unsigned env, unsigned kind)
{
    uint32_t n = 0;
    for (unsigned e = 1; e < model.nenvs; e++)
        if (model.env[e].id && model.env[e].parent == env)
            n += model.env[e].share[kind].reserved;
    return n;
}

bool
spec_pins(unsigned env, uint32_t n)
{
    return (uint64_t)counted()[env].pinned + n + carved(env, EXO_KIND_PAGE) <=
           model.env[env].share[EXO_KIND_PAGE].reserved;
}

bool
spec_env_account(const struct model_args *c, int64_t result)
{
    unsigned e = c->a[1] ? spec_env(c->a[1]) : c->me;
    uint32_t kind = (uint32_t)c->a[2], reserved = (uint32_t)c->a[3],
             limit = (uint32_t)c->a[4], errors = 0;
    bool known = kind == EXO_KIND_PAGE || kind == EXO_KIND_ENV ||
                 kind == EXO_KIND_SLOT || kind == EXO_KIND_ATOM ||
                 kind == EXO_KIND_RING;
    if (!known || limit < reserved)
        errors |= ERR(INVAL);
    if (!e)
        errors |= ERR(STALE);
    else if (e != c->me && !spec_covers(spec_cap(c->me, (uint32_t)c->a[0]),
                                        model.env[e].guard, EXO_CONTROL))
        errors |= ERR(CAP);
    if (e && (model.env[e].parent != c->me || !model.env[e].alive))
        errors |= ERR(STATE);
    if (!errors && kind != EXO_KIND_PAGE)
        return false; /* counted elsewhere */
    if (!errors) {
        const struct model_use *use = counted();
        uint32_t old = model.env[e].share[kind].reserved;
        uint64_t parent =
            (uint64_t)carved(c->me, kind) - old + reserved + use[c->me].pinned;
        if (parent > model.env[c->me].share[kind].reserved ||
            reserved < carved(e, kind) + use[e].pinned ||
            limit < use[e].used + use[e].promised)
            errors |= ERR(LIMIT);
    }
    if (spec_judge("env_account", errors, result))
        model.env[e].share[kind] = (struct exo_share){reserved, limit};
    return true;
}

static unsigned
count_entries(exo_page page, uint64_t set, uint64_t clear)
{
    unsigned n = 0;
    for (exo_page p = 1; p < model.npages; p++)
        for (unsigned i = 0; model.page[p].entry && i < 512; i++) {
            uint64_t e = model.page[p].entry[i];
            n += (e & (set | EXO_PTE_P)) == (set | EXO_PTE_P) && !(e & clear) &&
                 (e & EXO_PTE_PAGE) >> 12 == page;
        }
    return n;
}

unsigned
spec_bound(exo_page page)
{
    return count_entries(page, 0, 0);
}

unsigned
spec_writable(exo_page page)
{
    return count_entries(page, EXO_PTE_W, 0);
}

unsigned
spec_executable(exo_page page)
{
    return count_entries(page, 0, EXO_PTE_NX);
}

void
spec_unbind(exo_page table, unsigned index)
{
    uint64_t *e = &model.page[table].entry[index];
    struct model_page *m = &model.page[(*e & EXO_PTE_PAGE) >> 12];
    if (m->first == (table << 9 | index))
        m->first = 0;
    *e = 0;
}

void
spec_bind(exo_page table, unsigned index, exo_page page, uint64_t bits)
{
    struct model_page *m = &model.page[page];
    model.page[table].entry[index] = bits | page << EXO_PAGE_SHIFT;
    if (!m->first && !(bits & EXO_PTE_HEIR))
        m->first = table << 9 | index;
}

bool
spec_room(exo_page page, exo_page table, unsigned index, bool heir)
{
    return (!model.page[page].first && !heir) ||
           model.page[table].link[index >> 8];
}

static uint64_t
bits_of(uint32_t flags)
{
    uint64_t soft = flags >> 16;
    return EXO_PTE_P | EXO_PTE_U | (soft & 7) << 9 | (soft >> 3) << 52 |
           (flags & EXO_BIND_W ? EXO_PTE_W : 0) |
           (flags & EXO_BIND_X ? 0 : EXO_PTE_NX) |
           (flags & EXO_BIND_HEIR ? EXO_PTE_HEIR : 0) |
           (flags & EXO_BIND_LARGE ? EXO_PTE_PS : 0);
}

static bool
run_is_sane(const struct exo_run *r, unsigned shift)
{
    uint32_t known = RWX | EXO_BIND_HEIR | EXO_BIND_SAME | EXO_BIND_CLEAN |
                     EXO_BIND_LARGE | EXO_BIND_SOFT(0x3ff);
    uint64_t bytes = (uint64_t)r->count << shift;
    return r->count && !(r->flags & ~known) &&
           (r->flags & (EXO_BIND_W | EXO_BIND_X)) !=
               (EXO_BIND_W | EXO_BIND_X) &&
           r->va % (1ull << shift) == 0 && r->va >= EXO_USER_MIN &&
           r->va < EXO_USER_TOP && bytes <= EXO_USER_TOP - r->va &&
           !((r->flags & EXO_BIND_LARGE) &&
             ((r->flags & EXO_BIND_HEIR) || r->page % EXO_LARGE_PAGES));
}

/* Rules about the page itself, for a binding that replaces `old`. */
static uint32_t
page_rules(const struct model_args *c, exo_page page, uint32_t flags,
           uint64_t old)
{
    const struct model_page *m = &model.page[page];
    uint32_t errors = 0;
    unsigned rights = flags & EXO_BIND_W ? EXO_READ | EXO_WRITE : EXO_READ;
    if (!spec_covers(spec_cap(c->me, (uint32_t)c->a[0] >> 8), m->guard, rights))
        errors |= ERR(CAP);
    bool shown = m->use == EXO_USE_TABLE || m->use == EXO_USE_EXPOSED;
    bool writable = m->use == EXO_USE_UAREA || m->use == EXO_USE_STACK ||
                    m->use == EXO_USE_LOG;
    if (!shown && !writable && m->use != EXO_USE_DATA)
        return errors | ERR(STATE);
    if ((shown && (flags & (EXO_BIND_W | EXO_BIND_X))) ||
        (writable && (flags & EXO_BIND_X)))
        errors |= ERR(EXCL);
    if (m->large != !!(flags & EXO_BIND_LARGE) ||
        (m->large && m->tails < EXO_LARGE_PAGES - 1))
        errors |= ERR(STATE);
    bool same = (old & EXO_PTE_P) && (old & EXO_PTE_PAGE) >> 12 == page;
    if (m->use != EXO_USE_DATA || (model.env[c->me].flags & EXO_ENV_WX))
        return errors;
    if ((flags & EXO_BIND_W) &&
        spec_executable(page) > (same && !(old & EXO_PTE_NX)))
        errors |= ERR(EXCL);
    if ((flags & EXO_BIND_X) &&
        spec_writable(page) > (same && (old & EXO_PTE_W)))
        errors |= ERR(EXCL);
    return errors;
}

/* One page of a run: the errors that apply; without any, it is done. */
static uint32_t
bind_one(const struct model_args *c, exo_page root, const struct exo_run *r,
         uint64_t va, exo_page page)
{
    unsigned level = r->flags & EXO_BIND_LARGE ? 2 : 1;
    exo_page table = spec_walk(root, va, level);
    if (!table)
        return ERR(TABLE);
    unsigned index = va >> spec_shift(level) & 511;
    uint64_t old = model.page[table].entry[index], bits = bits_of(r->flags);
    uint32_t errors = 0;
    if (level == 2 && (old & EXO_PTE_P) && !(old & EXO_PTE_PS))
        errors |= ERR(TABLE);
    if (!spec_covers(spec_cap(c->me, (uint32_t)c->a[0]),
                     model.page[table].guard, EXO_WRITE))
        errors |= ERR(CAP);
    if ((r->flags & EXO_BIND_X) && model.page[table].sealed)
        errors |= ERR(EXCL);
    if (!(r->flags & (RWX | EXO_BIND_SAME))) {
        if (!errors && (old & EXO_PTE_P))
            spec_unbind(table, index);
        return errors;
    }
    if (r->flags & EXO_BIND_SAME) {
        if (!(old & EXO_PTE_P))
            return errors | ERR(STATE);
        page = (old & EXO_PTE_PAGE) >> 12;
        bits = (bits & ~(EXO_PTE_HEIR | EXO_PTE_PS)) |
               (old & (EXO_PTE_HEIR | EXO_PTE_PS));
        uint32_t flags = (r->flags & ~(uint32_t)EXO_BIND_LARGE) |
                         (old & EXO_PTE_PS ? (uint32_t)EXO_BIND_LARGE : 0);
        errors |= page_rules(c, page, flags, old);
        if (!errors)
            model.page[table].entry[index] = bits | page << 12;
        return errors;
    }
    if (!spec_page(page))
        return errors | ERR(INVAL);
    errors |= page_rules(c, page, r->flags, old);
    bool heir = r->flags & EXO_BIND_HEIR;
    bool again = (old & EXO_PTE_P) && (old & EXO_PTE_PAGE) >> 12 == page &&
                 model.page[page].first == (table << 9 | index) && !heir;
    if (!again && !spec_room(page, table, index, heir))
        errors |= ERR(LINK);
    if (heir && !spec_fits(model.page[table].payer, 1))
        errors |= ERR(LIMIT);
    if (errors)
        return errors;
    if (old & EXO_PTE_P)
        spec_unbind(table, index);
    spec_bind(table, index, page, bits);
    return 0;
}

bool
spec_bind_call(const struct model_args *c, int64_t result)
{
    exo_page root = c->a[1] ? c->a[1] : model.env[c->me].root;
    if (!spec_table(root, 4)) {
        spec_judge("bind", ERR(INVAL), result);
        return true;
    }
    if (!spec_covers(spec_cap(c->me, (uint32_t)c->a[0]), model.page[root].guard,
                     EXO_WRITE)) {
        spec_judge("bind", ERR(CAP), result);
        return true;
    }
    int64_t done = 0;
    for (uint64_t i = 0; i < c->a[3] && (done < result || done == 0); i++) {
        struct exo_run r;
        if (i * 3 + 3 > c->nwords) {
            if (done == 0)
                spec_judge("bind", ERR(FAULT), result);
            return done == result || result < 0;
        }
        memcpy(&r, &c->words[i * 3], sizeof(r));
        unsigned shift = r.flags & EXO_BIND_LARGE ? 21 : 12;
        if (!run_is_sane(&r, shift)) {
            if (done == 0)
                spec_judge("bind", ERR(INVAL), result);
            return true;
        }
        for (uint32_t n = 0; n < r.count && (done < result || !done); n++) {
            uint64_t va = r.va + ((uint64_t)n << shift);
            exo_page page = r.page + ((uint64_t)n << (shift - 12));
            uint32_t errors = bind_one(c, root, &r, va, page);
            if (errors && done == 0) {
                spec_judge("bind", errors, result);
                return true;
            }
            if (errors)
                panic("bind of page %ld succeeds and should be refused with "
                      "%x",
                      done, errors);
            if (done == 0)
                spec_judge("bind", 0, result);
            done++;
        }
    }
    if (done != result && !(done == 0 && result == 0))
        panic("bind did %ld, at most %ld are possible", result, done);
    return true;
}

bool
spec_table_make(const struct model_args *c, int64_t result)
{
    exo_page page = c->a[1];
    uint32_t level = (uint32_t)c->a[2], errors = 0;
    if (!spec_page(page) || level < 1 || level > 4 || c->a[3] >= EXO_USER_TOP) {
        spec_judge("table_make", ERR(INVAL), result);
        return true;
    }
    struct model_page *m = &model.page[page];
    if (!spec_covers(spec_cap(c->me, (uint32_t)c->a[0]), m->guard, EXO_WRITE))
        errors |= ERR(CAP);
    if (m->use != EXO_USE_DATA || m->large)
        errors |= ERR(STATE);
    else if (spec_writable(page) || spec_executable(page))
        errors |= ERR(EXCL);
    if (m->use == EXO_USE_DATA && !spec_pins(m->payer, 1))
        errors |= ERR(LIMIT);
    if (!spec_judge("table_make", errors, result))
        return true;
    m->use = EXO_USE_TABLE;
    m->level = (uint8_t)level;
    m->sealed = false;
    m->va = level == 4 ? 0 : c->a[3] & ~((1ull << spec_shift(level + 1)) - 1);
    m->link[0] = m->link[1] = 0;
    m->entry = calloc(512, 8);
    return true;
}

static exo_page
root_of(const struct model_args *c, uint64_t named)
{
    exo_page root = named ? named : model.env[c->me].root;
    return spec_table(root, 4) ? root : 0;
}

bool
spec_table_link(const struct model_args *c, int64_t result)
{
    uint32_t caps = (uint32_t)c->a[0], level = (uint32_t)c->a[3], errors = 0;
    bool heir = level & EXO_LINK_HEIR;
    exo_page root = root_of(c, c->a[1]), page = c->a[4];
    uint64_t va = c->a[2];
    level &= ~EXO_LINK_HEIR;
    if (!root || level < 1 || level > 3 || va >= EXO_USER_TOP) {
        spec_judge("table_link", ERR(INVAL), result);
        return true;
    }
    if (!spec_covers(spec_cap(c->me, caps), model.page[root].guard, EXO_WRITE))
        errors |= ERR(CAP);
    exo_page upper = spec_walk(root, va, level + 1);
    if (!upper) {
        spec_judge("table_link", errors | ERR(TABLE), result);
        return true;
    }
    struct model_page *u = &model.page[upper];
    struct model_page *m = &model.page[spec_page(page) ? page : 0];
    unsigned index = va >> spec_shift(level + 1) & 511;
    uint64_t old = u->entry[index];
    if (!spec_covers(spec_cap(c->me, caps), u->guard, EXO_WRITE))
        errors |= ERR(CAP);
    if (!page) {
        if (!(old & EXO_PTE_P) || (old & EXO_PTE_PS))
            errors |= ERR(TABLE);
        if (spec_judge("table_link out", errors, result))
            spec_unbind(upper, index);
        return true;
    }
    if (!spec_table(page, level) ||
        (va & ~((1ull << spec_shift(level + 1)) - 1)) != m->va) {
        spec_judge("table_link", errors | ERR(STATE), result);
        return true;
    }
    bool empty = true;
    for (unsigned i = 0; i < 512; i++)
        empty &= !(m->entry[i] & EXO_PTE_P);
    if (!spec_covers(spec_cap(c->me, caps >> 8), m->guard, EXO_WRITE))
        errors |= ERR(CAP);
    if (old & EXO_PTE_P)
        errors |= ERR(BUSY);
    if (u->sealed && !empty)
        errors |= ERR(EXCL);
    if (!spec_room(page, upper, index, heir))
        errors |= ERR(LINK);
    if (heir && !spec_fits(u->payer, 1))
        errors |= ERR(LIMIT);
    if (!spec_judge("table_link", errors, result))
        return true;
    m->sealed |= u->sealed;
    spec_bind(upper, index, page,
              EXO_PTE_P | EXO_PTE_W | EXO_PTE_U | (heir ? EXO_PTE_HEIR : 0));
    return true;
}

bool
spec_table_extra(const struct model_args *c, int64_t result)
{
    uint32_t caps = (uint32_t)c->a[0], half = (uint32_t)c->a[2], errors = 0;
    exo_page table = c->a[1], page = c->a[3];
    if (!spec_page(table) || half > 1 || (page && !spec_page(page))) {
        /* Other errors may apply as well. */
        return result >= 0 ? spec_judge("table_extra", ERR(INVAL), result)
                           : true;
    }
    struct model_page *t = &model.page[table], *m = &model.page[page];
    if (t->use != EXO_USE_TABLE) {
        spec_judge("table_extra", ERR(STATE) | ERR(CAP), result);
        return true;
    }
    if (!spec_covers(spec_cap(c->me, caps), t->guard, EXO_WRITE))
        errors |= ERR(CAP);
    if (!page)
        return errors ? spec_judge("table_extra", errors, result) || true
                      : false; /* empty or not: records are the kernel's */
    if (!spec_covers(spec_cap(c->me, caps >> 8), m->guard, EXO_WRITE))
        errors |= ERR(CAP);
    if (t->link[half])
        errors |= ERR(BUSY);
    if (m->use != EXO_USE_DATA || m->large || spec_bound(page) ||
        m->payer != t->payer)
        errors |= ERR(STATE);
    else if (!spec_pins(m->payer, 1))
        errors |= ERR(LIMIT);
    if (!spec_judge("table_extra", errors, result))
        return true;
    m->use = EXO_USE_LINK;
    t->link[half] = (uint32_t)page;
    return true;
}
