// SPDX-License-Identifier: MIT
/*
 * Upcalls: FAULT for every exception, FOREIGN for every foreign call, EVENT,
 * frames, masking, pending.
 *
 * Must be seen: each exception arrives once, with its number, error code and
 * address; handlers begin with clean registers and return in user mode with
 * everything as it was; masked upcalls wait and none is lost.
 */
#include "test.h"

#define CATCHER (own_of(uarea())->catcher)

/* ---- FAULT: one function for each exception that user code can raise -- */

static void
divide(uint64_t by)
{
    __asm__ volatile("xor %%edx, %%edx; mov $1, %%eax; div %0"
                     :
                     : "r"(by)
                     : "rax", "rdx");
}

static void
int1(uint64_t unused)
{
    (void)unused;
    __asm__ volatile(".byte 0xf1");
}

static void
step(uint64_t unused)
{
    (void)unused;
    __asm__ volatile("pushfq; orl $0x100, (%%rsp); popfq; nop; nop" ::
                         : "memory");
}

static void
int3(uint64_t unused)
{
    (void)unused;
    __asm__ volatile("int3");
}

static void
int4(uint64_t unused)
{
    (void)unused;
    __asm__ volatile("int $4");
}

static void
undefined(uint64_t unused)
{
    (void)unused;
    __asm__ volatile("ud2");
}

static void
bound32(uint64_t unused)
{
    (void)unused;
    __asm__ volatile(".byte 0x62, 0x00"); // BOUND is gone in 64-bit mode
}

static void
use_fpu(uint64_t unused)
{
    (void)unused;
    __asm__ volatile("fninit");
}

static void
use_sse(uint64_t unused)
{
    (void)unused;
    __asm__ volatile("xorps %xmm0, %xmm0");
}

static void
load_rax(uint64_t va)
{
    __asm__ volatile("mov (%0), %%al" : : "a"(va));
}

static void
load_rbp(uint64_t va)
{
    __asm__ volatile("push %%rbp; mov %0, %%rbp; mov (%%rbp), %%al; pop %%rbp"
                     :
                     : "r"(va)
                     : "rax");
}

static void
jump(uint64_t va)
{
    ((void (*)(void))va)();
}

static void
load_ds(uint64_t selector)
{
    __asm__ volatile("mov %0, %%ds" : : "r"((uint32_t)selector));
}

TEST(fault_upcall_for_every_exception)
{
    const struct {
        void (*fn)(uint64_t);
        uint64_t arg;
        uint64_t cause, error, addr;
    } c[] = {
        {divide, 0, 0, 0, 0},
        {step, 0, 1, 0, 0},
        {int3, 0, 3, 0, 0},
        {int4, 0, 4, 0, 0},
        {undefined, 0, 6, 0, 0},
        {bound32, 0, 6, 0, 0},
        {use_fpu, 0, 7, 0, 0},
        {use_sse, 0, 7, 0, 0},
        {load_rax, UINT64_C(0x800000000000), 13, 0, 0},
        {load_rax, UINT64_C(0xfffe000000000000), 13, 0, 0},
        {load_ds, 0x08, 13, 0x08, 0},
        {load_ds, 0x33, 13, 0x30, 0},
        {load_ds, 0x1000, 13, 0x1000, 0},
        {load_rax, 0x1000, 14, 4, 0x1000},
        {load_rax, 0, 14, 4, 0},
        {load_rax, UINT64_C(0xffff800000000000), 14, 5, 0},
        {jump, 0x2000, 14, 0x14, 0x2000},
    };
    for (unsigned i = 0; i < ARRAY_SIZE(c); i++) {
        uint64_t before = ME->upcalls[EXO_UP_FAULT];
        if (!catches(c[i].fn, c[i].arg))
            FAIL("case %u raises nothing", i);
        const struct catcher *got = &CATCHER;
        bool kernel =
            c[i].arg >= UINT64_C(0xffff800000000000) && c[i].cause == 14;
        uint64_t error = got->error;
        if (kernel) { // whether its half is mapped is not told apart
            error |= 1;
            EQ(got->addr, c[i].arg);
        }
        if (got->vector != EXO_UP_FAULT || got->cause != c[i].cause ||
            error != c[i].error || (!kernel && got->addr != c[i].addr))
            FAIL("case %u: vector %lu cause %lu error %lx address %lx", i,
                 got->vector, got->cause, got->error, got->addr);
        EQ(ME->upcalls[EXO_UP_FAULT], before + 1);
    }
}

TEST(fault_upcall_for_int1)
{
    CHECK(catches(int1, 0));
    EQ(CATCHER.vector, EXO_UP_FAULT);
    CHECK(CATCHER.cause == 1 || CATCHER.cause == 6); // QEMU knows it not
}

TEST(fault_upcall_for_a_stack_segment_fault)
{
    CHECK(catches(load_rbp, UINT64_C(0x800000000000)));
    // QEMU raises #GP for every segment.
    CHECK(CATCHER.cause == 12 || CATCHER.cause == 13);
    EQ(CATCHER.error, 0);
}

TEST(fault_frame_points_at_the_instruction)
{
    CHECK(catches(undefined, 0));
    CHECK(CATCHER.rip >= (uint64_t)undefined &&
          CATCHER.rip < (uint64_t)undefined + 32);
    EQ(*(const uint16_t *)CATCHER.rip, 0x0b0f);
    CHECK(catches(int3, 0));
    EQ(*(const uint8_t *)(CATCHER.rip - 1), 0xcc); // a trap: after it
}

static void
misaligned(uint64_t va)
{
    __asm__ volatile("pushfq; orl $0x40000, (%%rsp); popfq;"
                     "mov 1(%0), %%rax;"
                     "pushfq; andl $~0x40000, (%%rsp); popfq"
                     :
                     : "r"(va)
                     : "rax", "memory");
}

TEST(alignment_checks_are_off)
{
    page_at(SCRATCH);
    CHECK(!catches(misaligned, SCRATCH));
}

TEST(ac_flag_changes_no_call)
{
    page_at(SCRATCH);
    int64_t result;
    __asm__ volatile("pushfq; orl $0x40000, (%%rsp); popfq" ::: "memory");
    result = exo_cap_read(0, (struct exo_cap_info *)(SCRATCH + 1));
    int64_t bad = exo_cap_read(0, (struct exo_cap_info *)(SCRATCH + 8192));
    __asm__ volatile("pushfq; andl $~0x40000, (%%rsp); popfq" ::: "memory");
    EQ(result, 0);
    EQ(bad, -EXO_E_FAULT);
}

/* ---- FOREIGN ---------------------------------------------------------- */

TEST(int_n_is_foreign_and_fakes_no_device)
{
    page_at(SCRATCH);
    volatile uint8_t *code = (volatile uint8_t *)SCRATCH;
    for (unsigned n = 0; n < 256; n++) { // cd nn c3
        code[4 * n] = 0xcd;
        code[4 * n + 1] = (uint8_t)n;
        code[4 * n + 2] = 0xc3;
    }
    EQ(bind_one(0, SCRATCH, 0, EXO_BIND_SAME | RX), 1);
    for (unsigned n = 0; n < 256; n++) {
        uint64_t interrupts = exo_cpu_info(ME->cpu)->interrupts;
        CHECK(catches(jump, SCRATCH + 4 * n));
        bool cpus_own = n == 3 || n == 4; // their gates are the user's
        EQ(CATCHER.vector, cpus_own ? EXO_UP_FAULT : EXO_UP_FOREIGN);
        EQ(CATCHER.cause, n);
        EQ(CATCHER.error, 0);
        EQ(CATCHER.rip, SCRATCH + 4 * n + 2);
        CHECK(exo_cpu_info(ME->cpu)->interrupts - interrupts < 3);
    }
}

static void
foreign_call(uint64_t number)
{
    uint64_t rax = number;
    __asm__ volatile("syscall" : "+a"(rax) : : "rcx", "r11", "memory");
}

TEST(foreign_syscall_numbers_arrive)
{
    const uint64_t number[] = {EXO_SYSCALLS,
                               39,
                               60,
                               1000,
                               0x7fffffff,
                               0x80000000,
                               0xffffffff,
                               0x100000000,
                               UINT64_C(1) << 63,
                               UINT64_MAX,
                               UINT64_MAX - 30};
    for (unsigned i = 0; i < ARRAY_SIZE(number); i++) {
        uint64_t before = ME->upcalls[EXO_UP_FOREIGN];
        CHECK(catches(foreign_call, number[i]));
        EQ(CATCHER.vector, EXO_UP_FOREIGN);
        EQ(CATCHER.cause, EXO_FOREIGN_SYSCALL);
        EQ(ME->upcalls[EXO_UP_FOREIGN], before + 1);
        EQ(*(const uint16_t *)(CATCHER.rip - 2), 0x050f);
    }
}

static struct exo_frame copy;

static void
emulate(struct exo_frame *f)
{
    copy = *f;
    f->rax = f->rdi + f->rsi + f->rdx + f->r10 + f->r8 + f->r9;
}

TEST(foreign_frame_holds_the_arguments_and_takes_the_result)
{
    on_upcall(uarea(), EXO_UP_FOREIGN, emulate);
    register uint64_t r10 __asm__("r10") = 4;
    register uint64_t r8 __asm__("r8") = 5;
    register uint64_t r9 __asm__("r9") = 6;
    uint64_t rax = 500, rdi = 1, rsi = 2, rdx = 3;
    __asm__ volatile("syscall"
                     : "+a"(rax), "+D"(rdi), "+S"(rsi), "+d"(rdx), "+r"(r10),
                       "+r"(r8), "+r"(r9)
                     :
                     : "rcx", "r11", "memory");
    uint64_t after = rdi + rsi + rdx + r10 + r8 + r9;
    EQ(rax, 21);
    EQ(after, 21); // arguments come back as they were
    EQ(copy.vector, EXO_UP_FOREIGN);
    EQ(copy.rax, 500);
    EQ(copy.rdi, 1);
    EQ(copy.rsi, 2);
    EQ(copy.rdx, 3);
    EQ(copy.r10, 4);
    EQ(copy.r8, 5);
    EQ(copy.r9, 6);
    EQ(copy.cs & 3, 3);
    EQ(copy.ss & 3, 3);
    EQ(copy.error, 0);
}

/* ---- the handler's side ----------------------------------------------- */

static volatile uint64_t seen[20];
void upcall_entry(void);
void recording_entry(void);
__asm__(".text\n"
        "recording_entry:\n\t"
        "mov %rax, seen(%rip)\n\t"
        "mov %rbx, seen+8(%rip)\n\t"
        "mov %rcx, seen+16(%rip)\n\t"
        "mov %rdx, seen+24(%rip)\n\t"
        "mov %rsi, seen+32(%rip)\n\t"
        "mov %rdi, seen+40(%rip)\n\t"
        "mov %rbp, seen+48(%rip)\n\t"
        "mov %rsp, seen+56(%rip)\n\t"
        "mov %r8, seen+64(%rip)\n\t"
        "mov %r9, seen+72(%rip)\n\t"
        "mov %r10, seen+80(%rip)\n\t"
        "mov %r11, seen+88(%rip)\n\t"
        "mov %r12, seen+96(%rip)\n\t"
        "mov %r13, seen+104(%rip)\n\t"
        "mov %r14, seen+112(%rip)\n\t"
        "mov %r15, seen+120(%rip)\n\t"
        "pushfq\n\t"
        "pop seen+128(%rip)\n\t"
        "jmp upcall_entry");

static void
step_over(struct exo_frame *f)
{
    copy = *f;
    f->rip += 2;
}

static void
check_entry_registers(unsigned vector)
{
    EQ(seen[0], vector);
    EQ(seen[5], seen[7]);
    EQ(seen[7] % 16, 0);
    const unsigned zero[] = {2, 3, 4, 8, 9, 10, 11};
    for (unsigned i = 0; i < ARRAY_SIZE(zero); i++)
        EQ(seen[zero[i]], 0);
    EQ(seen[16], 0x202);
}

/* The pattern of register i, as pattern.S makes it. */
static uint64_t
pattern(uint64_t seed, unsigned i)
{
    return seed + (i + 1) * UINT64_C(0x9e3779b97f4a7c15);
}

TEST(handler_begins_with_clean_registers)
{
    on_upcall(uarea(), EXO_UP_FAULT, step_over);
    uarea()->handler[EXO_UP_FAULT] = (uint64_t)recording_entry;
    EQ(pattern_trap(77), 0); // with DF and CF set
    check_entry_registers(EXO_UP_FAULT);
    const unsigned kept[] = {1, 6, 12, 13, 14, 15}; // rbx rbp r12..r15
    const unsigned word[] = {1, 6, 11, 12, 13, 14};
    for (unsigned i = 0; i < ARRAY_SIZE(kept); i++)
        EQ(seen[kept[i]], pattern(77, word[i]));
    EQ(copy.rax, pattern(77, 0));
    EQ(copy.r11, pattern(77, 10));
    EQ(copy.rflags & 0x401, 0x401);
    EQ(seen[7], EXO_FIRST_UPCALL + 8192 - sizeof(struct exo_frame));
}

TEST(handler_returns_with_everything_as_it_was)
{
    on_upcall(uarea(), EXO_UP_FAULT, step_over);
    for (uint64_t seed = 1; seed < 200; seed++)
        EQ(pattern_trap(seed * 12345), 0);
}

TEST(handler_of_foreign_begins_with_clean_registers)
{
    on_upcall(uarea(), EXO_UP_FOREIGN, emulate);
    uarea()->handler[EXO_UP_FOREIGN] = (uint64_t)recording_entry;
    foreign_call(99);
    check_entry_registers(EXO_UP_FOREIGN);
}

static volatile uint64_t inner_frame, outer_frame;

static void
inner(struct exo_frame *f)
{
    inner_frame = (uint64_t)f;
    f->rip += 2;
}

static void
outer(struct exo_frame *f)
{
    outer_frame = (uint64_t)f;
    f->rip += 2;
    on_upcall(uarea(), EXO_UP_FAULT, inner);
    uint64_t rsp;
    __asm__ volatile("mov %%rsp, %0; ud2" : "=&r"(rsp) : : "memory");
    if (inner_frame + sizeof(struct exo_frame) > rsp - 128)
        FAIL("frame at %lx is too close to rsp %lx", inner_frame, rsp);
}

TEST(fault_in_a_handler_nests_below_the_red_zone)
{
    on_upcall(uarea(), EXO_UP_FAULT, outer);
    __asm__ volatile("ud2" ::: "memory");
    CHECK(inner_frame < outer_frame);
    EQ(inner_frame % 16, 0);
    EQ(own_of(uarea())->deepest, 2);
    EQ(uarea()->mask, 0);
}

static uint64_t odd_rsp;

/* ud2 with rsp at odd_rsp, which its handler steps over. */
static void
trap_with_rsp(void)
{
    __asm__ volatile("mov %%rsp, %%rbx; mov %0, %%rsp; ud2; mov %%rbx, %%rsp"
                     :
                     : "r"(odd_rsp)
                     : "rbx", "memory");
}

static uint64_t frame_at;

static void
note_frame(struct exo_frame *f)
{
    frame_at = (uint64_t)f;
    f->rip += 2;
    copy.rsp = f->rsp;
}

TEST(frame_goes_where_rsp_says)
{
    uint64_t base = EXO_FIRST_UPCALL, top = base + 8192, size = 144;
    const struct {
        uint64_t rsp, frame;
    } c[] = {
        {top, top - 128 - size}, // at the very top: inside
        {top - 8, (top - 136 - size) & ~15ull},
        {top - 1000, ((top - 1000 - 128) & ~15ull) - size},
        {base + 4096 + 128 + 144, base + 4096}, // just fits the second page
        {base + 4096 + 128 + 96, base + 4096 - size}, // crosses: goes below
    };
    on_upcall(uarea(), EXO_UP_FAULT, note_frame);
    for (unsigned i = 0; i < ARRAY_SIZE(c); i++) {
        odd_rsp = c[i].rsp;
        trap_with_rsp();
        EQ(copy.rsp, c[i].rsp);
        if (frame_at != c[i].frame)
            FAIL("rsp %lx: frame at %lx, not %lx", c[i].rsp, frame_at,
                 c[i].frame);
    }
}

/* ---- masking and pending ---------------------------------------------- */

static volatile unsigned events_seen;
static volatile uint32_t mask_seen;

static void
on_event(struct exo_frame *f)
{
    (void)f;
    mask_seen = uarea()->mask;
    events_seen++;
    __atomic_exchange_n(&uarea()->events, 0, __ATOMIC_ACQ_REL);
}

TEST(event_upcall_comes_when_its_bell_rings)
{
    struct exo_uarea *u = uarea();
    on_upcall(u, EXO_UP_EVENT, on_event);
    u->event_upcall = 6;
    events_seen = 0;
    EQ(exo_ring(ROOT_CAP, 0, 2), 0);
    UNTIL(events_seen == 1);
    EQ(mask_seen, 1); // delivery masks
    EQ(u->mask, 0);   // and the return unmasks
    EQ(u->pending, 0);
    EQ(exo_ring(ROOT_CAP, 0, 1), 0); // not one that raises an upcall
    for (unsigned i = 0; i < 20; i++)
        pause_here();
    EQ(events_seen, 1);
    EQ(u->events, 1);
}

TEST(event_upcall_begins_with_clean_registers)
{
    struct exo_uarea *u = uarea();
    on_upcall(u, EXO_UP_EVENT, on_event);
    u->handler[EXO_UP_EVENT] = (uint64_t)recording_entry;
    u->event_upcall = 1;
    events_seen = 0;
    EQ(exo_ring(ROOT_CAP, 0, 1), 0);
    UNTIL(events_seen == 1);
    check_entry_registers(EXO_UP_EVENT);
}

TEST(masked_event_waits_in_pending)
{
    struct exo_uarea *u = uarea();
    on_upcall(u, EXO_UP_EVENT, on_event);
    u->event_upcall = 1;
    events_seen = 0;
    u->mask = 1;
    EQ(exo_ring(ROOT_CAP, 0, 1), 0);
    for (unsigned i = 0; i < 20; i++)
        exo_null();
    exo_tsc until = now() + microseconds(3000);
    while (now() < until)
        ;
    EQ(events_seen, 0);
    EQ(u->pending & (1u << EXO_UP_EVENT), 1u << EXO_UP_EVENT);
    u->mask = 0;
    UNTIL(events_seen == 1); // at the next way out of the kernel at the latest
    EQ(u->pending, 0);
}

TEST(event_without_a_handler_stays_pending)
{
    struct exo_uarea *u = uarea();
    u->event_upcall = 1;
    EQ(exo_ring(ROOT_CAP, 0, 1), 0);
    for (unsigned i = 0; i < 20; i++)
        pause_here();
    EQ(u->pending & (1u << EXO_UP_EVENT), 1u << EXO_UP_EVENT);
    events_seen = 0;
    on_upcall(u, EXO_UP_EVENT, on_event);
    UNTIL(events_seen == 1);
}

TEST(event_bits_gather_while_masked)
{
    struct exo_uarea *u = uarea();
    on_upcall(u, EXO_UP_EVENT, on_event);
    u->event_upcall = 0xff;
    events_seen = 0;
    u->mask = 1;
    for (unsigned bit = 0; bit < 8; bit++)
        EQ(exo_ring(ROOT_CAP, 0, UINT64_C(1) << bit), 0);
    EQ(u->events, 0xff);
    u->mask = 0;
    UNTIL(events_seen == 1);
    for (unsigned i = 0; i < 10; i++)
        pause_here();
    EQ(events_seen, 1); // one upcall for all
}

static void
fault_inside(struct exo_frame *f)
{
    on_event(f);
    EQ(pattern_trap(5), 0); // FAULT nests, and returns masked
    mask_seen = uarea()->mask;
}

TEST(fault_in_an_event_handler_keeps_the_mask)
{
    struct exo_uarea *u = uarea();
    on_upcall(u, EXO_UP_EVENT, fault_inside);
    on_upcall(u, EXO_UP_FAULT, step_over);
    u->event_upcall = 1;
    events_seen = 0;
    EQ(exo_ring(ROOT_CAP, 0, 1), 0);
    UNTIL(events_seen == 1);
    EQ(mask_seen, 1);
    EQ(own_of(u)->deepest, 2);
}

static volatile int64_t said[4];

static void
wait_for_an_upcall(uint64_t unused)
{
    (void)unused;
    struct exo_uarea *u = uarea();
    on_upcall(u, EXO_UP_EVENT, on_event);
    u->event_upcall = 2;
    said[0] = exo_wait(1, EXO_NEVER, 0);
}

TEST(wait_interrupted_by_an_upcall_has_its_result)
{
    events_seen = 0;
    struct kid *k = kid_start(0, wait_for_an_upcall, 0);
    UNTIL(kid_state(k) == EXO_ENV_WAITING);
    EQ(exo_ring(ROOT_CAP, k->id, 2), 0);
    EQ(kid_join(k), 0);
    EQ(events_seen, 1);
    EQ(said[0], 0);
}

static void
wait_masked(uint64_t unused)
{
    (void)unused;
    struct exo_uarea *u = uarea();
    on_upcall(u, EXO_UP_EVENT, on_event);
    u->event_upcall = 2;
    u->mask = 1;
    said[0] = exo_wait(1, EXO_NEVER, 0);
    said[1] = events_seen;
}

TEST(wait_masked_is_not_ended_by_an_upcall)
{
    events_seen = 0;
    struct kid *k = kid_start(0, wait_masked, 0);
    UNTIL(kid_state(k) == EXO_ENV_WAITING);
    EQ(exo_ring(ROOT_CAP, k->id, 2), 0);
    for (unsigned i = 0; i < 20; i++)
        pause_here();
    EQ(kid_state(k), EXO_ENV_WAITING);
    EQ(exo_ring(ROOT_CAP, k->id, 1), 0);
    EQ(kid_join(k), 0);
    EQ(said[0], 1);
    EQ(said[1], 0);
}

TEST(call_keeps_callee_saved_registers_and_clears_the_rest)
{
    uint64_t r[16];
    __asm__ volatile("mov %0, %%r15\n\t"
                     "mov $0x1111, %%ebx; mov $0x3333, %%r12d\n\t"
                     "mov $0x4444, %%r13d; mov $0x5555, %%r14d\n\t"
                     "mov $1, %%edi; mov $2, %%esi; mov $3, %%edx\n\t"
                     "mov $4, %%r8d; mov $5, %%r9d; mov $6, %%r10d\n\t"
                     "xor %%eax, %%eax\n\t"
                     "std; stc\n\t"
                     "syscall\n\t"
                     "mov %%rbx, (%%r15); mov %%r12, 8(%%r15)\n\t"
                     "mov %%r13, 16(%%r15); mov %%r14, 24(%%r15)\n\t"
                     "mov %%rdi, 32(%%r15); mov %%rsi, 40(%%r15)\n\t"
                     "mov %%rdx, 48(%%r15); mov %%r8, 56(%%r15)\n\t"
                     "mov %%r9, 64(%%r15); mov %%r10, 72(%%r15)\n\t"
                     "mov %%rax, 80(%%r15); mov %%r11, 88(%%r15)\n\t"
                     "pushfq; pop 96(%%r15); cld"
                     :
                     : "r"(r)
                     : "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9",
                       "r10", "r11", "r12", "r13", "r14", "r15", "memory");
    EQ(r[0], 0x1111);
    EQ(r[1], 0x3333);
    EQ(r[2], 0x4444);
    EQ(r[3], 0x5555);
    for (unsigned i = 4; i <= 10; i++)
        EQ(r[i], 0);
    EQ(r[11], 0x202);
    EQ(r[12], 0x202);
}

TEST(flags_with_iopl_nt_rf_and_tf_do_no_harm)
{
    // What popfq takes in ring 3 must reach neither the kernel nor a handler.
    on_upcall(uarea(), EXO_UP_FAULT, step_over);
    uarea()->handler[EXO_UP_FAULT] = (uint64_t)recording_entry;
    __asm__ volatile("pushfq; orl $0x277cd5 & ~0x100, (%%rsp); popfq\n\t"
                     "ud2\n\t"
                     "xor %%eax, %%eax; syscall\n\t"
                     "pushfq; andl $~0x44c00, (%%rsp); popfq; cld"
                     :
                     :
                     : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10",
                       "r11", "memory");
    EQ(seen[16], 0x202);
    CHECK(copy.rflags & 0x4000); // NT was the user's own
    EQ(copy.rflags & 0x3000, 0); // IOPL it never got
}
