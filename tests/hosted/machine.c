// SPDX-License-Identifier: MIT
/*
 * The simulated machine as a whole: how it boots, going back to an earlier
 * state, and what must always hold. See host.h.
 */
#include "parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "boot/memory.h"
#include "chan/chan.h"
#include "debug/check.h"
#include "env/env.h"
#include "env/first.h"
#include "info/info.h"
#include "lock.h"
#include "net/net.h"
#include "page/page.h"
#include "revoke/revoke.h"
#include "slice/slice.h"
#include "trap/trap.h"

#define KERNEL_PAGES 16 /* at the bottom: "the image" */
#define MODULE_PAGES 2

struct kernel K;
struct hw_flags hw_flags;
struct host_cpu host_cpus[HOST_CPUS];
const char *host_refusal;

/* ---- boot ------------------------------------------------------------- */

/* An ELF program of one page that is never executed. */
static void
make_program(void *to)
{
    static const uint8_t ident[] = {0x7f, 'E', 'L', 'F', 2, 1, 1};
    struct {
        uint8_t ident[16];
        uint16_t type, machine;
        uint32_t version;
        uint64_t entry, phoff, shoff;
        uint32_t flags;
        uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
        uint32_t p_type, p_flags;
        uint64_t offset, vaddr, paddr, filesz, memsz, align;
    } elf = {.type = 2,
             .machine = 62,
             .version = 1,
             .entry = EXO_FIRST_STACK_TOP,
             .phoff = 64,
             .phentsize = 56,
             .phnum = 1,
             .p_type = 1,
             .p_flags = 5,
             .vaddr = EXO_FIRST_STACK_TOP,
             .filesz = 4096,
             .memsz = 4096};
    memcpy(elf.ident, ident, sizeof(ident));
    memcpy(to, &elf, sizeof(elf));
}

static void
describe_memory(const struct host_setup *s)
{
    uint64_t top = (uint64_t)s->pages << EXO_PAGE_SHIFT;
    uint64_t module = top - MODULE_PAGES * EXO_PAGE_BYTES;
    K.boot.cmdline = s->cmdline ? s->cmdline : "";
    K.boot.loader = "test";
    K.boot.nram = K.boot.nregions = 1;
    K.boot.ram[0] = (struct boot_region){0, top};
    K.boot.regions[0] =
        (struct boot_region){KERNEL_PAGES * EXO_PAGE_BYTES, module};
    K.boot.ram_pages_total = s->pages;
    K.boot.top_pa = top;
    K.boot.modules[0] =
        (struct boot_module){module, MODULE_PAGES * EXO_PAGE_BYTES, "test", ""};
    K.boot.nmodules = 1;
    make_program(host_memory(module));
}

static void
describe_cpu(const struct host_setup *s)
{
    struct cpu_features *f = &K.features;
    f->pcid = s->pcid;
    f->invpcid = s->invpcid;
    f->xsave = true;
    f->xcr0 = 7;
    f->xsave_bytes = 832;
    f->phys_bits = 40;
    K.tsc_khz = 1000000;
}

/* The kernel half of every root: entries that lead nowhere but are there. */
static void
make_kernel_root(void)
{
    uint64_t *root = boot_alloc(EXO_PAGE_BYTES, EXO_PAGE_BYTES);
    K.kernel_root_pa = host_pa(root);
    for (unsigned i = 256; i < 512; i++)
        root[i] = (uint64_t)i << EXO_PAGE_SHIFT | EXO_PTE_P | EXO_PTE_W;
}

static void
place_cpu(unsigned i)
{
    struct host_cpu *h = &host_cpus[i];
    h->c = boot_alloc(sizeof(struct cpu), 64);
    h->c->self = h->c;
    h->c->index = h->c->apic_id = i;
    h->c->stack_top = (uint64_t)(h->entry_stack + 8);
    h->alarm = EXO_NEVER;
    h->cr3 = h->c->root_pa = K.kernel_root_pa;
    K.cpu[i] = h->c;
    host_stack_make(h);
}

/* kernel_main(), without the hardware. */
static void
open_rooms(void)
{
    trap_init();
    slice_init();
    env_init();
    net_size();
    info_init();
    net_init();
    page_init();
    for (unsigned i = 0; i < K.ncpus; i++)
        page_expose(K.cpu[i]->info->trace_page, K.cpu[i]->info->trace_pages);
    revoke_init();
    chan_init();
    info_publish();
}

static void
load_first(void)
{
    first_load();
    check_start();
}

static void
schedule(void)
{
    host_arrive();
    struct cpu *c = host_this()->c;
    kernel_lock(c, 256);
    c->info->stamp = c->info->since = hw_rdtsc();
    slice_schedule(c);
}

/* What host_try() runs on the kernel's stack. */
static void (*tried)(void);

static void
try(void)
{
    host_arrive();
    tried();
    host_back();
}

const char *
host_try(void (*act)(void))
{
    host_refusal = NULL;
    tried = act;
    host_stack_make(&host_cpus[0]);
    host_enter(&host_cpus[0], try);
    return host_refusal;
}

void
host_open(const struct host_setup *s)
{
    uint64_t bytes = (uint64_t)s->pages << EXO_PAGE_SHIFT;
    host_memory_make(bytes);
    memset(host_memory(0), 0xa5, bytes); /* nothing is zero by luck */
    host_clock = 1000000;
    describe_memory(s);
    describe_cpu(s);
    make_kernel_root();
    K.ncpus = s->cpus;
    for (unsigned i = 0; i < s->cpus; i++)
        place_cpu(i);
    if (host_try(open_rooms))
        panic("refused: %s", host_refusal);
}

const char *
host_start(void)
{
    if (host_try(load_first))
        return host_refusal;
    for (unsigned i = 0; i < K.ncpus; i++)
        host_enter(&host_cpus[i], schedule);
    host_check();
    return NULL;
}

void
host_boot(const struct host_setup *s)
{
    host_open(s);
    if (host_start())
        panic("refused: %s", host_refusal);
}

/* ---- going back -------------------------------------------------------- */

static struct {
    struct kernel kernel;
    struct host_cpu cpus[HOST_CPUS];
} kept;

void
host_save(void)
{
    host_memory_save();
    host_stack_save();
    kept.kernel = K;
    memcpy(kept.cpus, host_cpus, sizeof(host_cpus));
}

void
host_restore(void)
{
    host_memory_restore();
    host_stack_restore();
    K = kept.kernel;
    host_off = false;
    memcpy(host_cpus, kept.cpus, sizeof(host_cpus));
}

/* ---- what must always hold --------------------------------------------- */

static void
check_root(const struct host_cpu *h)
{
    uint64_t pa = h->c->root_pa;
    if (pa != (h->cr3 & EXO_PTE_PAGE))
        panic("CPU %u: CR3 %lx is not root_pa %lx", h->c->index, h->cr3, pa);
    if (pa == K.kernel_root_pa)
        return;
    const struct exo_page_info *info = &K.page_info[pa >> EXO_PAGE_SHIFT];
    if (info->use != EXO_USE_TABLE || (info->flags & EXO_PAGE_LEVEL) != 0x40)
        panic("CPU %u runs on page %lu, which is no root any more", h->c->index,
              pa >> EXO_PAGE_SHIFT);
}

static void
check_cpu(const struct host_cpu *h)
{
    const struct env *e = host_env(h);
    check_root(h);
    if (!e)
        return;
    if (env_state(e) == EXO_ENV_RUNNING && h->c->root_pa != e->root_pa)
        panic("CPU %u runs env %u on another's root", h->c->index, e->index);
    bool fpu = e->info->flags & EXO_ENV_FPU;
    if (!fpu && (!h->ts || h->fpu))
        panic("env %u may see FPU registers", e->index);
    if (h->user.rip >= EXO_USER_TOP || (h->user.rflags & ~0x200dd5ull) != 0x202)
        panic("env %u runs at %lx with flags %lx", e->index, h->user.rip,
              h->user.rflags);
}

void
host_check(void)
{
    if (host_off)
        return;
    check_all();
    for (unsigned i = 0; i < K.ncpus; i++)
        check_cpu(&host_cpus[i]);
    host_check_tlb();
}
