// SPDX-License-Identifier: MIT
/*
 * What every way to boot must bring: CPUs, features, command line, modules.
 *
 * Must be seen: on each machine, by each protocol, the same kernel finds what
 * the loader passed and uses the features that the CPU has.
 */
#include "test.h"

TEST(boot_brings_all_cpus)
{
    EQ(NCPUS, option("cpus", 1));
    for (uint32_t cpu = 0; cpu < NCPUS; cpu++) {
        const volatile struct exo_cpu_info *i = exo_cpu_info(cpu);
        UNTIL(i->user + i->kernel + i->idle > 0);
    }
}

TEST(boot_uses_the_features_of_the_cpu)
{
    uint64_t expect = option("expect", 0);
    uint64_t has = exo_machine()->features;
    if ((has & expect) != expect)
        FAIL("features %lx lack %lx", has, expect & ~has);
}

TEST(boot_passes_the_command_line)
{
    EQ(option("seed", UINT64_MAX), option("seed", 0));
    CHECK(option("patience", 0) > 0);
}

TEST(boot_passes_modules_and_their_strings)
{
    const struct exo_machine *m = exo_machine();
    NEEDS(m->nmodules > 1, "this machine got one module");
    EQ(m->nmodules, 3);
    const char *name[] = {"test", "image first", "image second, with a comma"};
    const uint64_t bytes[] = {0, 5, 5000};
    for (unsigned n = 0; n < 3; n++) {
        const struct exo_module *module = &m->module[n];
        for (unsigned i = 0; name[n][i]; i++)
            EQ(module->name[i], name[n][i]);
        if (!n)
            continue;
        EQ(module->bytes, bytes[n]);
        for (uint64_t page = 0; page * 4096 < bytes[n]; page++)
            bind_here(SCRATCH + page * 4096, module->page + page, R);
        for (uint64_t i = 0; i < bytes[n]; i++)
            EQ(((const uint8_t *)SCRATCH)[i], 'A' + n);
        for (uint64_t page = 0; page * 4096 < bytes[n]; page++)
            unbind_here(SCRATCH + page * 4096);
    }
}

TEST(boot_gives_the_first_env_what_the_kernel_does_not_keep)
{
    const struct exo_machine *m = exo_machine();
    const struct exo_account *a = &ME->account[EXO_KIND_PAGE];
    CHECK(a->limit >= a->reserved);
    CHECK(a->reserved <= m->pages_total - m->pages_kernel);
    CHECK(a->used + m->pages_free <= m->pages_total - m->pages_kernel);
    EQ(ME->parent, 0);
    EQ(ME->state, EXO_ENV_RUNNING);
}

TEST(boot_leaves_no_memory_out)
{
    // Nearly all that the machine has is usable.
    const struct exo_machine *m = exo_machine();
    CHECK(m->pages_free > m->pages_total / 2);
}
