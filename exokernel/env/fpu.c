// SPDX-License-Identifier: MIT
/* FPU state: see fpu.h. */
#include "env/fpu.h"

#include "hw.h"
#include "lib/string.h"

#define FCW_INITIAL   0x037f
#define MXCSR_INITIAL 0x1f80
#define MXCSR_VALID   0xffff

/* The XSAVE area as far as its layout is fixed [SDM1 13.4]. */
struct fpu_area {
    uint16_t fcw, fsw, ftw, fop;
    uint64_t fip, fdp;
    uint32_t mxcsr, mxcsr_mask;
    uint8_t registers[480];
    uint64_t xstate_bv, xcomp_bv, header[6];
};

_Static_assert(offsetof(struct fpu_area, xstate_bv) == 512, "[SDM1 13.4.2]");

static struct fpu_area initial __attribute__((aligned(64)));

void
fpu_state_reset(void *area)
{
    struct fpu_area *a = area;
    memset(a, 0, EXO_PAGE_BYTES);
    a->fcw = FCW_INITIAL;
    a->mxcsr = MXCSR_INITIAL;
}

void
fpu_init(void)
{
    initial.fcw = FCW_INITIAL;
    initial.mxcsr = MXCSR_INITIAL;
}

bool
fpu_state_is_sane(const void *area)
{
    const struct fpu_area *a = area;
    if (a->mxcsr & ~(uint32_t)MXCSR_VALID)
        return false;
    if (!K.features.xsave)
        return true;
    for (unsigned i = 0; i < ARRAY_SIZE(a->header); i++)
        if (a->header[i])
            return false;
    return a->xcomp_bv == 0 && (a->xstate_bv & ~K.features.xcr0) == 0;
}

static void
load(const void *area)
{
    if (K.features.xsave)
        hw_xrstor(area, K.features.xcr0);
    else
        hw_fxrstor(area);
}

void
fpu_leave(struct env *e, bool full)
{
    e->fpu_saved = full;
    if (!full)
        return;
    if (K.features.xsave)
        hw_xsave(page_kva(e->fpu_page), K.features.xcr0);
    else
        hw_fxsave(page_kva(e->fpu_page));
}

void
fpu_enter(struct cpu *c, struct env *e)
{
    bool uses = e->info->flags & EXO_ENV_FPU;
    hw_clts();
    load(uses && e->fpu_saved ? page_kva(e->fpu_page) : &initial);
    c->fpu_off = !uses;
    if (!uses)
        hw_stts();
}
