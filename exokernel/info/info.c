// SPDX-License-Identifier: MIT
/* Laying out and mapping the exposed pages: see info.h. */
#include "info/info.h"

#include "boot/memory.h"
#include "debug/trace.h"
#include "drv/rtc.h"
#include "hw.h"
#include "kernel.h"
#include "lib/string.h"

#define LARGE_BYTES 0x200000ull
#define ENTRY_INFO  (EXO_PTE_P | EXO_PTE_U | EXO_PTE_NX) /* not global: HIDE */

static uint64_t
round_up(uint64_t n, uint64_t to)
{
    return (n + to - 1) & ~(to - 1);
}

static uint64_t *
table_under(uint64_t *table, unsigned index)
{
    if (!(table[index] & EXO_PTE_P))
        table[index] = kva_to_pa(boot_alloc(EXO_PAGE_BYTES, EXO_PAGE_BYTES)) |
                       EXO_PTE_P | EXO_PTE_U;
    return pa_to_kva(table[index] & EXO_PTE_PAGE);
}

/* Map physically contiguous memory at an offset from EXO_INFO. */
static void
map(uint64_t offset, uint64_t pa, uint64_t bytes)
{
    uint64_t *top = pa_to_kva(K.pages_info_pa);
    for (uint64_t done = 0; done < bytes;) {
        uint64_t at = offset + done;
        uint64_t *pd = table_under(top, at >> 30 & 511);
        bool large = at % LARGE_BYTES == 0 && (pa + done) % LARGE_BYTES == 0 &&
                     bytes - done >= LARGE_BYTES;
        if (large)
            pd[at >> 21 & 511] = (pa + done) | ENTRY_INFO | EXO_PTE_PS;
        else
            table_under(pd, at >> 21 & 511)[at >> 12 & 511] =
                (pa + done) | ENTRY_INFO;
        done += large ? LARGE_BYTES : EXO_PAGE_BYTES;
    }
}

/* Allocate an exposed table behind *end and map it. */
static void *
expose(uint64_t *end, uint64_t *offset, uint64_t bytes)
{
    uint64_t align = bytes >= LARGE_BYTES ? LARGE_BYTES : EXO_PAGE_BYTES;
    bytes = round_up(bytes, EXO_PAGE_BYTES);
    void *table = boot_alloc(bytes, align);
    *offset = round_up(*end, align);
    *end = *offset + bytes;
    map(*offset, kva_to_pa(table), bytes);
    return table;
}

/* The net room's tables. */
static void
expose_net(uint64_t *end)
{
    struct exo_net_info *net = K.net.info =
        expose(end, &K.machine->net, sizeof(*net));
    K.net.filter_info = expose(end, &net->filters,
                               K.net.nfilters * sizeof(struct exo_filter_info));
    K.net.iface_info = expose(end, &net->ifaces,
                              K.net.nifaces * sizeof(struct exo_iface_info));
}

void
info_init(void)
{
    uint64_t end = 0, zero;
    K.pages_info_pa = kva_to_pa(boot_alloc(EXO_PAGE_BYTES, EXO_PAGE_BYTES));
    struct exo_machine *m = K.machine =
        expose(&end, &zero, sizeof(struct exo_machine));
    m->cpu_stride = round_up(sizeof(struct exo_cpu_info), 64);
    char *cpus = expose(&end, &m->cpus, K.ncpus * m->cpu_stride);
    K.slot = expose(&end, &m->slots, K.ncpus * K.nslots * sizeof(*K.slot));
    m->env_stride = sizeof(struct exo_env_info);
    K.env_info = expose(&end, &m->envs, K.nenvs * sizeof(*K.env_info));
    K.npages = K.boot.top_pa >> EXO_PAGE_SHIFT;
    K.page_info = expose(&end, &m->pages, K.npages * sizeof(*K.page_info));
    expose_net(&end);
    K.page = boot_alloc_raw(K.npages * sizeof(*K.page), 64); /* PAGE-1 */
    for (unsigned i = 0; i < K.ncpus; i++) {
        K.cpu[i]->info = (void *)(cpus + i * m->cpu_stride);
        K.cpu[i]->slots = &K.slot[i * K.nslots];
        K.cpu[i]->heap = boot_alloc(K.nenvs * ENV_TIMERS * 4, 64);
        trace_init_cpu(K.cpu[i]);
    }
    K.trace_mask = m->trace_mask = EXO_TRACE_DEFAULT;
}

static uint64_t
features(void)
{
    const struct cpu_features *f = &K.features;
    return (f->pcid ? EXO_HAS_PCID : 0) | (f->invpcid ? EXO_HAS_INVPCID : 0) |
           (f->tsc_deadline ? EXO_HAS_TSC_DEADLINE : 0) |
           (f->x2apic ? EXO_HAS_X2APIC : 0) | (f->smep ? EXO_HAS_SMEP : 0) |
           (f->smap ? EXO_HAS_SMAP : 0) | (f->umip ? EXO_HAS_UMIP : 0) |
           (f->fsgsbase ? EXO_HAS_FSGSBASE : 0) |
           (f->xsave ? EXO_HAS_XSAVE : 0) | (f->page1g ? EXO_HAS_1G : 0);
}

static void
publish_clock(struct exo_clock *clock)
{
    uint64_t random;
    clock->shift = 32;
    clock->mult = (1000000ull << 32) / K.tsc_khz;
    clock->tsc_base = hw_rdtsc();
    clock->epoch_ns = rtc_epoch_ns();
    clock->tsc_khz = (uint32_t)K.tsc_khz;
    clock->error_ppm = K.tsc_error_ppm;
    clock->entropy = hw_rdrand(&random);
}

static void
copy_text(char *to, const char *from, size_t size)
{
    size_t n = strlen(from);
    memcpy(to, from, n < size ? n : size - 1);
}

void
info_publish(void)
{
    struct exo_machine *m = K.machine;
    m->magic = EXO_MACHINE_MAGIC;
    m->version = EXO_ABI_VERSION;
    m->bytes = sizeof(*m);
    m->ncpus = K.ncpus;
    m->nslots = K.nslots;
    m->nenvs = K.nenvs;
    m->npages = K.npages;
    m->xsave_bytes = K.features.xsave_bytes;
    m->slot_tsc = K.slot_tsc;
    m->grace_tsc = K.grace_tsc;
    m->features = features();
    m->boot_tsc = K.entry_tsc;
    m->trace_events = TRACE_EVENTS;
    publish_clock(&m->clock);
    copy_text(m->cmdline, K.boot.cmdline, sizeof(m->cmdline));
    m->nmodules =
        K.boot.nmodules < EXO_MODULES_MAX ? K.boot.nmodules : EXO_MODULES_MAX;
    for (unsigned i = 0; i < m->nmodules; i++) {
        m->module[i].page = K.boot.modules[i].pa >> EXO_PAGE_SHIFT;
        m->module[i].bytes = K.boot.modules[i].size;
        copy_text(m->module[i].name, K.boot.modules[i].args,
                  sizeof(m->module[i].name));
    }
}
