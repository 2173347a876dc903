// SPDX-License-Identifier: MIT
/*
 * Before and after a test: see test.h. [xv6 usertests: countfree]
 *
 * What the first env pays for at the start is remembered, page by page. After a
 * test everything else is taken back with ordinary calls; then the exposed
 * ledger must be what it was. A difference is a leak, of the kernel's.
 */
#include "lib.h"

#define PAGES_MAX (1u << 21) // 8 GiB

static uint64_t mine[PAGES_MAX / 64]; // bit: I paid for the page at the start
static struct exo_account before[EXO_KINDS];
static uint64_t free_before;
static uint64_t traits_before; // of the pages I paid for

static const struct exo_page_info *
info_of(exo_page page)
{
    return exo_page_info(page);
}

static bool
was_mine(exo_page page)
{
    return mine[page / 64] >> page % 64 & 1;
}

/* Use, flags, guard and bindings of the remembered pages, in one number. */
static uint64_t
traits(void)
{
    uint64_t sum = 0;
    for (exo_page page = 1; page < exo_machine()->npages; page++) {
        const struct exo_page_info *i = info_of(page);
        if (was_mine(page))
            sum = sum * 31 + i->guard + i->bindings * 7 + i->use +
                  (i->flags & (uint8_t)~EXO_PAGE_ZERO) + i->payer;
    }
    return sum;
}

void
clean_remember(void)
{
    static bool prepared;
    if (!prepared) {
        prepared = true;
        peek_prepare();
        kid_prepare();
    }
    CHECK(exo_machine()->npages <= PAGES_MAX);
    uint16_t index = (uint16_t)EXO_ENV_INDEX(self());
    for (exo_page page = 1; page < exo_machine()->npages; page++) {
        uint64_t bit = UINT64_C(1) << page % 64;
        mine[page / 64] &= ~bit;
        mine[page / 64] |= info_of(page)->payer == index ? bit : 0;
    }
    for (unsigned kind = 0; kind < EXO_KINDS; kind++)
        before[kind] = ME->account[kind];
    free_before = exo_machine()->pages_free;
    traits_before = traits();
}

/* Envs: a dead one's children come to me, so again until there is none. */
static void
clean_envs(void)
{
    for (bool found = true; found;) {
        found = false;
        for (uint32_t i = 1; i < exo_machine()->nenvs; i++) {
            const struct exo_env_info *e = exo_env_info(i);
            if (!e->id || e->parent != self())
                continue;
            found = true;
            control(e->id, EXO_ENV_DESTROY);
            EQ(control(e->id, EXO_ENV_BURY), 0);
        }
    }
}

/* Interfaces and filters of mine. */
static void
clean_net(void)
{
    const struct exo_net_info *net = exo_net_info();
    uint16_t index = (uint16_t)EXO_ENV_INDEX(self());
    for (uint32_t i = 1; i < net->nifaces; i++) {
        const struct exo_iface_info *iface = exo_iface_info(i);
        while (iface->id && iface->env == index)
            if (exo_net_close(ROOT_CAP, iface->id) == -EXO_E_AGAIN)
                pause_here();
    }
    for (uint32_t i = 1; i < net->nfilters; i++) {
        const struct exo_filter_info *filter = exo_filter_info(i);
        while (filter->id && filter->payer == index)
            exo_filter_remove(ROOT_CAP, filter->id);
    }
}

static void
clean_slots(void)
{
    for (uint32_t cpu = 0; cpu < NCPUS; cpu++)
        for (uint32_t n = 0; n < exo_machine()->nslots; n++)
            if (exo_slot_info(cpu, n)->owner || exo_slot_info(cpu, n)->guard)
                EQ(exo_slot_set(CAPS, EXO_SLOT(cpu, n), 1, EXO_NEVER, 0), 1);
}

/* Pages of one use that the test left. Table pages go first: with them go all
 * bindings of the others. */
static void
clean_pages(unsigned use)
{
    uint16_t index = (uint16_t)EXO_ENV_INDEX(self());
    for (exo_page page = 1; page < exo_machine()->npages; page++) {
        const struct exo_page_info *i = info_of(page);
        if (i->payer != index || i->use != use || was_mine(page))
            continue;
        if (i->flags & EXO_PAGE_LARGE && use == EXO_USE_DATA)
            EQ(exo_page_size(ROOT_CAP, page, 0), 0);
        page_gone(page);
    }
}

static void
clean_self(void)
{
    struct exo_uarea *u = uarea();
    for (unsigned vector = 0; vector < EXO_VECTORS; vector++)
        on_upcall(u, vector, NULL);
    memset(own_of(u), 0, sizeof(struct own));
    for (exo_cap slot = 1; slot < EXO_CAPS_MAX; slot++)
        EQ(exo_cap_drop(slot), 0);
    exo_trace(ROOT_CAP, EXO_TRACE_DEFAULT);
    u->event_upcall = 0;
    u->release_count = 0;
    u->taken.count = u->taken.more = 0;
    u->mask = 0;
    __atomic_exchange_n(&u->events, 0, __ATOMIC_ACQ_REL);
    __atomic_exchange_n(&u->pending, 0, __ATOMIC_ACQ_REL);
}

void
clean_up(void)
{
    clean_self();
    clean_envs();
    kid_forget_all();
    clean_slots();
    clean_net();
    clean_pages(EXO_USE_TABLE);
    clean_pages(EXO_USE_DATA);
    clean_self();
}

const char *
clean_difference(void)
{
    static char text[160];
    const struct exo_machine *m = exo_machine();
    const char *fault = ledger_fault();
    if (fault)
        return fault;
    for (unsigned kind = 0; kind < EXO_KINDS; kind++) {
        const struct exo_account *a = &ME->account[kind], *b = &before[kind];
        const uint32_t is[] = {a->used,   a->own,      a->carved,
                               a->pinned, a->promised, a->reserved},
                       was[] = {b->used,   b->own,      b->carved,
                                b->pinned, b->promised, b->reserved};
        static const char *const field[] = {"used",   "own",      "carved",
                                            "pinned", "promised", "reserved"};
        for (unsigned i = 0; i < ARRAY_SIZE(is); i++) {
            if (is[i] == was[i])
                continue;
            text_format(text, sizeof(text),
                        "account of kind %u: %s is %u and was %u", kind,
                        field[i], is[i], was[i]);
            return text;
        }
    }
    if (m->pages_free != free_before)
        text_format(text, sizeof(text), "%ld pages more are free than before",
                    (long)(m->pages_free - free_before));
    else if (m->pages_limbo || m->pages_earmarked)
        text_format(text, sizeof(text), "%lu pages in limbo, %lu earmarked",
                    m->pages_limbo, m->pages_earmarked);
    else if (traits() != traits_before)
        text_format(text, sizeof(text), "pages of the first env changed");
    else
        return NULL;
    return text;
}

/* Pages that the exposed table says are free, the kernel's, and each env's. */
const char *
ledger_fault(void)
{
    static uint32_t own[65536];
    static char text[160];
    const struct exo_machine *m = exo_machine();
    uint64_t free = 0, owned = 0;
    memset(own, 0, m->nenvs * sizeof(own[0]));
    for (exo_page page = 1; page < m->npages; page++) {
        const struct exo_page_info *i = info_of(page);
        free += i->use == EXO_USE_FREE;
        owned += i->payer != 0;
        own[i->payer]++;
    }
    uint32_t used = ME->account[EXO_KIND_PAGE].used;
    if (free != m->pages_free || owned != used ||
        m->pages_total !=
            m->pages_kernel + m->pages_free + used + m->pages_limbo) {
        text_format(text, sizeof(text),
                    "ledger: total %lu, kernel %lu, free %lu (seen %lu), used "
                    "%u (seen %lu)",
                    m->pages_total, m->pages_kernel, m->pages_free, free, used,
                    owned);
        return text;
    }
    for (uint32_t n = 1; n < m->nenvs; n++) {
        const struct exo_env_info *e = exo_env_info(n);
        if (!e->id || e->account[EXO_KIND_PAGE].own == own[n])
            continue;
        text_format(text, sizeof(text),
                    "ledger: env %u pays for %u pages, its account says %u", n,
                    own[n], e->account[EXO_KIND_PAGE].own);
        return text;
    }
    return NULL;
}
