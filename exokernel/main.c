// SPDX-License-Identifier: MIT
/*
 * From the loader's jump to the first env: the rooms are opened in order, each
 * once, and then there is nothing left to do but to schedule.
 */
#include "drv/acpi.h"
#include "boot/memory.h"
#include "boot/smp.h"
#include "chan/chan.h"
#include "debug/check.h"
#include "debug/print.h"
#include "drv/apic.h"
#include "drv/nic.h"
#include "drv/pci.h"
#include "drv/timer.h"
#include "drv/uart.h"
#include "env/env.h"
#include "env/first.h"
#include "info/info.h"
#include "lock.h"
#include "net/net.h"
#include "page/page.h"
#include "revoke/revoke.h"
#include "slice/slice.h"
#include "tlb/user.h"
#include "trap/trap.h"

struct kernel K;

static struct cpu boot_cpu __attribute__((aligned(64)));

static void
cpu_place(struct cpu *c, unsigned index)
{
    c->self = c;
    c->index = index;
    K.cpu[index] = c;
    memory_map_stacks(index, &c->hw);
    c->stack_top = c->hw.main_stack_top;
}

/* The boot CPU, far enough for exceptions to be understood. */
static void
boot_first_cpu(uint32_t magic, uint32_t info_pa)
{
    uart_init();
    bootinfo_init(magic, info_pa);
    cpu_features_init();
    memory_init();
    user_init();
    trap_init();
    cpu_place(&boot_cpu, 0);
    K.ncpus = 1;
    cpu_init(&boot_cpu);
}

static void
boot_clocks(void)
{
    acpi_init();
    apic_init();
    apic_init_cpu();
    boot_cpu.apic_id = apic_id();
    timer_init();
    timer_init_cpu();
}

/* Tables for all CPUs there are; those that do not come up are left out. */
static void
boot_tables(void)
{
    unsigned n = smp_count();
    for (unsigned i = 1; i < n; i++)
        cpu_place(boot_alloc(sizeof(struct cpu), 64), i);
    K.ncpus = n;
    pci_init();
    nic_init();
    slice_init();
    env_init();
    net_size();
    info_init();
    net_init();
    kernel_lock(&boot_cpu, 256); /* the others wait for it until we schedule */
    smp_start();
}

static void
expose_traces(void)
{
    for (unsigned i = 0; i < K.ncpus; i++)
        page_expose(K.cpu[i]->info->trace_page, K.cpu[i]->info->trace_pages);
}

/* The lock is held; from here on this CPU's time is accounted for. */
static _Noreturn void
cpu_begin(struct cpu *c)
{
    c->lock_tsc = (uint32_t)hw_rdtsc();
    c->info->stamp = c->info->since = hw_rdtsc();
    c->info->apic_id = c->apic_id; /* it is the CPU's own to find out */
    slice_schedule(c);
}

_Noreturn void
kernel_main(uint32_t magic, uint32_t info_pa)
{
    boot_first_cpu(magic, info_pa);
    boot_clocks();
    boot_tables();
    page_init();
    expose_traces();
    revoke_init();
    chan_init();
    info_publish();
    first_load();
    check_start();
    if (!K.features.amd && !K.features.rdcl_no)
        printk("exo: this CPU does not say it is free of Meltdown and L1TF; "
               "there is no defence here against programs that use them\n");
    K.machine->init_tsc = hw_rdtsc();
    cpu_begin(&boot_cpu);
}

_Noreturn void
kernel_main_ap(struct cpu *c)
{
    kernel_lock(c, 256);
    cpu_begin(c);
}
