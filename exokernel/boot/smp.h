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
 * How many CPUs the machine offers: of the MADT, else 1; at most the boot
 * option cpus=N and EXO_MAX_CPUS. Known after acpi_init(); fixed.
 */
unsigned smp_count(void);

/*
 * Start them all. Returns when every AP has called kernel_main_ap() or has been
 * given up (at most about 100 ms, whatever their number).
 * needs: struct cpu of each index allocated; apic and timer of this CPU ready.
 * gives: K.ncpus is lowered when APs did not come up: CPUs that run are
 * 0 .. K.ncpus - 1, without holes.
 */
void smp_start(void);

#endif
