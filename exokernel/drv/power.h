// SPDX-License-Identifier: MIT
/*
 * Ending it: power off with an exit code for the emulator, or restart.
 *
 * Ways are tried in order, each harmless where it does not exist: QEMU's debug
 * exit device (its status is code * 2 + 1), Bochs' shutdown port, ACPI S5.
 * What remains is a halted machine.
 */
#ifndef EXO_DRV_POWER_H
#define EXO_DRV_POWER_H

/* End the emulator we run in, if it is one with a way to; else returns. Waits
 * for the serial ports to drain first. code: 0..127. */
void power_exit_emulator(unsigned code);

/* Power off, by whatever way there is. code: for an emulator, 0..127. */
_Noreturn void power_off(unsigned code);

/* Restart by the chipset's reset register, the keyboard controller, and at last
 * a triple fault. */
_Noreturn void power_reboot(void);

#endif
