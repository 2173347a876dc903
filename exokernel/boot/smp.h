// SPDX-License-Identifier: MIT
/*
 * Finding and starting the other CPUs.
 *
 * The boot CPU is index 0; the others follow in the order of the firmware's
 * table. An application processor (AP) starts in real mode on the trampoline
 * page (boot/trampoline.S), goes through boot's page tables into the kernel and
 * ends in kernel_main_ap() on its own stack. An AP that does not answer in time
 * is reported and left out.
 *
 * Sources: [SDM3 9.4] MP initialisation protocol, INIT-SIPI-SIPI.
 */
#ifndef EXO_BOOT_SMP_H
#define EXO_BOOT_SMP_H

/*
 * How many CPUs the machine offers: of the MADT or MP table, else 1; at most
 * the boot option cpus=N and EXO_MAX_CPUS. Fixed once acpi_init() has run.
 */
unsigned smp_count(void);

/*
 * Start the others, all at once. Sets K.ncpus to the number that came up; those
 * are 0 .. K.ncpus - 1, without holes. Returns when every AP is on its own
 * stack with cpu_init(), apic_init_cpu() and timer_init_cpu() done, about to
 * call kernel_main_ap(). What does not come up within some two seconds is
 * reported and left out.
 * needs: K.cpu[0 .. smp_count() - 1] allocated, zeroed, their stacks mapped
 * (memory_map_stacks); APIC and timer of this CPU ready.
 */
void smp_start(void);

#endif
