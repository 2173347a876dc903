// SPDX-License-Identifier: MIT
/* status_exo.c: the machine as the kernel exposes it to every program
 * [exo/info.h]; see status.h. No call is made for any of this. */
#include "status.h"

#include <exo/info.h>

#include <stdio.h>

#define ENVS_MOST 64u // rows of a table, so that the page stays a page

static const char *
state_name(unsigned state)
{
    static const char *const names[] = {"free",    "embryo",  "ready",
                                        "running", "waiting", "stopped",
                                        "dying",   "dead"};
    return state < sizeof(names) / sizeof(names[0]) ? names[state] : "?";
}

static uint64_t
ms(uint64_t ticks)
{
    uint32_t khz = exo_machine()->clock.tsc_khz;
    return khz ? ticks / khz : 0;
}

static void
report_cpus(struct report *r)
{
    report_table(r, "cpus");
    for (uint32_t i = 0; i < exo_machine()->ncpus; i++) {
        const volatile struct exo_cpu_info *cpu = exo_cpu_info(i);
        report_row(r);
        report_number(r, "cpu", i);
        report_number(r, "user_ms", ms(cpu->user));
        report_number(r, "kernel_ms", ms(cpu->kernel));
        report_number(r, "idle_ms", ms(cpu->idle));
        report_number(r, "switches", cpu->switches);
        report_number(r, "interrupts", cpu->interrupts);
    }
}

static void
report_envs(struct report *r)
{
    uint64_t total = exo_machine()->pages_total; // the first env has no limit
    uint32_t shown = 0;
    report_table(r, "envs");
    for (uint32_t i = 0; i < exo_machine()->nenvs && shown < ENVS_MOST; i++) {
        const volatile struct exo_env_info *env = exo_env_info(i);
        if (!env->id)
            continue;
        const volatile struct exo_account *pages = &env->account[EXO_KIND_PAGE];
        report_row(r);
        report_number(r, "env", env->id);
        report_text(r, "state", state_name(env->state));
        report_number(r, "ran_ms", ms(env->time_ran));
        report_number(r, "pages", pages->used);
        report_number(r, "reserved", pages->reserved);
        report_number(r, "limit", pages->limit < total ? pages->limit : total);
        report_number(r, "slots", env->account[EXO_KIND_SLOT].used);
        report_number(r, "revoked", env->revoked);
        shown++;
    }
}

static void
report_filters(struct report *r)
{
    uint32_t shown = 0;
    report_table(r, "filters");
    for (uint32_t i = 1; i < exo_net_info()->nfilters && shown < ENVS_MOST;
         i++) {
        const volatile struct exo_filter_info *f = exo_filter_info(i);
        if (!f->id)
            continue;
        report_row(r);
        report_number(r, "filter", i);
        report_text(r, "direction",
                    f->direction == EXO_NET_SEND ? "send" : "receive");
        report_number(r, "parent", EXO_NET_INDEX(f->parent));
        report_number(r, "interface", EXO_NET_INDEX(f->iface));
        report_number(r, "frames", f->frames);
        report_number(r, "bytes", f->bytes);
        report_number(r, "dropped", f->dropped);
        shown++;
    }
}

static void
report_network(struct report *r)
{
    const volatile struct exo_net_info *net = exo_net_info();
    report_group(r, "network");
    report_number(r, "received", net->rx_frames);
    report_number(r, "unclaimed", net->rx_unclaimed);
    report_number(r, "sent", net->tx_frames);
    report_number(r, "local", net->local_frames);
    report_number(r, "interrupts", net->interrupts);
}

void
status_machine(struct report *r)
{
    const struct exo_machine *m = exo_machine();
    char release[32];
    snprintf(release, sizeof(release), "ABI %u", m->version);
    report_group(r, "machine");
    report_text(r, "system", "Exo");
    report_text(r, "release", release);
    report_number(r, "cpus", m->ncpus);
    report_number(r, "pages_total", m->pages_total);
    report_number(r, "pages_free", m->pages_free);
    report_number(r, "pages_kernel", m->pages_kernel);
    report_number(r, "slots_per_cpu", m->nslots);
    report_network(r);
    report_cpus(r);
    report_envs(r);
    report_filters(r);
}
