// SPDX-License-Identifier: MIT
/*
 * What the kernel remembers: one struct for the machine, one for each CPU.
 *
 * The kernel runs with interrupts off, is never preempted and takes one fair
 * lock for everything but delivering an exception to the env that raised it.
 * It has one stack per CPU and none per env: a call that switches saves what
 * must survive in the env and abandons the stack.
 *
 * Letters beside fields: [I] set once at boot, [K] under the kernel lock,
 * [C] only its own CPU, [a] atomic, [R] readable by users, [U] writable by
 * users and never trusted.
 */
#ifndef EXO_KERNEL_H
#define EXO_KERNEL_H

/* Offsets in struct cpu that assembly uses; checked below. */
#define CPU_SELF      0
#define CPU_USER_RSP  8
#define CPU_STACK_TOP 16
#define CPU_CURRENT   24
#define CPU_WORDS     32
#define CPU_LOCK_TSC  80
#define CPU_LOCK_PATH 88
#define CPU_LOCK_MAX  84
#define CPU_INFO      96

/* Offsets in struct exo_cpu_info that assembly uses. */
#define INFO_HOLD_MAX  80
#define INFO_HOLD_PATH 88

/* Offsets in struct kernel that assembly uses. */
#define K_LOCK    0
#define K_TRACE   4
#define K_WAITERS 8

/* Values of kernel.lock; 0: free, and nobody's turn. */
#define LOCK_HELD        1
#define LOCK_TURN(cpu)   (2 * (cpu) + 2)
#define LOCK_WHOSE(turn) ((turn) / 2 - 1)

#ifndef __ASSEMBLER__

#include <exo/exo.h>
#include <boot/bootinfo.h>
#include <boot/cpu.h>
#include <debug/panic.h>

#define KVBASE        0xffffffff80000000ull
#define PHYSMAP       0xffff800000000000ull
#define KSTACKS       0xffffffffc0000000ull
#define MMIO_WINDOW   0xffffffffe0000000ull
#define EXO_MAX_CPUS  64
#define EXO_MAX_DEPTH 8

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define likely(x)     __builtin_expect(!!(x), 1)
#define unlikely(x)   __builtin_expect(!!(x), 0)

/* A capability: covers every guard that agrees with `name` in the bits of
 * `mask`. An empty slot has no rights; if `opened`, `name` is the sender. */
struct cap {
    uint64_t name, mask;
    uint8_t length, rights, opened;
};

/* The private part of a physical page; the rest is struct exo_page_info. A
 * binding is named by its place: table page << 9 | index, 0 for none. */
struct page {
    uint64_t first; /* [K] binding that needs no link; if FREE, last payer */
    uint64_t chain; /* [K] ring of the other bindings, heirs in front */
    uint32_t next, prev; /* [K] in the payer's list or the free list */
    union {
        struct {
            uint32_t nwrite, nexec; /* [K] writable, executable bindings */
        };
        uint64_t counts; /* [K] both of them */
        struct {
            uint32_t entries; /* [K] table: entries present */
            uint32_t cursor;  /* [K] table: emptied up to */
        };
    };
    uint64_t va; /* [K] table: first address it maps; link page: its table */
    uint32_t link[2];    /* [K] table: link page of each half, 0: none */
    uint32_t generation; /* [K] root: flushes so far, see tlb/flush.h */
    uint32_t users;      /* [K] root: index of an env that uses it, 0: none */
    union {
        uint32_t parents; /* [K] table: entries of tables that link to it */
        uint32_t tails;   /* [K] head of a 2 MiB page: TAIL pages behind it */
    };
    uint32_t heirs; /* [K] table: its entries that make its payer heir */
} __attribute__((aligned(64)));

_Static_assert(sizeof(struct page) == 64, "one cache line");

/* Which timers an env has in its CPU's heap. */
enum env_timer { TIMER_WAIT, TIMER_REVOKE, ENV_TIMERS };

/* A ring of envs, closed by a member that is no env's: env/queue.h. */
struct ring {
    struct ring *next, *prev;
};

/* A protection domain. Lives in its save page. */
struct env {
    exo_env id;
    uint32_t index;
    struct exo_env_info *info;      /* [R] exposed part: state, account, ... */
    struct env *parent;             /* [K] */
    struct env *child, *child_last; /* [K] */
    struct env *sibling_next, *sibling_prev; /* [K] */
    exo_page save, uarea_page, log_page, fpu_page;
    exo_page stack_page[4];
    struct exo_uarea *uarea;     /* [U] through the direct map */
    uint32_t stack_bytes;        /* [I] size of the upcall stack */
    struct exo_frame *frame_top; /* [I] where an outermost frame goes */
    uint32_t cpu;     /* [I] the one CPU it may use, or EXO_CPU_ANY */
    uint64_t root_pa; /* [K] */
    struct env *root_next, *root_prev; /* [K] ring of envs with this root */

    /* When it does not run. LIGHT contexts hold rip, rsp, rax, fs and gs base
     * only; the other words of `context` are then meaningless. */
    bool full;                  /* [K] all of context is valid */
    struct exo_context context; /* [K] */

    struct ring *queue;              /* [I] where it waits when READY */
    struct ring place;               /* [K] there, or in callee->callers */
    uint32_t timer_cpu[ENV_TIMERS];  /* [K] in whose heap each one is */
    uint32_t heap_place[ENV_TIMERS]; /* [K] 1 + position, 0: not armed */
    uint64_t deadline[ENV_TIMERS];   /* [K] */
    uint64_t wait_events;            /* [K] */
    exo_env donate;                  /* [K] who gets its slots */
    uint32_t call_sequence;          /* [K] number of its last call */
    struct env *callee;              /* [K] SYNC call open with, or NULL */
    struct ring callers;             /* [K] who has a SYNC call open with it */

    uint32_t pages; /* [K] list of the DATA pages it pays for */
    uint32_t held;  /* [K] and of those the kernel holds for it */
    uint32_t owed;  /* [K] pages earmarked for it */
    struct env *asker_next, *asker_prev; /* [K] in K.askers, to be told */
    bool asking;                         /* [K] it is in there */
    uint32_t revoke_left;  /* [K] pages the pending REVOKE still wants */
    uint32_t revoke_asked; /* [K] pages it wanted at first */
    uint64_t revoke_from;  /* [K] when it was asked */
    uint32_t release_next; /* [K] how far in the release order */
    bool fpu_saved;        /* [K] its FPU page holds its registers */
    uint32_t bucket;       /* [K] its place in K.excess, 0: in none */
    struct env *excess_next, *excess_prev; /* [K] */
    struct env *dying_next, *dying_prev;   /* [K] in K.dying_head */
    uint32_t ifaces;    /* [K] list of its interfaces, by index */
    uint32_t filters;   /* [K] list of the filters it pays for, by index */
    bool closed;        /* [K] its account was given back to the parent */
    uint32_t reap_slot; /* [K] slots looked at so far */

    struct cap cap[EXO_CAPS_MAX]; /* [K] */
    struct exo_mortem mortem;     /* [K] valid from DYING on */
};

_Static_assert(sizeof(struct env) <= EXO_PAGE_BYTES, "fits the save page");

/* What a call changed in page tables and a TLB may still hold: tlb/flush.h. */
#define FLUSH_SINGLE 8 /* more pages than this, and all go at once */
struct flush {
    exo_page root;   /* address space that changed */
    bool everywhere; /* a shared table changed: any root may be concerned */
    uint32_t n;      /* pages; more than FLUSH_SINGLE: not one by one */
    uint64_t va[FLUSH_SINGLE];
};

/* What the bind call works with, in tlb/bind_sys.c. */
#define BIND_LEAVES 8
struct binder {
    const struct cap *table_cap, *page_cap;
    exo_page root;
    uint64_t links;     /* K.links when the leaf tables below were found */
    int32_t done, left; /* pages; and units that may be done */
    int64_t error;      /* why it stopped */
    struct flush flush; /* empty between calls */
    struct leaf {
        uint64_t key; /* root << 32 | address >> 21; 0: none */
        uint64_t *entries;
        struct page *page; /* the two records of the table */
        const struct exo_page_info *info;
        uint32_t table;
        bool shared; /* this table, or one above, is linked more than once */
    } leaf[BIND_LEAVES]; /* leaf tables found, by the last bits of the key */
};

/* One CPU. Allocated at boot, found through GS base in the kernel. */
struct cpu {
    struct cpu *self;               /* [I] */
    uint64_t user_rsp;              /* [C] of the last SYSCALL */
    uint64_t stack_top;             /* [I] kernel stack */
    struct env *current;            /* [K] what runs here, NULL: idle */
    uint64_t words[EXO_CALL_WORDS]; /* [C] of a call or reply on its way */
    uint32_t lock_tsc;  /* [C] when this CPU took the kernel lock, low half */
    uint32_t lock_max;  /* [C] longest hold so far */
    uint64_t lock_path; /* [C] for what: number, or 256 + vector */
    struct exo_cpu_info *info;         /* [R] its exposed part */
    uint32_t kicked, kick_ack;         /* [a] asked off its env; see lock.h */
    uint32_t flush_wanted, flush_done; /* [a] shoot-down mailbox */
    uint32_t index;                    /* [I] */
    uint32_t apic_id;                  /* [I] */
    uint32_t irq_seen; /* [C] interrupts taken while idle, bits */
    uint32_t fpu_off;  /* [C] CR0.TS set, registers initial */
    uint64_t root_pa;  /* [C] table in CR3 */
    struct env *left;  /* [K] ran here until now, its time not yet charged */

    /* slice */
    struct exo_slot *slots; /* [I] its vector, in K.slot */
    uint64_t slot_end;      /* [K] when slot number `slot` ends */
    uint32_t slot;          /* [K] that runs, or ran last, of its vector */
    uint64_t slice_end;     /* [K] when the current env's time is over */
    uint64_t grace_end;     /* [K] 0, or when its grace is over */
    uint64_t own_end;       /* [K] until when the slots are the owner's */
    uint64_t yielded_end;   /* [K] the owner gave its slots away until then */
    struct env *slot_owner; /* [K] owner of the slot that runs, or NULL */
    bool on_slack;          /* [K] current runs on slack */
    struct ring queue;      /* [K] READY and bound to this CPU */
    bool any_turn;          /* [K] whose turn: own queue or the common one */
    bool busy;              /* [C] idle work is left that no interrupt brings */
    uint32_t *heap;         /* [K] timer heap: timer numbers */
    uint32_t heap_count;    /* [K] */

    /* tlb */
    struct pcid_entry {
        uint64_t root_pa, generation, used;
    } pcid[8];            /* [C] which address spaces this CPU's TLB may hold */
    struct binder binder; /* [C] */

    struct cpu_hw hw; /* [I] descriptor tables, stacks */
};

/* The kernel. What is not here is constant after boot (tables of gates and
 * symbols, hooks between rooms), a driver's device, or the random state in
 * env/env.c. */
struct kernel {
    uint32_t lock;                 /* [a] see lock.h */
    uint32_t trace_mask;           /* [K] classes traced */
    uint64_t lock_waiters;         /* [a] CPUs, bits */
    uint32_t ncpus;                /* [I] */
    uint64_t tsc_khz;              /* [I] */
    uint32_t tsc_error_ppm;        /* [I] how far tsc_khz may be off */
    uint64_t entry_tsc;            /* [I] at the kernel's first instruction */
    struct cpu *cpu[EXO_MAX_CPUS]; /* [I] */
    struct bootinfo boot;          /* [I] */
    struct cpu_features features;  /* [I] */
    uint64_t kernel_root_pa;       /* [I] root table with only a kernel half */
    struct exo_machine *machine;   /* [R] */

    /* page */
    struct page *page;               /* [K] private part of each page */
    struct exo_page_info *page_info; /* [K][R] exposed part */
    uint64_t npages;                 /* [I] page numbers are below this */
    uint32_t free_head;              /* [K] list of free pages once used */
    exo_page fresh;                  /* [K] no FREE page below is unused */

    /* env */
    struct env **env;              /* [K] by index; NULL: free */
    struct exo_env_info *env_info; /* [K][R] */
    uint32_t nenvs;                /* [I] */
    uint64_t *env_generation;      /* [K] of the env that had a slot last */
    uint32_t *env_free_next;       /* [K] list of free slots */
    uint32_t env_free_head;        /* [K] its first, 0: none is free */
    struct {
        exo_env owner; /* who began it; 0 or stale: there is none */
        uint64_t name, mask, stamp;
        uint32_t length;              /* of the capability it was begun with */
    } purge;                          /* [K] the cap_purge that is going on */
    struct env *first;                /* [I] the env that has everything */
    struct env *dying_head;           /* [K] envs being reaped */
    struct env *askers, *askers_last; /* [K] envs owed pages, first come */
    uint32_t revokes;                 /* [K] requests that are pending */
    struct env *excess[33]; /* [K] top-level envs by log2 of their excess */

    /* slice */
    struct exo_slot *slot; /* [K][R] [ncpus][nslots] */
    uint32_t nslots;       /* [I] */
    uint64_t slot_tsc;     /* [I] length of a slot */
    uint64_t grace_tsc;    /* [I] */
    uint64_t slot_base;    /* [I] TSC at which slot 0 first began */
    struct ring queue;     /* [K] READY and bound to no CPU */
    uint64_t idle_cpus;    /* [K] bits of CPUs that halt and were not poked */
    bool polling;          /* [K] devices are looked at as each slot ends */

    /* tlb */
    uint64_t generation;    /* [K] flushes that concern every root */
    uint64_t links;         /* [K] links made and taken out, of any table */
    uint64_t pages_info_pa; /* [I] table that maps the exposed pages */

    /* net */
    struct {
        struct exo_net_info *info;           /* [R] */
        struct exo_filter_info *filter_info; /* [K][R] by index */
        struct filter *filter;               /* [K] by index, see net/net.h */
        uint64_t *filter_generation;         /* [K] */
        uint32_t nfilters, natoms;           /* [I] sizes of tables */
        uint32_t filter_free;                /* [K] list by `next`, 0: none */
        struct exo_iface_info *iface_info;   /* [K][R] by index */
        struct iface **iface;                /* [K] by index; NULL: free */
        uint64_t *iface_generation;          /* [K] */
        uint32_t *iface_free_next;           /* [K] */
        uint32_t iface_free;                 /* [K] its first, 0: none */
        uint32_t nifaces;                    /* [I] */
        struct link *link;                   /* [K] see net/net.h */
        uint32_t link_free;                  /* [K] list by `next` */
        uint32_t taps;                       /* [K] taps of all filters */
        struct rest *rest;                   /* [K] see net/net.h */
        int budget; /* [K] frames and copies that this hold has time for */
        uint32_t blocked, blocked_last; /* [K] interfaces the card made wait */
        uint32_t flying; /* [K] frames the card still reads, of all of them */
        uint64_t mac;    /* [I] the machine's, as it lies in a frame */
        uint64_t stamp;  /* [K] TSC up to which receiving was charged */
    } net;

    /* chan */
    struct chan {
        exo_guard guard;      /* [K] */
        struct env *listener; /* [K] gets EXO_EVENT_CHAN */
        uint32_t head, tail;  /* [K] bytes received, taken */
        uint8_t ring[256];    /* [K] */
    } chan[2];
};

extern struct kernel K;

_Static_assert(offsetof(struct cpu, user_rsp) == CPU_USER_RSP, "asm");
_Static_assert(offsetof(struct cpu, stack_top) == CPU_STACK_TOP, "asm");
_Static_assert(offsetof(struct cpu, current) == CPU_CURRENT, "asm");
_Static_assert(offsetof(struct cpu, words) == CPU_WORDS, "asm");
_Static_assert(offsetof(struct cpu, lock_tsc) == CPU_LOCK_TSC, "asm");
_Static_assert(offsetof(struct cpu, lock_path) == CPU_LOCK_PATH, "asm");
_Static_assert(offsetof(struct cpu, lock_max) == CPU_LOCK_MAX, "asm");
_Static_assert(offsetof(struct cpu, info) == CPU_INFO, "asm");
_Static_assert(offsetof(struct exo_cpu_info, lock_hold_max) == INFO_HOLD_MAX,
               "asm");
_Static_assert(offsetof(struct exo_cpu_info, lock_hold_path) == INFO_HOLD_PATH,
               "asm");
_Static_assert(offsetof(struct kernel, lock) == K_LOCK, "asm");
_Static_assert(offsetof(struct kernel, lock_waiters) == K_WAITERS, "asm");
_Static_assert(offsetof(struct kernel, trace_mask) == K_TRACE, "asm");

/* Physical memory through the direct map. A host build of the kernel's logic
 * supplies its own base. */
#ifndef pa_to_kva
static inline void *
pa_to_kva(uint64_t pa)
{
    return (void *)(PHYSMAP + pa);
}

static inline uint64_t
kva_to_pa(const void *kva)
{
    return (uint64_t)kva - PHYSMAP;
}
#endif

static inline void *
page_kva(exo_page page)
{
    return pa_to_kva(page << EXO_PAGE_SHIFT);
}

/* What boot/ and trap/ call when their part is done. */
_Noreturn void kernel_main(uint32_t magic, uint32_t info_pa);
_Noreturn void kernel_main_ap(struct cpu *c);

#endif /* __ASSEMBLER__ */
#endif
