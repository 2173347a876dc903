// SPDX-License-Identifier: MIT
/*
 * Loading the first env: see first.h. [ELF64]
 *
 * The module is not trusted to be well-formed: every offset and address is
 * checked before it is used. The program's bindings are made with the same
 * tlb_set() that serves the bind call.
 */
#include "env/first.h"

#include "cap/cap.h"
#include "debug/print.h"
#include "env/env.h"
#include "lib/string.h"
#include "page/page.h"
#include "tlb/tlb.h"

#define UPCALL_PAGES 2
#define STACK_PAGES  4
#define SEGMENTS_MAX 16

struct elf_header {
    uint8_t ident[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, phoff, shoff;
    uint32_t flags;
    uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};

struct elf_segment {
    uint32_t type, flags;
    uint64_t offset, vaddr, paddr, filesz, memsz, align;
};

enum { PT_LOAD = 1, PF_X = 1, PF_W = 2, ET_EXEC = 2, EM_X86_64 = 62 };

static const struct elf_header *
elf_check(const struct boot_module *m)
{
    static const uint8_t ident[] = {0x7f, 'E', 'L', 'F', 2, 1, 1};
    const struct elf_header *h = pa_to_kva(m->pa);
    if (m->size < sizeof(*h) || memcmp(h->ident, ident, sizeof(ident)) ||
        h->type != ET_EXEC || h->machine != EM_X86_64)
        boot_refuse("module 0 (%s) is not a static ELF64 x86-64 program",
                    m->text);
    if (h->phentsize != sizeof(struct elf_segment) || h->phnum > SEGMENTS_MAX ||
        h->phoff > m->size ||
        h->phnum * sizeof(struct elf_segment) > m->size - h->phoff ||
        h->phoff % 8)
        boot_refuse("module 0 (%s): its program headers lie outside the file",
                    m->text);
    if (h->entry < EXO_USER_MIN || h->entry >= EXO_USER_TOP)
        boot_refuse("module 0 (%s): its entry point %lx is not a user address",
                    m->text, h->entry);
    return h;
}

static void
segment_check(const struct boot_module *m, const struct elf_segment *s)
{
    if (s->filesz > s->memsz || s->offset > m->size ||
        s->filesz > m->size - s->offset || s->vaddr < EXO_FIRST_STACK_TOP ||
        s->vaddr >= EXO_USER_TOP || s->memsz > EXO_USER_TOP - s->vaddr)
        boot_refuse("module 0 (%s): a segment at %lx lies outside the file or "
                    "the user's addresses",
                    m->text, s->vaddr);
    if ((s->flags & PF_W) && (s->flags & PF_X))
        boot_refuse("module 0 (%s): a segment at %lx is writable and "
                    "executable",
                    m->text, s->vaddr);
}

/* Find or make the tables above `va`; the leaf entry's place. */
static struct place
leaf_place(struct env *e, uint64_t va)
{
    exo_page root = e->root_pa >> EXO_PAGE_SHIFT;
    struct place at;
    for (unsigned level = 3; level >= 1; level--) {
        if (tlb_walk(root, va, level, &at))
            continue;
        bool above = tlb_walk(root, va, level + 1, &at);
        assert(above);
        exo_page table = page_take_any(e, 0);
        table_become(table, level, va);
        tlb_set(&at, table,
                table << EXO_PAGE_SHIFT | EXO_PTE_P | EXO_PTE_W | EXO_PTE_U);
    }
    bool found = tlb_walk(root, va, 1, &at);
    assert(found);
    return at;
}

static void
bind_page(struct env *e, uint64_t va, exo_page page, uint32_t elf_flags)
{
    struct place at = leaf_place(e, va);
    if (*at.entry & EXO_PTE_P)
        boot_refuse("module 0: two segments share the page at %lx; align them",
                    va);
    tlb_set(&at, page,
            page << EXO_PAGE_SHIFT | EXO_PTE_P | EXO_PTE_U |
                (elf_flags & PF_W ? EXO_PTE_W : 0) |
                (elf_flags & PF_X ? 0 : EXO_PTE_NX));
}

static void
segment_load(struct env *e, const struct boot_module *m,
             const struct elf_segment *s)
{
    const char *file = (const char *)pa_to_kva(m->pa) + s->offset;
    uint64_t end = s->vaddr + s->memsz;
    for (uint64_t va = s->vaddr & ~0xfffull; va < end; va += EXO_PAGE_BYTES) {
        exo_page page = page_take_any(e, 0);
        uint64_t from = va > s->vaddr ? va - s->vaddr : 0;
        uint64_t skip = va > s->vaddr ? 0 : s->vaddr - va;
        if (from < s->filesz) {
            uint64_t n = s->filesz - from;
            if (n > EXO_PAGE_BYTES - skip)
                n = EXO_PAGE_BYTES - skip;
            memcpy((char *)page_kva(page) + skip, file + from, n);
            K.page_info[page].flags &= (uint8_t)~EXO_PAGE_ZERO;
        }
        bind_page(e, va, page, s->flags);
    }
}

static exo_page
own_page(struct env *e, uint64_t va, enum exo_page_use use)
{
    exo_page page = page_take_any(e, 0);
    if (use != EXO_USE_DATA)
        page_hold(page, use);
    bind_page(e, va, page, PF_W);
    return page;
}

/* The first env pays for its save page like for any other, but needs to exist
 * for that: the page is taken by hand. */
static struct env *
place_first(void)
{
    exo_page save = page_find();
    memset(page_kva(save), 0, EXO_PAGE_BYTES);
    struct env *e = env_place(save);
    K.first = e;
    for (unsigned kind = 0; kind < EXO_KINDS; kind++)
        e->info->account[kind].reserved = e->info->account[kind].limit =
            UINT32_MAX;
    K.page_info[save].flags |= EXO_PAGE_ZERO; /* or it would be zeroed again */
    page_take(save, e, 0);
    page_hold(save, EXO_USE_SAVE);
    return e;
}

static void
give_modules(struct env *e)
{
    for (unsigned i = 0; i < K.boot.nmodules; i++) {
        const struct boot_module *m = &K.boot.modules[i];
        if (!m->size)
            continue; /* wherever it claims to be */
        exo_page first = m->pa >> EXO_PAGE_SHIFT;
        exo_page end = (m->pa + m->size + EXO_PAGE_BYTES - 1) >> EXO_PAGE_SHIFT;
        for (; first < end; first++) /* two may share a page */
            if (K.page_info[first].payer == 0)
                page_adopt(first, 1, e);
    }
}

/* All there is, for each kind: what the kernel does not keep. */
static void
set_accounts(struct env *e)
{
    const uint64_t total[EXO_KINDS] = {
        [EXO_KIND_PAGE] = K.machine->pages_total - K.machine->pages_kernel,
        [EXO_KIND_ENV] = K.nenvs - 2,
        [EXO_KIND_SLOT] = K.ncpus * K.nslots,
        [EXO_KIND_ATOM] = K.net.natoms,
        [EXO_KIND_RING] = K.net.nifaces - 1,
    };
    for (unsigned kind = 0; kind < EXO_KINDS; kind++) {
        struct exo_account *a = &e->info->account[kind];
        a->reserved = a->limit = (uint32_t)total[kind];
    }
    /* It is everybody's ancestor: a limit would refuse as LIMIT, to all, what
     * a page allocation answers with WAIT or NONE when nothing is free. */
    e->info->account[EXO_KIND_PAGE].limit = UINT32_MAX;
}

void
first_load(void)
{
    if (!K.boot.nmodules)
        boot_refuse("no boot module: pass the first program, e.g. "
                    "-initrd build/apps/init");
    const struct boot_module *m = &K.boot.modules[0];
    const struct elf_header *h = elf_check(m);
    struct env *e = place_first();
    exo_page root = page_take_any(e, 0);
    table_become(root, 4, 0);
    env_use_root(e, root);
    e->cap[0] = (struct cap){.rights = EXO_ALL};
    const struct elf_segment *s =
        (const void *)((const char *)pa_to_kva(m->pa) + h->phoff);
    for (unsigned i = 0; i < h->phnum; i++) {
        if (s[i].type != PT_LOAD || !s[i].memsz)
            continue;
        segment_check(m, &s[i]);
        segment_load(e, m, &s[i]);
    }
    e->uarea_page = own_page(e, EXO_FIRST_UAREA, EXO_USE_UAREA);
    e->uarea = page_kva(e->uarea_page);
    e->log_page = own_page(e, EXO_FIRST_LOG, EXO_USE_LOG);
    for (unsigned i = 0; i < UPCALL_PAGES; i++)
        e->stack_page[i] =
            own_page(e, EXO_FIRST_UPCALL + i * EXO_PAGE_BYTES, EXO_USE_STACK);
    env_set_stack(e, UPCALL_PAGES);
    for (unsigned i = 1; i <= STACK_PAGES; i++)
        own_page(e, EXO_FIRST_STACK_TOP - i * EXO_PAGE_BYTES, EXO_USE_DATA);
    give_modules(e);
    set_accounts(e);
    e->full = true;
    e->context = (struct exo_context){
        .rip = h->entry, .rsp = EXO_FIRST_STACK_TOP - 8, .rflags = 0x202};
    env_fill_uarea(e, 0);
    e->uarea->stack_base = EXO_FIRST_UPCALL;
    env_ready(e);
}
