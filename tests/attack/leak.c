// SPDX-License-Identifier: MIT
/*
 * What one env leaves behind for another to find.
 *
 * Must be seen: an env that fills all registers, general, SSE and AVX, and
 * then yields, waits, rings, calls, is interrupted, faults or ends leaves
 * nothing of it in the registers of whoever runs next, nor in the frames and
 * contexts the kernel writes, nor in pages that change hands.
 */
#include "attack.h"

#define SECRET      UINT64_C(0x5ec4e75ec4e75ec4)
#define HAS_FPU(id) (exo_env_info(id)->flags & EXO_ENV_FPU)

static volatile uint64_t found[4]; // secrets seen: in registers, in the FPU

/* All registers but rsp to one word. */
#define FILL_GENERAL                                                           \
    "mov %0, %%rax; mov %%rax, %%rbx; mov %%rax, %%rcx; mov %%rax, %%rdx;"     \
    "mov %%rax, %%rbp; mov %%rax, %%r9; mov %%rax, %%r11;"                     \
    "mov %%rax, %%r12; mov %%rax, %%r13; mov %%rax, %%r14; mov %%rax, %%r15;"

static void
fill_vectors(uint64_t word)
{
    uint64_t four[4] = {word, word, word, word};
    __asm__ volatile("fninit; fldl (%0); fldl (%0); fldl (%0); fldl (%0)"
                     :
                     : "r"(four)
                     : "memory");
#define X(n) "movups (%0), %%xmm" #n ";"
    __asm__ volatile(X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10)
                         X(11) X(12) X(13) X(14) X(15)
                     :
                     : "r"(four)
                     : "memory");
#undef X
}

/* How many of the sixteen, and of the FPU's image, hold the word. */
static uint64_t
count_vectors(uint64_t word)
{
    static uint64_t words[64][64] __attribute__((aligned(64)));
    uint64_t(*at)[64] = &words[EXO_ENV_INDEX(self()) % 64];
    __asm__ volatile("fxsave64 (%0)" : : "r"(at) : "memory");
    uint64_t n = 0;
    for (unsigned i = 0; i < 64; i++)
        n += (*at)[i] == word;
    return n;
}

/* The leaker goes by each way out that there is; r15 and the rest are full. */
static void
leak_by(uint64_t nr)
{
    if (HAS_FPU(self()))
        fill_vectors(SECRET);
    __asm__ volatile(
        "lea -128(%%rsp), %%rsp; push %%rbp; mov %1, %%r8;" FILL_GENERAL
        "mov %%r8, %%rax; xor %%edi, %%edi;"
        "xor %%esi, %%esi; mov %%rbx, %%r8; mov %%rbx, %%r10;"
        "syscall; pop %%rbp; lea 128(%%rsp), %%rsp"
        :
        : "D"(SECRET), "S"(nr)
        : "rax", "rbx", "rdx", "r8", "r9", "r10", "r12", "r13", "r14", "r15",
          EXO_LOST);
}

static void
leak_yield(uint64_t unused)
{
    (void)unused;
    for (;;)
        leak_by(EXO_SYS_yield);
}

/* Never lets go by itself: time does it. */
static void
leak_spin(uint64_t unused)
{
    (void)unused;
    if (HAS_FPU(self()))
        fill_vectors(SECRET);
    __asm__ volatile(FILL_GENERAL
                     "mov %%rax, %%rdi; mov %%rax, %%rsi; mov %%rax, %%r8;"
                     "mov %%rax, %%r10; 1: pause; jmp 1b"
                     :
                     : "D"(SECRET)
                     : "rax", "rbx", "rcx", "rdx");
}

/* Ends by a fault with all registers full. */
static void
leak_die(uint64_t unused)
{
    (void)unused;
    if (HAS_FPU(self()))
        fill_vectors(SECRET);
    __asm__ volatile(FILL_GENERAL
                     "mov %%rax, %%rdi; mov %%rax, %%rsi; mov %%rax, %%r8;"
                     "mov %%rax, %%r10; ud2"
                     :
                     : "D"(SECRET)
                     : "rax", "rbx", "rcx", "rdx");
}

/* Looks at its registers after each switch. */
static uint64_t
look_after(uint64_t nr, uint64_t a, uint64_t b)
{
    uint64_t seen[16], *to = seen;
    __asm__ volatile("lea -128(%%rsp), %%rsp; push %%rbp; push %[to];"
                     "xor %%ebp, %%ebp; xor %%r12d, %%r12d; xor %%r13d, %%r13d;"
                     "xor %%r14d, %%r14d; xor %%r15d, %%r15d; syscall;"
                     "xchg %%rax, (%%rsp);"
                     "mov %%rbx, (%%rax); mov %%rcx, 8(%%rax);"
                     "mov %%rdx, 16(%%rax); mov %%rsi, 24(%%rax);"
                     "mov %%rdi, 32(%%rax); mov %%rbp, 40(%%rax);"
                     "mov %%r8, 48(%%rax); mov %%r9, 56(%%rax);"
                     "mov %%r10, 64(%%rax); mov %%r11, 72(%%rax);"
                     "mov %%r12, 80(%%rax); mov %%r13, 88(%%rax);"
                     "mov %%r14, 96(%%rax); mov %%r15, 104(%%rax);"
                     "pop %%rax; pop %%rbp; lea 128(%%rsp), %%rsp"
                     : "+a"(nr), "+D"(a), "+S"(b), [to] "+b"(to)
                     :
                     : "rdx", "r8", "r9", "r10", "r12", "r13", "r14", "r15",
                       EXO_LOST);
    uint64_t n = 0;
    for (unsigned i = 0; i < 14; i++)
        n += seen[i] == SECRET;
    return n;
}

static void
look(uint64_t times)
{
    bool fpu = HAS_FPU(self());
    if (fpu)
        fill_vectors(1);
    for (uint64_t i = 0; i < times; i++) {
        found[0] += look_after(EXO_SYS_yield, 0, 0);
        found[0] += look_after(EXO_SYS_null, 0, 0);
        found[0] += look_after(EXO_SYS_cap_drop, 9, 0);
        found[0] += look_after(EXO_SYS_wait, 1, now());
        if (fpu)
            found[1] += count_vectors(SECRET);
    }
}

static void
leak_beside(unsigned leaker, unsigned looker, void (*how)(uint64_t))
{
    for (unsigned i = 0; i < ARRAY_SIZE(found); i++)
        found[i] = 0;
    struct kid *n = neighbour_new();
    struct kid_plan plan = {.flags = leaker | KID_RAISES, .cpu1 = 1};
    struct kid *a = kid_new(&plan, how, 0);
    plan.flags = looker;
    struct kid *b = kid_new(&plan, look, 30);
    kid_go(a);
    kid_go(b);
    EQ(kid_join(b), 0);
    EQ(found[0], 0);
    EQ(found[1], 0);
    neighbour_check(n);
}

TEST(leak_no_register_by_a_yield)
{
    leak_beside(0, 0, leak_yield);
    leak_beside(KID_FPU, KID_FPU, leak_yield);
}

TEST(leak_no_register_by_an_interrupt)
{
    leak_beside(0, 0, leak_spin);
    leak_beside(KID_FPU, KID_FPU, leak_spin);
}

TEST(leak_no_register_by_a_death)
{
    leak_beside(0, 0, leak_die);
    leak_beside(KID_FPU, KID_FPU, leak_die);
}

/* An env that may use no FPU does not see another's either. */
static void
peek_fpu(uint64_t unused)
{
    (void)unused;
    for (unsigned i = 0; i < 20; i++) {
        uint64_t to[2] = {0};
        exo_yield(0, 0);
        CHECK(catches((void (*)(uint64_t))fill_vectors, (uint64_t)to));
        EQ(own_of(uarea())->catcher.cause, 7);
    }
}

TEST(leak_no_vector_to_an_env_without_fpu)
{
    struct kid_plan plan = {.flags = KID_FPU, .cpu1 = 1};
    struct kid *a = kid_new(&plan, leak_yield, 0);
    plan.flags = 0;
    struct kid *b = kid_new(&plan, peek_fpu, 0);
    kid_go(a);
    kid_go(b);
    EQ(kid_join(b), 0);
}

/* A new env's first instructions see an FPU as reset leaves it. */
static void
look_at_first(uint64_t unused)
{
    (void)unused;
    static uint32_t image[128] __attribute__((aligned(64)));
    __asm__ volatile("fxsave64 (%0)" : : "r"(image) : "memory");
    for (unsigned i = 40; i < 104; i++) // XMM0..15
        EQ(image[i], 0);
    EQ(image[0] & 0xffff, 0x37f);
    EQ(image[6], 0x1f80); // MXCSR
    found[3] = 1;
}

TEST(leak_new_env_starts_with_a_clean_fpu)
{
    for (unsigned i = 0; i < 3; i++) {
        struct kid_plan plan = {.flags = KID_FPU, .cpu1 = 1};
        struct kid *a = kid_new(&plan, i == 1 ? leak_spin : leak_yield, 0);
        kid_go(a);
        pause_here();
        pause_here();
        struct kid *b = kid_new(&plan, look_at_first, 0);
        found[3] = 0;
        kid_go(b);
        EQ(kid_join(b), 0);
        EQ(found[3], 1);
        kid_end(a);
        kid_end(b);
    }
}

/* Calls: words go across, and nothing else. */
static volatile uint64_t handler_saw;

static void
answer(struct exo_frame *f, uint64_t words[EXO_CALL_WORDS])
{
    uint64_t nothing[EXO_CALL_WORDS] = {0};
    for (unsigned i = 0; i < EXO_CALL_WORDS; i++)
        handler_saw += words[i] == SECRET;
    if (HAS_FPU(self()))
        found[1] += count_vectors(SECRET);
    exo_reply(f->cause, nothing);
}

static exo_env server;

static void
call_full(uint64_t times)
{
    uint64_t done = 0;
    while (done < times) {
        uint64_t words[EXO_CALL_WORDS] = {0};
        fill_vectors(SECRET);
        int64_t r = exo_call(server, 1 | EXO_CALL_SYNC, EXO_NEVER, words);
        done += r == 0;
        if (r)
            exo_yield(0, 0);
    }
}

TEST(leak_no_register_by_a_call)
{
    found[1] = handler_saw = 0;
    struct kid_plan plan = {.flags = KID_FPU, .cpu1 = 1};
    struct kid *s = kid_new(&plan, sleep_forever, 0);
    on_call(s->u, answer);
    server = s->id;
    kid_go(s);
    UNTIL(kid_state(s) == EXO_ENV_WAITING);
    struct kid *c = kid_new(&plan, call_full, 50);
    EQ(exo_cap_grant(CAPS, c->id, 1, s->guard,
                     KID_PREFIX_BITS | EXO_WRITE << 8),
       0);
    kid_go(c);
    EQ(kid_join(c), 0);
    EQ(handler_saw, 0);
    EQ(found[1], 0);
}

/* ---- pages ------------------------------------------------------------ */

static exo_page pages[16];

static void
hold_secrets(uint64_t guard)
{
    for (unsigned i = 0; i < ARRAY_SIZE(pages); i++) {
        pages[i] = EXO_PAGE_ANY;
        EQ(exo_page_alloc(0, guard, 0, &pages[i], 1), 1);
        struct exo_run run = {EXO_FIRST_LOG, pages[i], 1, RW};
        EQ(exo_bind(0, 0, &run, 1), 1);
        fill((void *)EXO_FIRST_LOG, SECRET, EXO_PAGE_BYTES);
    }
    if (HAS_FPU(self()))
        fill_vectors(SECRET);
    found[3] = 1;
    sleep_forever(0);
}

static void
look_into(exo_page page, unsigned which)
{
    EQ(exo_page_info(page)->use, EXO_USE_FREE);
    exo_page got = page;
    EQ(exo_page_alloc(CAPS, 0, 0, &got, 1), 1);
    bind_here(SCRATCH, page, R);
    for (unsigned i = 0; i < EXO_PAGE_BYTES / 8; i++)
        if (word(SCRATCH)[i])
            FAIL("page %u of the dead: word %u is %lx", which, i,
                 word(SCRATCH)[i]);
    unbind_here(SCRATCH);
    page_gone(page);
}

TEST(leak_no_page_of_the_dead)
{
    found[3] = 0;
    leaf_ensure(0, 0, 0, SCRATCH, true); // no table is made of them later
    struct kid *k =
        kid_new(&(struct kid_plan){.flags = KID_FPU}, hold_secrets, 0);
    k->own->arg = k->guard;
    kid_go(k);
    UNTIL(found[3]);
    const exo_page own[] = {k->root,   k->save,     k->uarea_page,
                            k->upcall, k->stack[0], k->stack[1],
                            k->fpu,    k->table[0], k->table[2]};
    kid_end(k);
    for (unsigned i = 0; i < ARRAY_SIZE(pages); i++)
        look_into(pages[i], i);
    for (unsigned i = 0; i < ARRAY_SIZE(own); i++)
        look_into(own[i], 100 + i);
}

/* What the kernel writes of an env's is whole: no stack of its own in it. */
TEST(leak_nothing_of_the_kernel_in_what_it_writes)
{
    struct kid *k = kid_start(0, spin_forever, 0);
    const uint64_t *words = (const uint64_t *)k->u;
    for (unsigned i = 0; i < EXO_UAREA_KERNEL / 8; i++)
        if (words[i] >> 47 == 0x1ffff)
            CHECK(&words[i] >= (uint64_t *)k->u->seed &&
                  &words[i] < (uint64_t *)k->u->seed + 4);
    EQ(control(k->id, EXO_ENV_DESTROY), 0);
    static struct exo_mortem m;
    static struct exo_context c;
    fill(&m, 0, sizeof(m));
    EQ(exo_env_state(ROOT_CAP, k->id, EXO_STATE_MORTEM, &m), 0);
    EQ(exo_env_state(ROOT_CAP, k->id, EXO_STATE_READ, &c), 0);
    words = (const uint64_t *)&m;
    for (unsigned i = 0; i < sizeof(m) / 8; i++)
        if (words[i] >= UINT64_C(0xffff800000000000) && words[i] != UINT64_MAX)
            FAIL("word %u of a post-mortem is %lx", i, words[i]);
    words = (const uint64_t *)&c;
    for (unsigned i = 0; i < sizeof(c) / 8; i++)
        CHECK(words[i] < UINT64_C(0xffff800000000000));
}

/* Exposed pages hold no address of the kernel's. */
TEST(leak_no_kernel_address_in_exposed_pages)
{
    const struct exo_machine *m = exo_machine();
    const struct {
        uint64_t from, bytes;
    } part[] = {{0, sizeof(struct exo_machine)},
                {m->cpus, m->ncpus * m->cpu_stride},
                {m->envs, m->nenvs * m->env_stride},
                {m->slots, m->ncpus * (uint64_t)m->nslots * 16}};
    for (unsigned p = 0; p < ARRAY_SIZE(part); p++) {
        const uint64_t *words = (const void *)(EXO_INFO + part[p].from);
        for (uint64_t i = 0; i < part[p].bytes / 8; i++)
            if (words[i] >> 47 == 0x1ffff && words[i] != UINT64_MAX &&
                words[i] >> 32 != UINT32_MAX)
                FAIL("word %lu from %lx is %lx", i, part[p].from, words[i]);
            else if (words[i] >= UINT64_C(0xffffffff80000000) &&
                     words[i] < UINT64_C(0xfffffffff0000000))
                FAIL("word %lu from %lx is %lx", i, part[p].from, words[i]);
    }
}
