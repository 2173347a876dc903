// SPDX-License-Identifier: MIT
/*
 * The simulated machine: memory, CPUs, and the ways into and out of the kernel.
 *
 * Each CPU has a kernel stack of its own. An entry starts on it afresh; leaving
 * for user mode abandons it, as the real exit code does; a halt keeps it, and
 * an interrupt continues there. See host.h.
 */
#include "host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>

#include "boot/memory.h"
#include "chan/chan.h"
#include "debug/check.h"
#include "env/context.h"
#include "env/env.h"
#include "env/first.h"
#include "info/info.h"
#include "lock.h"
#include "net/net.h"
#include "page/page.h"
#include "revoke/revoke.h"
#include "slice/slice.h"
#include "trap/trap.h"

#define STACK_BYTES  (256 << 10)
#define SPIN_MAX     1000
#define LOOKS_MAX    5000
#define TSC_STEP     40
#define KERNEL_PAGES 16 /* at the bottom: "the image" */
#define MODULE_PAGES 2

struct kernel K;
struct hw_flags hw_flags;
struct host_cpu host_cpus[HOST_CPUS];
bool host_off;
unsigned host_status;
uint64_t host_clock;

static unsigned char *arena;
static uint64_t arena_bytes;
static int arena_file;
static unsigned char *kernel_stack[HOST_CPUS];
static void *kernel_sp[HOST_CPUS], *test_sp; /* of who does not run */
static const void *test_stack;
static size_t test_stack_bytes;
static struct host_cpu *now;  /* whose kernel runs */
static unsigned spins, looks; /* since the entry */

/* What the entry code hands to C. */
static struct {
    uint64_t nr, a, b, c, d, e;
    union {
        struct exo_frame frame;
        struct trapframe trap;
    };
} in;

/* ---- memory ----------------------------------------------------------- */

void *
host_memory(uint64_t pa)
{
    if (pa >= arena_bytes)
        panic("physical address %lx is beyond memory", pa);
    return arena + pa;
}

uint64_t
host_pa(const void *kva)
{
    uint64_t pa = (uint64_t)((const unsigned char *)kva - arena);
    if (pa >= arena_bytes)
        panic("%p is no physical memory", kva);
    return pa;
}

static void
make_arena(uint32_t pages)
{
    arena_bytes = (uint64_t)pages << EXO_PAGE_SHIFT;
    arena_file = memfd_create("memory", 0);
    if (arena_file < 0 || ftruncate(arena_file, (off_t)arena_bytes) < 0) {
        perror("memfd");
        exit(2);
    }
    /* Aligned to 2 MiB, so that large pages are where they seem to be. */
    uint64_t want = arena_bytes + (2 << 20);
    unsigned char *room =
        mmap(NULL, want, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (room == MAP_FAILED) {
        perror("mmap");
        exit(2);
    }
    room = (void *)(((uint64_t)room + (2 << 20) - 1) & ~((2ull << 20) - 1));
    arena = mmap(room, arena_bytes, PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_FIXED, arena_file, 0);
    if (arena == MAP_FAILED) {
        perror("mmap");
        exit(2);
    }
    memset(arena, 0xa5, arena_bytes); /* nothing is zero by luck */
}

/* ---- entries ---------------------------------------------------------- */

struct host_cpu *
host_this(void)
{
    return now;
}

struct host_cpu *
host_of(const struct cpu *c)
{
    return &host_cpus[c->index];
}

struct cpu *
hw_this_cpu(void)
{
    return now->c;
}

/* On the kernel stack that runs, or in memory? */
bool
host_is_kernel(const void *at)
{
    const unsigned char *p = at, *stack = kernel_stack[now - host_cpus];
    return (p >= arena && p < arena + arena_bytes) ||
           (p >= stack && p < stack + STACK_BYTES);
}

/* Let another CPU's kernel look at its mailbox, as its interrupt would. */
void
host_serve(struct host_cpu *h)
{
    struct host_cpu *me = now;
    now = h;
    cpu_serve_mailbox(h->c);
    now = me;
}

static unsigned
number_of(const struct host_cpu *h)
{
    return (unsigned)(h - host_cpus);
}

/* Push what C expects to keep, and go on where `to` was left. */
void host_switch(void **from, void *to);
__asm__(".text\n"
        ".type host_switch, @function\n"
        "host_switch:\n"
        "    push %rbx\n"
        "    push %rbp\n"
        "    push %r12\n"
        "    push %r13\n"
        "    push %r14\n"
        "    push %r15\n"
        "    mov %rsp, (%rdi)\n"
        "    mov %rsi, %rsp\n"
        "    pop %r15\n"
        "    pop %r14\n"
        "    pop %r13\n"
        "    pop %r12\n"
        "    pop %rbp\n"
        "    pop %rbx\n"
        "    ret\n"
        ".size host_switch, . - host_switch\n");

/* From the test to where this CPU's kernel stack leads. */
static void
resume(struct host_cpu *h)
{
    unsigned n = number_of(h);
    void *fake;
    now = h;
    spins = looks = 0;
    __sanitizer_start_switch_fiber(&fake, kernel_stack[n], STACK_BYTES);
    host_switch(&test_sp, kernel_sp[n]);
    __sanitizer_finish_switch_fiber(fake, NULL, NULL);
    now = &host_cpus[0];
}

/* First thing on a kernel stack. */
static void
arrive(void)
{
    __sanitizer_finish_switch_fiber(NULL, &test_stack, &test_stack_bytes);
}

static void
enter(struct host_cpu *h, void (*entry)(void))
{
    unsigned n = number_of(h);
    __asan_unpoison_memory_region(kernel_stack[n], STACK_BYTES);
    void **sp = (void **)(kernel_stack[n] + STACK_BYTES) - 2;
    *sp = (void *)entry;
    kernel_sp[n] = sp - 6;
    resume(h);
}

/* From a kernel stack that is done with back to the test. */
static _Noreturn void
back(void)
{
    void *gone;
    __sanitizer_start_switch_fiber(NULL, test_stack, test_stack_bytes);
    host_switch(&gone, test_sp);
    abort();
}

static _Noreturn void
leave(enum host_way way)
{
    now->way = way;
    if (kernel_is_locked())
        panic("the kernel lock is held on the way out");
    back();
}

_Noreturn void
host_power(unsigned status)
{
    host_off = true;
    host_status = status;
    now->way = HOST_OFF;
    back();
}

void
hw_halt_wait(void)
{
    struct host_cpu *h = now;
    if (kernel_is_locked())
        panic("the kernel lock is held at a halt");
    h->way = HOST_IDLE;
    void *fake;
    __sanitizer_start_switch_fiber(&fake, test_stack, test_stack_bytes);
    host_switch(&kernel_sp[number_of(h)], test_sp);
    __sanitizer_finish_switch_fiber(fake, &test_stack, &test_stack_bytes);
    for (unsigned i = 0; i < 32; i++) {
        if (!(h->irq & 1u << i))
            continue;
        h->irq &= ~(1u << i);
        void trap_idle_interrupt(uint32_t vector);
        trap_idle_interrupt(32 + i);
    }
    h->must_irq = false;
    h->way = HOST_NOWHERE;
}

void
hw_pause(void)
{
    if (++spins > SPIN_MAX)
        panic("the kernel spins for what nobody can give");
}

/* An idle CPU reaps in a loop and drops the lock each time round: meanwhile
 * others get off the envs they were kicked from. Nothing but that loop looks at
 * the clock so often, and the lock has just been taken when it does. */
static void
let_others_run(void)
{
    struct host_cpu *me = now;
    void *sp = test_sp;
    const void *stack = test_stack;
    size_t bytes = test_stack_bytes;
    K.lock_next--;
    for (unsigned i = 0; i < K.ncpus; i++)
        if (host_cpus[i].must_irq && &host_cpus[i] != me)
            host_interrupt(&host_cpus[i], 33);
    K.lock_next++;
    now = me;
    test_sp = sp;
    test_stack = stack;
    test_stack_bytes = bytes;
}

uint64_t
hw_rdtsc(void)
{
    if (++looks == LOOKS_MAX && kernel_is_locked())
        let_others_run();
    if (looks > 100 * LOOKS_MAX)
        panic("the kernel loops");
    return host_clock += TSC_STEP;
}

/* env/context.S */

_Noreturn void
exit_light(uint64_t rdi, uint64_t rsp, uint64_t rax, uint64_t rip)
{
    now->user = (struct exo_context){
        .rip = rip, .rsp = rsp, .rax = rax, .rdi = rdi, .rflags = 0x202};
    leave(HOST_LIGHT);
}

_Noreturn void
exit_reply(uint64_t rip, uint64_t rsp, const uint64_t words[])
{
    now->user = (struct exo_context){.rip = rip,
                                     .rsp = rsp,
                                     .r8 = words[0],
                                     .r9 = words[1],
                                     .r10 = words[2],
                                     .r12 = words[3],
                                     .r13 = words[4],
                                     .r14 = words[5],
                                     .rflags = 0x202};
    leave(HOST_REPLY);
}

_Noreturn void
exit_call(uint64_t rip, uint64_t rsp, const uint64_t words[])
{
    now->user = (struct exo_context){.rip = rip,
                                     .rsp = rsp,
                                     .rdi = rsp,
                                     .r8 = words[0],
                                     .r9 = words[1],
                                     .r10 = words[2],
                                     .rsi = words[3],
                                     .rdx = words[4],
                                     .rax = words[5],
                                     .rflags = 0x202};
    leave(HOST_CALL);
}

_Noreturn void
exit_full(const struct exo_context *context)
{
    now->user = *context;
    leave(HOST_FULL);
}

/* trap/entry.S: calls that carry words. */

int64_t words_call(exo_env env, uint32_t cap_flags, exo_tsc deadline);
int64_t words_reply(uint64_t handle);

static void
keep_words(void)
{
    const struct exo_context *u = &now->user;
    uint64_t *w = now->c->words;
    w[0] = u->r8, w[1] = u->r9, w[2] = u->r10;
    w[3] = u->r12, w[4] = u->r13, w[5] = u->r14;
}

int64_t
words_call(exo_env env, uint32_t cap_flags, exo_tsc deadline)
{
    keep_words();
    return sys_call(env, cap_flags, deadline);
}

int64_t
words_reply(uint64_t handle)
{
    keep_words();
    return sys_reply(handle);
}

extern void *const syscall_table[EXO_SYSCALLS];
void trap_foreign(struct exo_frame *f);
void trap_exception(struct exo_frame *f);
void trap_interrupt(struct trapframe *t);
void trace_syscall(uint64_t number, uint64_t argument);
void trace_return(uint64_t result);

/* trap/entry.S: syscall_entry. */
static void
enter_syscall(void)
{
    arrive();
    struct cpu *c = now->c;
    struct exo_context *u = &now->user;
    int64_t (*call)(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);
    memcpy(&call, &syscall_table[in.nr], sizeof(call));
    c->user_rsp = u->rsp;
    ((uint64_t *)c->stack_top)[-1] = u->rip;
    kernel_lock(c, in.nr);
    trace_syscall(in.nr, in.a);
    int64_t result = call(in.a, in.b, in.c, in.d, in.e);
    trace_return((uint64_t)result);
    if (!c->current)
        panic("call %lu of an env that ended returns to it", in.nr);
    kernel_unlock(c);
    u->rax = (uint64_t)result;
    u->rdi = u->rsi = u->rdx = u->r8 = u->r9 = u->r10 = u->rcx = 0;
    leave(HOST_RETURNED);
}

/* The frame that the entry code pushes for a user's exception. */
static void
push_frame(struct exo_frame *f, const struct exo_context *u)
{
    *f = (struct exo_frame){.r11 = u->r11,
                            .r10 = u->r10,
                            .r9 = u->r9,
                            .r8 = u->r8,
                            .rdi = u->rdi,
                            .rsi = u->rsi,
                            .rdx = u->rdx,
                            .rcx = u->rcx,
                            .rax = u->rax,
                            .rip = u->rip,
                            .rflags = u->rflags,
                            .rsp = u->rsp,
                            .cs = SEL_USER_CODE,
                            .ss = SEL_USER_DATA};
}

/* Into the handler a frame leads to. */
static _Noreturn void
enter_handler(const struct exo_frame *f)
{
    struct exo_context *u = &now->user;
    struct exo_context kept = *u;
    *u = (struct exo_context){.rax = f->vector & UINT32_MAX,
                              .rbx = kept.rbx,
                              .rbp = kept.rbp,
                              .r12 = kept.r12,
                              .r13 = kept.r13,
                              .r14 = kept.r14,
                              .r15 = kept.r15,
                              .rdi = f->rsp,
                              .rip = f->rip,
                              .rsp = f->rsp,
                              .rflags = f->rflags};
    leave(HOST_HANDLER);
}

static void
enter_foreign(void)
{
    arrive();
    push_frame(&in.frame, &now->user);
    in.frame.vector = EXO_UP_FOREIGN;
    trap_foreign(&in.frame);
    enter_handler(&in.frame);
}

static void
enter_exception(void)
{
    arrive();
    trap_exception(&in.frame);
    enter_handler(&in.frame);
}

static void
enter_interrupt(void)
{
    arrive();
    struct exo_context *u = &now->user;
    struct trapframe *t = &in.trap;
    uint64_t rip = u->rip;
    trap_interrupt(t);
    *u = (struct exo_context){.rax = t->f.rax,
                              .rbx = t->rbx,
                              .rcx = t->f.rcx,
                              .rdx = t->f.rdx,
                              .rsi = t->f.rsi,
                              .rdi = t->f.rdi,
                              .rbp = t->rbp,
                              .rsp = t->f.rsp,
                              .r8 = t->f.r8,
                              .r9 = t->f.r9,
                              .r10 = t->f.r10,
                              .r11 = t->f.r11,
                              .r12 = t->r12,
                              .r13 = t->r13,
                              .r14 = t->r14,
                              .r15 = t->r15,
                              .rip = t->f.rip,
                              .rflags = t->f.rflags};
    leave(u->rip == rip ? HOST_RETURNED : HOST_HANDLER);
}

static void
expect_user(const struct host_cpu *h)
{
    if (host_off || !host_env(h))
        panic("the test has nobody to speak for on CPU %u", number_of(h));
}

enum host_way
host_syscall(struct host_cpu *h, uint64_t nr, uint64_t a, uint64_t b,
             uint64_t c, uint64_t d, uint64_t e)
{
    expect_user(h);
    in.nr = nr, in.a = a, in.b = b, in.c = c, in.d = d, in.e = e;
    h->user.rax = nr;
    enter(h, nr < EXO_SYSCALLS ? enter_syscall : enter_foreign);
    return h->way;
}

enum host_way
host_exception(struct host_cpu *h, unsigned vector, uint64_t error,
               uint64_t addr)
{
    expect_user(h);
    push_frame(&in.frame, &h->user);
    in.frame.vector = EXO_UP_FAULT;
    in.frame.cause = vector;
    in.frame.error = error;
    in.frame.addr = h->cr2 = addr;
    enter(h, enter_exception);
    return h->way;
}

enum host_way
host_interrupt(struct host_cpu *h, unsigned vector)
{
    if (host_off)
        return HOST_OFF;
    if (h->way == HOST_IDLE) {
        h->irq |= 1u << (vector - 32);
        resume(h);
        return h->way;
    }
    const struct exo_context *u = &h->user;
    push_frame(&in.trap.f, u);
    in.trap.f.cause = vector;
    in.trap.r15 = u->r15, in.trap.r14 = u->r14, in.trap.r13 = u->r13;
    in.trap.r12 = u->r12, in.trap.rbp = u->rbp, in.trap.rbx = u->rbx;
    h->irq &= ~(1u << (vector - 32));
    h->must_irq = false;
    enter(h, enter_interrupt);
    return h->way;
}

void
host_take_interrupts(struct host_cpu *h)
{
    if (h->alarm <= host_clock) {
        h->alarm = EXO_NEVER;
        h->irq |= 1;
    }
    while (h->irq && !host_off)
        host_interrupt(h, 32 + (unsigned)__builtin_ctz(h->irq));
    h->must_irq = false;
}

/* ---- boot ------------------------------------------------------------- */

/* An ELF program of one page that is never executed. */
static void
make_module(uint64_t pa)
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
    memcpy(arena + pa, &elf, sizeof(elf));
    K.boot.modules[0] =
        (struct boot_module){pa, MODULE_PAGES * EXO_PAGE_BYTES, "test", ""};
    K.boot.nmodules = 1;
}

static void
describe_memory(const struct host_setup *s)
{
    uint64_t top = arena_bytes, module = top - MODULE_PAGES * EXO_PAGE_BYTES;
    K.boot.cmdline = s->cmdline ? s->cmdline : "";
    K.boot.loader = "test";
    K.boot.nram = K.boot.nregions = 1;
    K.boot.ram[0] = (struct boot_region){0, top};
    K.boot.regions[0] =
        (struct boot_region){KERNEL_PAGES * EXO_PAGE_BYTES, module};
    K.boot.ram_pages_total = s->pages;
    K.boot.top_pa = top;
    make_module(module);
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
    kernel_stack[i] = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
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
    first_load();
    check_start();
}

static _Noreturn void
schedule_first(void)
{
    kernel_lock(now->c, 256);
    now->c->stamp = now->c->info->since = hw_rdtsc();
    slice_schedule(now->c);
}

static void
begin(void)
{
    arrive();
    schedule_first();
}

static void
begin_boot(void)
{
    arrive();
    open_rooms();
    schedule_first();
}

void
host_boot(const struct host_setup *s)
{
    make_arena(s->pages);
    host_clock = 1000000;
    describe_memory(s);
    describe_cpu(s);
    make_kernel_root();
    K.ncpus = s->cpus;
    for (unsigned i = 0; i < s->cpus; i++)
        place_cpu(i);
    enter(&host_cpus[0], begin_boot);
    for (unsigned i = 1; i < s->cpus; i++)
        enter(&host_cpus[i], begin);
    host_check();
}

/* ---- going back --------------------------------------------------------
 * The arena is kept in a file and mapped copy-on-write; dropping the copies
 * brings the kept state back. Kernel stacks are kept for CPUs that halt. */

static struct {
    struct kernel kernel;
    struct host_cpu cpus[HOST_CPUS];
    void *sp[HOST_CPUS];
    unsigned char *stack[HOST_CPUS];
    uint64_t clock;
} kept;

void
host_save(void)
{
    if (mmap(arena, arena_bytes, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_FIXED, arena_file, 0) != arena)
        abort();
    kept.kernel = K;
    kept.clock = host_clock;
    memcpy(kept.cpus, host_cpus, sizeof(host_cpus));
    memcpy(kept.sp, kernel_sp, sizeof(kernel_sp));
    for (unsigned i = 0; i < K.ncpus; i++) {
        kept.stack[i] = malloc(STACK_BYTES);
        memcpy(kept.stack[i], kernel_stack[i], STACK_BYTES);
    }
}

void
host_restore(void)
{
    madvise(arena, arena_bytes, MADV_DONTNEED);
    K = kept.kernel;
    host_clock = kept.clock;
    host_off = false;
    memcpy(host_cpus, kept.cpus, sizeof(host_cpus));
    memcpy(kernel_sp, kept.sp, sizeof(kernel_sp));
    for (unsigned i = 0; i < K.ncpus; i++)
        memcpy(kernel_stack[i], kept.stack[i], STACK_BYTES);
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
