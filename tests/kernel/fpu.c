// SPDX-License-Identifier: MIT
/*
 * FPU, SSE and AVX registers: who has them, that they survive, and that nobody
 * else sees them.
 *
 * Must be seen: an env without EXO_ENV_FPU gets #NM; one with it begins clean
 * and keeps its registers over interruptions and upcalls; debuggers read and
 * write them, and cannot write what the CPU would choke on.
 */
#include "test.h"

static volatile uint64_t said[8];

static void
use_sse(uint64_t unused)
{
    (void)unused;
    __asm__ volatile("xorps %xmm0, %xmm0");
    said[0] = 1;
}

TEST(fpu_needs_its_flag)
{
    struct exo_mortem m;
    said[0] = 0;
    struct kid *k = kid_start(KID_RAISES, use_sse, 0);
    kid_mortem(k, &m);
    EQ(m.vector, 7);
    EQ(said[0], 0);
    k = kid_start(KID_FPU, use_sse, 0);
    EQ(kid_join(k), 0);
    EQ(said[0], 1);
}

/* All 16 SSE registers, control words and the x87 stack's top. */
struct sse {
    uint64_t xmm[32];
    uint32_t mxcsr;
    uint16_t fcw, fsw;
} __attribute__((aligned(64)));

static void
sse_read(struct sse *s)
{
    __asm__ volatile("movups %%xmm0, (%0); movups %%xmm1, 16(%0)\n\t"
                     "movups %%xmm2, 32(%0); movups %%xmm3, 48(%0)\n\t"
                     "movups %%xmm4, 64(%0); movups %%xmm5, 80(%0)\n\t"
                     "movups %%xmm6, 96(%0); movups %%xmm7, 112(%0)\n\t"
                     "movups %%xmm8, 128(%0); movups %%xmm9, 144(%0)\n\t"
                     "movups %%xmm10, 160(%0); movups %%xmm11, 176(%0)\n\t"
                     "movups %%xmm12, 192(%0); movups %%xmm13, 208(%0)\n\t"
                     "movups %%xmm14, 224(%0); movups %%xmm15, 240(%0)\n\t"
                     "stmxcsr 256(%0); fnstcw 260(%0); fnstsw 262(%0)"
                     :
                     : "r"(s)
                     : "memory");
}

static void
sse_write(const struct sse *s)
{
    __asm__ volatile("movups (%0), %%xmm0; movups 16(%0), %%xmm1\n\t"
                     "movups 32(%0), %%xmm2; movups 48(%0), %%xmm3\n\t"
                     "movups 64(%0), %%xmm4; movups 80(%0), %%xmm5\n\t"
                     "movups 96(%0), %%xmm6; movups 112(%0), %%xmm7\n\t"
                     "movups 128(%0), %%xmm8; movups 144(%0), %%xmm9\n\t"
                     "movups 160(%0), %%xmm10; movups 176(%0), %%xmm11\n\t"
                     "movups 192(%0), %%xmm12; movups 208(%0), %%xmm13\n\t"
                     "movups 224(%0), %%xmm14; movups 240(%0), %%xmm15\n\t"
                     "ldmxcsr 256(%0); fldcw 260(%0)"
                     :
                     : "r"(s)
                     : "memory");
}

static struct sse clean_seen;

static void
look(uint64_t unused)
{
    (void)unused;
    sse_read(&clean_seen);
}

static void
dirty(uint64_t unused)
{
    (void)unused;
    struct sse s;
    fill(s.xmm, 0xdeadbeefdeadbeef, sizeof(s.xmm));
    s.mxcsr = 0x7f80; // round to zero
    s.fcw = 0x0f7f;
    sse_write(&s);
    __asm__ volatile("fld1; fld1");
    said[1] = 1;
    for (;;)
        __asm__ volatile("pause");
}

static void
check_clean(void)
{
    CHECK(is_filled(clean_seen.xmm, 0, sizeof(clean_seen.xmm)));
    EQ(clean_seen.mxcsr, 0x1f80);
    EQ(clean_seen.fcw, 0x037f);
    EQ(clean_seen.fsw, 0);
}

TEST(fpu_begins_clean_whatever_others_left)
{
    struct kid *d =
        kid_new(&(struct kid_plan){.flags = KID_FPU, .cpu1 = 1}, dirty, 0);
    said[1] = 0;
    kid_go(d);
    UNTIL(said[1]);
    for (unsigned i = 0; i < 3; i++) {
        struct kid *k =
            kid_new(&(struct kid_plan){.flags = KID_FPU, .cpu1 = 1}, look, 0);
        fill(&clean_seen, 1, sizeof(clean_seen.xmm));
        kid_go(k);
        EQ(kid_join(k), 0);
        check_clean();
        kid_end(k);
    }
}

static void
look_after_yield(uint64_t unused)
{
    (void)unused;
    struct sse s;
    fill(s.xmm, 0x1234567812345678, sizeof(s.xmm));
    s.mxcsr = 0x1f80;
    s.fcw = 0x037f;
    sse_write(&s);
    exo_yield(0, 0);
    sse_read(&clean_seen);
}

TEST(fpu_is_the_env_s_own_or_initial_after_a_yield)
{
    struct kid *d =
        kid_new(&(struct kid_plan){.flags = KID_FPU, .cpu1 = 1}, dirty, 0);
    said[1] = 0;
    kid_go(d);
    UNTIL(said[1]);
    struct kid *k = kid_new(&(struct kid_plan){.flags = KID_FPU, .cpu1 = 1},
                            look_after_yield, 0);
    kid_go(k);
    EQ(kid_join(k), 0);
    for (unsigned i = 0; i < 32; i++)
        CHECK(clean_seen.xmm[i] == 0 ||
              clean_seen.xmm[i] == 0x1234567812345678);
    EQ(clean_seen.fsw, 0);
}

static void
hold(uint64_t seed)
{
    struct sse s, t;
    for (unsigned i = 0; i < 32; i++)
        s.xmm[i] = seed * (i + 1);
    s.mxcsr = 0x1f80 | (seed & 3) << 13;
    s.fcw = 0x037f;
    sse_write(&s);
    uint64_t broken = 0;
    for (unsigned round = 0; round < 300; round++) {
        broken += pattern_spin(seed, 200);
        sse_read(&t);
        for (unsigned i = 0; i < 32; i++)
            broken += t.xmm[i] != s.xmm[i];
        broken += t.mxcsr != s.mxcsr;
    }
    said[2] += broken;
}

TEST(fpu_survives_being_switched)
{
    said[2] = 0;
    struct kid *k[3];
    for (unsigned i = 0; i < 3; i++) {
        k[i] = kid_new(&(struct kid_plan){.flags = KID_FPU, .cpu1 = 1}, hold,
                       0x0123456789abcdef + i);
        kid_go(k[i]);
    }
    for (unsigned i = 0; i < 3; i++)
        EQ(kid_join(k[i]), 0);
    EQ(said[2], 0);
}

static void
step_over(struct exo_frame *f)
{
    f->rip += 2;
}

static void
hold_over_upcalls(uint64_t seed)
{
    struct sse s, t;
    on_upcall(uarea(), EXO_UP_FAULT, step_over);
    fill(s.xmm, seed, sizeof(s.xmm));
    s.mxcsr = 0x1f80;
    s.fcw = 0x037f;
    sse_write(&s);
    said[3] = pattern_trap(seed);
    for (unsigned i = 0; i < 10; i++)
        exo_null();
    sse_read(&t);
    said[3] += !is_filled(t.xmm, seed, sizeof(t.xmm));
}

TEST(fpu_survives_upcalls_and_calls)
{
    struct kid *k = kid_start(KID_FPU, hold_over_upcalls, 0x77777777);
    EQ(kid_join(k), 0);
    EQ(said[3], 0);
}

static uint8_t area[4096] __attribute__((aligned(64)));

TEST(fpu_state_is_read_and_written)
{
    struct kid *k = kid_new(&(struct kid_plan){.flags = KID_FPU}, look, 0);
    EQ(exo_env_state(ROOT_CAP, k->id, EXO_STATE_FPU_READ, area), 0);
    fill(area + 160, 0x4242424242424242, 256); // xmm0..15
    *(uint64_t *)(area + 512) |= 3;            // XSTATE_BV: x87, SSE
    EQ(exo_env_state(ROOT_CAP, k->id, EXO_STATE_FPU_WRITE, area), 0);
    kid_go(k);
    EQ(kid_join(k), 0);
    CHECK(is_filled(clean_seen.xmm, 0x4242424242424242, 256));
}

TEST(fpu_state_that_would_fault_is_refused)
{
    struct kid *k = kid_new(&(struct kid_plan){.flags = KID_FPU}, look, 0);
    bool xsave = exo_machine()->features & EXO_HAS_XSAVE;
    const struct {
        unsigned at;
        uint64_t value;
    } bad[] = {
        {24, 0xffff0000},         // MXCSR: reserved bits
        {512, UINT64_C(1) << 63}, // XSTATE_BV
        {512, UINT64_C(1) << 20}, // a component that is not enabled
        {520, UINT64_C(1) << 63}, // XCOMP_BV: compacted
        {528, 1},                 // the header's reserved words
        {568, 1},
    };
    for (unsigned i = 0; i < (xsave ? ARRAY_SIZE(bad) : 1); i++) {
        EQ(exo_env_state(ROOT_CAP, k->id, EXO_STATE_FPU_READ, area), 0);
        *(uint64_t *)(area + bad[i].at) |= bad[i].value;
        FAILS(exo_env_state(ROOT_CAP, k->id, EXO_STATE_FPU_WRITE, area), INVAL);
    }
    FAILS(exo_env_state(ROOT_CAP, k->id, EXO_STATE_FPU_WRITE, (void *)SCRATCH),
          FAULT);
    kid_go(k);
    EQ(kid_join(k), 0);
    check_clean();
}
