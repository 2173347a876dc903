// SPDX-License-Identifier: MIT
/*
 * info.h: what the kernel exposes read-only to every env, at EXO_INFO.
 *
 *   EXO_INFO + 0            struct exo_machine (one page)
 *   EXO_INFO + cpus         struct exo_cpu_info [ncpus], cpu_stride apart
 *   EXO_INFO + slots        struct exo_slot [ncpus][nslots]
 *   EXO_INFO + envs         struct exo_env_info [nenvs], env_stride apart
 *   EXO_INFO + pages        struct exo_page_info [npages]
 *   EXO_INFO + net          struct exo_net_info: the card, and where these are
 *   EXO_INFO + filters      struct exo_filter_info [nfilters]
 *   EXO_INFO + ifaces       struct exo_iface_info [nifaces]
 *
 * All positions are byte offsets from EXO_INFO. There are no pointers and no
 * private contents. Fields are only ever added at the end, `version` says so.
 * Words may be read at any time. Those that belong together say how to tell
 * that they were read together.
 */
#ifndef EXO_INFO_H
#define EXO_INFO_H

#include <exo/env.h>
#include <exo/layout.h>
#include <exo/net.h>
#include <exo/slice.h>
#include <exo/upcall.h>
#include <exo/types.h>

#define EXO_MACHINE_MAGIC UINT64_C(0x6d2d6f7865206f78)
#define EXO_MODULES_MAX   40

/* time_ns = epoch_ns + ((tsc - tsc_base) * mult >> shift) */
struct exo_clock {
    uint32_t seq; // odd while the kernel writes; read again if it changed
    uint32_t shift;
    uint64_t mult;
    exo_tsc tsc_base;
    uint64_t epoch_ns; // wall clock (UTC since 1970) at tsc_base; 0: unknown
    uint32_t tsc_khz;
    uint32_t error_ppm; // how far tsc_khz may be off
    uint32_t entropy;   // 0: timing only, 1: RDRAND
    uint32_t zero;
};

struct exo_module {
    exo_page page; // first page; the first env pays for all of them
    uint64_t bytes;
    char name[48]; // what the loader passed with it, cut to fit
};

struct exo_machine {
    uint64_t magic;
    uint32_t version; // EXO_ABI_VERSION
    uint32_t bytes;   // sizeof(struct exo_machine) of this kernel
    uint32_t ncpus, nslots, nenvs, xsave_bytes;
    uint64_t npages; // page numbers are below this
    uint64_t slot_tsc, grace_tsc;
    uint64_t cpus, cpu_stride, slots, envs, env_stride, pages; // offsets
    struct exo_clock clock;
    /* The ledger: total = kernel + free + used of the first env + limbo. */
    uint64_t pages_total, pages_kernel, pages_free, pages_limbo;
    uint64_t pages_earmarked;    // of the free ones, promised to someone
    uint64_t features;           // enum exo_feature that this boot uses
    uint64_t boot_tsc, init_tsc; // kernel entry, first env's first instruction
    uint32_t trace_mask, trace_events; // classes traced, events in a ring
    uint32_t nmodules, zero;
    struct exo_module module[EXO_MODULES_MAX]; // what the loader brought
    char cmdline[256];
    uint64_t net; // offset of struct exo_net_info
};

_Static_assert(sizeof(struct exo_machine) <= 4096, "one page");

enum exo_feature {
    EXO_HAS_PCID = 1,
    EXO_HAS_INVPCID = 2,
    EXO_HAS_TSC_DEADLINE = 4,
    EXO_HAS_X2APIC = 8,
    EXO_HAS_SMEP = 16,
    EXO_HAS_SMAP = 32,
    EXO_HAS_UMIP = 64,
    EXO_HAS_FSGSBASE = 128,
    EXO_HAS_XSAVE = 256,
    EXO_HAS_1G = 512,
};

/* Time in TSC ticks. user + kernel + idle = stamp - since, exactly; a reader
 * who sees another sum read while the kernel wrote, and reads again. */
struct exo_cpu_info {
    uint32_t zero, apic_id;
    exo_env current; // 0: idle
    exo_tsc since;
    uint64_t user, kernel, idle;
    uint64_t switches, interrupts, ipis, flushes;
    uint64_t lock_hold_max;  // longest time the kernel lock was held
    uint64_t lock_hold_path; // what held it: syscall number, or 256 + vector
    uint64_t lock_wait;      // ticks spent waiting for it
    exo_page trace_page;     // first page of the trace ring
    uint64_t trace_pages;
    uint64_t trace_head; // events ever written
    exo_env slot_owner;  // owner of the slot that runs now
    uint64_t full_flushes;
    exo_tsc stamp; // time up to which user, kernel and idle are counted
};

struct exo_account {
    uint32_t reserved; // guaranteed to this env and its descendants
    uint32_t carved;   // of that, handed to children
    uint32_t limit;    // most that may be used
    uint32_t used;     // used by it and its descendants
    uint32_t own;      // of that, by itself
    uint32_t pinned;   // of its own, irrevocable: tables, kernel-held
    uint32_t promised; // charged ahead for pages it is heir of
};

/* One env, as everyone may see it. Counters only grow while it lives. */
struct exo_env_info {
    exo_env id; // 0: the slot is free
    exo_guard guard;
    exo_env parent;
    uint16_t state; // enum exo_env_state
    uint16_t flags; // enum exo_env_flag
    uint32_t cpu;   // CPU it runs on now, or ran on last
    exo_page root;
    exo_tsc born;
    uint64_t time_ran;     // ticks it ran, on whoever's slots
    uint64_t time_charged; // ticks of its own slots that were used
    uint64_t time_slack;   // of time_ran, on slack
    uint64_t time_penalty; // ticks of grace it took, not yet paid back
    uint64_t upcalls[EXO_VECTORS];
    uint64_t syscalls_blocking; // waits, yields and calls that switched
    uint64_t flushes;           // shoot-downs it caused
    uint64_t overruns;          // graces it did not keep
    uint64_t lock_wait;
    uint64_t revokes, revoked, repossessed; // asked, pages given, pages taken
    uint64_t revoke_latency[16]; // request to release, log2 of microseconds
    struct exo_account account[EXO_KINDS];
    uint64_t time_net; // ticks the kernel spent on packets that came for it
};

static inline const struct exo_machine *
exo_machine(void)
{
    return (const struct exo_machine *)EXO_INFO;
}

static inline const struct exo_cpu_info *
exo_cpu_info(uint32_t cpu)
{
    const struct exo_machine *m = exo_machine();
    return (const void *)(EXO_INFO + m->cpus + cpu * m->cpu_stride);
}

static inline const struct exo_env_info *
exo_env_info(exo_env id)
{
    const struct exo_machine *m = exo_machine();
    return (const void *)(EXO_INFO + m->envs +
                          EXO_ENV_INDEX(id) * m->env_stride);
}

static inline const struct exo_page_info *
exo_page_info(exo_page page)
{
    return (const struct exo_page_info *)(EXO_INFO + exo_machine()->pages) +
           page;
}

static inline const struct exo_net_info *
exo_net_info(void)
{
    return (const struct exo_net_info *)(EXO_INFO + exo_machine()->net);
}

static inline const struct exo_filter_info *
exo_filter_info(exo_filter id)
{
    return (const struct exo_filter_info *)(EXO_INFO +
                                            exo_net_info()->filters) +
           EXO_NET_INDEX(id);
}

static inline const struct exo_iface_info *
exo_iface_info(exo_iface id)
{
    return (const struct exo_iface_info *)(EXO_INFO + exo_net_info()->ifaces) +
           EXO_NET_INDEX(id);
}

static inline const struct exo_slot *
exo_slot_info(uint32_t cpu, uint32_t n)
{
    const struct exo_machine *m = exo_machine();
    return (const struct exo_slot *)(EXO_INFO + m->slots) + cpu * m->nslots + n;
}

#endif
