// SPDX-License-Identifier: MIT
/*
 * The processor itself as a way out: privileged instructions, ports, flags,
 * segments, addresses the hardware treats specially, the kernel's memory.
 *
 * Must be seen: each is an exception in the env that tried, and nothing else;
 * flags that matter to the kernel never reach it; registers through env_state
 * are refused or made harmless. [SDM3 5.9, 6.8; SDM1 19.5.2]
 */
#include "attack.h"

#define CATCHER (own_of(uarea())->catcher)

enum { GP = 13, PF = 14, UD = 6 };

/* ---- instructions ----------------------------------------------------- */

#define INSTRUCTION(name, code)                                                \
    static void name(uint64_t at)                                              \
    {                                                                          \
        __asm__ volatile(code ::"a"(at), "c"(at), "d"(at) : "rbx", "memory");  \
    }

INSTRUCTION(do_hlt, "hlt")
INSTRUCTION(do_cli, "cli")
INSTRUCTION(do_sti, "sti")
INSTRUCTION(do_clts, "clts")
INSTRUCTION(do_invd, "invd")
INSTRUCTION(do_wbinvd, "wbinvd")
INSTRUCTION(do_invlpg, "invlpg (%%rax)")
INSTRUCTION(do_lgdt, "lgdt (%%rax)")
INSTRUCTION(do_lidt, "lidt (%%rax)")
INSTRUCTION(do_lldt, "lldt %%ax")
INSTRUCTION(do_ltr, "ltr %%ax")
INSTRUCTION(do_lmsw, "lmsw %%ax")
INSTRUCTION(do_rdmsr, "mov $0xc0000080, %%ecx; rdmsr")
INSTRUCTION(do_wrmsr, "mov $0xc0000082, %%ecx; wrmsr")
INSTRUCTION(do_wrmsr_apic, "mov $0x830, %%ecx; wrmsr")
INSTRUCTION(do_read_cr0, "mov %%cr0, %%rbx")
INSTRUCTION(do_read_cr2, "mov %%cr2, %%rbx")
INSTRUCTION(do_read_cr3, "mov %%cr3, %%rbx")
INSTRUCTION(do_read_cr4, "mov %%cr4, %%rbx")
INSTRUCTION(do_read_cr8, "mov %%cr8, %%rbx")
INSTRUCTION(do_write_cr0, "mov %%rax, %%cr0")
INSTRUCTION(do_write_cr3, "mov %%rax, %%cr3")
INSTRUCTION(do_write_cr4, "mov %%rax, %%cr4")
INSTRUCTION(do_write_cr8, "mov %%rax, %%cr8")
INSTRUCTION(do_read_dr0, "mov %%dr0, %%rbx")
INSTRUCTION(do_read_dr7, "mov %%dr7, %%rbx")
INSTRUCTION(do_write_dr0, "mov %%rax, %%dr0")
INSTRUCTION(do_write_dr7, "mov %%rax, %%dr7")
INSTRUCTION(do_swapgs, "swapgs")
INSTRUCTION(do_sysretq, "sysretq")
INSTRUCTION(do_sysexit, "sysexitl")
INSTRUCTION(do_iret_ring0, "mov %%ss, %%ebx; push $0; push %%rsp; pushfq;"
                           "push $8; push %%rax; iretq")
INSTRUCTION(do_far_jump, "sub $16, %%rsp; movq $0x400000, (%%rsp);"
                         "movq $8, 8(%%rsp); ljmp *(%%rsp)")
INSTRUCTION(do_monitor, "xor %%ecx, %%ecx; xor %%edx, %%edx; monitor")
INSTRUCTION(do_load_ss, "mov $0x10, %%ecx; mov %%ecx, %%ss")
INSTRUCTION(do_load_null_ss, "xor %%ecx, %%ecx; mov %%ecx, %%ss")
INSTRUCTION(do_stac, "stac")
INSTRUCTION(do_clac, "clac")
INSTRUCTION(do_xsetbv, "xor %%ecx, %%ecx; xor %%edx, %%edx; mov $1, %%eax;"
                       "xsetbv")
INSTRUCTION(do_rdpmc, "mov $0xffffff, %%ecx; rdpmc")
INSTRUCTION(do_invpcid, "invpcid (%%rax), %%rcx")
INSTRUCTION(do_vmcall, "vmcall")
INSTRUCTION(do_vmmcall, "vmmcall")
INSTRUCTION(do_vmrun, "vmrun")
INSTRUCTION(do_rsm, "rsm")
INSTRUCTION(do_in8, "in (%%dx), %%al")
INSTRUCTION(do_in32, "in (%%dx), %%eax")
INSTRUCTION(do_out8, "out %%al, (%%dx)")
INSTRUCTION(do_out16, "out %%ax, (%%dx)")
INSTRUCTION(do_ins, "push %%rdi; insb; pop %%rdi")
INSTRUCTION(do_outs, "push %%rsi; mov %%rsp, %%rsi; outsb; pop %%rsi")
INSTRUCTION(do_sgdt, "sub $16, %%rsp; sgdt (%%rsp); add $16, %%rsp")
INSTRUCTION(do_sidt, "sub $16, %%rsp; sidt (%%rsp); add $16, %%rsp")
INSTRUCTION(do_sldt, "sldt %%ebx")
INSTRUCTION(do_str, "str %%ebx")
INSTRUCTION(do_smsw, "smsw %%ebx")

struct attempt {
    const char *name;
    void (*run)(uint64_t);
};

#define A(name)                                                                \
    {                                                                          \
#name, do_##name                                                       \
    }
static const struct attempt attempts[] = {
    A(hlt),          A(cli),        A(sti),       A(clts),      A(invd),
    A(wbinvd),       A(invlpg),     A(lgdt),      A(lidt),      A(lldt),
    A(ltr),          A(lmsw),       A(rdmsr),     A(wrmsr),     A(wrmsr_apic),
    A(read_cr0),     A(read_cr2),   A(read_cr3),  A(read_cr4),  A(read_cr8),
    A(write_cr0),    A(write_cr3),  A(write_cr4), A(write_cr8), A(read_dr0),
    A(read_dr7),     A(write_dr0),  A(write_dr7), A(swapgs),    A(sysretq),
    A(sysexit),      A(iret_ring0), A(far_jump),  A(monitor),   A(load_ss),
    A(load_null_ss), A(stac),       A(clac),      A(xsetbv),    A(rdpmc),
    A(invpcid),      A(vmcall),     A(vmmcall),   A(vmrun),     A(rsm),
};
static const struct attempt umip[] = {A(sgdt), A(sidt), A(sldt), A(str),
                                      A(smsw)};

static void
must_fault(const struct attempt *a, uint64_t arg)
{
    if (!catches(a->run, arg))
        FAIL("%s is carried out", a->name);
    uint64_t cause = CATCHER.cause;
    if (CATCHER.vector != EXO_UP_FAULT ||
        (cause != GP && cause != UD && cause != PF))
        FAIL("%s raises %lu, vector %lu", a->name, cause, CATCHER.vector);
}

static void
privileged(uint64_t unused)
{
    (void)unused;
    for (unsigned i = 0; i < ARRAY_SIZE(attempts); i++) {
        must_fault(&attempts[i], 0);
        must_fault(&attempts[i], EXO_INFO);
    }
}

TEST(cpu_privileged_instructions_fault)
{
    attack(0, privileged, 0);
}

static void
hidden_tables(uint64_t unused)
{
    (void)unused;
    for (unsigned i = 0; i < ARRAY_SIZE(umip); i++)
        must_fault(&umip[i], 0);
}

TEST(cpu_descriptor_tables_are_not_told)
{
    NEEDS(exo_machine()->features & EXO_HAS_UMIP, "this CPU has no UMIP");
    attack(0, hidden_tables, 0);
}

static void
ports(uint64_t unused)
{
    (void)unused;
    static const struct attempt way[] = {A(in8),   A(in32), A(out8),
                                         A(out16), A(ins),  A(outs)};
    const uint16_t port[] = {0x20,  0x21, 0x40,  0x43,  0x60,  0x64,
                             0x70,  0x80, 0xcf8, 0xcfc, 0x3f8, 0x501,
                             0x604, 0xf4, 0xcf9, 0x92,  0xffff};
    for (unsigned i = 0; i < ARRAY_SIZE(way); i++)
        for (unsigned j = 0; j < ARRAY_SIZE(port); j++)
            must_fault(&way[i], port[j]);
}

TEST(cpu_ports_are_out_of_reach)
{
    attack(0, ports, 0);
}

/* ---- flags ------------------------------------------------------------ */

#define FLAG_TF 0x100u
#define FLAG_IF 0x200u
#define FLAG_DF 0x400u
#define FLAG_NT 0x4000u
#define FLAG_RF 0x10000u
#define FLAG_VM 0x20000u
#define FLAG_AC 0x40000u
#define IOPL3   0x3000u

static uint64_t
flags_after(uint64_t flags)
{
    __asm__ volatile("lea -128(%%rsp), %%rsp; push %0; popfq; pushfq; pop %0;"
                     "push $0x202; popfq; lea 128(%%rsp), %%rsp"
                     : "+r"(flags)
                     :
                     : "memory", "cc");
    return flags;
}

/* A call made with these flags set. */
static int64_t
call_with(uint64_t flags, uint64_t nr, uint64_t a, uint64_t b)
{
    int64_t result;
    register uint64_t r10 __asm__("r10") = 0;
    register uint64_t r8 __asm__("r8") = 0;
    __asm__ volatile("lea -128(%%rsp), %%rsp; push %[flags]; popfq; syscall;"
                     "push $0x202; popfq; lea 128(%%rsp), %%rsp"
                     : "=a"(result), "+D"(a), "+S"(b), "+r"(r10), "+r"(r8)
                     : "0"(nr), [flags] "b"(flags)
                     : "rdx", "r9", EXO_LOST);
    return result;
}

static void
raise_flags(uint64_t unused)
{
    (void)unused;
    EQ(flags_after(IOPL3 | 2) & IOPL3, 0);
    EQ(flags_after(2) & FLAG_IF, FLAG_IF);
    EQ(flags_after(FLAG_VM | FLAG_IF | 2) & FLAG_VM, 0);
    const uint64_t flags[] = {FLAG_NT, FLAG_AC,
                              FLAG_DF, IOPL3,
                              FLAG_RF, FLAG_NT | FLAG_AC | FLAG_DF | 0x8d5};
    struct exo_cap_info info;
    for (unsigned i = 0; i < ARRAY_SIZE(flags); i++) {
        uint64_t f = flags[i] | FLAG_IF | 2;
        EQ(call_with(f, EXO_SYS_null, 0, 0), 0);
        EQ(call_with(f, EXO_SYS_cap_read, 0, (uint64_t)&info), 0);
        EQ(info.length, KID_PREFIX_BITS);
        EQ(call_with(f, EXO_SYS_cap_read, 0, EXO_INFO), -EXO_E_FAULT);
        EQ(call_with(f, EXO_SYS_cap_read, 0, UINT64_C(0xffff800000000000)),
           -EXO_E_FAULT);
    }
}

TEST(cpu_flags_do_not_reach_the_kernel)
{
    attack(0, raise_flags, 0);
}

static void
switch_with_flags(uint64_t flags)
{
    for (unsigned i = 0; i < 50; i++)
        __asm__ volatile(
            "lea -128(%%rsp), %%rsp; push %%rbp; push %[flags];"
            "popfq; syscall; push $0x202; popfq; pop %%rbp;"
            "lea 128(%%rsp), %%rsp"
            :
            : "a"((uint64_t)EXO_SYS_yield), "D"(0), "S"(0), [flags] "b"(flags)
            : "rdx", "r8", "r9", "r10", "r12", "r13", "r14", "r15", EXO_LOST);
}

TEST(cpu_flags_do_not_reach_the_next_env)
{
    const uint64_t flags[] = {FLAG_NT | 0x202, FLAG_AC | 0x202, FLAG_DF | 0x202,
                              IOPL3 | 0x202, 0xcd7};
    for (unsigned i = 0; i < ARRAY_SIZE(flags); i++)
        attack(0, switch_with_flags, flags[i]);
}

static void
step_into_call(uint64_t nr)
{
    __asm__ volatile("lea -128(%%rsp), %%rsp; pushfq; orl $0x100, (%%rsp);"
                     "popfq; syscall; nop; lea 128(%%rsp), %%rsp"
                     :
                     : "a"(nr), "D"(0), "S"(0)
                     : "rdx", "rbx", "r8", "r9", "r10", "r12", "r13", "r14",
                       "r15", EXO_LOST);
}

static void
step_many(uint64_t unused)
{
    (void)unused;
    const uint64_t nr[] = {EXO_SYS_null, EXO_SYS_yield, EXO_SYS_cap_drop, 31,
                           UINT64_MAX};
    for (unsigned i = 0; i < ARRAY_SIZE(nr); i++)
        for (unsigned n = 0; n < 5; n++)
            catches(step_into_call, nr[i]); // a switch may drop the flag
    EQ(flags_after(2) & FLAG_TF, 0);
    EQ(exo_null(), 0);
}

TEST(cpu_single_step_stays_out_of_the_kernel)
{
    attack(0, step_many, 0);
}

/* ---- addresses -------------------------------------------------------- */

static const uint64_t wild[] = {UINT64_C(0x0000800000000000),
                                UINT64_C(0x00007ffffffff000),
                                UINT64_C(0x00007ffffffffffe),
                                UINT64_C(0x8000000000000000),
                                UINT64_C(0xffff7fffffffffff),
                                UINT64_C(0xffff800000000000),
                                UINT64_C(0xffff800000100000),
                                UINT64_C(0xffffffff80000000),
                                UINT64_C(0xffffffff80100000),
                                UINT64_C(0xffffffffc0000000),
                                UINT64_C(0xffffffffe0000000),
                                UINT64_C(0xfffffffffffff000),
                                UINT64_MAX};

static void
jump(uint64_t to)
{
    __asm__ volatile("jmp *%0" ::"r"(to));
}

static void
return_to(uint64_t to)
{
    __asm__ volatile("push %0; ret" ::"r"(to));
}

static void
interrupt_return_to(uint64_t to)
{
    uint64_t ss, cs;
    __asm__ volatile("mov %%ss, %0; mov %%cs, %1" : "=r"(ss), "=r"(cs));
    __asm__ volatile("mov %%rsp, %%rcx; push %0; push %%rcx; push $0x202;"
                     "push %1; push %2; iretq" ::"r"(ss),
                     "r"(cs), "r"(to)
                     : "rcx");
}

static void
touch_kernel(uint64_t unused)
{
    (void)unused;
    for (unsigned i = 0; i < ARRAY_SIZE(wild); i++) {
        CHECK(load_faults(wild[i]));
        CHECK(store_faults(wild[i]));
        CHECK(catches(jump, wild[i]));
        CHECK(catches(return_to, wild[i]));
        CHECK(catches(interrupt_return_to, wild[i]));
    }
    for (uint64_t va = UINT64_C(0xffffffff80000000);
         va < UINT64_C(0xffffffff80400000); va += 4096) {
        CHECK(load_faults(va));
        CHECK(catches(jump, va));
    }
}

TEST(cpu_kernel_memory_is_out_of_reach)
{
    attack(0, touch_kernel, 0);
}

/* rsp, and everything pushed there by nobody. */
static void
call_with_stack(uint64_t rsp)
{
    __asm__ volatile("mov %%rsp, %%rbx; mov %0, %%rsp; xor %%eax, %%eax;"
                     "syscall; mov $31, %%eax; mov %%rbx, %%rsp"
                     :
                     : "r"(rsp)
                     : "rax", "rbx", "rdi", "rsi", "rdx", "r8", "r9", "r10",
                       EXO_LOST);
}

static void
fault_with_stack(uint64_t rsp)
{
    __asm__ volatile("mov %0, %%rsp; ud2" ::"r"(rsp));
}

static void
wild_stacks(uint64_t unused)
{
    (void)unused;
    for (unsigned i = 0; i < ARRAY_SIZE(wild); i++) {
        CHECK(!catches(call_with_stack, wild[i]));
        CHECK(catches(fault_with_stack, wild[i]));
        EQ(CATCHER.cause, UD);
    }
    CHECK(catches(fault_with_stack, 0));
    CHECK(catches(fault_with_stack, 8));
}

TEST(cpu_wild_stacks_matter_to_nobody)
{
    attack(0, wild_stacks, 0);
}

static void
read_everything(uint64_t unused)
{
    (void)unused;
    const struct exo_machine *m = exo_machine();
    const uint64_t at[] = {0, m->cpus, m->slots, m->envs, m->pages};
    for (unsigned i = 0; i < ARRAY_SIZE(at); i++) {
        CHECK(!load_faults(EXO_INFO + at[i]));
        CHECK(store_faults(EXO_INFO + at[i]));
        EQ(CATCHER.cause, PF);
        CHECK(catches(jump, EXO_INFO + at[i]));
    }
}

TEST(cpu_exposed_pages_are_neither_written_nor_executed)
{
    attack(0, read_everything, 0);
}

TEST(cpu_tables_bound_to_be_read_are_not_written)
{
    leaf_ensure(0, 0, 0, SCRATCH, true);
    exo_page table = table_of(0, SCRATCH, 1);
    const exo_page tables[] = {table, table_of(0, SCRATCH, 2), ME->root};
    for (unsigned i = 0; i < ARRAY_SIZE(tables); i++) {
        FAILS(bind_one(0, SCRATCH, tables[i], RW), EXCL);
        FAILS(bind_one(0, SCRATCH, tables[i], RX), EXCL);
        EQ(bind_one(0, SCRATCH, tables[i], R), 1);
        CHECK(!load_faults(SCRATCH));
        CHECK(store_faults(SCRATCH));
        FAILS(bind_one(0, SCRATCH, 0, RW | EXO_BIND_SAME), EXCL);
        unbind_here(SCRATCH);
    }
}

/* ---- the last page that can be bound ---------------------------------- */

static void
run_last(uint64_t at)
{
    ((void (*)(void))at)();
}

TEST(cpu_a_call_at_the_end_of_user_space_comes_back)
{
    uint64_t last = EXO_USER_TOP - EXO_PAGE_BYTES;
    exo_page page = page_at(SCRATCH);
    volatile uint8_t *code = (volatile uint8_t *)SCRATCH;
    const uint8_t text[] = {0x31, 0xc0, 0x0f, 0x05}; // xor eax; syscall
    for (unsigned i = 0; i < sizeof(text); i++)
        code[EXO_PAGE_BYTES - sizeof(text) + i] = text[i];
    unbind_here(SCRATCH);
    bind_here(last, page, RX);
    for (uint64_t va = EXO_USER_TOP; va; va = va << 1)
        CHECK(bind_one(0, va, page, R) < 0);
    CHECK(catches(run_last, EXO_USER_TOP - sizeof(text)));
    EQ(CATCHER.vector, EXO_UP_FAULT);
    EQ(CATCHER.rip, EXO_USER_TOP);
}

/* ---- through env_state ------------------------------------------------ */

TEST(cpu_contexts_that_may_not_run_do_not)
{
    struct kid *n = neighbour_new();
    for (unsigned i = 0; i < ARRAY_SIZE(wild); i++) {
        for (unsigned field = 0; field < 5; field++) {
            struct kid *k = kid_start(KID_RAISES, spin_forever, 0);
            struct exo_context c;
            EQ(control(k->id, EXO_ENV_STOP), 0);
            int64_t r;
            do // it may still be leaving its CPU
                r = exo_env_state(ROOT_CAP, k->id, EXO_STATE_READ, &c);
            while (r == -EXO_E_AGAIN);
            EQ(r, 0);
            uint64_t *const to[] = {&c.rip, &c.rsp, &c.fs_base, &c.gs_base,
                                    &c.rcx};
            *to[field] = wild[i];
            r = exo_env_state(ROOT_CAP, k->id, EXO_STATE_WRITE, &c);
            CHECK(r == 0 || r == -EXO_E_INVAL);
            kid_go(k);
            pause_here();
            pause_here();
            kid_end(k);
        }
    }
    neighbour_check(n);
}

static void
say_flags(uint64_t unused)
{
    (void)unused;
}

TEST(cpu_flags_of_a_written_context_are_made_harmless)
{
    struct kid *n = neighbour_new();
    for (unsigned bit = 0; bit < 64; bit++) {
        struct kid *k =
            kid_new(&(struct kid_plan){.flags = KID_RAISES}, say_flags, 0);
        struct exo_context c = {.rip = EXO_USER_MIN, .rsp = 0};
        c.rflags = UINT64_C(1) << bit;
        int64_t r = exo_env_state(ROOT_CAP, k->id, EXO_STATE_WRITE, &c);
        CHECK(r == 0 || r == -EXO_E_INVAL);
        kid_go(k);
        struct exo_mortem m;
        kid_mortem(k, &m);
        EQ(m.end, EXO_END_FAULT);
        CHECK(m.context.rflags & FLAG_IF);
        CHECK(!(m.context.rflags & (IOPL3 | FLAG_VM | FLAG_NT)));
        kid_end(k);
    }
    neighbour_check(n);
}
