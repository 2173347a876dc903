// SPDX-License-Identifier: MIT
/* The model's state, the kernel's state in the same form, and the ledger. */
#include "model.h"

#include <stdlib.h>
#include <string.h>

#include "env/env.h"
#include "tlb/tlb.h"

struct model model;

static void
import_page(struct model_page *m, exo_page page)
{
    const struct exo_page_info *info = &K.page_info[page];
    uint64_t *entry = m->entry;
    bool used = info->use >= EXO_USE_DATA;
    *m = (struct model_page){.guard = info->guard,
                             .payer = info->payer,
                             .use = info->use,
                             .first = used ? K.page[page].first : 0};
    if (info->use == EXO_USE_DATA)
        m->large = info->flags & EXO_PAGE_LARGE;
    if (info->use != EXO_USE_TABLE) {
        free(entry);
        return;
    }
    m->level = (uint8_t)table_level(page);
    m->sealed = info->flags & EXO_PAGE_SEALED;
    m->va = K.page[page].va;
    memcpy(m->link, K.page[page].link, sizeof(m->link));
    m->entry = entry ? entry : malloc(EXO_PAGE_BYTES);
    unsigned n = m->level == 4 ? 255 : 512;
    memset(m->entry, 0, EXO_PAGE_BYTES);
    for (unsigned i = 0; i < n; i++)
        m->entry[i] = table_entries(page)[i] & MODEL_PTE;
}

static void
import_env(struct model_env *m, const struct env *e)
{
    memset(m, 0, sizeof(*m));
    if (!e)
        return;
    m->id = e->id;
    m->parent = e->parent ? (uint16_t)e->parent->index : 0;
    m->flags = e->info->flags;
    m->alive = env_alive(e);
    m->guard = e->info->guard;
    m->root = e->root_pa >> EXO_PAGE_SHIFT;
    for (unsigned k = 0; k < EXO_KINDS; k++) {
        m->share[k].reserved = e->info->account[k].reserved;
        m->share[k].limit = e->info->account[k].limit;
    }
    for (unsigned i = 0; i < EXO_CAPS_MAX; i++)
        m->cap[i] = (struct model_cap){e->cap[i].name, e->cap[i].length,
                                       e->cap[i].rights, e->cap[i].opened};
}

void
model_import(struct model *to)
{
    to->npages = (uint32_t)K.npages;
    to->nenvs = K.nenvs;
    if (to->npages > MODEL_PAGES || to->nenvs > MODEL_ENVS ||
        K.ncpus * K.nslots > MODEL_SLOTS)
        panic("the machine is larger than the model");
    for (exo_page p = 1; p < to->npages; p++)
        import_page(&to->page[p], p);
    for (unsigned i = 1; i < to->nenvs; i++)
        import_env(&to->env[i], K.env[i]);
    memcpy(to->slot, K.slot, K.ncpus * K.nslots * sizeof(to->slot[0]));
}

static void
compare_page(exo_page p, const struct model_page *a, const struct model_page *b)
{
    if (a->guard != b->guard || a->payer != b->payer || a->use != b->use ||
        a->level != b->level || a->large != b->large ||
        a->sealed != b->sealed || a->first != b->first ||
        a->link[0] != b->link[0] || a->link[1] != b->link[1])
        panic("page %lu: the model has use %u payer %u guard %lx level %u "
              "large %u sealed %u first %lx, the kernel use %u payer %u guard "
              "%lx level %u large %u sealed %u first %lx",
              p, a->use, a->payer, a->guard, a->level, a->large, a->sealed,
              a->first, b->use, b->payer, b->guard, b->level, b->large,
              b->sealed, b->first);
    for (unsigned i = 0; a->entry && i < 512; i++)
        if (a->entry[i] != b->entry[i])
            panic("table %lu entry %u: the model has %lx, the kernel %lx", p, i,
                  a->entry[i], b->entry[i]);
}

static void
compare_env(unsigned i, const struct model_env *a, const struct model_env *b)
{
    if (a->id != b->id || a->parent != b->parent || a->flags != b->flags ||
        a->alive != b->alive || a->guard != b->guard || a->root != b->root)
        panic("env %u: the model has id %lx parent %u flags %x alive %u root "
              "%lu, the kernel id %lx parent %u flags %x alive %u root %lu",
              i, a->id, a->parent, a->flags, a->alive, a->root, b->id,
              b->parent, b->flags, b->alive, b->root);
    for (unsigned k = 0; k < EXO_KINDS; k++)
        if (a->share[k].reserved != b->share[k].reserved ||
            a->share[k].limit != b->share[k].limit)
            panic("env %u kind %u: the model has %u of %u, the kernel %u of "
                  "%u",
                  i, k, a->share[k].reserved, a->share[k].limit,
                  b->share[k].reserved, b->share[k].limit);
    for (unsigned s = 0; s < EXO_CAPS_MAX; s++)
        if (a->cap[s].name != b->cap[s].name ||
            a->cap[s].length != b->cap[s].length ||
            a->cap[s].rights != b->cap[s].rights ||
            a->cap[s].opened != b->cap[s].opened)
            panic("env %u cap %u differs: the model has %lx/%u rights %u", i, s,
                  a->cap[s].name, a->cap[s].length, a->cap[s].rights);
}

void
model_compare(void)
{
    static struct model kernel;
    model_import(&kernel);
    for (exo_page p = 1; p < model.npages; p++)
        compare_page(p, &model.page[p], &kernel.page[p]);
    for (unsigned i = 1; i < model.nenvs; i++)
        compare_env(i, &model.env[i], &kernel.env[i]);
    for (unsigned i = 0; i < K.ncpus * K.nslots; i++)
        if (model.slot[i].owner != kernel.slot[i].owner ||
            model.slot[i].guard != kernel.slot[i].guard)
            panic("slot %u differs", i);
}

void
model_count(struct model_use use[MODEL_ENVS])
{
    memset(use, 0, MODEL_ENVS * sizeof(use[0]));
    for (exo_page p = 1; p < model.npages; p++) {
        const struct model_page *m = &model.page[p];
        if (m->use < EXO_USE_DATA || !m->payer)
            continue;
        use[m->payer].own++;
        use[m->payer].pinned += m->use > EXO_USE_TAIL;
        for (unsigned i = 0; m->entry && i < 512; i++)
            if (m->entry[i] & EXO_PTE_HEIR)
                for (unsigned e = m->payer; e; e = model.env[e].parent)
                    use[e].promised++;
    }
    for (unsigned i = 1; i < model.nenvs; i++)
        for (unsigned e = i; model.env[i].id && e; e = model.env[e].parent)
            use[e].used += use[i].own;
}

/* Bindings that page tables really have, by page. */
static void
audit_bindings(void)
{
    static uint32_t bound[MODEL_PAGES], writable[MODEL_PAGES],
        executable[MODEL_PAGES];
    memset(bound, 0, sizeof(bound));
    memset(writable, 0, sizeof(writable));
    memset(executable, 0, sizeof(executable));
    for (exo_page p = 1; p < model.npages; p++)
        for (unsigned i = 0; model.page[p].entry && i < 512; i++) {
            uint64_t e = model.page[p].entry[i];
            if (!(e & EXO_PTE_P))
                continue;
            bound[entry_page(e)]++;
            writable[entry_page(e)] += (e & EXO_PTE_W) != 0;
            executable[entry_page(e)] += !(e & EXO_PTE_NX);
        }
    for (exo_page p = 1; p < model.npages; p++) {
        if (bound[p] != K.page_info[p].bindings)
            panic("page %lu has %u bindings, the kernel counts %u", p, bound[p],
                  K.page_info[p].bindings);
        unsigned use = model.page[p].use;
        if (use != EXO_USE_DATA && use != EXO_USE_UAREA &&
            use != EXO_USE_STACK && use != EXO_USE_LOG && use != EXO_USE_NET)
            continue;
        if (writable[p] != K.page[p].nwrite || executable[p] != K.page[p].nexec)
            panic("page %lu: %u writable, %u executable bindings, the kernel "
                  "counts %u, %u",
                  p, writable[p], executable[p], K.page[p].nwrite,
                  K.page[p].nexec);
    }
}

void
model_audit(void)
{
    static struct model_use use[MODEL_ENVS];
    model_count(use);
    audit_bindings();
    for (unsigned i = 1; i < model.nenvs; i++) {
        if (!model.env[i].id)
            continue;
        const struct exo_account *a = &K.env[i]->info->account[EXO_KIND_PAGE];
        if (a->own != use[i].own || a->pinned != use[i].pinned ||
            a->used != use[i].used || a->promised != use[i].promised)
            panic("env %u: counted own %u pinned %u used %u promised %u, its "
                  "account says %u %u %u %u",
                  i, use[i].own, use[i].pinned, use[i].used, use[i].promised,
                  a->own, a->pinned, a->used, a->promised);
        uint32_t slots = 0, envs = 0;
        for (unsigned s = 0; s < K.ncpus * K.nslots; s++)
            slots += model.slot[s].owner == model.env[i].id;
        for (unsigned e = 1; e < model.nenvs; e++)
            envs += model.env[e].id && model.env[e].parent == i;
        if (K.env[i]->info->account[EXO_KIND_SLOT].own != slots ||
            K.env[i]->info->account[EXO_KIND_ENV].own != envs)
            panic("env %u has %u slots and %u children, its account differs", i,
                  slots, envs);
    }
}
