// SPDX-License-Identifier: MIT
/* Sweeps over the whole kernel state: see check.h. */
#include "debug/check.h"

#include "env/env.h"
#include "net/net.h"
#include "page/page.h"
#include "tlb/tlb.h"

static uint64_t every, calls;

void
check_all(void)
{
    check_page();
    for (uint32_t i = 1; i < K.nenvs; i++)
        if (K.env[i])
            check_env(K.env[i]);
    for (exo_page page = 1; page < K.npages; page++)
        if (K.page_info[page].use == EXO_USE_TABLE)
            check_table(page);
    check_net();
    for (unsigned i = 0; i < K.ncpus; i++)
        check_leaves(K.cpu[i]);
}

void
check_start(void)
{
    every = boot_option_number("check", 0);
    if (!every)
        return;
    K.trace_mask |= CHECK_BIT;
    check_all();
}

void
check_after_call(void)
{
    if (every && ++calls % every == 0)
        check_all();
}
